"""The spheres of the page: views found from the averages, and the 3D poses of the particles.

What the page's script draws of each, in `data.spheres`:

=============  ==================================================================================
name           ``views`` or ``poses``
direction      D unit vectors [x, y, z]; a direction and its opposite are one view
particles      of each direction, D numbers
kept           those that the run kept, D numbers
gap            middles of regions without a view, unit vectors
average        views only: index of the average of each direction, D numbers
uncertainty    views only: typical error of each direction, degrees, D numbers
=============  ==================================================================================

Where a point group was given, all equivalent directions are there, each with all its particles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._sphere_sampling import NEAR
from .._symmetry import rotations
from .._viewing import direction_bins, equivalent

if TYPE_CHECKING:
    from ..pipeline import Result

Floats = NDArray[np.float64]

POSE_BINS = 600  # of the half sphere
GAP_BINS = 400


def sphere_data(result: Result) -> list[dict[str, Any]]:
    """What the script draws: the sphere of views if it can be told, that of poses if there are."""
    return [data for data in (_views(result), _poses(result)) if data is not None]


def _views(result: Result) -> dict[str, Any] | None:
    sphere = result.sphere
    if sphere is None:
        return None
    found = np.flatnonzero(np.isfinite(sphere.direction).all(axis=1))
    if len(found) == 0:
        return None
    turns = rotations(sphere.symmetry)
    direction = turned_like_poses(result)[found]
    many = np.tile(found, len(turns))
    return {
        "name": "views",
        "direction": _rounded(_mates(direction, turns)),
        "particles": result.particles[many].tolist(),
        "kept": result.kept[many].tolist(),
        "gap": _rounded(gaps(direction[result.particles[found] > 0], turns)),
        "average": many.tolist(),
        "uncertainty": np.round(sphere.uncertainty[many], 1).tolist(),
    }


def _poses(result: Result) -> dict[str, Any] | None:
    if result.proof is None or result.proof.sampling is None:
        return None
    sampling, bins = result.proof.sampling, direction_bins(POSE_BINS)
    turns = rotations(sampling.symmetry)
    of_direction = bins.of(_mates(sampling.directions, turns))
    before, after = (
        np.bincount(of_direction, np.tile(count, len(turns)), POSE_BINS).astype(np.int64)
        for count in (sampling.before, sampling.after)
    )
    return {
        "name": "poses",
        "direction": _rounded(bins.middle),
        "particles": before.tolist(),
        "kept": after.tolist(),
        "gap": _rounded(gaps(sampling.directions[sampling.before > 0], turns)),
    }


def gaps(direction: Floats, turns: Floats) -> Floats:
    """(G, 3) middles of the regions that no view is near to.

    Parameters
    ----------
    direction : (D, 3) float64 array
        Unit vectors; a direction and its opposite are one.
    turns : (T, 3, 3) float64 array
        The point group.
    """
    middle = direction_bins(GAP_BINS).middle
    if len(direction) == 0:
        return middle
    nearest = np.abs(middle @ equivalent(direction, turns).T).max(axis=1)
    far: Floats = middle[nearest < np.cos(np.radians(NEAR))]
    return far


def turned_like_poses(result: Result) -> Floats:
    """(N, 3) directions of the averages, turned onto those of the 3D poses where there are any."""
    assert result.sphere is not None
    if result.agreement is None:
        return result.sphere.direction
    return result.sphere.direction @ result.agreement.rotation.T


def _mates(direction: Floats, turns: Floats) -> Floats:
    """(T D, 3) all equivalent directions, the first D as given."""
    return equivalent(direction, turns)[: len(turns) * len(direction)]


def _rounded(direction: Floats) -> list[list[float]]:
    rows: list[list[float]] = np.round(direction, 3).tolist()
    return rows
