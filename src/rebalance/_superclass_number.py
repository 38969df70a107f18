"""The number of superclasses: a curve over all numbers, the best of it, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._superclass_fit import Fit, contrast, fit_of, group_sums, usual_distance
from ._superclass_tree import Tree, grow_tree, sharpen_values
from .metrics import adjusted_rand_index

Labels = NDArray[np.int32]
Values = NDArray[np.float64]

LIMIT = 60  # superclasses: the largest number that is tried
SOFTNESS = 0.01  # of silhouette: numbers that lose no more weigh nearly as much as the best
LOSS = 0.1  # of silhouette: a number that loses more is not plausible
SPAN = 1.264  # a plausible number is at most so many times smaller or larger than the best
DISTINCT = 0.85  # stability beyond which views are distinct
OTHER_NEIGHBOURS = (1, 5)  # that join an average in the trees that stability compares
MOST_COMPARED = 1000  # averages: beyond, stability is left out, as its trees take most of the time


@dataclass(frozen=True)
class Cut:
    """K groups of N averages: (N,) `groups` 0 to K - 1, and how well they fit."""

    groups: Labels
    fit: Fit


@dataclass(frozen=True)
class Cuts:
    """Cuts of a tree by number of groups, and what they say about that number.

    Attributes
    ----------
    by_number : dict of int to Cut
        From 2 groups, or as few as there can be, to the limit; and the number asked for.
    curve : dict of str to array
        Qualities of those up to the limit, see :class:`Superclasses`.
    best : int
        Number of groups that the data suggest.
    plausible : (int, int)
        Smallest and largest plausible number.
    """

    by_number: dict[int, Cut]
    curve: dict[str, Values]
    best: int
    plausible: tuple[int, int]


def all_cuts(
    values: Values, sharpened: Values, tree: Tree, together: Labels, asked: int | None
) -> Cuts:
    """Cuts of the `tree` of (N, N) `sharpened` values, with the number `asked` for."""
    distance = contrast(sharpened)
    most = min(tree.most, LIMIT, tree.n - 1)
    by_number = dict(_cuts_down_from(tree, distance, most))
    curve = _curve(by_number, _other_cuts(values, together, most) if by_number else [])
    best = best_number(curve) if by_number else tree.fewest
    plausible = plausible_range(curve) if by_number else (best, best)
    number = best if asked is None else asked
    if number not in by_number:
        by_number[number] = _one_cut(tree, distance, number)
    return Cuts(by_number, curve, best, plausible)


def best_number(curve: dict[str, Values]) -> int:
    """Number round which the silhouette is largest.

    Several numbers are often as good as each other, and the very largest silhouette is then an
    accident: the geometric mean of all, with weights exp(-loss of silhouette / SOFTNESS).
    """
    mean = np.average(np.log(curve["n_superclasses"]), weights=_weights(curve))
    return int(np.rint(np.exp(mean)))


def views_are_distinct(curve: dict[str, Values]) -> bool:
    """Whether trees from other evidence agree on the superclasses, near the best number.

    They do where there are views to find, and not where directions are spread continuously, so
    that any border between superclasses is as good as others.
    """
    if len(curve["stability"]) == 0:
        return False
    return bool(np.average(curve["stability"], weights=_weights(curve)) > DISTINCT)


def _weights(curve: dict[str, Values]) -> Values:
    quality = curve["silhouette"]
    weight: Values = np.exp((quality - quality.max()) / SOFTNESS)
    return weight


def plausible_range(curve: dict[str, Values]) -> tuple[int, int]:
    """Smallest and largest number near the best whose silhouette is not much worse."""
    tried, quality, best = curve["n_superclasses"], curve["silhouette"], best_number(curve)
    near = (tried * SPAN >= best) & (tried <= best * SPAN) & (quality >= quality.max() - LOSS)
    plausible = [best, *tried[near]]
    return int(min(plausible)), int(max(plausible))


def _cuts_down_from(tree: Tree, distance: Values, most: int) -> Iterator[tuple[int, Cut]]:
    """Every number of groups from `most` to 2, or to as few as there can be."""
    usual = usual_distance(distance)
    for number, groups, sums in sums_of_cuts(tree, distance, most):
        yield number, Cut(groups, fit_of(sums, groups, usual))


def sums_of_cuts(tree: Tree, values: Values, most: int) -> Iterator[tuple[int, Labels, Values]]:
    """Numbers from `most` to 2, the (N,) groups, and the (N, K) sums of `values` over them."""
    sums = before = None
    for number, group in tree.cuts(most):
        if number < 2:
            return
        lowest, inverse = np.unique(group, return_inverse=True)
        groups = inverse.astype(np.int32)
        if sums is None or before is None:
            sums = group_sums(values, groups)
        else:
            sums = _joined(sums, before, group)
        before = lowest
        yield number, groups, sums


def _joined(sums: Values, before: Labels, group: Labels) -> Values:
    """Sums after a join: columns of groups known by their lowest averages, `before` it."""
    home = np.searchsorted(before, group[before])
    gone = int(np.flatnonzero(home != np.arange(len(before)))[0])
    sums[:, home[gone]] += sums[:, gone]
    return np.delete(sums, gone, axis=1)


def _one_cut(tree: Tree, distance: Values, number: int) -> Cut:
    group = next(group for _, group in tree.cuts(number))
    groups = np.unique(group, return_inverse=True)[1].astype(np.int32)
    return Cut(groups, fit_of(group_sums(distance, groups), groups, usual_distance(distance)))


def _other_cuts(values: Values, together: Labels, most: int) -> list[dict[int, Labels]]:
    """Cuts of trees that other evidence gives: fewer and more neighbours join an average."""
    if len(values) > MOST_COMPARED:
        return []
    trees = [grow_tree(sharpen_values(values, n), together) for n in OTHER_NEIGHBOURS]
    return [dict(tree.cuts(most)) for tree in trees]


def _curve(by_number: dict[int, Cut], others: list[dict[int, Labels]]) -> dict[str, Values]:
    numbers = sorted(by_number)
    fits = [by_number[number].fit for number in numbers]
    stability = [_agreement(by_number[k].groups, [cuts[k] for cuts in others]) for k in numbers]
    curve = {
        "n_superclasses": numbers,
        "compactness": [1.0 - fit.own.mean() for fit in fits],
        "separation": [fit.other.mean() for fit in fits],
        "stability": stability,
        "silhouette": [fit.silhouette.mean() for fit in fits],
    }
    return {name: np.array(column, dtype=np.float64) for name, column in curve.items()}


def _agreement(groups: Labels, others: list[Labels]) -> float:
    if not others:
        return float("nan")
    return float(np.mean([adjusted_rand_index(groups, other) for other in others]))
