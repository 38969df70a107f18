"""The groupings that the page's slider runs through: one for every number of superclasses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .._align import superclass_references
from .._display_order import display_order

if TYPE_CHECKING:
    from ..pipeline import Result


@dataclass(frozen=True)
class Grouping:
    """A grouping of N class averages into K superclasses.

    Attributes
    ----------
    n_superclasses : int
        K.
    labels : (N,) int32 array
        Superclass of each average; -1 = none.
    order : (N,) int32 array
        Display order.
    references : (K,) int array
        The average that all of a superclass are laid on.
    confidence : (N,) float64 array
        How well each average belongs, 0 to 1.
    """

    n_superclasses: int
    labels: NDArray[np.int32]
    order: NDArray[np.int32]
    references: NDArray[np.int64]
    confidence: NDArray[np.float64]


def groupings(result: Result) -> list[Grouping]:
    """Groupings by rising number of superclasses; that of the run is the run's own."""
    found = result.superclasses
    return [_grouping(result, k) for k in sorted({*found.labels_by_k, found.n_superclasses})]


def _grouping(result: Result, k: int) -> Grouping:
    found = result.superclasses
    if k == found.n_superclasses:
        labels, order, confidence = found.labels, found.order, found.confidence
    else:
        labels, confidence = found.labels_by_k[k], found.confidence_by_k[k]
        order = display_order(result.affinity.values.astype(np.float64), labels)
    return Grouping(k, labels, order, _references(result, labels), confidence)


def _references(result: Result, labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """(K,) the most typical average of each superclass."""
    inside = np.flatnonzero(labels >= 0)
    _, first = np.unique(labels[inside], return_index=True)
    return superclass_references(result.affinity, labels)[inside[first]]
