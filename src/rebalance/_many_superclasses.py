"""Superclasses of very many averages, from those of landmarks among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ._diffusion import coordinates
from ._landmarks import Nearest, among, choose_landmarks, find_nearest
from ._superclass_tree import by_size
from .checks import as_links
from .errors import RebalanceError

if TYPE_CHECKING:
    from ._superclasses import Superclasses

Labels = NDArray[np.int32]
Values = NDArray[np.float64]
Indices = NDArray[np.intp]

MOST_DENSE = 6000  # averages whose pairs are all weighed: several arrays of 300 MB
NEIGHBOURS = 30  # links of each average, where more are known
AT_ONCE = 512  # averages


def links_of(aff: object) -> sparse.csr_array | None:
    """Nearest neighbours of very many averages, or where only they are known; None for others."""
    if hasattr(aff, "to_csr"):
        aff = aff.to_csr()
    if sparse.issparse(aff):
        return as_links(aff)
    values = aff.values if hasattr(aff, "values") else aff
    if isinstance(values, np.ndarray) and values.ndim == 2 and len(values) > MOST_DENSE:
        return as_links(nearest_links(values))
    return None


def nearest_links(values: NDArray[np.floating]) -> sparse.csr_array:
    """The nearest neighbours of each average, of an (N, N) affinity that may be a mapped file."""
    parts = []
    for start in range(0, len(values), AT_ONCE):
        part = np.asarray(values[start : start + AT_ONCE])
        top = min(NEIGHBOURS + 1, part.shape[1])
        column = np.argpartition(-part, top - 1, axis=1)[:, :top]
        value = np.take_along_axis(part, column, axis=1)
        starts = np.arange(len(part) + 1) * top
        shape = (len(part), part.shape[1])
        parts.append(sparse.csr_array((value.ravel(), column.ravel(), starts), shape=shape))
    return sparse.csr_array(sparse.vstack(parts))


def group_many(
    links: sparse.csr_array, members: Indices, group: Callable[[Values], Superclasses]
) -> Superclasses:
    """Superclasses of the `members` among N averages, `group` making those of the landmarks."""
    n = links.shape[0]
    if len(members) == 0:
        raise RebalanceError(
            f"none of the {n} averages takes part: all are blank, empty or left out"
        )
    among_members = coordinates(sparse.csr_array(links[members][:, members]))
    place = np.zeros((n, among_members.shape[1]), np.float32)
    place[members] = among_members
    landmarks = choose_landmarks(members)
    square = among(place, landmarks)
    few = group(square)
    nearest = find_nearest(place, members, landmarks, square)
    told = (
        f"{len(members):,} averages were grouped by their nearest neighbours and a sparse "
        f"eigenproblem, {len(landmarks):,} of them first and each of the others with those that it "
        f"is like: the affinity of all pairs is used up to {MOST_DENSE:,} averages",
    )
    return _of_members(few, nearest, members, n, told)


def _of_members(
    few: Superclasses, nearest: Nearest, members: Indices, n: int, warnings: tuple[str, ...]
) -> Superclasses:
    label_of_old, labels, votes = _voted(few.labels, nearest)
    second = votes.copy()
    second[np.arange(len(votes)), labels] = -1
    runner_up = second.argmax(axis=1).astype(np.int32)
    alone = second.max(axis=1) <= 0
    kept = np.append(label_of_old, np.int32(-1))  # the last: none
    runner_up[alone] = kept[few.runner_up[nearest.landmark[alone, 0]]]
    confidence = nearest.mean(few.confidence) * votes[np.arange(len(votes)), labels]
    n_labels = len(label_of_old)
    totals = np.bincount(labels, weights=confidence, minlength=n_labels)
    count = np.bincount(labels, minlength=n_labels)
    return replace(
        few,
        labels=_spread(labels, members, n, -1),
        order=_order(few, label_of_old, labels, nearest, members, n),
        confidence=_spread(confidence, members, n, 0),
        runner_up=_spread(runner_up, members, n, -1),
        superclass_confidence=totals / np.maximum(count, 1),
        labels_by_k={
            k: _spread(_voted(one, nearest)[1], members, n, -1)
            for k, one in few.labels_by_k.items()
        },
        confidence_by_k={
            k: _spread(nearest.mean(one), members, n, 0) for k, one in few.confidence_by_k.items()
        },
        isolated=_spread(np.zeros(len(members), bool), members, n, 0),
        warnings=warnings,
    )


def _voted(of_landmarks: Labels, nearest: Nearest) -> tuple[Labels, Labels, Values]:
    """New number of each superclass of the landmarks, labels of all averages, and votes.

    None is empty, as every landmark stays in its own.
    """
    votes = nearest.votes(of_landmarks)
    labels = votes.argmax(axis=1)
    label_of_old = np.empty(votes.shape[1], np.int32)
    label_of_old[labels] = by_size(labels.astype(np.int32))
    ranked = np.empty_like(votes)
    ranked[:, label_of_old] = votes
    return label_of_old, label_of_old[labels], ranked


def _order(
    few: Superclasses,
    label_of_old: Labels,
    labels: Labels,
    nearest: Nearest,
    members: Indices,
    n: int,
) -> Labels:
    """Averages as their landmarks are shown, superclass by superclass; those of none last."""
    rank = np.empty(len(few.order), np.intp)
    rank[few.order] = np.arange(len(few.order))
    first = np.full(len(label_of_old), len(rank), np.intp)
    np.minimum.at(first, label_of_old[few.labels], rank)
    shown = members[np.lexsort((rank[nearest.landmark[:, 0]], first[labels]))]
    rest = np.setdiff1d(np.arange(n), members)
    return np.concatenate([shown, rest]).astype(np.int32)


def _spread(of_members: NDArray[Any], members: Indices, n: int, elsewhere: int) -> NDArray[Any]:
    spread = np.full(n, elsewhere, dtype=of_members.dtype)
    spread[members] = of_members
    return spread
