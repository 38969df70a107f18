"""What is measured of an image, on images whose numbers are known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from rebalance._appearance import BANDS, RIM, appearance, coarse_images, disc_radius
from rebalance._simulate import SimulationSettings, simulate

Floats = NDArray[np.float32]
BOX, RADIUS = 64, 28.0


def grid(box: int = BOX) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    y, x = np.indices((box, box)) - box // 2
    return y.astype(float), x.astype(float), np.hypot(y, x)


def masked(pattern: NDArray[np.float64], radius: float = RADIUS) -> Floats:
    """A pattern inside a hard circle, the rest at one level, as RELION leaves averages."""
    rho = grid(pattern.shape[-1])[2]
    return np.where(rho <= radius, pattern, 0.3).astype(np.float32)[None]


def noise(seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal((BOX, BOX))


def spot(width: float) -> NDArray[np.float64]:
    return np.exp(-0.5 * (grid()[2] / width) ** 2)


@pytest.mark.parametrize("radius", [20.0, 28.0])
def test_the_disc_is_the_mask_of_the_classification(radius):
    images = np.concatenate([masked(noise(seed), radius) for seed in range(4)])
    assert disc_radius(images) == pytest.approx(radius, abs=1)


def test_the_disc_is_the_box_where_there_is_no_mask():
    assert disc_radius(noise(0).astype(np.float32)[None]) == BOX // 2 - 1


def test_one_noisy_average_shows_the_mask_of_all():
    quiet = np.concatenate([masked(0.3 + spot(5.0))] * 9)
    assert disc_radius(quiet) < 25
    assert disc_radius(np.concatenate([quiet, masked(noise(1))])) == pytest.approx(RADIUS, abs=1)


@pytest.mark.parametrize("box", [63, 64, 200])
def test_coarse_images_keep_waves_and_their_place(box):
    y, x, _ = grid(box)
    radius = 0.4 * box
    wave = np.cos(2 * np.pi * (3 * x + 2 * y) / box + 0.4)
    fine = 0.5 * np.cos(2 * np.pi * (box // 2 - 2) * x / box)
    coarse, scale = coarse_images((wave + fine).astype(np.float32)[None], radius)
    n = coarse.shape[1]
    assert scale == n / box
    assert n < box
    v, u = (np.indices((n, n)) - n // 2) / scale
    expected = np.cos(2 * np.pi * (3 * u + 2 * v) / box + 0.4)
    np.testing.assert_allclose(coarse[0], expected, atol=1e-5)


def test_rim_of_a_spot_of_noise_and_of_an_edge():
    seen = [appearance(masked(p)) for p in (0.3 + spot(6.0), noise(2), np.sign(grid()[1] - 0.2))]
    rim = [float(one.rim[0]) for one in seen]
    assert rim[0] < np.log(0.01)
    assert rim[1] == pytest.approx(0, abs=np.log(2))
    assert rim[2] == pytest.approx(0, abs=np.log(1.5))
    assert seen[2].one_sided[0] > 0.6 > 0.5 > seen[1].one_sided[0]


def test_rim_of_a_spot_on_one_side():
    y, x, _ = grid()
    contamination = np.exp(-0.5 * (((x - 24) / 4) ** 2 + (y / 4) ** 2))
    seen = appearance(masked(contamination + 0.02 * noise(3)))
    assert seen.rim[0] > 0
    assert seen.one_sided[0] > 0.6


def test_detail_says_how_many_waves_lie_across_the_disc():
    for band, (low, high) in enumerate(itertools.pairwise(BANDS)):
        if low < 2:
            continue  # under a window a long wave spreads to its neighbours
        waves = (low + high) / 2
        pattern = np.cos(2 * np.pi * waves * grid()[1] / (2 * RADIUS))
        detail = appearance(masked(pattern)).detail[0]
        assert int(np.argmax(detail)) == band
        assert np.exp(detail).sum() == pytest.approx(1, abs=1e-4)


def test_rings_are_round_and_noise_is_not():
    circles = np.cos(2 * np.pi * grid()[2] / 9)
    assert appearance(masked(circles)).rings[0] > 0.9
    assert appearance(masked(noise(4))).rings[0] < 0.2


def test_grey_scale_turns_and_mirrors_change_nothing():
    simulation = simulate(SimulationSettings(averages=12, views=3, junk=0.5, box=49, snr=2.0))
    images = simulation.images
    seen = appearance(images)
    scale = np.linspace(-3, 5, 12, dtype=np.float32)[:, None, None]
    for changed in (
        1e3 + scale * images,
        np.rot90(images, axes=(1, 2)),
        images[:, ::-1],
    ):
        again = appearance(np.ascontiguousarray(changed, dtype=np.float32))
        for name in ("rim", "detail", "rings", "one_sided"):
            np.testing.assert_allclose(getattr(again, name), getattr(seen, name), atol=2e-3)


def test_the_rim_lies_inside_the_disc():
    assert 0 < RIM[0] < RIM[1] < 1
