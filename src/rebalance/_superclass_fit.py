"""How well averages belong to their superclasses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int32]
Values = NDArray[np.float64]

PRIOR = 0.3  # averages at the usual distance that every superclass is thought to hold besides
USUAL = 3  # rank of the neighbour at the usual distance
NOWHERE = 3.0  # usual distances: an average with no neighbour nearer belongs nowhere


@dataclass(frozen=True)
class Fit:
    """Silhouettes of N averages in K groups (Rousseeuw 1987).

    Attributes
    ----------
    own : (N,) float64 array
        Mean distance to the others of the own group, drawn a little towards the usual distance
        between neighbours, which it is for an average that is alone.
    other : (N,) float64 array
        Mean distance to the next group; inf where there is none.
    runner_up : (N,) intp array
        Number of that group; -1 where there is none.
    """

    own: Values
    other: Values
    runner_up: NDArray[np.intp]

    @property
    def silhouette(self) -> Values:
        """(N,) -1 to 1; 0 where there is one group."""
        if not np.isfinite(self.other).all():
            return np.zeros(len(self.own))
        larger = np.maximum(np.maximum(self.own, self.other), 1e-12)
        silhouette: Values = (self.other - self.own) / larger
        return silhouette

    @property
    def confidence(self) -> Values:
        """(N,) 0 to 1: silhouettes, none below 0; 1 where there is one group."""
        if not np.isfinite(self.other).all():
            return np.ones(len(self.own))
        return np.maximum(self.silhouette, 0.0)


def contrast(sharpened: Values) -> Values:
    """Distance that saturates at what unlike averages keep, so that far groups do not count.

    1 - exp(-d^2 / (s_i s_j)), d^2 = 1 - a and s_i the median of row i's distances d.
    """
    squared = 1.0 - sharpened
    scale = np.maximum(np.median(np.sqrt(squared), axis=1), 1e-6)
    squared /= scale[:, None]
    squared /= scale
    distance: Values = -np.expm1(-squared)
    return distance


def usual_distance(distance: Values) -> float:
    """Median distance to the third nearest."""
    rank = min(USUAL, len(distance) - 1)
    return float(np.median(np.partition(distance, rank, axis=1)[:, rank]))


def group_sums(values: Values, groups: Labels) -> Values:
    """(N, K) sum of each row over the members of each group 0 to K - 1."""
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(int(groups.max()) + 1))
    return np.add.reduceat(values[:, order], starts, axis=1)


def fit_of(sums: Values, groups: Labels, usual: float) -> Fit:
    """Fit of N averages in groups 0 to K - 1, `sums` the (N, K) sums of distances."""
    rows = np.arange(len(groups))
    count = np.bincount(groups)
    own = (sums[rows, groups] + PRIOR * usual) / (count[groups] - 1 + PRIOR)
    mean = sums / count
    mean[rows, groups] = np.inf
    runner_up = mean.argmin(axis=1)
    other = mean[rows, runner_up]
    return Fit(own, other, np.where(np.isfinite(other), runner_up, -1))


def is_nowhere(values: Values) -> NDArray[np.bool_]:
    """(N,) whether an average is far from all others: (N, N) `values` is the plain affinity."""
    distance = 1.0 - values
    if len(distance) < 3:
        return np.zeros(len(distance), dtype=bool)
    two = np.partition(distance, (1, 2), axis=1)  # place 0 is the average itself
    return two[:, 1] > NOWHERE * max(float(np.median(two[:, 2])), 1e-9)
