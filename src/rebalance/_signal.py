"""What averages of one view have in common, per spatial frequency, and what that is worth."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._images import n_angles, n_rings, ring_radii, shift_grid, soft_mask
from ._result_arrays import pair_arrays

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

SAMPLE = 48  # averages that are looked at: what is found hardly changes with more
WAVES = 8.0  # across the mask: detail that brings averages of one view onto each other
LEAST_CORRELATION = 1 / 7  # Rosenthal & Henderson 2003: half of the common signal is noise
BAND_SHARE = 0.995  # of what makes up the affinity lies below the band limit


@dataclass(frozen=True)
class Signal:
    """What near averages share on rings of the Fourier transform.

    Attributes
    ----------
    radius : (K,) float64 array
        Radius of the rings, cycles/px, ascending.
    correlation : (K,) float64 array
        Fourier ring correlation of averages with their nearest, 0 to 1.
    power : (K,) float64 array
        Mean power, of averages of unit norm.
    """

    radius: Doubles
    correlation: Doubles
    power: Doubles

    def limit(self) -> float:
        """Frequency (cycles/px) from which on hardly anything in common is left."""
        share = np.cumsum(self.radius * self._gain() * self.power)
        below = (self.correlation < LEAST_CORRELATION) | (share > BAND_SHARE * share[-1])
        return float(self.radius[np.argmax(below) if below.any() else -1])

    def weights(self, radius: Doubles) -> tuple[float, ...] | None:
        """Weight of rings of these radii, the largest 1; None where nothing is in common."""
        weight = radius * np.interp(radius, self.radius, self._gain())
        if weight.max() <= 0:
            return None
        return tuple(float(w) for w in weight / weight.max())

    def _gain(self) -> Doubles:
        """Weight of a sample of the plane, on each ring.

        Half way (their geometric mean) between the correlation of Wiener filtered averages,
        correlation^2, and that of half whitened ones, correlation / sqrt(power).
        """
        gain: Doubles = self.correlation**1.5 / self.power**0.25
        return gain


def find_signal(
    images: Floats, diameter: float, max_shift: float, band: tuple[float, float], threads: int
) -> Signal | None:
    """Compare some of the (N, L, L) `images` quickly; None where no two have contrast."""
    sample = _sample(images)
    if len(sample) < 2:
        return None
    pairs = _near_pairs(sample, diameter, max_shift, threads)
    n_samples = n_angles(band, diameter)
    radius = ring_radii(band, n_rings(band, diameter))
    used, place = np.unique(np.concatenate([pairs.i, pairs.j]), return_inverse=True)
    i, j = np.split(place, 2)  # of the images used: often but half of the sample
    samples = _rings(sample[used], diameter, band, len(radius), n_samples, threads).samples()
    fixed = np.fft.rfft(_moved_back(samples[i], radius, pairs.shift), axis=2)
    other = _turned(np.fft.rfft(samples[j], axis=2), pairs)
    cross = _smooth(np.sum((fixed * other.conj()).real, axis=(0, 2)))
    power = _smooth(np.sum(np.abs(fixed) ** 2 + np.abs(other) ** 2, axis=(0, 2)) / 2)
    if power.min() <= 0:
        return None
    return Signal(radius, np.clip(cross / power, 0, 1), power / (radius * power.sum()))


@dataclass(frozen=True)
class _Pairs:
    """P pairs of averages, and how j lies on i."""

    i: NDArray[np.int64]
    j: NDArray[np.int64]
    angle: Doubles  # degrees
    shift: Doubles  # (P, 2)
    mirror: NDArray[np.bool_]


def _sample(images: Floats) -> Floats:
    """At most SAMPLE images with contrast; which ones does not depend on their order."""
    pixels = images.reshape(len(images), -1)
    spread = pixels.max(axis=1).astype(np.float64) - pixels.min(axis=1)
    order = np.argsort(spread, kind="stable")
    order = order[spread[order] > 0]
    chosen = np.unique(np.linspace(0, len(order) - 1, min(len(order), SAMPLE)).round().astype(int))
    return np.ascontiguousarray(images[order[chosen]])


def _rings(
    images: Floats,
    diameter: float,
    band: tuple[float, float],
    rings: int,
    angles: int,
    threads: int,
) -> _core.PolarRings:
    mask, rim = soft_mask(images.shape[1], diameter)
    return _core.PolarRings(
        images,
        mask=mask,
        rim=rim,
        low=band[0],
        high=band[1],
        n_rings=rings,
        n_angles=angles,
        weight=list(ring_radii(band, rings)),
        threads=threads,
    )


def _near_pairs(images: Floats, diameter: float, max_shift: float, threads: int) -> _Pairs:
    """Lay each average on its nearest; the nearer half of these pairs."""
    band = (1 / diameter, min(WAVES / diameter, 0.5))
    step = max(1.0, 0.25 / band[1])
    rings = _rings(
        images, diameter, band, n_rings(band, diameter), n_angles(band, diameter), threads
    )
    search = _core.PairSearch(
        shift_grid(max_shift, step),
        mirror=True,
        max_shift=max_shift,
        max_step=step,
        threads=threads,
    )
    found = pair_arrays(len(images), len(images), sys.maxsize)
    _core.search_pairs(rings, search, found)
    values, angle, shift, mirror = found
    np.fill_diagonal(values, -1)
    nearest, rows = values.argmax(axis=1), np.arange(len(images))
    i = np.argsort(-values[rows, nearest], kind="stable")[: (len(images) + 1) // 2]
    j = nearest[i]
    return _Pairs(i, j, angle[i, j].astype(np.float64), shift[i, j], mirror[i, j])


def _moved_back(samples: Floats, radius: Doubles, shift: Doubles) -> Floats:
    """Samples s = Re F + Im F of averages, each moved by -`shift`."""
    n_samples = samples.shape[2]
    phi = 2 * np.pi * np.arange(n_samples) / n_samples
    along = shift[:, 1:] * np.cos(phi) + shift[:, :1] * np.sin(phi)  # px, (P, A)
    turn = (2 * np.pi * radius[:, None] * along[:, None, :]).astype(np.float32)
    opposite = np.roll(samples, n_samples // 2, axis=2)
    moved: Floats = samples * np.cos(turn) + opposite * np.sin(turn)
    return moved


def _turned(series: NDArray[np.complex128], pairs: _Pairs) -> NDArray[np.complex128]:
    """Angular Fourier coefficients of averages, each mirrored where asked, then turned."""
    m = np.arange(series.shape[2])
    # x to -x takes phi to pi - phi; turning delays the phase.
    mirrored = np.where(pairs.mirror[:, None, None], series.conj() * (-1.0) ** m, series)
    turned: NDArray[np.complex128] = (
        mirrored * np.exp(-1j * np.radians(pairs.angle)[:, None] * m)[:, None, :]
    )
    return turned


def _smooth(curve: Doubles) -> Doubles:
    """Mean over each ring and its neighbours."""
    padded = np.pad(curve, 1, mode="edge")
    mean: Doubles = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    return mean
