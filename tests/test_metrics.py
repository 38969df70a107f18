"""Scores, judged by scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, roc_auc_score

from rebalance.errors import RebalanceError
from rebalance.metrics import adjusted_rand_index, best_overlap, roc_area

LABEL_PAIRS = st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 5)), min_size=1, max_size=60)
SCORES = st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=60)


@settings(max_examples=40, deadline=None)
@given(LABEL_PAIRS)
def test_adjusted_rand_index_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    a, b = zip(*pairs, strict=True)
    assert adjusted_rand_index(a, b) == pytest.approx(adjusted_rand_score(a, b), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(SCORES.filter(lambda pairs: len({same for _, same in pairs}) == 2))
def test_roc_area_is_that_of_scikit_learn(pairs: list[tuple[int, bool]]) -> None:
    score, same = zip(*pairs, strict=True)
    assert roc_area(score, same) == pytest.approx(roc_auc_score(same, score), abs=1e-12)


def test_roc_area_takes_matrices() -> None:
    score = np.array([[0.9, 0.2], [0.4, 0.1]])
    assert roc_area(score, np.eye(2, dtype=bool)) == 0.5


def test_roc_area_refuses() -> None:
    with pytest.raises(RebalanceError, match=r"one shape, not \(3,\) and \(2,\): "):
        roc_area([1, 2, 3], [True, False])
    with pytest.raises(RebalanceError, match="no nan: "):
        roc_area([1, np.nan], [True, False])
    with pytest.raises(RebalanceError, match="not 2 true and 0 false: "):
        roc_area([1, 2], [True, True])


@pytest.mark.parametrize(
    ("labels", "truth", "expected"),
    [
        ([0, 0, 1, 1], [5, 5, 2, 2], (2, 2)),
        ([0, 0, 0, 0, 0], [1, 1, 1, 1, 2], (1, 1)),  # 4 of 5: just enough
        ([0, 0, 0, 0], [1, 1, 1, 2], (0, 1)),  # 3 of 4: not enough
        ([0, 0, 1, 1], [3, 3, 3, 3], (0, 2)),  # a view in two halves
        ([0, 0, 0, 0], [1, 1, 2, 2], (0, 1)),  # two views in one
        ([0, 0, 1, -1], [1, 1, 2, 2], (1, 2)),  # an average without superclass is missed
        ([0, 0, 1, 1], [1, 1, -1, -1], (1, 2)),  # a superclass of junk
        ([-1, -1], [0, 0], (0, 0)),
    ],
)
def test_best_overlap(labels: list[int], truth: list[int], expected: tuple[int, int]) -> None:
    assert best_overlap(labels, truth) == expected


@settings(max_examples=40, deadline=None)
@given(LABEL_PAIRS)
def test_best_overlap_does_not_hang_on_names_or_order(pairs: list[tuple[int, int]]) -> None:
    labels, truth = np.array(pairs).T
    renamed = np.where(labels < 0, labels, 7 - labels)
    assert best_overlap(renamed[::-1], truth[::-1]) == best_overlap(labels, truth)
    n_superclasses = len(set(labels[labels >= 0]))
    assert best_overlap(labels, labels) == (n_superclasses, n_superclasses)


@pytest.mark.parametrize("score", [adjusted_rand_index, best_overlap])
@pytest.mark.parametrize(("a", "b"), [([0, 1], [0]), ([], []), ([[0]], [[0]])])
def test_groupings_that_do_not_fit_are_refused(score, a: list[int], b: list[int]) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(
        RebalanceError, match="must be 1D, of one length and not empty, not of shape"
    ):
        score(a, b)
