"""Affinity of class averages: the best correlation over in-plane angle, shift and mirror."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .config import AffinitySettings


@dataclass(frozen=True)
class Affinity:
    """All-pairs affinity with the transform of every pair.

    Entry [i, j] of the transforms lays average j on average i: mirror j (axis 1, about index
    L//2) where `mirror` is true, turn it counter-clockwise (axis 0 upward) by `angle`, then shift
    it by `shift`; [j, i] is the inverse.

    Attributes
    ----------
    values : (N, N) float32 array
        Affinity, 0 to 1, symmetric, 1 on the diagonal.
    angle : (N, N) float32 array
        In-plane angle in degrees, counter-clockwise, in [-180, 180).
    shift : (N, N, 2) float32 array
        Shift (y, x) in px.
    mirror : (N, N) bool array
        Whether j is mirrored.
    settings : AffinitySettings
        The settings with every None replaced by what was chosen from the data.
    """

    values: NDArray[np.float32]
    angle: NDArray[np.float32]
    shift: NDArray[np.float32]
    mirror: NDArray[np.bool_]
    settings: AffinitySettings
