"""Keep fractions: exact in number, flat in density, and the same in any order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from rebalance import keep_fractions, keep_fractions_by_angle, keep_fractions_by_direction
from rebalance._density import WIDTH_BY_DIRECTION
from rebalance._density_angles import angles_of_affinity
from rebalance.errors import RebalanceError
from rebalance.sampling import sampling_compensation_factor

AXES = np.random.default_rng(0).normal(size=(160, 3))  # a background, and a bump along z
AXES[:100, 2] = 3 + np.abs(AXES[:100, 2])
AXES /= np.linalg.norm(AXES, axis=1, keepdims=True)
PARTICLES = np.random.default_rng(1).integers(20, 900, len(AXES))
ANGLE = np.degrees(np.arccos(np.minimum(1, np.abs(AXES @ AXES.T))))
VALUES = 0.5 + 0.5 * np.exp(-((ANGLE / 25) ** 2))  # any falling function of the angle
KERNEL = np.exp(-0.5 * (ANGLE / WIDTH_BY_DIRECTION) ** 2)

CASES = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 25), st.floats(0.001, 1.0))


def random_case(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = rng.random((n, n))
    values = (values + values.T) / 2
    np.fill_diagonal(values, 1)
    return values, np.floor(10 ** rng.uniform(0, 6, n))


@settings(max_examples=60, deadline=None)
@given(CASES)
def test_share_kept_is_exact(case: tuple[int, int, float]) -> None:
    seed, n, keep = case
    values, particles = random_case(seed, n)
    fractions = keep_fractions(values, particles, keep=keep)
    assert fractions.min() >= 0
    assert fractions.max() <= 1
    assert fractions @ particles == pytest.approx(keep * particles.sum(), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(CASES)
def test_order_and_scale_of_averages_do_not_matter(case: tuple[int, int, float]) -> None:
    seed, n, keep = case
    values, particles = random_case(seed, n)
    fractions = keep_fractions(values, particles, keep=keep)
    order = np.random.default_rng(seed).permutation(n)
    permuted = keep_fractions(values[np.ix_(order, order)], 3 * particles[order], keep=keep)
    np.testing.assert_allclose(permuted, fractions[order], rtol=1e-6, atol=1e-9)


def test_level_of_the_affinity_has_no_say() -> None:
    expected = keep_fractions(VALUES, PARTICLES, keep=0.3)
    lower = 0.4 + 0.6 * VALUES
    np.testing.assert_allclose(keep_fractions(lower, PARTICLES, keep=0.3), expected, rtol=1e-6)


def test_angles_of_uniform_views_are_found_from_any_falling_affinity() -> None:
    axes = np.random.default_rng(3).normal(size=(300, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    angle = np.degrees(np.arccos(np.minimum(1, np.abs(axes @ axes.T))))
    found = angles_of_affinity(np.exp(-((angle / 40) ** 2)))
    near = angle < 30
    np.testing.assert_allclose(found[near], angle[near], atol=3.0)


@pytest.mark.parametrize("keep", [0.5, 0.15])
def test_density_is_as_flat_as_a_general_minimiser_makes_it(keep: float) -> None:
    """The flattest density of a given number has the least mean square: w^T K w."""
    kept = PARTICLES * keep_fractions_by_angle(ANGLE, PARTICLES, keep=keep)
    best = minimize(
        lambda w: (w @ KERNEL @ w, 2 * KERNEL @ w),
        keep * PARTICLES.astype(float),
        jac=True,
        bounds=[(0, p) for p in PARTICLES],
        constraints={"type": "eq", "fun": lambda w: w.sum() - kept.sum()},
        method="SLSQP",
        options={"maxiter": 300},
    )
    assert kept @ KERNEL @ kept <= 1.02 * best.fun


def test_averages_cut_lie_on_one_density_and_whole_ones_below() -> None:
    fractions = keep_fractions_by_direction(AXES, PARTICLES, keep=0.4)
    density = KERNEL @ (PARTICLES * fractions)
    cut = (fractions < 0.99) & (fractions > 0.2)
    assert density[cut].std() < 0.1 * density[cut].mean()
    assert density[fractions == 1].max() < 1.05 * density[cut].mean()


def test_sampling_becomes_more_even() -> None:
    def evenness(fractions: np.ndarray | float) -> float:
        # a wide band: each average stands for particles spread about its direction
        weights = PARTICLES * fractions
        return sampling_compensation_factor(AXES, weights, n_fourier=1000, half_width=0.2)

    before = evenness(1.0)
    for fractions in (
        keep_fractions(VALUES, PARTICLES, keep=0.25),
        keep_fractions_by_direction(AXES, PARTICLES, keep=0.25),
    ):
        assert evenness(fractions) > before + 0.7 * (1 - before)


def test_directions_without_sign_or_length_are_angles() -> None:
    flipped = AXES * np.random.default_rng(2).choice([-2.0, 0.5], (len(AXES), 1))
    np.testing.assert_allclose(
        keep_fractions_by_direction(flipped, PARTICLES, keep=0.2),
        keep_fractions_by_angle(ANGLE, PARTICLES, keep=0.2),
        rtol=1e-5,
    )


def test_given_directions_stay_as_they_are() -> None:
    given = 3 * AXES
    keep_fractions_by_direction(given, PARTICLES, keep=0.2)
    np.testing.assert_array_equal(given, 3 * AXES)


@pytest.mark.parametrize("factor", [0.1, 0.4])
def test_factor_bounds_smallest_over_largest_density(factor: float) -> None:
    fractions = keep_fractions_by_angle(ANGLE, PARTICLES, factor=factor)
    density = KERNEL @ (PARTICLES * fractions)
    assert density.min() / density.max() == pytest.approx(factor, rel=0.02)
    assert density.min() / density.max() >= factor
    assert fractions.max() == 1


def test_a_second_run_changes_no_average_by_more_than_rounding() -> None:
    for factor in (0.1, 0.3, "0.5"):
        kept = np.ceil(PARTICLES * keep_fractions(VALUES, PARTICLES, factor=factor))
        again = np.ceil(kept * keep_fractions(VALUES, kept, factor=factor))
        assert np.abs(again - kept).max() <= 1


def test_nothing_to_do() -> None:
    ones = np.ones(len(AXES))
    np.testing.assert_array_equal(keep_fractions(VALUES, PARTICLES, keep=1), ones)
    np.testing.assert_array_equal(keep_fractions(VALUES, PARTICLES, factor=0), ones)
    np.testing.assert_array_equal(keep_fractions([[1.0]], [5], factor=1), [1.0])
    np.testing.assert_allclose(keep_fractions([[1.0]], [5], keep=0.2), [0.2])


def test_averages_without_particles_stay_out() -> None:
    particles = PARTICLES.copy()
    particles[::3] = 0
    has = particles > 0
    fractions = keep_fractions_by_angle(ANGLE, particles, keep=0.3)
    np.testing.assert_array_equal(fractions[~has], 1.0)
    expected = keep_fractions_by_angle(ANGLE[np.ix_(has, has)], particles[has], keep=0.3)
    np.testing.assert_array_equal(fractions[has], expected)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"keep": None}, "Give either keep, .* or factor, .*; not neither"),
        ({"factor": 0.5}, "Give either keep, .* or factor, .*; not both"),
        ({"keep": 0.0}, r"keep must be a number above 0 and up to 1, not 0\.0: "),
        ({"keep": 1.1}, r"keep must be .*, not 1\.1: "),
        ({"keep": "half"}, "keep must be .*, not 'half': "),
        ({"keep": None, "factor": 2}, "rebalance factor must be a number from 0 to 1, not 2: "),
        ({"particles": [1, 2]}, r"particles must have shape \(160,\), .*, not \(2,\)"),
        ({"particles": -PARTICLES}, "particles must be finite, 0 or more and not all 0, but span"),
        ({"aff": VALUES[:3]}, r"affinity must have shape \(N, N\)"),
    ],
)
def test_bad_input_is_refused(changes: dict[str, object], sentence: str) -> None:
    given_ = {"aff": VALUES, "particles": PARTICLES, "keep": 0.5} | changes
    with pytest.raises(RebalanceError, match=sentence):
        keep_fractions(**given_)  # type: ignore[arg-type]


def test_bad_directions_and_angles_are_refused() -> None:
    with pytest.raises(RebalanceError, match=r"shape \(N, 3\) with N >= 1, not \(3, 2\)"):
        keep_fractions_by_direction(np.ones((3, 2)), [1, 1, 1], keep=0.5)
    with pytest.raises(RebalanceError, match="but average 1 has none: leave it out"):
        keep_fractions_by_direction([[0, 0, 1], [np.nan] * 3], [1, 1], keep=0.5)
    with pytest.raises(RebalanceError, match=r"angles must have shape \(N, N\) .*, not \(3, 2\)"):
        keep_fractions_by_angle(np.ones((3, 2)), [1, 1, 1], keep=0.5)
    with pytest.raises(RebalanceError, match=r"finite and lie in \[0, 180\] degrees: leave out"):
        keep_fractions_by_angle([[0, np.nan], [np.nan, 0]], [1, 1], keep=0.5)
