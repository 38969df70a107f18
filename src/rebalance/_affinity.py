"""Affinity of class averages: the best correlation over in-plane angle, shift and mirror."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._defaults import complete
from ._images import shift_grid, soft_mask
from .checks import as_images, as_positive, as_threads
from .config import AffinitySettings

Progress = Callable[[int, int], None]


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

    def __len__(self) -> int:
        return len(self.values)


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
    threads: int | None = None,
    progress: Progress | None = None,
) -> Affinity:
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
        Search shifts in steps of 1 px, without short cuts.
    weights : sequence of float, optional
        Weight of the power on each ring, one per ring; the radii of the rings weigh every sample
        of the plane alike, as they do by default in a band that is given. Default without a band:
        from what near averages have in common.
    threads : int, optional
        Default: all processors that this process may use. The result is the same to the bit.
    progress : callable, optional
        Called as ``progress(done, total)`` a few times a second.

    Returns
    -------
    Affinity

    Raises
    ------
    RebalanceError
        For images that are not finite and square, and settings out of range.

    Notes
    -----
    For images i and j and a shift t of j, the correlation over all in-plane angles is the Fourier
    series of g_m = sum_k w_k a_m^i(k) conj(a_m^j,t(k)), a_m(k) the angular Fourier coefficients
    of the transform on the ring of radius k, w_k its weight; without the conjugation it is that
    of the mirror image (Joyeux & Penczek 2002; Rangan et al. 2020).
    """
    stack = as_images(images)
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
    return compare(stack, complete(asked, stack, number), number, progress)


def compare(
    images: NDArray[np.float32],
    settings: AffinitySettings,
    threads: int,
    progress: Progress | None = None,
) -> Affinity:
    """Affinity of (N, L, L) `images` under complete `settings`."""
    assert settings.band
    assert settings.mask_diameter
    assert settings.rings
    assert settings.angles
    assert settings.max_shift is not None
    assert settings.shift_step
    assert settings.weights
    mask, rim = soft_mask(images.shape[1], settings.mask_diameter)
    rings = _core.PolarRings(
        images,
        mask=mask,
        rim=rim,
        low=settings.band[0],
        high=settings.band[1],
        n_rings=settings.rings,
        n_angles=settings.angles,
        weight=settings.weights,
        threads=threads,
    )
    values, angle, shift, mirror = _core.search_pairs(
        rings,
        shift_grid(settings.max_shift, settings.shift_step),
        mirror=settings.mirror,
        max_shift=settings.max_shift,
        max_step=settings.shift_step if settings.refine else 0.0,
        threads=threads,
        progress=progress,
    )
    return Affinity(values, angle, shift, mirror, settings)
