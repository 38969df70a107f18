"""Affinity of class averages: the best correlation over in-plane angle, shift and mirror."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._affinity_results import Affinity, AffinityBetween, SparseAffinity
from ._defaults import complete
from ._executor import Workers, tiled_affinity
from ._result_arrays import MEMORY_LIMIT, pair_arrays
from ._rings import polar_rings, search_of
from ._tiles import prepare
from .checks import as_executor, as_images, as_positive, as_threads, as_whole
from .config import AffinitySettings
from .errors import RebalanceError

if TYPE_CHECKING:
    from typing_extensions import TypedDict, Unpack

    class Search(TypedDict, total=False):
        pixel_size: float | None
        band: tuple[float, float] | None
        mask_diameter: float | None
        max_shift: float | None
        shift_step: float | None
        mirror: bool
        rings: int | None
        angles: int | None
        refine: bool
        exhaustive: bool
        weights: Sequence[float] | None
        memory_limit: int
        executor: Executor | None
        threads: int | None
        progress: Progress | None


Images = NDArray[np.float32]
Progress = Callable[[int, int], None]


@overload
def affinity(images: ArrayLike, *, top: None = None, **settings: Unpack[Search]) -> Affinity: ...
@overload
def affinity(images: ArrayLike, *, top: int, **settings: Unpack[Search]) -> SparseAffinity: ...
def affinity(
    images: ArrayLike,
    *,
    pixel_size: float | None = None,
    band: tuple[float, float] | None = None,
    mask_diameter: float | None = None,
    max_shift: float | None = None,
    shift_step: float | None = None,
    mirror: bool = True,
    rings: int | None = None,
    angles: int | None = None,
    refine: bool = True,
    exhaustive: bool = False,
    weights: Sequence[float] | None = None,
    top: int | None = None,
    memory_limit: int = MEMORY_LIMIT,
    executor: Executor | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Affinity | SparseAffinity:
    """Compare all class averages with each other.

    The affinity of two averages is their largest normalised correlation over in-plane angle,
    shift and mirror, clipped to [0, 1], under a soft circular mask and within a frequency band.

    Parameters
    ----------
    images : (N, L, L) array of real numbers
        Class averages, axis order (average, y, x).
    pixel_size : float, optional
        A per px. Not used by the search, whose lengths are px and frequencies cycles/px.
    band : (low, high), optional
        Frequencies compared, cycles/px, 0 <= low < high <= 0.5. Default: from one wave across
        the mask to where near averages have hardly anything in common.
    mask_diameter : float, optional
        px; default: from the extent of the averages' contrast, at most 0.92 L.
    max_shift : float, optional
        Radius of the disc of shifts searched, px; default 0.09 L; 0: no shifts.
    shift_step : float, optional
        Step of the grid of shifts, px; default: half of what the band can resolve.
    mirror : bool
        Compare with mirror images too: a view and its mirror image are seen from opposite sides.
    rings, angles : int, optional
        Samples of the transforms: number of rings in the band, and samples per ring (even, a
        product of 2, 3 and 5). Default: enough for band and mask.
    refine : bool
        Climb from the best grid point to the maximum in angle and shift.
    exhaustive : bool
        Scan the whole band, shifts in steps of 1 px, without short cuts. By default, if `refine`,
        the lower part of the band that holds most of the power is scanned on a coarser grid, and
        the hills found there are climbed in the whole band.
    weights : sequence of float, optional
        Weight of the power on each ring, one per ring; the radii of the rings weigh every sample
        of the plane alike, as they do by default in a band that is given. Default without a band:
        from what near averages have in common.
    top : int, optional
        Keep only so many nearest neighbours of every average, 1 to N - 1: memory grows with
        N times `top`, not with N squared. The search takes as long.
    memory_limit : int
        Bytes. If the arrays of all pairs, 17 N^2 bytes, are larger, they are memory-mapped files
        in the directory for temporary files (``TMPDIR``). The files have no names and are gone
        with the arrays. Of no effect with `top`.
    executor : concurrent.futures.Executor, optional
        Its workers compare tiles of the averages, of threads, processes (started by spawn) or
        other machines: ``ProcessPoolExecutor``, dask's ``Client.get_executor()``,
        ``mpi4py.futures.MPIPoolExecutor``. They need this version of rebalance. The result is the
        same to the bit where they compute with the same instruction set. Tiles that are lost with
        a worker are computed here, and ``warnings`` of the result says so.
    threads : int, optional
        Default: all processors that this process may use; with `executor`, one in every worker.
        The result is the same to the bit.
    progress : callable, optional
        Called as ``progress(done, total)`` a few times a second.

    Returns
    -------
    Affinity or, with `top`, SparseAffinity
        ``Affinity.mapped`` tells whether its arrays are files.

    Raises
    ------
    RebalanceError
        For images that are not finite and square, and settings out of range; if the files cannot
        be had.

    Notes
    -----
    For images i and j and a shift t of j, the correlation over all in-plane angles is the Fourier
    series of g_m = sum_k w_k a_m^i(k) conj(a_m^j,t(k)), a_m(k) the angular Fourier coefficients
    of the transform on the ring of radius k, w_k its weight; without the conjugation it is that
    of the mirror image (Joyeux & Penczek 2002; Rangan et al. 2020).
    """
    stack = as_images(images)
    limit = as_whole("memory limit", memory_limit, 0)
    if pixel_size is not None:
        as_positive("pixel size", pixel_size, "A")
    asked = AffinitySettings(
        band,
        mask_diameter,
        max_shift,
        shift_step,
        bool(mirror),
        rings,
        angles,
        refine,
        exhaustive,
        None if weights is None else tuple(weights),
    )
    number = as_threads(threads)
    if executor is not None:
        as_executor(executor)
    if top is not None:
        _check_top(top, len(stack))
    settings = complete(asked, stack, number)
    if executor is not None:
        prepared = prepare(stack, settings, number)
        workers = Workers(executor, 1 if threads is None else number, progress)
        return tiled_affinity(prepared, workers, top, limit)
    if top is not None:
        return _nearest(stack, settings, top, number, progress)
    return _all_pairs(stack, settings, limit, number, progress)


def affinity_between(
    a: ArrayLike,
    b: ArrayLike,
    *,
    pixel_size: float | None = None,
    band: tuple[float, float] | None = None,
    mask_diameter: float | None = None,
    max_shift: float | None = None,
    shift_step: float | None = None,
    mirror: bool = True,
    rings: int | None = None,
    angles: int | None = None,
    refine: bool = True,
    exhaustive: bool = False,
    weights: Sequence[float] | None = None,
    memory_limit: int = MEMORY_LIMIT,
    threads: int | None = None,
    progress: Progress | None = None,
) -> AffinityBetween:
    """Compare all class averages of one stack with all of another: a new set with a library.

    Parameters
    ----------
    a, b : (Na, L, L) and (Nb, L, L) arrays of real numbers
        Class averages of one box and pixel size, axis order (average, y, x).
    pixel_size, band, mask_diameter, max_shift, shift_step, mirror : optional
        As in :func:`affinity`; defaults are chosen from both stacks together.
    rings, angles, refine, exhaustive, weights, memory_limit, threads, progress : optional
        As in :func:`affinity`; the arrays take 17 Na Nb bytes.

    Returns
    -------
    AffinityBetween
        Entry [i, j] lays ``b[j]`` on ``a[i]``.

    Raises
    ------
    RebalanceError
        As :func:`affinity`, and for stacks of different boxes.
    """
    first, second = as_images(a), as_images(b)
    if first.shape[1] != second.shape[1]:
        raise RebalanceError(
            "both stacks must have images of one width, not "
            f"{first.shape[1]} px and {second.shape[1]} px: rescale one of them"
        )
    limit = as_whole("memory limit", memory_limit, 0)
    if pixel_size is not None:
        as_positive("pixel size", pixel_size, "A")
    asked = AffinitySettings(
        band,
        mask_diameter,
        max_shift,
        shift_step,
        bool(mirror),
        rings,
        angles,
        refine,
        exhaustive,
        None if weights is None else tuple(weights),
    )
    number = as_threads(threads)
    settings = complete(asked, np.concatenate([first, second]), number)
    out = pair_arrays(len(first), len(second), limit)
    rows, lanes = (polar_rings(stack, settings, number) for stack in (first, second))
    search = search_of(settings, number, rows, lanes)
    _core.search_between(rows, lanes, search, out, progress)
    return AffinityBetween(*out, settings)


def _check_top(top: object, n: int) -> None:
    if n < 2:
        raise RebalanceError(f"top needs at least 2 images, not {n}: leave it out")
    as_whole("top", top, 1, n - 1)


def _all_pairs(
    images: Images, settings: AffinitySettings, limit: int, threads: int, progress: Progress | None
) -> Affinity:
    """Affinity of (N, L, L) `images` under complete `settings`."""
    out = pair_arrays(len(images), len(images), limit)
    rings = polar_rings(images, settings, threads)
    _core.search_pairs(rings, search_of(settings, threads, rings), out, progress)
    return Affinity(*out, settings)


def _nearest(
    images: Images, settings: AffinitySettings, top: int, threads: int, progress: Progress | None
) -> SparseAffinity:
    """The `top` nearest neighbours of each of (N, L, L) `images` under complete `settings`."""
    n = len(images)
    neighbour = np.empty((n, top), np.int32)
    out = pair_arrays(n, top, sys.maxsize)
    rings = polar_rings(images, settings, threads)
    search = search_of(settings, threads, rings)
    _core.search_nearest(rings, search, neighbour, out, progress)
    return SparseAffinity(neighbour, *out, settings)
