"""Balancing: how many particles each superclass keeps, and which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Balance:
    """Which particles stay.

    Attributes
    ----------
    keep : (P,) bool array
        True for particles that stay.
    sizes : (K,) int64 array
        Particles of each superclass before.
    kept : (K,) int64 array
        Particles of each superclass after.
    cap : int or None
        Most particles that a superclass keeps; None: no limit.
    limiting : int or None
        The superclass whose size sets the cap; None where none does.
    """

    keep: NDArray[np.bool_]
    sizes: NDArray[np.int64]
    kept: NDArray[np.int64]
    cap: int | None
    limiting: int | None
