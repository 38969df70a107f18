"""Angles between the views of averages, as a density of views needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ._symmetry import rotations

if TYPE_CHECKING:
    from ._view_verdict import ViewSphere

Floats = NDArray[np.float64]


def angles_of_affinity(values: Floats) -> Floats:
    """(N, N) angles in degrees that the affinities would stand for if views were uniform.

    Of uniform axes the share 1 - cos(t) lies within an angle t of one of them; affinity falls
    with the angle; so the rank of a pair among all pairs tells its angle. The level of the
    affinity, which hangs on noise and resolution, has no say. Where views are crowded angles
    come out too large, the same for all pairs, so that only the width of the kernel changes.
    Averages that are much like all others, end-on views for example, also change slowly with the
    angle: the distance 1 - a is taken relative to the square root of its median over the row.
    """
    n = len(values)
    if n < 3:
        return np.degrees(np.arccos(values))  # no rank to speak of
    distance = 1.0 - values
    off_diagonal = distance[~np.eye(n, dtype=np.bool_)].reshape(n, n - 1)
    typical = np.maximum(np.median(off_diagonal, axis=1), 1e-6)
    pairs = np.triu_indices(n, 1)
    relative = (distance / (typical[:, None] * typical) ** 0.25)[pairs]
    _, place, count = np.unique(relative, return_inverse=True, return_counts=True)
    within = (np.cumsum(count) - 0.5 * count) / len(relative)
    angle = np.zeros(values.shape)
    angle[pairs] = np.degrees(np.arccos(1.0 - within))[place]
    return angle + angle.T


def angles_of_sphere(values: Floats, sphere: ViewSphere) -> Floats:
    """(N, N) angles in degrees between viewing directions, modulo the point group.

    Where one of two averages has no direction, their affinity stands in.
    """
    angle = angles_of_affinity(values)
    known = np.flatnonzero(np.isfinite(sphere.direction).all(axis=1))
    angle[np.ix_(known, known)] = angles_of_axes(sphere.direction[known], sphere.symmetry)
    np.fill_diagonal(angle, 0.0)
    return angle


def angles_of_axes(axes: Floats, symmetry: str = "C1") -> Floats:
    """(N, N) smallest angles in degrees between unit vectors, v = -v, among symmetry mates."""
    cosine = np.zeros((len(axes), len(axes)))
    for turn in rotations(symmetry):
        np.maximum(cosine, np.abs((axes @ turn.T) @ axes.T), out=cosine)
    angle: Floats = np.degrees(np.arccos(np.minimum(cosine, 1.0)))
    return angle
