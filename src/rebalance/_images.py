"""Images: the circle that is compared of a class average, and the grids on which it is compared."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

EDGE = 0.07  # width of the soft edge of the mask, in mask diameters
WIDEST = 0.92  # of the box: the rest shows the level outside the particle
CONTRAST_SHARE = 0.99  # of the contrast above the noise lies inside the extent of the averages
AT_ONCE = 16  # images: so many stay in the cache
NOISE_SHARE = 0.04  # of the box: width of the outermost circles, which show noise only


def roomy_diameter(images: Floats, max_shift: float) -> float:
    """Diameter (px) of the mask whose flat part holds the averages, also when they are shifted.

    Contrast is the mean square of what stands above the border of the box, over all averages,
    each scaled alike; what the outermost circles show is noise.
    """
    box: int = images.shape[1]
    radius, contrast = _radial_contrast(images)
    noise = float(np.median(contrast[-max(2, round(NOISE_SHARE * box)) :]))
    inside: Doubles = np.cumsum(np.maximum(contrast - noise, 0) * radius)
    widest = WIDEST * box
    if inside[-1] <= 0:
        return widest
    extent = float(radius[np.searchsorted(inside, CONTRAST_SHARE * inside[-1])])
    return min(2 * (extent + max_shift) / (1 - 2 * EDGE), widest)


def _radial_contrast(images: Floats) -> tuple[Doubles, Doubles]:
    """Radius (px) of the circles round the centre, and the mean square contrast on them."""
    box = images.shape[1]
    square = np.zeros(box * box)
    for first in range(0, len(images), AT_ONCE):
        square += _square_contrast(images[first : first + AT_ONCE])
    y, x = np.indices((box, box)) - box // 2
    circle = np.rint(np.hypot(y, x)).astype(int).ravel()
    contrast = np.bincount(circle, square) / np.bincount(circle)
    n = box // 2
    return np.arange(n), contrast[:n]


def _square_contrast(images: Floats) -> Doubles:
    """(L * L) squares of what stands above the border of each image, scaled to sum 1, added up."""
    pixels = images.reshape(len(images), -1)
    border = np.concatenate(
        [images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1
    ).mean(axis=1, dtype=np.float64)
    level = border.astype(np.float32)
    contrast: Floats = pixels - level[:, None]
    most, least = pixels.max(axis=1), pixels.min(axis=1)
    largest = np.maximum(most - level, level - least)
    highest = np.maximum(most, -least)
    seen = largest > 1e-6 * highest  # the others are blank
    contrast = contrast[seen] / largest[seen, None]
    contrast *= contrast
    total = contrast.sum(axis=1)
    return np.asarray((1.0 / total) @ contrast, dtype=np.float64)


def ring_radii(band: tuple[float, float], rings: int) -> Doubles:
    """(K,) radii in cycles/px: the middle of equal parts of the band."""
    width = (band[1] - band[0]) / rings
    return np.asarray(band[0] + (np.arange(rings) + 0.5) * width)


def n_rings(band: tuple[float, float], diameter: float) -> int:
    """Rings that are enough for a mask."""
    # An image of this diameter has independent samples 1 / diameter apart.
    return max(8, math.ceil(1.2 * (band[1] - band[0]) * diameter))


def n_angles(band: tuple[float, float], diameter: float) -> int:
    """Samples per ring that are enough for a mask."""
    # A ring of radius k holds angular frequencies up to 2 pi k R, and a little more.
    highest = math.pi * band[1] * diameter
    return next_smooth(math.ceil(2 * (highest + 2 * highest ** (1 / 3) + 2)))


def is_smooth(number: int) -> bool:
    """Whether a number of angles is even and a product of 2, 3 and 5 only."""
    rest = number
    for prime in (2, 3, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1 and number % 2 == 0


def next_smooth(number: int) -> int:
    """Smallest possible number of angles from `number`."""
    while not is_smooth(number):
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
