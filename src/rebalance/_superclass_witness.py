"""Viewing directions, a second witness of which class averages show one view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ._symmetry import rotations
from .errors import RebalanceError

if TYPE_CHECKING:
    from ._view_verdict import ViewSphere

Values = NDArray[np.float64]

FEWEST = 3  # averages with a direction, below which directions tell nothing


def heard(values: Values, sphere: ViewSphere | None) -> Values:
    """(N, N) affinity, averaged with what the angles between viewing directions say.

    That is the squared cosine of the angle between the axes of two views: like an affinity it is 1
    for one view and falls with the square of a small angle. Where one of two averages has no
    direction, it is what other pairs of their affinity have on average (a straight line).

    Parameters
    ----------
    values : (N, N) float64 array
        Affinity.
    sphere : ViewSphere, optional
        Where there is none, or where its directions cannot be told, the affinity stays alone.

    Raises
    ------
    RebalanceError
        If the sphere has another number of averages.
    """
    if sphere is None:
        return values
    if len(sphere.direction) != len(values):
        raise RebalanceError(
            f"the view sphere must be that of the {len(values)} averages, not of "
            f"{len(sphere.direction)}: give the one made from their images"
        )
    known = np.isfinite(sphere.direction).all(axis=1)
    if known.sum() < FEWEST:
        return values
    pairs = np.ix_(known, known)
    cosine2 = _squared_cosine(sphere.direction[known], sphere.symmetry)
    expected = _expected(values, values[pairs], cosine2)
    expected[pairs] = cosine2
    both = (values + expected) / 2
    np.fill_diagonal(both, 1.0)
    return both


def _squared_cosine(direction: Values, symmetry: str) -> Values:
    """(N, N) largest squared cosine between the axes of two views over the point group."""
    largest = np.zeros((len(direction), len(direction)))
    for rotation in rotations(symmetry):
        np.maximum(largest, (direction @ rotation @ direction.T) ** 2, out=largest)
    symmetric: Values = np.minimum((largest + largest.T) / 2, 1.0)
    return symmetric


def _expected(values: Values, known: Values, cosine2: Values) -> Values:
    """(N, N) squared cosine of the same rank among known pairs as the affinity has."""
    pairs = np.triu_indices(len(known), 1)
    expected: Values = np.interp(values, np.sort(known[pairs]), np.sort(cosine2[pairs]))
    return expected
