"""Images: what is compared of a class average, and the grids on which it is compared."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from .checks import as_band, as_positive, as_whole
from .config import AffinitySettings
from .errors import RebalanceError

Floats = NDArray[np.float32]

EDGE = 0.07  # width of the soft edge of the mask, in mask diameters
LEAST_DIAMETER = 4.0  # px; in less, not two frequencies fit
SIGNAL_SHARE = 0.98  # of the averages' power above the noise floor lies below the band limit


def complete(settings: AffinitySettings, images: Floats) -> AffinitySettings:
    """`settings` with every None replaced by what suits the (N, L, L) `images`."""
    box = images.shape[1]
    diameter = _or(settings.mask_diameter, 0.92 * box, "mask diameter")
    if diameter > box:
        raise RebalanceError(
            f"mask diameter must fit the images ({box} px), not {diameter:g} px: give less"
        )
    if diameter < LEAST_DIAMETER:
        raise RebalanceError(
            f"mask diameter must be at least {LEAST_DIAMETER:g} px, not {diameter:g} px: give more"
        )
    max_shift = _max_shift(settings.max_shift, box)
    band = _band(settings.band, images, diameter)
    step = _or(settings.shift_step, _default_step(band[1], settings.exhaustive), "shift step")
    return dataclasses.replace(
        settings,
        band=band,
        mask_diameter=diameter,
        max_shift=max_shift,
        shift_step=step,
        rings=_n_rings(settings.rings, band, diameter),
        angles=_n_angles(settings.angles, band, diameter),
    )


def _or(value: float | None, default: float, name: str) -> float:
    return default if value is None else as_positive(name, value, "px")


def _max_shift(max_shift: float | None, box: int) -> float:
    # Averages are centred to a few per cent of the box; elongated particles need the room.
    if max_shift is None:
        return float(max(2, round(0.09 * box)))
    if max_shift == 0:
        return 0.0
    radius = as_positive("maximum shift", max_shift, "px")
    if radius > box / 2:
        raise RebalanceError(
            f"maximum shift must be at most half the images ({box / 2:g} px), not {radius:g} px: "
            "give less"
        )
    return radius


def _default_step(high: float, exhaustive: bool) -> float:
    # A correlation band-limited at `high` varies over 1 / (2 high) px: two steps within that.
    return 1.0 if exhaustive else max(1.0, round(0.25 / high))


def _band(band: tuple[float, float] | None, images: Floats, diameter: float) -> tuple[float, float]:
    if band is not None:
        return as_band(band)
    low = 1.0 / diameter  # nothing slower fits the mask
    return low, min(max(_signal_limit(images), 3 * low), 0.5)


def _signal_limit(images: Floats) -> float:
    """Frequency (cycles/px) below which nearly all power above the noise floor lies."""
    frequency, power = radial_power(images)
    floor = np.median(power[frequency > 0.4])
    signal = np.cumsum(np.maximum(power - floor, 0) * frequency)
    if signal[-1] <= 0:
        return 0.25
    return float(frequency[np.searchsorted(signal, SIGNAL_SHARE * signal[-1])])


def radial_power(images: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean power of the images around rings of 1 / L cycles/px: frequencies and powers."""
    box = images.shape[1]
    spectrum = np.zeros((box, box // 2 + 1))
    for image in images:
        spectrum += np.abs(np.fft.rfft2(image - image.mean())) ** 2
    y = np.fft.fftfreq(box)[:, None]
    x = np.fft.rfftfreq(box)[None, :]
    ring = np.rint(np.hypot(y, x) * box).astype(int).ravel()
    rings = np.arange(1, box // 2 + 1)
    power = np.bincount(ring, spectrum.ravel()) / np.maximum(np.bincount(ring), 1)
    return rings / box, power[rings]


def _n_rings(rings: int | None, band: tuple[float, float], diameter: float) -> int:
    if rings is not None:
        return as_whole("rings", rings, 1, 4096)
    # An image of this diameter has independent samples 1 / diameter apart.
    return max(8, math.ceil(1.2 * (band[1] - band[0]) * diameter))


def _n_angles(angles: int | None, band: tuple[float, float], diameter: float) -> int:
    if angles is not None:
        number = as_whole("angles", angles, 8, 65536)
        if not _is_smooth(number):
            raise RebalanceError(
                "angles must be even and a product of 2, 3 and 5 only, "
                f"not {number}: {_next_smooth(number)} is the next"
            )
        return number
    # A ring of radius k holds angular frequencies up to 2 pi k R, and a little more.
    highest = math.pi * band[1] * diameter
    return _next_smooth(math.ceil(2 * (highest + 2 * highest ** (1 / 3) + 2)))


def _is_smooth(number: int) -> bool:
    rest = number
    for prime in (2, 3, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1 and number % 2 == 0


def _next_smooth(number: int) -> int:
    while not _is_smooth(number):
        number += 1
    return number


def shift_grid(max_shift: float, step: float) -> NDArray[np.float64]:
    """(T, 2) shifts (y, x) in px within a disc, the shortest first."""
    reach = int(max_shift / step + 1e-9)
    line = np.arange(-reach, reach + 1) * step
    y, x = (axis.ravel() for axis in np.meshgrid(line, line, indexing="ij"))
    length = y * y + x * x
    inside = length <= max_shift * max_shift + 1e-9
    order = np.lexsort((x[inside], y[inside], length[inside]))
    return np.stack([y[inside][order], x[inside][order]], axis=1)


def soft_mask(box: int, diameter: float) -> tuple[Floats, Floats]:
    """(L, L) soft circular mask, and (L, L) its rim: 1 where the edge lies, else 0.

    The mean under the rim is the level that is removed from an image before it is masked. The
    rim lies outside the particle, so that what is left does not depend on where the particle
    lies: a level taken inside would leave a disc that stays when the particle moves.
    """
    y, x = np.indices((box, box)) - box // 2
    inside = diameter / 2 - np.hypot(y, x)  # px from the outer edge
    width = max(EDGE * diameter, 2.0)
    mask = 0.5 - 0.5 * np.cos(np.pi * np.clip(inside / width, 0, 1))
    rim = (inside > 0) & (inside < width)
    if box % 2 == 0:  # row and column -L/2 have no counterpart
        mask[0, :] = mask[:, 0] = 0
    return mask.astype(np.float32), rim.astype(np.float32)
