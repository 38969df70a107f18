"""Order in which averages are shown: alike superclasses, and alike members, side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

Labels = NDArray[np.int32]
Indices = NDArray[np.intp]
Values = NDArray[np.float64]

MOST_OPTIMAL = 400  # leaves whose order is optimised; the time grows with their cube


def display_order(values: Values, labels: Labels) -> Labels:
    """(N,) indices: superclasses along the leaves of their tree, so too the members of each.

    Neighbours along the leaves are as alike as the tree allows (Bar-Joseph, Gifford & Jaakkola
    2001). Each superclass is turned so that its first member is like the last one before it. The
    -1 come last.
    """
    groups = [np.flatnonzero(labels == k) for k in range(int(labels.max(initial=-1)) + 1)]
    members = [group[_along_leaves(values[np.ix_(group, group)])] for group in groups]
    shown = [members[k] for k in _along_leaves(_between(values, groups))]
    for before in range(len(shown) - 1):
        _turn_towards_each_other(values, shown, before)
    return np.concatenate([*shown, np.flatnonzero(labels < 0)]).astype(np.int32)


def _turn_towards_each_other(values: Values, shown: list[Indices], before: int) -> None:
    """Reverse the group after `before` where its last is the nearer one; the first group too."""
    ends = values[np.ix_(shown[before][[-1, 0]], shown[before + 1][[0, -1]])]
    own, next_ = divmod(int(ends.argmax() if before == 0 else ends[0].argmax()), 2)
    if own:
        shown[before] = shown[before][::-1]
    if next_:
        shown[before + 1] = shown[before + 1][::-1]


def _along_leaves(values: Values) -> Indices:
    if len(values) < 3:
        return np.arange(len(values))
    distance = np.maximum(0.0, 1.0 - values)
    np.fill_diagonal(distance, 0.0)
    optimal = len(values) <= MOST_OPTIMAL
    condensed = squareform(distance, checks=False)
    leaves: Indices = leaves_list(linkage(condensed, "average", optimal_ordering=optimal))
    return leaves.astype(np.intp)


def _between(values: Values, groups: list[Indices]) -> Values:
    """(K, K) mean affinity of superclasses."""
    size = np.array([len(group) for group in groups])
    order = np.concatenate(groups)
    starts = np.concatenate([[0], np.cumsum(size)[:-1]])
    sums = np.add.reduceat(np.add.reduceat(values[np.ix_(order, order)], starts, 0), starts, 1)
    return sums / np.outer(size, size)
