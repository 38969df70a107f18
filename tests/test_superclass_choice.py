"""The clearest superclasses: what clear means, and when another tree is heeded."""

from __future__ import annotations

import numpy as np
import pytest

from rebalance import SimulationSettings, affinity, simulate, superclassify
from rebalance import _superclass_choice as choice
from rebalance._superclass_fit import group_sums
from rebalance.metrics import adjusted_rand_index


def blocks(sizes: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    truth = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    noise = np.random.default_rng(seed).normal(0, 0.02, (len(truth), len(truth)))
    values = np.clip(np.where(truth[:, None] == truth, 0.9, 0.6) + noise + noise.T, 0, 1)
    np.fill_diagonal(values, 1)
    return values, truth


def middle(numbers: list[float]) -> float:
    return sorted(numbers)[len(numbers) // 2]


def plain_clearness(values: np.ndarray, groups: np.ndarray, closest: float) -> float:
    """One average and one group at a time."""
    n, k = len(groups), int(groups.max()) + 1

    def mean_among(members: np.ndarray, usual: float) -> float:
        pairs = [values[i, j] for i in members for j in members if i != j]
        return max((sum(pairs) + 2 * usual) / (len(pairs) + 2), 0.05)

    several = [m for g in range(k) if len(m := np.flatnonzero(groups == g)) > 1]
    usual = middle([values[np.ix_(m, m)][~np.eye(len(m), dtype=bool)].mean() for m in several])
    own, other = np.full(n, np.nan), np.full(n, -np.inf)
    for i in range(n):
        for g in range(k):
            members = np.array([j for j in np.flatnonzero(groups == g) if j != i])
            if len(members):
                likeness = values[i, members].mean() / mean_among(members, usual) ** 0.5
                if g == groups[i]:
                    own[i] = likeness
                else:
                    other[i] = max(other[i], likeness)
    own[np.isnan(own)] = middle(own[~np.isnan(own)].tolist())
    near, far = np.maximum(1 - own, closest), np.maximum(1 - other, closest)
    silhouette = (far - near) / np.maximum(near, far)
    return float(np.mean([silhouette[groups == g].mean() for g in range(k)]))


def test_clearness_is_that_of_the_plain_loop() -> None:
    values, truth = blocks([6, 4, 3, 2, 1])
    moved = truth.copy()
    moved[[0, 7]] = [1, 2]
    for groups in (truth, moved):
        found = choice.clearness(group_sums(values, groups), groups, 0.01)
        assert found == pytest.approx(plain_clearness(values, groups, 0.01), abs=1e-12)


def test_true_groups_are_the_clearest() -> None:
    values, truth = blocks([9, 7, 5, 3, 2, 1])
    best = choice.clearness(group_sums(values, truth), truth, 0.01)
    rng = np.random.default_rng(1)
    for _ in range(20):
        moved = truth.copy()
        moved[rng.integers(len(truth) - 1)] = rng.integers(6)
        moved = np.unique(moved, return_inverse=True)[1].astype(np.int32)
        assert choice.clearness(group_sums(values, moved), moved, 0.01) <= best


def test_another_tree_is_heeded_where_it_is_clearer(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SimulationSettings(averages=80, views=16, box=48, snr=2.0, view_ratio=8.0, seed=7)
    known = simulate(settings)
    aff = affinity(known.images, threads=1)
    with_others = superclassify(aff, 16).labels
    monkeypatch.setattr(choice, "MOST_TRIED", 0)
    alone = superclassify(aff, 16).labels
    scores = [adjusted_rand_index(labels, known.label) for labels in (alone, with_others)]
    assert scores[1] > scores[0]


def test_continuous_views_keep_the_one_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    known = simulate(SimulationSettings(averages=80, views=0, box=48, seed=2))
    aff = affinity(known.images, threads=1)
    found = superclassify(aff).labels_by_k
    monkeypatch.setattr(choice, "MOST_TRIED", 0)
    for k, labels in superclassify(aff).labels_by_k.items():
        np.testing.assert_array_equal(found[k], labels)
