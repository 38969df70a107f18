"""Superclasses: judged by the slow twin, by known answers, and by laws."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path

import numpy as np
import pytest
import slow_twin
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import rebalance
from rebalance import RebalanceError, Superclassifier, _core, superclassify
from rebalance._simulate import Simulation, SimulationSettings, simulate
from rebalance._superclass_tree import by_size
from rebalance._superclasses import regrouped
from rebalance.metrics import adjusted_rand_index

Floats = NDArray[np.float64]


@functools.cache
def simulated(seed: int = 0) -> tuple[Simulation, rebalance.Affinity]:
    """60 averages of 10 views."""
    simulation = simulate(SimulationSettings(seed=seed))
    return simulation, rebalance.affinity(simulation.images)


def blocks(sizes: list[int], seed: int = 0, noise: float = 0.05) -> tuple[Floats, NDArray[np.intp]]:
    """Affinity near 0.9 inside blocks and 0.4 between, rows shuffled; and the true block."""
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    values = np.where(truth[:, None] == truth, 0.9, 0.4)
    spread = rng.uniform(-noise, noise, values.shape)
    values = values + (spread + spread.T) / 2
    np.fill_diagonal(values, 1)
    return values, truth


def same_groups(a: NDArray[np.integer], b: NDArray[np.integer]) -> bool:
    """Whether two groupings are one, but for the numbers of the groups."""
    return bool(((a[:, None] == a) == (b[:, None] == b)).all())


# Against the slow twin.


@pytest.mark.parametrize("seed", range(5))
def test_labels_are_those_of_the_twin_on_blocks(seed: int) -> None:
    values, truth = blocks([9, 7, 7, 4, 2, 1, 1], seed)
    labels = superclassify(values, 7).labels
    assert same_groups(labels, slow_twin.tree_groups(slow_twin.sharpened(values), 7))
    assert same_groups(labels, truth)


@pytest.mark.parametrize("n", [2, 3, 4, 17, 60])
@pytest.mark.parametrize("neighbours", [0, 1, 3, 100])
def test_sharpened_values_are_those_of_the_twin(n: int, neighbours: int) -> None:
    values = np.ascontiguousarray(simulated()[1].values[:n, :n].astype(np.float64))
    found = _core.sharpen(values, neighbours=neighbours, reach=2.0)
    np.testing.assert_allclose(found, slow_twin.sharpened(values, neighbours), atol=1e-12)
    np.testing.assert_array_equal(found, found.T)


@pytest.mark.parametrize("k", [2, 5, 10, 25, 40])
def test_labels_are_those_of_the_twin_on_simulated_averages(k: int) -> None:
    values = simulated()[1].values.astype(np.float64)
    twin = slow_twin.tree_groups(slow_twin.sharpened(values), k)
    assert same_groups(superclassify(values, k).labels, twin)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(2, 12),
    seed=st.integers(0, 2**32 - 1),
    damping=st.sampled_from([0.0, 0.09, 1.0]),
    n_forced=st.integers(0, 3),
)
def test_tree_is_that_of_the_twin(n: int, seed: int, damping: float, n_forced: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.random((n, n))
    values = (values + values.T) / 2
    together = rng.integers(-1, n_forced, n).astype(np.int32)
    joins, cost = _core.superclass_tree(values, together, damping=damping)
    n_apart = max(1, len(set(together) - {-1}))
    assert n - len(joins) == n_apart
    assert np.count_nonzero(cost < 0) == sum(together >= 0) - len(set(together) - {-1})
    group = np.arange(n)
    for k, (stays, goes) in zip(range(n - 1, 0, -1), joins, strict=False):
        group[group == goes] = stays
        if k <= n - np.count_nonzero(cost < 0):
            twin = slow_twin.tree_groups(values, k, damping, together)
            np.testing.assert_array_equal(group, twin)


def test_curve_is_that_of_the_twin() -> None:
    values = simulated()[1].values.astype(np.float64)
    found, sharp = superclassify(values), slow_twin.sharpened(values)
    np.testing.assert_array_equal(found.curve["n_superclasses"], np.arange(2, 60))
    for k in (2, 10, 20, 59):
        mean = slow_twin.silhouette(sharp, slow_twin.tree_groups(sharp, k)).mean()
        assert found.curve["silhouette"][k - 2] == pytest.approx(mean, abs=1e-9)


# Known answers.


def test_auto_finds_the_number_of_simulated_views() -> None:
    found = [superclassify(simulated(seed)[1]).n_superclasses for seed in range(4)]
    off = np.abs(np.array(found) - 10)
    assert off.max() <= 2, found
    assert np.count_nonzero(off <= 1) >= 3, found


def test_simulated_views_are_found() -> None:
    simulation, aff = simulated()
    assert adjusted_rand_index(superclassify(aff, 10).labels, simulation.label) >= 0.95


def test_auto_finds_equal_blocks() -> None:
    values, truth = blocks([6, 6, 6, 6])
    assert same_groups(superclassify(values).labels, truth)


def test_views_of_real_maps_are_found(test_data: Path) -> None:
    scores = {}
    for path in sorted((test_data / "truth").glob("views_*.npz")):
        with np.load(path, allow_pickle=False) as truth:
            aff = rebalance.affinity(truth["images"])
            found = superclassify(aff, int(truth["n_views"]))
            scores[path.stem] = adjusted_rand_index(found.labels, truth["label"])
    assert len(scores) == 4
    assert np.mean(list(scores.values())) >= 0.95, scores
    assert min(scores.values()) >= 0.85, scores


# Laws.


@pytest.mark.parametrize("k", range(1, 61))
def test_exactly_the_number_asked_for(k: int) -> None:
    found = superclassify(simulated()[1], k)
    assert found.n_superclasses == k
    assert set(found.labels) == set(range(k))
    np.testing.assert_array_equal(found.labels, found.labels_by_k.get(k, found.labels))


@pytest.mark.parametrize("values", [np.ones((9, 9)), np.eye(9), np.full((9, 9), 0.5)])
def test_exactly_the_number_asked_for_of_averages_all_alike(values: Floats) -> None:
    for k in range(1, 10):
        assert set(superclassify(values, k).labels) == set(range(k))


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 14), seed=st.integers(0, 2**32 - 1), k=st.integers(1, 14), zeros=st.booleans()
)
def test_laws_hold_for_any_affinity(n: int, seed: int, k: int, zeros: bool) -> None:
    rng = np.random.default_rng(seed)
    values = rng.random((n, n)) * (rng.random((n, n)) < 0.3 if zeros else 1)
    values = np.maximum(values, values.T)
    np.fill_diagonal(values, 1)
    k = min(k, n)
    found = superclassify(values, k)
    assert set(found.labels) == set(range(k))
    numbered_by_size(found.labels)
    ordered(found)
    auto = superclassify(values)
    assert 1 <= auto.n_superclasses <= n
    ordered(auto)


def numbered_by_size(labels: NDArray[np.int32]) -> None:
    taking_part = labels[labels >= 0]
    size = np.bincount(taking_part)
    first = np.array([np.flatnonzero(labels == k)[0] for k in range(len(size))])
    assert list(zip(-size, first, strict=True)) == sorted(zip(-size, first, strict=True))


def ordered(found: rebalance.Superclasses) -> None:
    """Every average once, superclasses in one piece, those without at the end."""
    np.testing.assert_array_equal(np.sort(found.order), np.arange(len(found.labels)))
    shown = found.labels[found.order]
    n_pieces = 1 + np.count_nonzero(np.diff(shown))
    assert n_pieces == len(set(shown))
    n_without = np.count_nonzero(shown < 0)
    assert (shown[len(shown) - n_without :] == -1).all()


def test_numbered_by_size_then_by_lowest_index() -> None:
    by_hand = by_size(np.array([7, 3, 3, 9, 5, 5, 9, 9], np.int32))
    np.testing.assert_array_equal(by_hand, [3, 1, 1, 0, 2, 2, 0, 0])
    numbered_by_size(superclassify(simulated()[1], 10).labels)


def test_alike_averages_stand_side_by_side() -> None:
    places = np.random.default_rng(0).permutation(30) / 100
    values = 1 - np.abs(places[:, None] - places)
    shown = places[superclassify(values, 1).order]
    assert (np.diff(shown) > 0).all() or (np.diff(shown) < 0).all()


def test_neighbours_of_two_superclasses_are_alike() -> None:
    places = np.random.default_rng(0).permutation(np.r_[0:10, 20:30]) / 100
    values = 1 - np.abs(places[:, None] - places)
    shown = places[superclassify(values, 2).order]
    assert (np.diff(shown) > 0).all() or (np.diff(shown) < 0).all()


def test_alike_superclasses_stand_side_by_side() -> None:
    values, truth = blocks([5, 4, 3, 2], noise=0.0)
    for a, b in ((0, 3), (1, 2)):
        values[(truth[:, None] == a) & (truth == b)] = 0.7
        values[(truth[:, None] == b) & (truth == a)] = 0.7
    shown = truth[superclassify(values, 4).order]
    neighbours = {tuple(sorted(p)) for p in itertools.pairwise(shown)}
    assert {(0, 3), (1, 2)} <= neighbours


@pytest.mark.parametrize("k", [10, "auto"])
def test_permuted_averages_give_permuted_labels(k: int | str) -> None:
    values = simulated()[1].values
    order = np.random.default_rng(1).permutation(60)
    permuted = superclassify(values[np.ix_(order, order)], k).labels
    assert same_groups(permuted, superclassify(values, k).labels[order])


def test_every_seed_and_every_kind_of_input_give_the_same() -> None:
    aff = simulated()[1]
    expected = superclassify(aff, 10).labels
    for labels in (
        superclassify(aff, 10, seed=5).labels,
        superclassify(aff.values, 10).labels,
        superclassify(aff.values.tolist(), 10).labels,
        superclassify(aff, np.int64(10)).labels,  # type: ignore[arg-type]
    ):
        np.testing.assert_array_equal(labels, expected)


def test_input_is_left_alone() -> None:
    values = simulated()[1].values.astype(np.float64)
    before = values.copy()
    superclassify(values)
    np.testing.assert_array_equal(values, before)


def test_averages_that_take_no_part_do_not_matter() -> None:
    values, truth = blocks([6, 5, 4, 3])
    out = np.zeros(18, bool)
    out[[2, 9]] = True
    particles = np.ones(18, int)
    particles[[0, 9]] = 0
    found = superclassify(values, 4, leave_out=out, particles=particles)
    np.testing.assert_array_equal(np.flatnonzero(found.labels == -1), [0, 2, 9])
    inside = np.flatnonzero(found.labels >= 0)
    alone = superclassify(values[np.ix_(inside, inside)], 4)
    np.testing.assert_array_equal(found.labels[inside], alone.labels)
    assert same_groups(found.labels[inside], truth[inside])
    ordered(found)


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_averages_are_one_superclass_by_default(n: int) -> None:
    found = superclassify(np.ones((n, n)))
    np.testing.assert_array_equal(found.labels, np.zeros(n))
    assert found.n_superclasses == 1


def test_superclassifier_has_the_manners_of_scikit_learn() -> None:
    aff = simulated()[1]
    model = Superclassifier(10, seed=3)
    assert model.fit(aff.values) is model
    np.testing.assert_array_equal(model.labels_, superclassify(aff, 10).labels)
    np.testing.assert_array_equal(Superclassifier(10).fit_predict(aff.values), model.labels_)
    assert (model.n_superclasses, model.seed) == (10, 3)


# Refusals.


def lopsided() -> Floats:
    values = np.eye(3)
    values[0, 1] = 0.5
    return values


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.ones(4), r"affinity must have shape \(N, N\) with N >= 1, not \(4,\)"),
        (np.ones((2, 3)), r"affinity must have shape \(N, N\) with N >= 1, not \(2, 3\)"),
        (np.ones((0, 0)), r"affinity must have shape \(N, N\) with N >= 1, not \(0, 0\)"),
        (np.full((2, 2), np.nan), "affinity must be finite, but some entries are NaN or infinite"),
        (2 * np.eye(2), r"affinity must lie in \[0, 1\], but spans 0 to 2: clip or rescale it"),
        (-np.eye(2), r"affinity must lie in \[0, 1\], but spans -1 to -?0: clip"),
        (lopsided(), r"affinity must be symmetric, .* by 0\.5: use \(a \+ a\.T\) / 2"),
        ([["a"]], "affinity must be real numbers, not dtype <U1"),
        (1j * np.eye(2), "affinity must be real numbers, not dtype complex128"),
        ([[1, 2], [3]], "affinity must be one array, not nested lists of different lengths"),
    ],
)
def test_what_is_no_affinity_is_refused(values: object, sentence: str) -> None:
    with pytest.raises(RebalanceError, match=sentence):
        superclassify(values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"n_superclasses": 0}, "number of superclasses must be a whole number from 1, not 0"),
        ({"n_superclasses": 2.0}, r"number of superclasses must be a whole number .* not 2\.0"),
        ({"n_superclasses": True}, "number of superclasses must be a whole number .* not True"),
        ({"n_superclasses": "all"}, "must be a whole number or 'auto', not 'all'"),
        ({"n_superclasses": 5}, r"at most the number of averages that take part \(4\), not 5: ask"),
        (
            {"n_superclasses": 4, "leave_out": [True, False, False, False]},
            r"at most the number of averages that take part \(3\), not 4: ask for fewer",
        ),
        ({"leave_out": [True] * 4}, "none of the 4 averages takes part: all are blank, empty or"),
        ({"particles": [0] * 4}, "none of the 4 averages takes part: all are blank, empty or"),
        ({"leave_out": [True]}, r"leave_out must have one entry per average, \(4,\), not \(1,\)"),
        ({"leave_out": [3, 1, 0, 0]}, "leave_out must be true or false, not dtype int64"),
        ({"particles": [1, 2]}, r"particles must have one entry per average, \(4,\), not \(2,\)"),
        ({"particles": [1.5] * 4}, "particles must be whole numbers, not dtype float64"),
        ({"particles": [1, 1, 1, -1]}, "particles must be from 0, not -1"),
        ({"seed": -1}, "seed must be a whole number from 0 to 9223372036854775807, not -1"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(RebalanceError, match=sentence):
        superclassify(np.eye(4), **options)  # type: ignore[arg-type]


def test_the_core_refuses_what_would_read_beyond_its_arrays() -> None:
    with pytest.raises(ValueError, match=r"affinity must have shape \(N, N\)"):
        _core.superclass_tree(np.ones((3, 2)), [-1, -1, -1], damping=0.0)
    with pytest.raises(ValueError, match="together must have one entry per image"):
        _core.superclass_tree(np.eye(3), [-1, -1], damping=0.0)
    with pytest.raises(ValueError, match=r"affinity must have shape \(N, N\)"):
        _core.sharpen(np.ones(3), neighbours=1, reach=1.0)
    with pytest.raises(ValueError, match="neighbours must be from 0, reach above 0"):
        _core.sharpen(np.eye(3), neighbours=1, reach=0.0)


def test_regrouping_by_the_same_labels_changes_nothing():
    _, aff = simulated()
    found = superclassify(aff, 8)
    again = regrouped(found, aff, found.labels)
    for name in ("labels", "order", "confidence", "runner_up", "superclass_confidence"):
        np.testing.assert_allclose(getattr(again, name), getattr(found, name), atol=1e-12)


def test_a_moved_average_is_less_sure_of_its_superclass():
    _, aff = simulated()
    found = superclassify(aff, 8)
    labels = found.labels.copy()
    moved = int(np.flatnonzero(labels == 0)[0])
    labels[moved] = 7
    again = regrouped(found, aff, labels)
    assert again.n_superclasses == 8
    assert again.confidence[moved] < found.confidence[moved]
    assert again.runner_up[moved] == 0
    assert sorted(again.order) == list(range(len(labels)))
