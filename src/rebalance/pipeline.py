"""The method in a page. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._affinity import Affinity
from ._balance import Balance
from ._superclasses import Superclasses
from .config import RunSettings
from .io.tables import ClassAverages


@dataclass(frozen=True)
class Result:
    """Everything that one run found.

    Attributes
    ----------
    settings : RunSettings
        The settings asked for; what was chosen from the data stands in `affinity.settings`.
    averages : ClassAverages
        All N averages of the input.
    particles : (N,) int64 array
        Particles per average.
    left_out : tuple of N str
        Why an average takes no part (``blank``, ``no particles``, ``not selected``); empty where
        it does.
    affinity : Affinity
        Of all N averages; a blank one has affinity 0 to all others.
    superclasses : Superclasses
        Label -1 where `left_out` is not empty.
    balance : Balance
        Over all P particles.
    kept : (N,) int64 array
        Particles kept per average.
    warnings : tuple of str
        What the user should know, a sentence each.
    """

    settings: RunSettings
    averages: ClassAverages
    particles: NDArray[np.int64]
    left_out: tuple[str, ...]
    affinity: Affinity
    superclasses: Superclasses
    balance: Balance
    kept: NDArray[np.int64]
    warnings: tuple[str, ...]
