"""Superclasses: groups of class averages that show the same view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from . import _core
from .checks import as_affinity_values, as_seed, as_whole
from .errors import RebalanceError

if TYPE_CHECKING:
    from ._affinity_results import Affinity

Labels = NDArray[np.int32]
Values = NDArray[np.float64]

MOST_TRIED = 60  # superclasses, when their number is found from the data


@dataclass(frozen=True)
class Superclasses:
    """A grouping of N class averages.

    Attributes
    ----------
    labels : (N,) int32 array
        Superclass of each average: 0-based by falling number of averages, ties by lowest index;
        -1 = none.
    order : (N,) int32 array
        Display order: superclasses side by side, alike ones next to each other, and within each
        the most typical average first; the -1 last.
    n_superclasses : int
        Number of superclasses.
    curve : dict of str to array
        For every number of superclasses tried: ``n_superclasses`` and ``silhouette``; empty when
        the number was given.
    """

    labels: Labels
    order: Labels
    n_superclasses: int
    curve: dict[str, Values]


def superclassify(
    aff: Affinity | ArrayLike,
    n_superclasses: int | str = "auto",
    *,
    leave_out: ArrayLike | None = None,
    particles: ArrayLike | None = None,
    seed: int = 0,
) -> Superclasses:
    """Group class averages that show the same view.

    Parameters
    ----------
    aff : Affinity or (N, N) array
        Affinity in [0, 1], symmetric.
    n_superclasses : int or "auto"
        Number of superclasses, 1 to the number of averages that take part. "auto": the number
        with the largest mean silhouette.
    leave_out : (N,) bool array, optional
        Averages that take no part; their label is -1.
    particles : (N,) array of whole numbers, optional
        Particles per average; averages with none take no part.
    seed : int
        The grouping hangs on no random start, so that every seed gives the same labels; it is
        checked and otherwise unused.

    Returns
    -------
    Superclasses

    Raises
    ------
    RebalanceError
        For an affinity that is not finite, symmetric and in [0, 1]; for a number out of range.

    Notes
    -----
    Spectral clustering (Ng, Jordan & Weiss 2002) of a locally scaled kernel (Zelnik-Manor &
    Perona 2004); number of groups by mean silhouette (Rousseeuw 1987).
    """
    values = as_affinity_values(aff.values if hasattr(aff, "values") else aff)
    as_seed(seed)
    members = np.flatnonzero(_takes_part(len(values), leave_out, particles))
    if len(members) == 0:
        raise RebalanceError(
            f"none of the {len(values)} averages takes part: all are blank, empty or left out"
        )
    inside = np.ascontiguousarray(values[np.ix_(members, members)])
    found, curve = _group(inside, _as_number(n_superclasses, len(members)))
    labels = np.full(len(values), -1, dtype=np.int32)
    labels[members] = by_size(found)
    n = int(labels.max()) + 1
    return Superclasses(labels, display_order(values, labels), n, curve)


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


def _as_number(n_superclasses: int | str, n: int) -> int | None:
    if isinstance(n_superclasses, str):
        if n_superclasses != "auto":
            raise RebalanceError(
                f"number of superclasses must be a whole number or 'auto', not {n_superclasses!r}"
            )
        return None
    number = as_whole("number of superclasses", n_superclasses, 1)
    if number > n:
        raise RebalanceError(
            "number of superclasses must be at most the number of averages that take part "
            f"({n}), not {number}: ask for fewer, or 'auto'"
        )
    return number


def _group(values: Values, number: int | None) -> tuple[Labels, dict[str, Values]]:
    """Labels of all averages of `values`, and the curve where the number was to be found."""
    n = len(values)
    if number is None and n <= 2:
        number = 1
    if number == 1:
        return np.zeros(n, dtype=np.int32), {}
    if number == n:
        return np.arange(n, dtype=np.int32), {}
    if number is not None:
        return _core.SpectralEmbedding(values, number).labels(number), {}
    tried = np.arange(2, min(n - 1, MOST_TRIED) + 1)
    embedding = _core.SpectralEmbedding(values, int(tried[-1]))
    cuts = [embedding.labels(int(k)) for k in tried]
    quality = np.array([embedding.silhouette(cut).mean() for cut in cuts])
    curve = {"n_superclasses": tried.astype(float), "silhouette": quality}
    return cuts[int(np.argmax(quality))], curve


def by_size(labels: Labels) -> Labels:
    """Labels renumbered by falling number of members, ties by lowest index of a member."""
    _, first, inverse, count = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.empty(len(first), dtype=np.int32)
    rank[np.lexsort((first, -count))] = np.arange(len(first))
    return rank[inverse]


def display_order(values: Values, labels: Labels) -> Labels:
    """(N,) indices: alike superclasses side by side, typical members first, the -1 last."""
    groups = [np.flatnonzero(labels == k) for k in range(int(labels.max(initial=-1)) + 1)]
    ordered = [g[np.argsort(-values[np.ix_(g, g)].sum(axis=1), kind="stable")] for g in groups]
    rest = np.flatnonzero(labels < 0)
    chain = [ordered[k] for k in _chain(values, groups)]
    return np.concatenate([*chain, rest]).astype(np.int32)


def _chain(values: Values, groups: list[NDArray[np.intp]]) -> list[int]:
    """Order of the groups along the leaves of their tree (Bar-Joseph, Gifford & Jaakkola 2001)."""
    if len(groups) < 3:
        return list(range(len(groups)))
    between = np.array([[values[np.ix_(g, h)].mean() for h in groups] for g in groups])
    distance = 1 - (between + between.T) / 2
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
    return [int(leaf) for leaf in leaves_list(tree)]
