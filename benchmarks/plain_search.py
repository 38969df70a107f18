"""The plain NumPy and SciPy version of the joint search: the baseline of the benchmarks.

Per shift one batched complex64 matmul per angular frequency, direct and mirrored, one inverse FFT
and a maximum. It searches what `rebalance.affinity(..., exhaustive=True, refine=False)` searches.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft


def plain_search(
    samples: NDArray[np.float32],
    radius: NDArray[np.float64],
    shifts: NDArray[np.float64],
    mirror: bool = True,
) -> NDArray[np.float32]:
    """(N, N) best correlation of every pair of `samples`.

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
    """
    n, _, n_angles = samples.shape
    half = n_angles // 2
    phi = 2 * np.pi * np.arange(n_angles) / n_angles
    rows = by_frequency(samples)  # (M, N, K)
    opposite = np.roll(samples, half, axis=2)
    best = np.full((n, n), -1, dtype=np.float32)
    for y, x in shifts:
        turn = 2 * np.pi * radius[:, None] * (x * np.cos(phi) + y * np.sin(phi))
        moved = samples * np.cos(turn).astype("f4") - opposite * np.sin(turn).astype("f4")
        columns = np.ascontiguousarray(by_frequency(moved).transpose(0, 2, 1))  # (M, K, N)
        for other in (columns.conj(), columns) if mirror else (columns.conj(),):
            series = np.matmul(rows, other).transpose(1, 2, 0)
            np.maximum(best, fft.irfft(series, n=n_angles, axis=2).max(axis=2), out=best)
    return best


def by_frequency(samples: NDArray[np.float32]) -> NDArray[np.complex64]:
    """(M, N, K) angular Fourier coefficients, all but the highest."""
    series = fft.rfft(samples, axis=2)[:, :, : samples.shape[2] // 2]
    return np.ascontiguousarray(series.transpose(2, 0, 1))
