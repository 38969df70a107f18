"""The clearest superclasses among those of several trees that other evidence gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ._superclass_fit import contrast, fit_of, group_sums, usual_distance
from ._superclass_number import Cut, Cuts, sums_of_cuts, views_are_distinct
from ._superclass_tree import DAMPING, NEIGHBOURS, Tree, grow_tree, sharpen_values

Labels = NDArray[np.int32]
Values = NDArray[np.float64]

OTHER_NEIGHBOURS = (0, 1, 2, 3, 5)  # that join an average in other trees
OTHER_DAMPINGS = (0.0, DAMPING)
SPAN_TRIED = 1.75  # numbers at most so many times smaller or larger than the best are tried
LEAD = 0.015  # of clearness: another tree must be better by more
MOST_TRIED = 500  # averages: beyond, one tree is grown
THOUGHT_PAIRS = 2  # pairs as alike as usual that every group is thought to hold besides
LEAST_ALIKE = 0.05  # members of a group count as no less alike
CLOSEST = 0.1  # median distances: nearer than that all distances count alike


def clearer(cuts: Cuts, values: Values, sharpened: Values, together: Labels) -> Cuts:
    """The cuts, each replaced by that of another tree where that is clearer by a lead.

    Only where views are distinct, and near the number that the data suggest: where directions are
    spread continuously no grouping is the right one, and the clearest has very unequal groups.

    Parameters
    ----------
    cuts : Cuts
        Of the tree of the sharpened affinity.
    values, sharpened : (N, N) float64 array
        Affinity, as it is and sharpened.
    together : (N,) int32 array
        Averages that stay together.
    """
    if len(values) > MOST_TRIED or not views_are_distinct(cuts.curve):
        return cuts
    found = _clearer_groups(cuts, (values + sharpened) / 2, values, together)
    distance = contrast(sharpened)
    usual = usual_distance(distance)
    better = {
        number: Cut(groups, fit_of(group_sums(distance, groups), groups, usual))
        for number, groups in found.items()
    }
    return replace(cuts, by_number=cuts.by_number | better)


def _clearer_groups(
    cuts: Cuts, both: Values, values: Values, together: Labels
) -> dict[int, Labels]:
    closest = max(CLOSEST * float(np.median(1.0 - both)), 1e-3)
    tried = range(max(2, round(cuts.best / SPAN_TRIED)), round(cuts.best * SPAN_TRIED) + 1)
    most = {}
    for number in tried:
        if number in cuts.by_number and number < len(values):
            groups = cuts.by_number[number].groups
            most[number] = clearness(group_sums(both, groups), groups, closest) + LEAD
    found: dict[int, Labels] = {}
    for tree in _other_trees(values, together):
        for number, groups, sums in sums_of_cuts(tree, both, max(most, default=1)):
            if number < min(most, default=0):
                break
            if number in most:
                clear = clearness(sums, groups, closest)
                if clear > most[number]:
                    most[number], found[number] = clear, groups
    return found


def clearness(sums: Values, groups: Labels, closest: float) -> float:
    """How clearly averages belong to their groups, each group weighing the same.

    The silhouette (Rousseeuw 1987) of the distances to the means of the groups, 1 - likeness, none
    less than `closest`. Likeness is the affinity to the mean of a group, the average itself left
    out: as the correlation with a mean is the mean of correlations over the norm of the mean, the
    mean affinity to the members over the square root of the mean affinity among these. An average
    that is alone is thought to be as like its group as others are at the median.

    Parameters
    ----------
    sums : (N, K) float64 array
        Sum of the affinities of each average to the members of each group, 1 to itself.
    groups : (N,) int32 array
        Group 0 to K - 1 of each average.
    closest : float
        Distances below count alike.
    """
    rows, size = np.arange(len(groups)), np.bincount(groups)
    own, of_own = sums[rows, groups] - 1.0, size[groups]
    among = np.bincount(groups, own)  # sum over both orders of every pair of a group
    pairs = size * (size - 1)
    usual = THOUGHT_PAIRS * _middle(among[size > 1] / pairs[size > 1])
    inner = np.maximum((among + usual) / (pairs + THOUGHT_PAIRS), LEAST_ALIKE)
    likeness = sums / (size * np.sqrt(inner))
    likeness[rows, groups] = -np.inf
    left = (among[groups] - 2 * own + usual) / ((of_own - 1) * (of_own - 2) + THOUGHT_PAIRS)
    own /= np.maximum(of_own - 1, 1) * np.sqrt(np.maximum(left, LEAST_ALIKE))
    own[of_own == 1] = _middle(own[of_own > 1])
    near = np.maximum(1.0 - own, closest)
    far = np.maximum(1.0 - likeness.max(axis=1), closest)
    silhouette = (far - near) / np.maximum(far, near)
    return float(np.mean(np.bincount(groups, silhouette) / size))


def _other_trees(values: Values, together: Labels) -> Iterator[Tree]:
    for neighbours in OTHER_NEIGHBOURS:
        evidence = sharpen_values(values, neighbours) if neighbours else values
        for damping in OTHER_DAMPINGS:
            if (neighbours, damping) != (NEIGHBOURS, DAMPING):
                yield grow_tree(evidence, together, damping)


def _middle(numbers: Values) -> float:
    """The median, of an even number of values the larger one in the middle."""
    return float(np.sort(numbers)[len(numbers) // 2])
