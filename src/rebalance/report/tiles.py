"""Class averages as small grey squares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

LARGE_SIDE, SMALL_SIDE = 64, 48  # px
MANY = 400  # averages, from which on tiles are small


def grey_limits(image: NDArray[np.floating]) -> tuple[float, float]:
    """Black and white of an average: nearly its darkest and lightest inside the inscribed circle.

    Parameters
    ----------
    image : (L, L) array
        A class average.

    Returns
    -------
    tuple of float
        (low, high), low < high also for an image of one value.
    """
    radius = image.shape[0] / 2
    y, x = np.ogrid[: image.shape[0], : image.shape[1]]
    inside = (y - image.shape[0] // 2) ** 2 + (x - image.shape[1] // 2) ** 2 <= radius**2
    low, high = np.percentile(image[inside], [0.5, 99.8])
    return (float(low), float(high)) if high > low else (float(low) - 1, float(low) + 1)


def grey_tiles(images: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Class averages as tiles of one side, each with a grey scale of its own.

    Parameters
    ----------
    images : (N, L, L) array
        Class averages, axis order (average, y, x).

    Returns
    -------
    (N, T, T) uint8 array
        T is L, but at most 64, and at most 48 from 400 averages on.
    """
    side = min(images.shape[1], LARGE_SIDE if len(images) < MANY else SMALL_SIDE)
    tiles = np.empty((len(images), side, side), np.uint8)
    for tile, image in zip(tiles, images, strict=True):
        low, high = grey_limits(image)
        grey = (_resized(image, side) - low) * (255 / (high - low))
        tile[:] = np.rint(np.clip(grey, 0, 255))
    return tiles


def _resized(image: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """The same field of view on fewer pixels, smoothed so that nothing folds."""
    step = image.shape[0] / side
    if step == 1:
        return image
    smooth = ndimage.gaussian_filter(image, 0.4 * step, mode="nearest")
    at = (np.arange(side) + 0.5) * step - 0.5
    resized: NDArray[np.float32] = ndimage.map_coordinates(
        smooth, np.meshgrid(at, at, indexing="ij"), order=1, mode="nearest"
    )
    return resized
