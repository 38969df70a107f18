"""Rays of the transforms of class averages, as the search for common lines wants them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from . import _core
from ._align import transform_image
from ._images import soft_mask

if TYPE_CHECKING:
    from ._affinity_results import Affinity

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

RAYS = 64  # on a half circle, 2.8 degrees apart
WAVES = 10.0  # across the mask, at the end of the band
LONGEST = 0.3  # waves across the mask, at its beginning
RINGS = 12
SHIFTS = 7  # along a line, from -3 to 3 steps
STEP = 0.014  # of the mask diameter: a seventh of the shortest wave
WHITENING = 0.25  # power of the mean power that samples are divided by
EXTENT_SHARE = 0.97  # of the stack's contrast lies inside the mask
ROOM = 2.0  # px round it
SMOOTH = 0.035  # of the box: standard deviation of the blur that centres of mass are taken after
FAINT = 0.1  # of the brightest of an average: what stands out less has no mass
NEAREST = 3  # averages that one is averaged with


@dataclass(frozen=True)
class LineRays:
    """What the search for common lines compares.

    Attributes
    ----------
    rays : (N, 64, K, 2) float32 array
        Transform of each centred average on rays of a half circle, the first along axis 1, going
        counter-clockwise (to axis 0), of unit norm; real and imaginary part. A ray of an average
        without contrast is 0.
    phase : (T, K, 2) float32 array
        Factor of a ray that shifts the average along it.
    contrast : (N,) bool array
        Averages that have any.
    """

    rays: Floats
    phase: Floats
    contrast: NDArray[np.bool_]


def line_rays(images: Floats, threads: int) -> LineRays:
    """Centre (N, L, L) averages by mass, mask them and take the rays of their transforms."""
    centred = centre(images)
    diameter = mask_diameter(centred)
    low, high = LONGEST / diameter, min(WAVES / diameter, 0.5)
    mask, rim = soft_mask(images.shape[1], diameter)
    rings = _core.PolarRings(
        centred,
        mask=mask,
        rim=rim,
        low=low,
        high=high,
        n_rings=RINGS,
        n_angles=2 * RAYS,
        weight=[1.0] * RINGS,
        threads=threads,
    )
    rays, contrast = _unit_rays(rings.samples())
    radius = low + (np.arange(RINGS) + 0.5) * (high - low) / RINGS
    along = STEP * diameter * (np.arange(SHIFTS) - SHIFTS // 2)
    phase = 2 * np.pi * along[:, None] * radius
    return LineRays(rays, _pairs(np.exp(1j * phase)), contrast)


def centre(images: Floats) -> Floats:
    """Move the centre of mass of what stands out of each average to pixel L // 2."""
    box = images.shape[1]
    y, x = np.indices((box, box)) - box // 2
    outside = np.hypot(y, x) > 0.46 * box
    smooth = (0, SMOOTH * box, SMOOTH * box)
    mass = ndimage.gaussian_filter(images, smooth, output=np.float32, mode="wrap")
    mass -= np.median(mass[:, outside], axis=1)[:, None, None]
    mass[:, outside] = 0
    # What stands out little is as often noise.
    mass -= FAINT * np.quantile(mass.reshape(len(mass), -1), 0.98, axis=1)[:, None, None]
    np.maximum(mass, 0, out=mass)
    total = np.maximum(mass.sum(axis=(1, 2), dtype=np.float64), 1e-30)
    shift = np.stack(
        [np.einsum("nyx,yx->n", mass, axis.astype(np.float64)) / total for axis in (y, x)], axis=1
    )
    return _moved(images, -shift)


def _moved(images: Floats, shift: Doubles) -> Floats:
    """(N, L, L) averages, each moved by `shift` (y, x) px round the box."""
    box = images.shape[1]
    of_y, of_x = np.fft.fftfreq(box), np.fft.rfftfreq(box)
    moved = np.empty_like(images)
    for image, (y, x), out in zip(images, shift, moved, strict=True):
        turn = np.exp(-2j * np.pi * y * of_y)[:, None] * np.exp(-2j * np.pi * x * of_x)
        out[:] = np.fft.irfft2(np.fft.rfft2(image) * turn, s=(box, box))
    return moved


def mask_diameter(images: Floats) -> float:
    """Diameter (px) of the circle that holds most of the variance of centred averages."""
    box: int = images.shape[1]
    y, x = np.indices((box, box)) - box // 2
    circle = np.rint(np.hypot(y, x)).astype(int).ravel()
    profile = np.bincount(circle, images.var(axis=0, dtype=np.float64).ravel())[: box // 2]
    inside = np.cumsum(profile)
    if inside[-1] <= 0:
        return float(0.9 * box)
    radius = float(np.searchsorted(inside, EXTENT_SHARE * inside[-1])) + ROOM
    return min(2 * radius, float(box - 2))


def _unit_rays(samples: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Rays of unit norm from (N, K, 128) samples Re F + Im F."""
    near, far = samples[:, :, :RAYS], samples[:, :, RAYS:]
    transform = ((near + far) + 1j * (near - far)) / 2
    power = np.mean(np.abs(transform) ** 2, axis=(0, 2))
    transform /= np.maximum(power, 1e-30)[:, None] ** WHITENING
    norm = np.sqrt(np.sum(np.abs(transform) ** 2, axis=1, keepdims=True))
    transform /= np.maximum(norm, 1e-30)
    return _pairs(transform.transpose(0, 2, 1)), norm.max(axis=(1, 2)) > 0


def _pairs(values: NDArray[Any]) -> Floats:
    """Real and imaginary part along a last axis."""
    return np.ascontiguousarray(np.stack([values.real, values.imag], axis=-1), dtype=np.float32)


def near_means(images: Floats, aff: Affinity, chosen: NDArray[np.int32]) -> Floats:
    """Mean of each chosen average with its nearest ones laid on it: less noise, blurred views."""
    values = aff.values[chosen]
    values[np.arange(len(chosen)), chosen] = -1
    nearest = np.argsort(-values, axis=1, kind="stable")[:, : min(NEAREST, len(images) - 1)]
    means = images[chosen]
    for n, i in enumerate(chosen):
        for j in nearest[n]:
            means[n] += transform_image(
                images[j], float(aff.angle[i, j]), aff.shift[i, j], bool(aff.mirror[i, j])
            )
    return means
