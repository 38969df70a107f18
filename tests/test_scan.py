"""What is scanned before the climb, and that the climb loses next to nothing by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import rebalance
from rebalance._images import is_smooth
from rebalance._scan import _few_stages, _rings_scanned, shift_circles, shift_rim
from rebalance._simulate import SimulationSettings, simulate


@given(st.floats(0.1, 40), st.floats(0.3, 10))
def test_circles_of_shifts_fill_the_disc(max_shift: float, spacing: float) -> None:
    shifts = shift_circles(max_shift, spacing)
    length = np.hypot(*shifts.T)
    assert tuple(shifts[0]) == (0.0, 0.0)
    assert (np.diff(length) >= -1e-9).all()
    assert length.max() == pytest.approx(max_shift)
    # Every point of the disc is nearer than the spacing to one of them.
    rng = np.random.default_rng(0)
    radius, phi = max_shift * np.sqrt(rng.random(50)), 2 * np.pi * rng.random(50)
    points = np.stack([radius * np.sin(phi), radius * np.cos(phi)], axis=1)
    nearest = np.hypot(*np.moveaxis(points[:, None] - shifts, 2, 0)).min(axis=1)
    assert nearest.max() <= 0.8 * spacing


@given(st.floats(0.1, 40), st.floats(0.3, 10))
def test_the_rim_of_the_range_is_walked_in_steps(max_shift: float, spacing: float) -> None:
    shifts = shift_rim(max_shift, spacing)
    np.testing.assert_allclose(np.hypot(*shifts.T), max_shift)
    assert np.hypot(*(shifts - np.roll(shifts, 1, axis=0)).T).max() <= spacing + 1e-9


def test_no_shift_range_is_one_shift() -> None:
    np.testing.assert_array_equal(shift_circles(0.0, 1.0), [[0.0, 0.0]])


@given(st.integers(1, 5000))
def test_few_stages_is_the_next_product_that_sixteen_divides(number: int) -> None:
    angles = _few_stages(number)
    assert angles >= number
    assert angles % 16 == 0
    assert is_smooth(angles)
    assert not any(is_smooth(n) for n in range(16 * -(-number // 16), angles, 16))


def test_enough_of_the_power_is_scanned() -> None:
    assert _rings_scanned(np.array([1.0, 1, 0, 0, 0, 0])) == 3
    assert _rings_scanned(np.array([1.0, 1, 1, 1, 0, 0])) == 4
    assert _rings_scanned(np.ones(12)) == 12
    assert _rings_scanned(np.zeros(12)) == 12
    assert _rings_scanned(np.ones(1)) == 1


def share_near(images: NDArray[np.float32], **settings: Any) -> float:
    """Share of pairs that the default search brings as high as the exhaustive one."""
    quick = rebalance.affinity(images, threads=1, **settings).values
    whole = rebalance.affinity(images, threads=1, exhaustive=True, **settings).values
    pairs = np.triu_indices(len(images), 1)
    return float((np.abs(quick - whole)[pairs] <= 0.002).mean())


@pytest.mark.parametrize("mirror", [True, False])
def test_the_default_is_as_good_as_exhaustive(mirror: bool) -> None:
    asked = SimulationSettings(averages=40, views=8, box=64, pixel_size=3, particles=40, snr=1.0)
    assert share_near(simulate(asked).images, mirror=mirror) >= 0.995


def test_the_default_is_as_good_as_exhaustive_on_real_averages(test_data: Path) -> None:
    images = mrcfile.read(test_data / "classes" / "slicem_mixture_100x96.mrcs")
    assert share_near(images, band=(0.0, 0.25), max_shift=4.0, rings=24, angles=160) >= 0.999
