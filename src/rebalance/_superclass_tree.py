"""The tree of superclasses: cutting it gives the labels for every number of superclasses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from .checks import as_affinity_values

if TYPE_CHECKING:
    from ._affinity_results import Affinity

Labels = NDArray[np.int32]
Values = NDArray[np.float64]

NEIGHBOURS = 3  # averages that join one
REACH = 2.0  # of their weight, in medians of the distance to the second nearest
DAMPING = 0.09  # 0: average linkage; 1: sizes weigh as in Ward's method


@dataclass(frozen=True)
class Tree:
    """Joins of N averages into ever fewer groups.

    Attributes
    ----------
    joins : (J, 2) int32 array
        Groups that join, known by their lowest average; the first column stays.
    n : int
        Number of averages, N.
    n_forced : int
        First joins, which `together` asked for.
    """

    joins: Labels
    n: int
    n_forced: int

    @property
    def fewest(self) -> int:
        """Smallest number of groups."""
        return self.n - len(self.joins)

    @property
    def most(self) -> int:
        """Largest number of groups."""
        return self.n - self.n_forced

    def cuts(self, most: int) -> Iterator[tuple[int, Labels]]:
        """Every number of groups from `most` down, and the lowest average of each one's group."""
        group = np.arange(self.n, dtype=np.int32)
        for done in range(len(self.joins) + 1):
            if self.n - done <= most:
                yield self.n - done, group.copy()
            if done < len(self.joins):
                stays, goes = self.joins[done]
                group[group == goes] = stays


def grow_tree(sharpened: Values, together: Labels, damping: float = DAMPING) -> Tree:
    """Tree of the averages of an (N, N) sharpened affinity."""
    joins, cost = _core.superclass_tree(sharpened, together, damping=damping)
    return Tree(joins, len(sharpened), int(np.count_nonzero(cost < 0)))


def sharpen(aff: Affinity | ArrayLike) -> Values:
    """Sharpen an affinity: what superclasses are made from.

    Every average is joined by its three nearest neighbours, each with a weight that falls with
    its distance, and the sums are compared instead. As correlations of sums are sums of
    correlations, the images are not needed. An average far from all others stays what it is.

    Parameters
    ----------
    aff : Affinity or (N, N) array
        Affinity in [0, 1], symmetric.

    Returns
    -------
    (N, N) float64 array
        In [0, 1], symmetric, 1 on the diagonal. It depends on the whole stack.

    Raises
    ------
    RebalanceError
        For an affinity that is not finite, symmetric and in [0, 1].

    Notes
    -----
    With d_ij = 1 - a_ij, w_ii = 1 and w_ij = exp(-d_ij / t) for the neighbours j of i, t twice
    the median over all averages of the distance to the second nearest: (W A W^T)_ij divided by
    the square root of (W A W^T)_ii (W A W^T)_jj.
    """
    values = as_affinity_values(aff.values if hasattr(aff, "values") else aff)
    return sharpen_values(values)


def sharpen_values(values: Values, neighbours: int = NEIGHBOURS) -> Values:
    """:func:`sharpen` of values that were looked at."""
    return _core.sharpen(values, neighbours=neighbours, reach=REACH)


def by_size(labels: Labels) -> Labels:
    """Labels renumbered by falling number of members, ties by lowest index of a member."""
    _, first, inverse, count = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.empty(len(first), dtype=np.int32)
    rank[np.lexsort((first, -count))] = np.arange(len(first))
    return rank[inverse]
