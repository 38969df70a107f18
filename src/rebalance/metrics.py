"""Scores of a result against a known answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._axis_scores import angle_within, axis_angles, best_angle_within, direction_errors
from .errors import RebalanceError

__all__ = [
    "adjusted_rand_index",
    "angle_within",
    "axis_angles",
    "best_angle_within",
    "best_overlap",
    "direction_errors",
    "roc_area",
]

MATCH = 0.8  # Jaccard index; above 0.5 a superclass can match one view only, and a view only one


def adjusted_rand_index(a: ArrayLike, b: ArrayLike) -> float:
    """Agreement of two groupings: 1 when they are the same, about 0 when they are unrelated.

    Every value is a label like any other, -1 too: leave out what should not count.

    Parameters
    ----------
    a, b : (N,) int arrays
        Labels of N things, N >= 1.

    Raises
    ------
    RebalanceError
        When the labels are empty or differ in shape.
    """
    table = _overlaps(*_label_pair(a, b))[2]
    together = _n_pairs(table)
    in_a, in_b = _n_pairs(table.sum(axis=1)), _n_pairs(table.sum(axis=0))
    pairs = _n_pairs(table.sum(keepdims=True))
    if in_a == in_b == together:  # also the cases that leave no pair to judge
        return 1.0
    expected = in_a * in_b / pairs
    return (together - expected) / ((in_a + in_b) / 2 - expected)


def roc_area(score: ArrayLike, same: ArrayLike) -> float:
    """Area under the ROC curve: how often a true pair scores above a false one.

    Parameters
    ----------
    score : float array
        Score of each pair, for example the affinity.
    same : bool array of the same shape
        Whether the pair truly belongs together.

    Raises
    ------
    RebalanceError
        When the shapes differ, a score is nan, or there are no true or no false pairs.
    """
    scores, truth = np.ravel(score).astype(np.float64), np.ravel(same).astype(np.bool_)
    n_true = int(truth.sum())
    n_false = len(truth) - n_true
    if np.shape(score) != np.shape(same):
        raise RebalanceError(
            f"score and same must have one shape, not {np.shape(score)} and {np.shape(same)}: "
            "give both for the same pairs."
        )
    if np.isnan(scores).any():
        raise RebalanceError("score must hold no nan: leave out the pairs without a score.")
    if n_true == 0 or n_false == 0:
        raise RebalanceError(
            f"same must hold true and false pairs, not {n_true} true and {n_false} false: "
            "the area needs both."
        )
    from scipy.stats import rankdata  # slow to load, and no command needs it

    above = rankdata(scores)[truth].sum() - n_true * (n_true + 1) / 2
    return float(above / (n_true * n_false))


def best_overlap(labels: ArrayLike, truth: ArrayLike) -> tuple[int, int]:
    """Count the superclasses that match a true view.

    A superclass matches a view when the averages that both hold are at least 0.8 of the averages
    that either holds, so at most one superclass matches a view.

    Parameters
    ----------
    labels : (N,) int array
        Superclass of each average; -1 = none.
    truth : (N,) int array
        True view of each average; -1 = none, which counts against a superclass that holds it.

    Returns
    -------
    n_agree, n_total : int
        Superclasses that match, and all superclasses.

    Raises
    ------
    RebalanceError
        When the labels are empty or differ in shape.
    """
    superclass, view, both = _overlaps(*_label_pair(labels, truth))
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    match = both >= MATCH * either
    match = match[superclass >= 0][:, view >= 0]
    return int(match.any(axis=1).sum()), len(match)


def _label_pair(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first, second = np.asarray(a), np.asarray(b)
    if first.ndim != 1 or first.shape != second.shape or len(first) == 0:
        raise RebalanceError(
            "Two groupings must be 1D, of one length and not empty, not of shape "
            f"{first.shape} and {second.shape}: give both for the same averages."
        )
    return first.astype(np.int64), second.astype(np.int64)


def _overlaps(
    a: NDArray[np.int64], b: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Labels of a (A,), labels of b (B,), and how many things each pair of them shares (A, B)."""
    in_a, row = np.unique(a, return_inverse=True)
    in_b, column = np.unique(b, return_inverse=True)
    table = np.zeros((len(in_a), len(in_b)), dtype=np.int64)
    np.add.at(table, (row, column), 1)
    return in_a, in_b, table


def _n_pairs(counts: NDArray[np.int64]) -> int:
    return int((counts * (counts - 1) // 2).sum())
