"""Superclass numbers that stay what they were while averages come and go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from .errors import RebalanceError

if TYPE_CHECKING:
    from ._superclasses import Superclasses

Labels = NDArray[np.int32]


def keep_numbers(found: Superclasses, earlier: ArrayLike) -> Superclasses:
    """Number superclasses as in an earlier grouping of the same averages.

    Parameters
    ----------
    found : Superclasses
        Of N averages.
    earlier : (N,) array of whole numbers
        Superclass of each average in the earlier grouping; -1: of none, or a new average.

    Returns
    -------
    Superclasses
        As `found`, but superclasses have the numbers of those with which they share most averages;
        numbers that are left go to the others, the largest first. Only the grouping into the
        chosen number is renumbered.

    Raises
    ------
    RebalanceError
        If `earlier` does not have one whole number per average.
    """
    before = np.asarray(earlier)
    if before.shape != found.labels.shape or before.dtype.kind not in "iu":
        raise RebalanceError(
            f"earlier must be one whole number per average, ({len(found.labels)},), not "
            f"{before.dtype} of shape {before.shape}"
        )
    number = _numbers(found.labels, before)
    with_none = np.append(number, np.int32(-1))  # the last: of none
    labels = with_none[found.labels]
    return replace(
        found,
        labels=labels,
        runner_up=with_none[found.runner_up],
        superclass_confidence=found.superclass_confidence[np.argsort(number)],
        labels_by_k=found.labels_by_k | {found.n_superclasses: labels},
    )


def number_before(earlier: ArrayLike, plausible: tuple[int, int]) -> int | None:
    """Number of superclasses in an earlier grouping, if it is still plausible."""
    before = np.asarray(earlier)
    number = len(np.unique(before[before >= 0]))
    return number if plausible[0] <= number <= plausible[1] else None


def _numbers(labels: Labels, before: NDArray[np.integer]) -> Labels:
    """(K,) the number that each superclass gets."""
    n = int(labels.max()) + 1
    shared = np.zeros((n, max(int(before.max(initial=-1)) + 1, n)), np.int64)
    both = (labels >= 0) & (before >= 0)
    np.add.at(shared, (labels[both], before[both]), 1)
    mine, theirs = linear_sum_assignment(shared, maximize=True)
    number = np.full(n, -1, np.int32)
    kept = (shared[mine, theirs] > 0) & (theirs < n)
    number[mine[kept]] = theirs[kept]
    number[number < 0] = np.setdiff1d(np.arange(n), number)
    return number
