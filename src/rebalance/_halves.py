"""Half sets: how the particles that a superclass keeps are shared between its halves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

N_PARTS = 3  # half 1, half 2, neither


def part_of(half_sets: NDArray[np.generic]) -> NDArray[np.int8]:
    """(P,) part of each particle: 0 for half set 1, 1 for half set 2, 2 for anything else."""
    part = np.full(len(half_sets), 2, dtype=np.int8)
    part[half_sets == 1] = 0
    part[half_sets == 2] = 1
    return part


def share_among_halves(sizes: Counts, kept: Counts) -> Counts:
    """How many particles each part of a superclass keeps.

    The halves differ by at most 1, or as little as their sizes allow. Particles of neither half
    keep their share in the superclass, or more where the halves can only so be alike.

    Parameters
    ----------
    sizes : (K, 3) int64 array
        Particles of half set 1, half set 2 and neither, of each superclass.
    kept : (K,) int64 array
        Particles that each superclass keeps.

    Returns
    -------
    (K, 3) int64 array
        Adds up to `kept`; no entry above its size.
    """
    first, second, neither = sizes.T
    total = np.maximum(sizes.sum(axis=1), 1)
    share = (2 * kept * neither + total) // (2 * total)  # rounded
    fewest, most = np.maximum(kept - neither, 0), np.minimum(kept, first + second)
    alike = 2 * np.minimum(first, second) + (first != second)
    in_halves = np.maximum(fewest, np.minimum(np.clip(kept - share, fewest, most), alike))
    of_smaller = np.minimum(np.minimum(first, second), in_halves // 2)
    is_smaller = first < second  # the larger half gets the odd one
    of_first = np.where(is_smaller, of_smaller, in_halves - of_smaller)
    return np.stack([of_first, in_halves - of_first, kept - in_halves], axis=1)
