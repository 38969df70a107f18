"""What is compared, chosen from the averages where it was not given."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from ._images import is_smooth, n_angles, n_rings, next_smooth, ring_radii, roomy_diameter
from ._signal import Signal, find_signal
from .checks import as_band, as_max_shift, as_positive, as_weights, as_whole
from .config import AffinitySettings
from .errors import RebalanceError

Floats = NDArray[np.float32]

LEAST_DIAMETER = 4  # px: one wave across it is still a frequency below the highest
MOST_POINTS = 2**30  # of shift and angle: with the mirror, what the search numbers in 32 bits
HIGHEST = 1 / 3  # cycles/px: beyond, the interpolation behind 2D classes has damped the signal
MOST_WAVES = 64.0  # across the mask: finer detail tells no views apart that coarser does not
LEAST_WAVES = 8.0  # across the mask: coarser detail alone tells no views apart


def complete(settings: AffinitySettings, images: Floats, threads: int = 1) -> AffinitySettings:
    """`settings` with every None replaced by what suits the (N, L, L) `images`."""
    box = images.shape[1]
    max_shift = _max_shift(settings.max_shift, box)
    diameter = _mask_diameter(settings.mask_diameter, images, max_shift)
    signal = None
    if settings.band is None:  # in a band that was given, every sample of the plane counts alike
        signal = find_signal(images, diameter, max_shift, _widest_band(diameter), threads)
    band = _band(settings.band, signal, diameter)
    step = _or(
        settings.shift_step, _default_step(band[1], max_shift, settings.exhaustive), "shift step"
    )
    angles = _n_angles(settings.angles, band, diameter)
    _check_grid(max_shift, step, angles)
    rings = _n_rings(settings.rings, band, diameter)
    return dataclasses.replace(
        settings,
        band=band,
        mask_diameter=diameter,
        max_shift=max_shift,
        shift_step=step,
        rings=rings,
        angles=angles,
        weights=_weights(settings.weights, signal, ring_radii(band, rings)),
    )


def _mask_diameter(diameter: float | None, images: Floats, max_shift: float) -> float:
    box = images.shape[1]
    if diameter is None:
        return max(roomy_diameter(images, max_shift), LEAST_DIAMETER)
    diameter = as_positive("mask diameter", diameter, "px")
    if not LEAST_DIAMETER <= diameter <= box:
        raise RebalanceError(
            f"mask diameter must be from {LEAST_DIAMETER} px to the width of the images "
            f"({box} px), not {diameter:g} px"
        )
    return diameter


def _or(value: float | None, default: float, name: str) -> float:
    return default if value is None else as_positive(name, value, "px")


def _max_shift(max_shift: float | None, box: int) -> float:
    # Averages are centred to a few per cent of the box; elongated particles need the room.
    if max_shift is None:
        return float(max(2, round(0.09 * box)))
    return as_max_shift(max_shift, box)


def _widest_band(diameter: float) -> tuple[float, float]:
    low = 1.0 / diameter  # nothing slower fits the mask
    return low, min(max(min(HIGHEST, MOST_WAVES * low), 3 * low), 0.5)


def _band(
    band: tuple[float, float] | None, signal: Signal | None, diameter: float
) -> tuple[float, float]:
    if band is not None:
        return as_band(band)
    low, _ = _widest_band(diameter)
    limit = 0.25 if signal is None else signal.limit()
    return low, min(max(limit, LEAST_WAVES * low), 0.5)


def _weights(
    weights: tuple[float, ...] | None, signal: Signal | None, radius: NDArray[np.float64]
) -> tuple[float, ...]:
    if weights is not None:
        return as_weights(weights, len(radius))
    found = None if signal is None else signal.weights(radius)
    return found or tuple(float(k) for k in radius / radius.max())


def _check_grid(max_shift: float, step: float, angles: int) -> None:
    points = math.pi * (max_shift / step + 1) ** 2 * angles
    if points >= MOST_POINTS:
        raise RebalanceError(
            f"the grid of shifts and angles must have fewer than {MOST_POINTS:,} points, not "
            f"about {points:.3g}: give a larger shift step or a smaller maximum shift"
        )


def _default_step(high: float, max_shift: float, exhaustive: bool) -> float:
    # A correlation band-limited at `high` varies over 1 / (2 high) px: two steps within that, and
    # whole steps to the maximum, so that the grid fills the range.
    if exhaustive or max_shift == 0:
        return 1.0
    return max(1.0, max_shift / math.ceil(max_shift * high / 0.25))


def _n_rings(rings: int | None, band: tuple[float, float], diameter: float) -> int:
    return n_rings(band, diameter) if rings is None else as_whole("rings", rings, 1, 4096)


def _n_angles(angles: int | None, band: tuple[float, float], diameter: float) -> int:
    if angles is None:
        return n_angles(band, diameter)
    number = as_whole("angles", angles, 8, 65536)
    if not is_smooth(number):
        raise RebalanceError(
            "angles must be even and a product of 2, 3 and 5 only, "
            f"not {number}: {next_smooth(number)} is the next"
        )
    return number
