"""Appearance: numbers about what a class average shows, whichever way it is turned.

They need no other average: where the contrast of the image lies, and how it spreads over coarse
and fine detail. Turning or mirroring an average changes neither, a shift hardly, grey level and
scale not at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

RIM = (0.80, 0.97)  # of the radius of the disc
BANDS = (0.0, 1.0, 2.0, 3.0, 4.5, 6.5, 9.0)  # waves across the disc; limits of the shares of power
FINEST = 10.5  # waves across the disc; finer detail is left out, softly from the last band on
STILL = 0.01  # of the mean variation round the centre: beyond, the averages show nothing
FINE = 3.0  # waves across the disc: from here on, a pattern has several rings
LEAST_SHARE = 1e-6  # of the power in a band, so that its logarithm stays finite
LEAST_RIM = 1e-4  # of the contrast in the rim


@dataclass(frozen=True)
class Appearance:
    """What N averages show inside their common disc.

    Attributes
    ----------
    rim : (N,) float64 array
        Contrast in the rim of the disc over that in the whole disc, per area, as natural
        logarithm. A particle with flat surroundings: far below 0; a pattern that fills the disc:
        near 0.
    detail : (N, B) float64 array
        Share of the power in each of the `BANDS`, as natural logarithm.
    rings : (N,) float64 array
        Share of the fine contrast that is the same all round the centre, 0 to 1.
    one_sided : (N,) float64 array
        Share of the contrast in the rim that is a step across it or lies on one side, 0 to 1.
    """

    rim: Doubles
    detail: Doubles
    rings: Doubles
    one_sided: Doubles


def appearance(images: Floats) -> Appearance:
    """Describe (N, L, L) `images`, none of them blank."""
    radius = disc_radius(images)
    coarse, scale = coarse_images(images, radius)
    disc = _Disc(coarse.shape[1], radius * scale)
    levelled = coarse - coarse[:, disc.rim].mean(axis=1)[:, None, None]
    total = (levelled[:, disc.inside] ** 2).mean(axis=1)
    rim = _share(levelled[:, disc.rim].var(axis=1), total)
    return Appearance(
        np.log(np.maximum(rim, LEAST_RIM)),
        _detail(levelled, disc),
        _rings(levelled, disc),
        _one_sided(levelled, disc),
    )


def disc_radius(images: Floats) -> float:
    """Radius (px) of the disc outside which the averages do not vary round the centre.

    That is the mask of the classification, where there was one, else half the box.
    """
    box = images.shape[1]
    circle, count = _circles(box)
    varied = np.zeros(len(count))
    for image in images:
        pixels = image.astype(np.float64).ravel() - image.mean(dtype=np.float64)
        mean = np.bincount(circle, pixels) / count
        variance = np.bincount(circle, pixels * pixels) / count - mean * mean
        inside = variance[: box // 2]
        level = np.average(inside, weights=count[: box // 2])
        if level > 0:  # else rings round the centre, which end where the others do
            varied += np.minimum(variance / level, 1)
    varied = varied[: box // 2]
    if varied.max() <= 0:
        return float(box // 2 - 1)
    return float(np.flatnonzero(varied > STILL * varied.max())[-1])


def coarse_images(images: Floats, radius: float) -> tuple[Doubles, float]:
    """Detail up to `FINEST` waves across a disc, on as many pixels as its square needs.

    Returns the (N, n, n) images, of mean 0, centre at pixel n // 2 as before, and n over box.
    """
    box = images.shape[1]
    waves = box / (2 * radius)  # across the disc, as waves across the box
    n = min(box, 4 * math.ceil(FINEST * waves))
    half = n // 2
    frequency = np.arange(-half, n - half)
    k = np.hypot(frequency[:, None], frequency) / waves
    rise = np.clip((FINEST - k) / (FINEST - BANDS[-1]), 0, 1)
    keep = 0.5 - 0.5 * np.cos(np.pi * rise)
    start = box // 2 - half
    cut = slice(start, start + n)
    coarse = np.empty((len(images), n, n))
    for i, image in enumerate(images):
        contrast = image - image.mean(dtype=np.float64)
        transform = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(contrast)))[cut, cut] * keep
        coarse[i] = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(transform)).real) * (n / box) ** 2
    return coarse, n / box


class _Disc:
    """The disc on (n, n) pixels: what lies inside, its rim, a window, and waves across it."""

    def __init__(self, n: int, radius: float) -> None:
        y, x = np.indices((n, n)) - n // 2
        rho = np.hypot(y, x) / radius
        self.inside = rho <= RIM[1]
        self.rim = (rho > RIM[0]) & self.inside
        fall = np.clip((rho - 0.7) / (RIM[1] - 0.7), 0, 1)
        self.window = np.cos(np.pi / 2 * fall) ** 2
        frequency = np.fft.fftfreq(n)
        self.waves = np.hypot(frequency[:, None], frequency) * 2 * radius


def _detail(levelled: Doubles, disc: _Disc) -> Doubles:
    """(N, B) logarithm of the share of power in each band, under a window."""
    power = np.abs(np.fft.fft2(levelled * disc.window)) ** 2
    band = np.digitize(disc.waves, BANDS) - 1
    in_band = np.stack([power[:, band == b].sum(axis=1) for b in range(len(BANDS) - 1)], axis=1)
    share = _share(in_band, in_band.sum(axis=1, keepdims=True))
    return np.log(np.maximum(share, LEAST_SHARE))


def _rings(levelled: Doubles, disc: _Disc) -> Doubles:
    """(N,) share of the fine contrast in the disc that lies between circles, not along them."""
    fine = np.fft.ifft2(np.fft.fft2(levelled) * (disc.waves > FINE)).real[:, disc.inside]
    circle = _circles(levelled.shape[1])[0][disc.inside.ravel()]
    count = np.maximum(np.bincount(circle), 1)
    means = np.stack([np.bincount(circle, row) / count for row in fine])
    return _share((means[:, circle] ** 2).mean(axis=1), (fine**2).mean(axis=1))


def _one_sided(levelled: Doubles, disc: _Disc) -> Doubles:
    """(N,) share of the contrast in the rim that is a step across it or lies on one side."""
    y, x = np.nonzero(disc.rim)
    centre = levelled.shape[1] // 2
    angle = np.arctan2(y - centre, x - centre)
    turns = np.exp(1j * np.outer(angle, (1, 2)))
    basis, _ = np.linalg.qr(np.column_stack([np.ones_like(angle), turns.real, turns.imag]))
    contrast = levelled[:, disc.rim]  # its mean is 0: the level is that of the rim
    whole = (contrast**2).sum(axis=1)
    step = _share(((contrast @ basis[:, 1:]) ** 2).sum(axis=1), whole)
    lopsided = _share(np.abs(contrast**2 @ turns[:, 0]), whole)
    return np.maximum(step, lopsided)


def _share(part: Doubles, whole: Doubles) -> Doubles:
    return np.asarray(part / np.maximum(whole, np.finfo(float).tiny))


def _circles(box: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Circle round the centre of each pixel (flat), and the number of pixels on each."""
    y, x = np.indices((box, box)) - box // 2
    circle = np.rint(np.hypot(y, x)).astype(np.int64).ravel()
    return circle, np.bincount(circle)
