"""The climb: what is reported is the correlation at the transform reported."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import rebalance
from rebalance._images import ring_radii
from rebalance._rings import polar_rings
from rebalance._simulate import SimulationSettings, simulate

Doubles = NDArray[np.float64]


def laid(samples: Doubles, radius: Doubles, aff: rebalance.Affinity, i: int, j: int) -> Doubles:
    """(K, A) samples s = Re F + Im F of average j, laid on i: mirrored, turned, shifted."""
    n = samples.shape[2]
    ring = samples[j]
    if aff.mirror[i, j]:  # x to -x takes phi to pi - phi
        ring = ring[:, (n // 2 - np.arange(n)) % n]
    series = np.fft.rfft(ring, axis=1)
    series = series * np.exp(-1j * np.radians(float(aff.angle[i, j])) * np.arange(n // 2 + 1))
    series[:, -1] = 0
    ring = np.fft.irfft(series, n=n, axis=1)
    phi = 2 * np.pi * np.arange(n) / n
    y, x = aff.shift[i, j].astype(float)
    turn = 2 * np.pi * radius[:, None] * (x * np.cos(phi) + y * np.sin(phi))
    return np.asarray(ring * np.cos(turn) - np.roll(ring, -(n // 2), axis=1) * np.sin(turn))


@pytest.mark.parametrize("exhaustive", [True, False])
@pytest.mark.parametrize("max_shift", [0.0, 2.0, 6.0])
def test_affinity_is_the_correlation_at_the_transform(exhaustive: bool, max_shift: float) -> None:
    asked = SimulationSettings(averages=24, views=6, box=48, pixel_size=4, particles=24, snr=1.0)
    images = simulate(asked).images
    aff = rebalance.affinity(
        images, band=(0.02, 0.25), max_shift=max_shift, exhaustive=exhaustive, threads=1
    )
    settings = aff.settings
    assert settings.band
    assert settings.rings
    samples = polar_rings(images, settings, 1).samples().astype(float)
    radius = ring_radii(settings.band, settings.rings)
    for i, j in np.argwhere(~np.eye(len(aff), dtype=bool)):
        both = samples[i] * laid(samples, radius, aff, i, j)
        assert both.sum() == pytest.approx(aff.values[i, j], abs=1e-4)


def test_best_shifts_beyond_the_range_end_on_its_rim() -> None:
    y, x = np.indices((64, 64)) - 32
    spots = [np.hypot(y - 6, x - 2), np.hypot(y + 7, x - 4), np.hypot(y - 3, x + 9)]
    image = sum(np.exp(-((spot / 3) ** 2)) * (n + 1) for n, spot in enumerate(spots))
    moved = np.roll(image, (5, 0), axis=(0, 1))
    aff = rebalance.affinity(
        np.stack([image, moved]), band=(0.02, 0.15), max_shift=3.0, mirror=False, mask_diameter=60
    )
    assert np.hypot(*aff.shift[0, 1]) == pytest.approx(3.0, abs=1e-3)
    assert abs(aff.shift[0, 1, 1]) < 1.0
