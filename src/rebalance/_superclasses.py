"""Superclasses: groups of class averages that show the same view."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._display_order import display_order
from ._many_superclasses import MOST_DENSE, group_many, links_of
from ._superclass_choice import clearer
from ._superclass_fit import contrast, fit_of, group_sums, is_nowhere, usual_distance
from ._superclass_number import Cuts, all_cuts
from ._superclass_tree import Tree, by_size, grow_tree, sharpen_values
from ._superclass_witness import heard
from .checks import as_affinity_values, as_seed, as_whole
from .errors import RebalanceError

if TYPE_CHECKING:
    from scipy import sparse

    from ._affinity_results import Affinity, SparseAffinity
    from ._view_verdict import ViewSphere

Labels = NDArray[np.int32]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Superclasses:
    """A grouping of N class averages.

    Attributes
    ----------
    labels : (N,) int32 array
        Superclass of each average: 0-based by falling number of averages, ties by lowest index;
        -1 = none.
    order : (N,) int32 array
        Display order: superclasses side by side, alike ones next to each other, and so too the
        averages of each; the -1 last.
    n_superclasses : int
        Number of superclasses.
    curve : dict of str to array
        For every number of superclasses from 2 to 60, or to one less than there are averages:
        ``n_superclasses``; ``compactness``, 1 less the mean distance inside superclasses;
        ``separation``, the mean distance to the next superclass; ``stability``, the adjusted Rand
        index with groupings in which fewer and more neighbours sharpen the affinity (nan for
        more than 1,000 averages);
        ``silhouette``, its mean, by which the number is found.
    suggested : int
        The number that the averages suggest, whatever number was given.
    plausible : (int, int)
        Smallest and largest plausible number of superclasses, whatever number was given.
    confidence : (N,) float64 array
        How well an average belongs to its superclass, 0 (as well to another) to 1; 0 where the
        label is -1.
    runner_up : (N,) int32 array
        Next superclass of each average; -1 = none.
    superclass_confidence : (K,) float64 array
        Mean confidence of the averages of each superclass.
    labels_by_k : dict of int to (N,) int32 array
        Labels for every number of superclasses on the curve, and for the number given. They are
        nested: two superclasses of k + 1 join to make k, the others stay; but not where views are
        distinct and other evidence groups them more clearly into k.
    confidence_by_k : dict of int to (N,) float64 array
        The confidence of the averages in those.
    isolated : (N,) bool array
        Averages that belong nowhere: far from all others.
    warnings : tuple of str
        What the user should know, a sentence each; averages are named by index.
    """

    labels: Labels
    order: Labels
    n_superclasses: int
    curve: dict[str, Values]
    suggested: int
    plausible: tuple[int, int]
    confidence: Values
    runner_up: Labels
    superclass_confidence: Values
    labels_by_k: dict[int, Labels]
    confidence_by_k: dict[int, Values]
    isolated: NDArray[np.bool_]
    warnings: tuple[str, ...]

    def _repr_html_(self) -> str:
        from ._notebook import superclasses_html  # draws, and nobody needs it outside notebooks

        return superclasses_html(self.labels, self.superclass_confidence)


def superclassify(
    aff: Affinity | SparseAffinity | ArrayLike | sparse.sparray,
    n_superclasses: int | str = "auto",
    *,
    leave_out: ArrayLike | None = None,
    particles: ArrayLike | None = None,
    together: ArrayLike | None = None,
    sphere: ViewSphere | None = None,
    seed: int = 0,
) -> Superclasses:
    """Group class averages that show the same view.

    Parameters
    ----------
    aff : Affinity, SparseAffinity, (N, N) array or scipy sparse array
        Affinity in [0, 1], symmetric. More than 6,000 averages, and those of which only nearest
        neighbours are known, are grouped by a sparse eigenproblem and 3,000 landmarks among them;
        `warnings` of the result says so.
    n_superclasses : int or "auto"
        Number of superclasses, 1 to the number of averages that take part. "auto": the number
        round which the mean silhouette is largest.
    leave_out : (N,) bool array, optional
        Averages that take no part; their label is -1.
    particles : (N,) array of whole numbers, optional
        Particles per average; averages with none take no part.
    together : (N,) array of whole numbers, optional
        Averages with the same number from 0 share a superclass, those with different numbers
        never do; -1: free.
    sphere : ViewSphere, optional
        What :func:`view_sphere` found for the averages: where it has directions, the angles
        between them are a second witness of which averages show one view, which makes groups and
        their number more often right. Directions do not tell a view from its mirror image.
    seed : int
        The grouping hangs on no random start, so that every seed gives the same labels; it is
        checked and otherwise unused.

    Returns
    -------
    Superclasses

    Raises
    ------
    RebalanceError
        For an affinity that is not finite, symmetric and in [0, 1]; for a number out of range or
        at odds with `together`; for a `sphere` of another number of averages.

    Notes
    -----
    The affinity, or its mean with the squared cosine of the angle between viewing directions, is
    sharpened (see :func:`sharpen`). From one average each, the two groups with
    the least mean distance 1 - a between them join, times (p q / (p + q))^0.09 for p and q
    averages: average linkage that holds large groups back. Cutting the tree gives every number;
    silhouettes (Rousseeuw 1987) on a locally scaled distance (Zelnik-Manor & Perona 2004) judge
    it.
    """
    as_seed(seed)
    links = links_of(aff)
    if links is not None:
        _refuse_witness(together, sphere)
        part = np.flatnonzero(_takes_part(links.shape[0], leave_out, particles))
        return group_many(links, part, lambda few: _of_landmarks(few, n_superclasses))
    values = as_affinity_values(aff.values if hasattr(aff, "values") else aff)
    members = np.flatnonzero(_takes_part(len(values), leave_out, particles))
    if len(members) == 0:
        raise RebalanceError(
            f"none of the {len(values)} averages takes part: all are blank, empty or left out"
        )
    forced = _as_together(together, len(values))[members]
    return _by_all_pairs(values, members, n_superclasses, forced, sphere)


def _of_landmarks(values: Values, n_superclasses: int | str) -> Superclasses:
    n = len(values)
    return _by_all_pairs(values, np.arange(n), n_superclasses, _as_together(None, n))


def _by_all_pairs(
    values: Values,
    members: NDArray[np.intp],
    n_superclasses: int | str,
    forced: Labels,
    sphere: ViewSphere | None = None,
) -> Superclasses:
    """Superclasses of the `members`, of which those that are `forced` stay together."""
    evidence = _among(members, heard(values, sphere))
    sharpened = sharpen_values(evidence)
    tree = grow_tree(sharpened, forced)
    asked = _as_number(n_superclasses, tree)
    cuts = all_cuts(evidence, sharpened, tree, forced, asked)
    cuts = clearer(cuts, evidence, sharpened, forced)
    isolated = np.zeros(len(values), dtype=bool)
    isolated[members] = is_nowhere(_among(members, values))
    return _of_all(cuts, cuts.best if asked is None else asked, values, members, isolated)


def _refuse_witness(together: ArrayLike | None, sphere: ViewSphere | None) -> None:
    forced = together is not None and bool((np.asarray(together) >= 0).any())
    for name, given in (("together", forced), ("sphere", sphere is not None)):
        if given:
            raise RebalanceError(
                f"{name} needs the affinity of all pairs of at most {MOST_DENSE:,} averages, and "
                "this is of more, or of nearest neighbours only: leave it out"
            )


class Superclassifier:
    """:func:`superclassify` in scikit-learn's manners, for a precomputed affinity.

    Parameters
    ----------
    n_superclasses : int or "auto"
    seed : int

    Attributes
    ----------
    labels_ : (N,) int32 array
    """

    labels_: Labels

    def __init__(self, n_superclasses: int | str = "auto", seed: int = 0) -> None:
        self.n_superclasses = n_superclasses
        self.seed = seed

    def fit(self, X: ArrayLike, y: object = None) -> Superclassifier:
        """Group the averages of the (N, N) affinity `X`; `y` is ignored."""
        self.labels_ = superclassify(X, self.n_superclasses, seed=self.seed).labels
        return self

    def fit_predict(self, X: ArrayLike, y: object = None) -> Labels:
        """:meth:`fit`, then the labels."""
        return self.fit(X, y).labels_


def _takes_part(
    n: int, leave_out: ArrayLike | None, particles: ArrayLike | None
) -> NDArray[np.bool_]:
    part = np.ones(n, dtype=bool)
    if leave_out is not None:
        part &= ~_per_average("leave_out", leave_out, n, "b", "true or false")
    if particles is not None:
        count = _per_average("particles", particles, n, "iu", "whole numbers")
        if count.min() < 0:
            raise RebalanceError(f"particles must be from 0, not {count.min()}")
        part &= count > 0
    return part


def _per_average(name: str, given: ArrayLike, n: int, kinds: str, kind: str) -> NDArray[Any]:
    array = np.asarray(given)
    if array.shape != (n,):
        raise RebalanceError(f"{name} must have one entry per average, ({n},), not {array.shape}")
    if array.dtype.kind not in kinds:
        raise RebalanceError(f"{name} must be {kind}, not dtype {array.dtype}")
    return array


def _as_together(together: ArrayLike | None, n: int) -> Labels:
    if together is None:
        return np.full(n, -1, dtype=np.int32)
    number = _per_average("together", together, n, "iu", "whole numbers")
    if number.min() < -1:
        raise RebalanceError(
            f"together must be -1 (free) or a group number from 0, not {number.min()}"
        )
    return np.unique(number, return_inverse=True)[1].astype(np.int32) - np.int32((number < 0).any())


def _as_number(n_superclasses: int | str, tree: Tree) -> int | None:
    if isinstance(n_superclasses, str):
        if n_superclasses != "auto":
            raise RebalanceError(
                f"number of superclasses must be a whole number or 'auto', not {n_superclasses!r}"
            )
        return None
    number = as_whole("number of superclasses", n_superclasses, 1)
    if number > tree.n:
        raise RebalanceError(
            "number of superclasses must be at most the number of averages that take part "
            f"({tree.n}), not {number}: ask for fewer, or 'auto'"
        )
    if number > tree.most:
        raise RebalanceError(
            f"number of superclasses must be at most {tree.most} of {tree.n} averages, not "
            f"{number}, as {tree.n_forced} of them are forced to another: ask for fewer, or "
            "force fewer together"
        )
    if number < tree.fewest:
        raise RebalanceError(
            f"number of superclasses must be at least {tree.fewest}, not {number}, as so many "
            "groups of averages are forced apart: ask for more, or force fewer apart"
        )
    return number


def _of_all(
    cuts: Cuts, number: int, values: Values, members: NDArray[np.intp], isolated: NDArray[np.bool_]
) -> Superclasses:
    """Superclasses of all N averages, `cuts` being those of the `members`."""
    n = len(values)
    labels_by_k = {
        k: _spread(by_size(cut.groups), members, n, -1) for k, cut in sorted(cuts.by_number.items())
    }
    cut, labels = cuts.by_number[number], labels_by_k[number]
    label_of_group = np.full(number + 1, -1, dtype=np.int32)  # the last: of no group, -1
    label_of_group[cut.groups] = labels[members]
    confidence_by_k = {
        k: _spread(cut.fit.confidence, members, n, 0) for k, cut in sorted(cuts.by_number.items())
    }
    confidence = confidence_by_k[number]
    taking_part = labels >= 0
    totals = np.bincount(labels[taking_part], weights=confidence[taking_part])
    return Superclasses(
        labels=labels,
        order=display_order(values, labels),
        n_superclasses=number,
        curve=cuts.curve,
        suggested=cuts.best,
        plausible=cuts.plausible,
        confidence=confidence,
        runner_up=_spread(label_of_group[cut.fit.runner_up], members, n, -1),
        superclass_confidence=totals / np.bincount(labels[taking_part]),
        labels_by_k=labels_by_k,
        confidence_by_k=confidence_by_k,
        isolated=isolated,
        warnings=isolated_warning(np.flatnonzero(isolated), "index"),
    )


def regrouped(
    found: Superclasses, aff: Affinity, labels: Labels, sphere: ViewSphere | None = None
) -> Superclasses:
    """The superclasses after averages were moved by hand.

    Parameters
    ----------
    found : Superclasses
        As they were found; what does not depend on `labels` stays.
    aff : Affinity
        Affinity of all N averages.
    labels : (N,) int32 array
        Superclass of each average, every number from 0 at least once; -1 = none.
    sphere : ViewSphere, optional
        As in :func:`superclassify`.
    """
    values = as_affinity_values(aff.values)
    members = np.flatnonzero(labels >= 0)
    groups, n = labels[members], len(labels)
    distance = contrast(sharpen_values(_among(members, heard(values, sphere))))
    fit = fit_of(group_sums(distance, groups), groups, usual_distance(distance))
    return replace(
        found,
        labels=labels,
        order=display_order(values, labels),
        n_superclasses=int(groups.max()) + 1,
        confidence=_spread(fit.confidence, members, n, 0),
        runner_up=_spread(fit.runner_up.astype(np.int32), members, n, -1),
        superclass_confidence=np.bincount(groups, fit.confidence) / np.bincount(groups),
    )


def _among(members: NDArray[np.intp], values: Values) -> Values:
    """(M, M) values of the members alone."""
    return np.ascontiguousarray(values[np.ix_(members, members)])


def isolated_warning(averages: NDArray[np.integer], named_by: str) -> tuple[str, ...]:
    """A warning that names averages that belong nowhere, if there are any."""
    if len(averages) == 0:
        return ()
    names = ", ".join(str(average) for average in averages)
    return (
        f"averages that are like no other ({named_by} {names}) belong to no view that another "
        "shows: look at them first",
    )


def _spread(
    of_members: NDArray[Any], members: NDArray[np.intp], n: int, elsewhere: int
) -> NDArray[Any]:
    """(n,) array that holds `of_members` at the places `members`."""
    spread = np.full(n, elsewhere, dtype=of_members.dtype)
    spread[members] = of_members
    return spread
