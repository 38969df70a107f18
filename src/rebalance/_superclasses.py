"""Superclasses: groups of class averages that show the same view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Superclasses:
    """A grouping of N class averages.

    Attributes
    ----------
    labels : (N,) int32 array
        Superclass of each average: 0-based by falling number of averages, ties by lowest index;
        -1 = none.
    order : (N,) int32 array
        Display order: averages of one superclass together, the -1 last.
    n_superclasses : int
        Number of superclasses.
    curve : dict of str to array
        For every number of superclasses tried: ``n_superclasses`` and ``silhouette``; empty when
        the number was given.
    """

    labels: NDArray[np.int32]
    order: NDArray[np.int32]
    n_superclasses: int
    curve: dict[str, NDArray[np.float64]]
