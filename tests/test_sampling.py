"""Sampling of Fourier space: the limits that are known, and a slow twin."""

from __future__ import annotations

import numpy as np
import pytest

from rebalance.errors import RebalanceError
from rebalance.sampling import efficiency_od, half_sphere, sampling_compensation_factor

BOTH = pytest.mark.parametrize("measure", [sampling_compensation_factor, efficiency_od])


def circle(n: int = 2000) -> np.ndarray:
    angle = np.pi * np.arange(n) / n
    return np.stack([np.cos(angle), np.zeros(n), np.sin(angle)], axis=1)


def cone(half_angle_deg: float, n: int = 4000) -> np.ndarray:
    views = half_sphere(100 * n)
    return views[views[:, 2] > np.cos(np.radians(half_angle_deg))][::50]


@BOTH
def test_uniform_views_are_best(measure) -> None:
    assert measure(half_sphere(5000)) == pytest.approx(1.0, abs=0.005)


def test_known_limits_of_the_sampling_compensation_factor() -> None:
    assert sampling_compensation_factor(circle()) == pytest.approx(8 / np.pi**2, abs=0.005)
    fine = sampling_compensation_factor(circle(), n_fourier=20_000, half_width=0.01)
    assert fine == pytest.approx(8 / np.pi**2, abs=0.001)
    # one view: a twentieth of the directions is sampled, the others count a thousandth of the mean
    one = sampling_compensation_factor([[0.0, 0.0, 1.0]])
    assert one == pytest.approx(1 / (0.05 * 0.05 + 0.95 / 0.001), rel=1e-3)
    assert sampling_compensation_factor([[0, 0, 1]], floor=1e-9) < 1e-8


def test_known_limits_of_the_efficiency() -> None:
    assert efficiency_od([[0.0, 0.0, 1.0]]) == 0.0
    assert efficiency_od(circle()) == pytest.approx(0.8, abs=0.05)
    narrow, wide = (efficiency_od(cone(angle, 500)) for angle in (30, 70))
    assert narrow < 0.3 < 0.7 < wide < 0.9


def test_efficiency_depends_on_what_it_is_computed_for() -> None:
    views = cone(60, 500)
    value = efficiency_od(views)
    for changed in ({"b_factor": 40.0}, {"box": 64}, {"resolution": 8.0}):
        assert abs(efficiency_od(views, **changed) - value) > 1e-3


@BOTH
def test_views_count_by_weight_and_without_sign_or_length(measure) -> None:
    rng = np.random.default_rng(1)
    views = rng.normal(size=(300, 3)) * (1.0, 1.0, 0.3)
    weight = rng.integers(0, 4, 300)
    expected = measure(np.repeat(views, weight, axis=0))
    signs = rng.choice([-1, 1], (300, 1)) * rng.uniform(0.5, 2, (300, 1))
    assert measure(signs * views, weight) == pytest.approx(expected, rel=1e-6)
    assert measure(signs * views, 7 * weight) == pytest.approx(expected, rel=1e-6)


def test_sampling_compensation_factor_is_that_of_a_plain_sum() -> None:
    views = np.random.default_rng(2).normal(size=(50, 3)) * (1, 1, 0.2)
    points = half_sphere(100)
    sampling = np.array(
        [sum(abs(v @ q) <= 0.2 * np.linalg.norm(v) for v in views) for q in points], dtype=float
    )
    relative = np.maximum(sampling / sampling.mean(), 0.01)
    got = sampling_compensation_factor(views, n_fourier=100, half_width=0.2, floor=0.01)
    assert got == pytest.approx(1 / np.mean(1 / relative), rel=1e-6)


def test_nothing_sampled_is_nothing() -> None:
    assert sampling_compensation_factor([[0, 0, 1]], n_fourier=1, half_width=0.01) == 0.0


@BOTH
@pytest.mark.parametrize(
    ("directions", "weights", "sentence"),
    [
        (np.ones((3, 2)), None, r"shape \(N, 3\) with N >= 1, not \(3, 2\): give one vector"),
        (np.ones((0, 3)), None, r"not \(0, 3\): "),
        (np.ones((2, 3)), [1.0], r"weights must have shape \(2,\), one .*, not \(1,\)"),
        (np.ones((2, 3)), [1.0, -1.0], "0 or more and not all 0, but span -1 to 1"),
        (np.ones((2, 3)), [0.0, 0.0], "not all 0, but span 0 to 0"),
        ([[0, 0, 0], [0, 0, 1]], None, "longer than 0, but 1 of 2 are not: "),
        ([[np.nan, 0, 0], [0, 0, 1]], None, "finite and longer than 0, but 1 of 2 are not: "),
    ],
)
def test_bad_views_are_refused(measure, directions, weights, sentence: str) -> None:
    with pytest.raises(RebalanceError, match=sentence):
        measure(directions, weights)


def test_bad_settings_are_refused() -> None:
    for name in ("n_fourier", "half_width", "floor"):
        with pytest.raises(RebalanceError, match=name):
            sampling_compensation_factor([[0, 0, 1]], **{name: 0})
    for name in ("b_factor", "box", "resolution", "n_directions"):
        with pytest.raises(RebalanceError, match=name):
            efficiency_od([[0, 0, 1]], **{name: 0})
