"""A stored affinity, and new averages: only the rows of the new ones are computed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._affinity_results import Affinity
from ._result_arrays import MEMORY_LIMIT, PairArrays, pair_arrays, small_arrays
from ._rings import polar_rings, search_of
from ._tiles import TilePairs, put
from .checks import as_images, as_threads
from .errors import RebalanceError

Images = NDArray[np.float32]
Indices = NDArray[np.intp]

AT_ONCE = 1024  # new averages: what is found of them lies in memory twice


def extend_affinity(
    aff: Affinity, images: ArrayLike, new_images: ArrayLike, *, threads: int | None = None
) -> Affinity:
    """Add new class averages to an affinity, by computing only their rows.

    Parameters
    ----------
    aff : Affinity
        Of the averages compared before.
    images : (N, L, L) array of real numbers
        Those averages.
    new_images : (M, L, L) array of real numbers
        Averages to add.
    threads : int, optional
        Default: all processors that this process may use. The result is the same to the bit.

    Returns
    -------
    Affinity
        Of N + M averages, the new ones last, under the settings of `aff`: the new ones have no say
        in them. What `aff` holds is unchanged; pairs with a new average are those of
        :func:`affinity_between`, and of :func:`affinity`, under these settings.

    Raises
    ------
    RebalanceError
        For images that are not finite, or of another number or width than those compared.
    """
    known, new = as_images(images), as_images(new_images)
    if len(known) != len(aff):
        raise RebalanceError(
            f"the affinity is of {len(aff)} averages, and {len(known)} images are given with it: "
            "give those that it was computed from"
        )
    if known.shape[1] != new.shape[1]:
        raise RebalanceError(
            "both stacks must have images of one width, not "
            f"{known.shape[1]} px and {new.shape[1]} px: rescale one of them"
        )
    at = np.concatenate([np.arange(len(known)), np.full(len(new), -1)])
    return rows_added(aff, np.concatenate([known, new]), at, as_threads(threads))


def rows_added(aff: Affinity, images: Images, at: Indices, threads: int) -> Affinity:
    """Affinity of (N, L, L) `images`, `at` (N,) saying where `aff` holds each; -1: new."""
    old, new = np.flatnonzero(at >= 0), np.flatnonzero(at < 0)
    out = pair_arrays(len(images), len(images), MEMORY_LIMIT)
    _copy(aff, at[old], old, out)
    if len(new) == 0:
        return Affinity(*out, aff.settings)
    rings = polar_rings(images[new], aff.settings, threads)
    if len(old) == 0:
        search = search_of(aff.settings, threads, rings)
        _core.search_pairs(rings, search, out)
        return Affinity(*out, aff.settings)
    old_rings = polar_rings(images[old], aff.settings, threads)
    search = search_of(aff.settings, threads, old_rings, rings)
    among = small_arrays(len(new), len(new))
    _core.search_pairs(rings, search, among)
    put(TilePairs(new, new, among, None, ""), out)
    for start in range(0, len(new), AT_ONCE):
        part = new[start : start + AT_ONCE]
        lanes = polar_rings(images[part], aff.settings, threads)
        on_old, on_new = small_arrays(len(old), len(part)), small_arrays(len(part), len(old))
        _core.search_between(old_rings, lanes, search, on_old, inverse=on_new)
        put(TilePairs(old, part, on_old, on_new, ""), out)
    return Affinity(*out, aff.settings)


def _copy(aff: Affinity, at: Indices, to: Indices, out: PairArrays) -> None:
    known = PairArrays(aff.values, aff.angle, aff.shift, aff.mirror)
    pairs = PairArrays._make(array[np.ix_(at, at)] for array in known)
    put(TilePairs(to, to, pairs, None, ""), out)
