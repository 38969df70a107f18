"""All numbers of superclasses at once, how sure they are, and averages forced together."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import rebalance
from rebalance import RebalanceError, superclassify
from rebalance._simulate import SimulationSettings, simulate
from rebalance.metrics import adjusted_rand_index, roc_area

Floats = NDArray[np.float64]


@functools.cache
def simulated(seed: int = 0) -> tuple[NDArray[np.int32], Floats]:
    """True view and affinity of 60 averages of 10 views."""
    simulation = simulate(SimulationSettings(seed=seed))
    values = rebalance.affinity(simulation.images).values.astype(np.float64)
    return simulation.label, values


def blocks(truth: NDArray[np.integer], inside: float = 0.9, between: float = 0.4) -> Floats:
    """Affinity of averages of these views, a little uneven so that there are no ties."""
    spread = np.random.default_rng(0).uniform(-0.02, 0.02, (len(truth), len(truth)))
    values = np.where(truth[:, None] == truth, inside, between) + (spread + spread.T) / 2
    np.fill_diagonal(values, 1)
    return values


# All numbers at once.


def test_every_number_is_there_and_the_same_as_asked_for_alone() -> None:
    values = simulated()[1]
    found = superclassify(values)
    assert list(found.labels_by_k) == list(range(2, 60))
    for k in (2, 9, 31, 59):
        np.testing.assert_array_equal(found.labels_by_k[k], superclassify(values, k).labels)


def test_numbers_far_from_the_best_are_nested() -> None:
    """Near it another tree may group more clearly."""
    grouped = superclassify(simulated()[1])
    found, best = grouped.labels_by_k, grouped.suggested
    for k in [*range(2, best // 2 - 1), *range(2 * best + 1, 59)]:
        pairs = set(zip(found[k + 1].tolist(), found[k].tolist(), strict=True))
        assert len(pairs) == k + 1, k  # each of k + 1 lies in one of k


def test_a_number_beyond_the_curve_is_added() -> None:
    values = simulated()[1]
    found = superclassify(values, 60)
    assert list(found.labels_by_k) == list(range(2, 61))
    assert found.n_superclasses == 60
    assert set(superclassify(values, 1).labels_by_k[1]) == {0}


def test_curve_has_every_quality_for_every_number() -> None:
    curve = superclassify(simulated()[1], 3).curve
    assert set(curve) == {
        "n_superclasses", "compactness", "separation", "stability", "silhouette"
    }  # fmt: skip
    for column in curve.values():
        assert column.shape == (58,)
        assert np.isfinite(column).all()
    assert (np.diff(curve["compactness"][:9]) > 0).all()  # up to the 10 views that there are
    assert curve["stability"].max() <= 1


def test_users_number_always_wins_and_the_range_stays() -> None:
    label, values = simulated()
    auto, given_ = superclassify(values), superclassify(values, 17)
    assert given_.n_superclasses == 17
    assert given_.plausible == auto.plausible
    low, high = auto.plausible
    assert low <= len(np.unique(label)) <= high <= 1.6 * low
    assert low <= auto.n_superclasses <= high


# Unequal views.


@pytest.mark.parametrize("sizes", [(50, 1, 5, 8), (50, 50, 1, 1, 1), (30, 5, 5, 2, 1), (50, 3, 2)])
def test_rare_views_are_found_beside_crowded_ones(sizes: tuple[int, ...]) -> None:
    truth = np.repeat(np.arange(len(sizes)), sizes)
    found = superclassify(blocks(truth))
    assert adjusted_rand_index(found.labels, truth) == 1.0


def test_sharpening_separates_views_better() -> None:
    label, values = simulated(3)
    pairs = np.triu_indices(len(label), 1)
    same = (label[:, None] == label)[pairs]
    plain, sharp = roc_area(values[pairs], same), roc_area(rebalance.sharpen(values)[pairs], same)
    assert sharp >= min(plain, 0.999)


# Confidence.


def test_confidence_is_low_between_two_superclasses() -> None:
    truth = np.repeat([0, 1, 2], 8)
    values = blocks(truth)
    values[0, 8:16] = values[8:16, 0] = 0.84
    found = superclassify(values, 3)
    assert found.confidence.argmin() == 0
    assert found.runner_up[0] == found.labels[8]
    assert found.confidence[1:].min() > 0.5
    assert (found.confidence >= 0).all()
    assert (found.confidence <= 1).all()
    for k in range(3):
        mean = found.confidence[found.labels == k].mean()
        assert found.superclass_confidence[k] == pytest.approx(mean)


def test_averages_that_take_no_part_have_no_confidence() -> None:
    out = np.zeros(60, bool)
    out[[3, 7]] = True
    found = superclassify(simulated()[1], 10, leave_out=out)
    np.testing.assert_array_equal(found.confidence[out], 0)
    np.testing.assert_array_equal(found.runner_up[out], -1)
    assert found.runner_up[~out].min() >= 0
    assert (found.runner_up[~out] != found.labels[~out]).all()


def test_averages_like_no_other_are_named() -> None:
    values = blocks(np.repeat([0, 1, 2], 8))
    values[5] = values[:, 5] = 0.2
    values[5, 5] = 1
    found = superclassify(values, 4)
    np.testing.assert_array_equal(np.flatnonzero(found.isolated), [5])
    assert found.warnings == (
        "averages that are like no other (index 5) belong to no view that another shows: "
        "look at them first",
    )
    assert superclassify(simulated()[1]).warnings == ()


def test_one_superclass_has_no_runner_up() -> None:
    found = superclassify(simulated()[1], 1)
    np.testing.assert_array_equal(found.runner_up, -1)
    np.testing.assert_array_equal(found.confidence, 1)


# Averages forced together and apart.


@settings(max_examples=25, deadline=None)
@given(
    together=st.lists(st.sampled_from([-1, -1, 0, 3, 8]), min_size=2, max_size=12),
    seed=st.integers(0, 2**32 - 1),
)
def test_forced_averages_are_where_they_must_be(together: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).random((len(together), len(together)))
    values = (values + values.T) / 2
    found = superclassify(values, together=together)
    number = np.array(together)
    for labels in (found.labels, *found.labels_by_k.values()):
        for i, j in np.ndindex(values.shape):
            if number[i] >= 0 and number[j] >= 0:
                assert (labels[i] == labels[j]) == (number[i] == number[j])


def test_a_forced_average_takes_its_like_along() -> None:
    truth = np.repeat([0, 1, 2], 6)
    together = np.full(18, -1)
    together[[0, 6]] = 4
    labels = superclassify(blocks(truth), 2, together=together).labels
    np.testing.assert_array_equal(labels, np.repeat([0, 1], [12, 6]))


def test_averages_that_take_no_part_force_nothing() -> None:
    together, out = np.array([0, 1, -1, -1]), np.array([False, True, False, False])
    found = superclassify(np.eye(4), 1, together=together, leave_out=out)
    np.testing.assert_array_equal(found.labels, [0, -1, 0, 0])


@pytest.mark.parametrize(
    ("together", "number", "sentence"),
    [
        ([0, 1, 2, -1], 2, "at least 3, not 2, as so many groups of averages are forced apart"),
        ([0, 0, 0, -1], 3, "at most 2 of 4 averages, not 3, as 2 of them are forced to another"),
        ([0, 1], 2, r"together must have one entry per average, \(4,\), not \(2,\)"),
        ([0.5] * 4, 2, "together must be whole numbers, not dtype float64"),
        ([-2, 0, 0, 0], 2, r"together must be -1 \(free\) or a group number from 0, not -2"),
    ],
)
def test_what_cannot_be_forced_is_refused(
    together: list[float], number: int, sentence: str
) -> None:
    with pytest.raises(RebalanceError, match=sentence):
        superclassify(np.eye(4), number, together=together)
