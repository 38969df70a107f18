"""Measures of evenness, before and after, and the table of rebalance factors."""

from __future__ import annotations

import itertools
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebalance import balance
from rebalance._proof import MOST_SINGLE, measure_sampling, prove
from rebalance._spread import GRID, Spread, factor_table, gini, spread_of
from rebalance.sampling import efficiency_od, sampling_compensation_factor

SIZES = st.lists(st.integers(0, 300), min_size=1, max_size=12).map(np.array)


def random_directions(n: int, squeeze: float = 1.0) -> np.ndarray:
    direction = np.random.default_rng(n).standard_normal((n, 3)) * [1, 1, squeeze]
    return direction / np.linalg.norm(direction, axis=1, keepdims=True)


@settings(deadline=None)
@given(st.lists(st.integers(0, 500), min_size=1, max_size=12))
def test_gini_is_the_mean_difference_over_twice_the_mean(sizes: list[int]) -> None:
    pairs = [abs(a - b) for a, b in itertools.product(sizes, repeat=2)]
    mean = sum(sizes) / len(sizes)
    expected = sum(pairs) / len(pairs) / (2 * mean) if mean else 0
    assert gini(np.array(sizes)) == pytest.approx(expected, abs=1e-12)


def test_spread_of_known_sizes() -> None:
    spread = spread_of(np.array([20, 0, 10, 10]))
    assert spread == Spread(40, 10, 20, pytest.approx(2**1.5), pytest.approx(1 / 6))
    assert spread.ratio == 0.5
    even = spread_of(np.array([7, 7, 7]))
    assert (even.ratio, even.effective, even.gini) == (1, pytest.approx(3), pytest.approx(0))
    assert spread_of(np.zeros(3, np.int64)) == Spread(0, 0, 0, 0, 0)
    assert spread_of(np.zeros(3, np.int64)).ratio == 0


@settings(deadline=None)
@given(SIZES)
def test_a_factor_keeps_what_the_table_says(sizes: np.ndarray) -> None:
    table = factor_table(sizes)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    for factor, kept in zip(table.factor, table.kept, strict=True):
        result = balance(groups, factor=factor, n_superclasses=len(sizes))
        assert kept.tolist() == result.kept.tolist()
    assert (np.diff(table.kept.sum(axis=1)) >= 0).all()  # a smaller factor keeps more


def test_factors_of_the_table() -> None:
    assert GRID[0] == 1
    table = factor_table(np.array([10, 70]), [Decimal(1), Decimal("0.2"), Decimal(0)])
    assert table.kept.tolist() == [[10, 10], [10, 50], [10, 70]]
    assert factor_table(np.array([], np.int64)).kept.shape == (len(GRID), 0)


def test_few_directions_are_measured_one_by_one() -> None:
    directions = random_directions(400, 0.3)
    keep = np.abs(directions[:, 2]) > 0.1
    sampling = measure_sampling(directions, keep, "C1")
    for i, chosen in enumerate((keep | True, keep)):
        assert sampling.scf[i] == pytest.approx(
            sampling_compensation_factor(directions[chosen]), abs=1e-4
        )
        assert sampling.e_od[i] == pytest.approx(efficiency_od(directions[chosen]), abs=1e-3)
    assert sampling.before.sum() == 400
    assert sampling.after.sum() == keep.sum()
    assert (sampling.directions[:, 2] >= 0).all()


def test_many_directions_are_counted_in_bins() -> None:
    directions = random_directions(MOST_SINGLE + 10_000, 0.2)
    sampling = measure_sampling(directions, np.ones(len(directions), bool), "C1")
    assert sampling.scf[0] == pytest.approx(sampling_compensation_factor(directions), abs=0.01)
    assert sampling.before.sum() == len(directions)


def test_equivalent_views_of_a_symmetric_particle_count() -> None:
    directions = np.array([[1.0, 0, 0], [0, 0, 1]])
    alone, four = (measure_sampling(directions, np.ones(2, bool), s) for s in ("C1", "O"))
    assert four.scf[0] > alone.scf[0]


def test_directions_that_are_not_known_do_not_count() -> None:
    sizes, keep = np.array([2, 1]), np.array([True, False, True])
    directions = np.array([[0, 0, 1.0], [1, 0, 0], [np.nan, 0, 0]])
    proof = prove(sizes, np.array([1, 1]), keep, directions)
    assert proof.sampling is not None
    assert proof.sampling.before.sum() == 2
    assert proof.sampling.after.sum() == 1
    assert prove(sizes, sizes, keep, np.full((3, 3), np.nan)).sampling is None
    assert prove(sizes, sizes, keep).sampling is None
