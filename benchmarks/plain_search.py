"""The plain NumPy and SciPy version of the joint search: the baseline of the benchmarks.

Per shift one batched complex64 matmul per angular frequency, direct and mirrored, one inverse FFT
and a maximum. It searches what `rebalance.affinity(..., exhaustive=True, refine=False)` searches.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from rebalance import _core, _rings
from rebalance._images import ring_radii, shift_grid
from rebalance.config import AffinitySettings


def plain_affinity(
    images: NDArray[np.float32], settings: AffinitySettings, tile: int | None = None
) -> NDArray[np.float32]:
    """(N, N) affinity of (N, L, L) `images` on the grid of complete `settings`, one thread."""
    assert settings.band
    assert settings.rings
    assert settings.max_shift is not None
    assert settings.shift_step
    return plain_search(
        polar_rings(images, settings).samples(),
        ring_radii(settings.band, settings.rings),
        shift_grid(settings.max_shift, settings.shift_step),
        settings.mirror,
        tile,
    )


def polar_rings(images: NDArray[np.float32], settings: AffinitySettings) -> _core.PolarRings:
    """Rings of (N, L, L) `images` under complete `settings`, weighted by radius; one thread."""
    assert settings.band
    assert settings.rings
    radii = ring_radii(settings.band, settings.rings)
    return _rings.polar_rings(images, dataclasses.replace(settings, weights=tuple(radii)), 1)


def plain_search(
    samples: NDArray[np.float32],
    radius: NDArray[np.float64],
    shifts: NDArray[np.float64],
    mirror: bool = True,
    tile: int | None = None,
) -> NDArray[np.float32]:
    """(N, N) best correlation of every pair of `samples`, clipped to [0, 1].

    Parameters
    ----------
    samples : (N, K, A) float32 array
        Rings, Re F + Im F, unit norm, as ``_core.PolarRings.samples`` gives them.
    radius : (K,) array
        Radius of each ring, cycles/px.
    shifts : (T, 2) array
        Shifts (y, x) of the second image, px.
    mirror : bool
        Compare with mirror images too.
    tile : int, optional
        Compare so many images at a time with themselves and those after them, which fits a large
        set into memory and makes most pairs once only; None: all with all at once.
    """
    n, _, n_angles = samples.shape
    tile = tile or n
    rows = by_frequency(samples)  # (M, N, K)
    best = np.full((n, n), -1, dtype=np.float32)
    for shift in shifts:
        columns = by_frequency(shifted(samples, radius, shift)).transpose(0, 2, 1)  # (M, K, N)
        for first in range(0, n, tile):
            later = np.ascontiguousarray(columns[:, :, first:])
            part = best[first : first + tile, first:]
            for other in (later.conj(), later) if mirror else (later.conj(),):
                series = np.matmul(rows[:, first : first + tile], other).transpose(1, 2, 0)
                np.maximum(part, fft.irfft(series, n=n_angles, axis=2).max(axis=2), out=part)
    upper = np.triu(np.clip(best, 0, 1), 1)
    return upper + upper.T + np.eye(n, dtype=np.float32)


def shifted(
    samples: NDArray[np.float32], radius: NDArray[np.float64], shift: NDArray[np.float64]
) -> NDArray[np.float32]:
    """`samples` of the images moved by one shift (y, x), px."""
    n_angles = samples.shape[2]
    phi = 2 * np.pi * np.arange(n_angles) / n_angles
    turn = 2 * np.pi * radius[:, None] * (shift[1] * np.cos(phi) + shift[0] * np.sin(phi))
    opposite = np.roll(samples, n_angles // 2, axis=2)
    cos, sin = np.cos(turn).astype(np.float32), np.sin(turn).astype(np.float32)
    return np.asarray(samples * cos - opposite * sin)


def by_frequency(samples: NDArray[np.float32]) -> NDArray[np.complex64]:
    """(M, N, K) angular Fourier coefficients, all but the highest."""
    series = fft.rfft(samples, axis=2)[:, :, : samples.shape[2] // 2]
    return np.ascontiguousarray(series.transpose(2, 0, 1))
