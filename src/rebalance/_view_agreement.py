"""How a sphere of views agrees with 3D poses of the same particles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from ._axis_scores import axis_angles, axis_errors, axis_rotation
from ._viewing import direction_bins

if TYPE_CHECKING:
    from ._view_verdict import ViewSphere

Floats = NDArray[np.float64]
Integers = NDArray[np.integer]

POSE_BINS = 400  # of the half sphere, for the direction that most particles of an average share
NEAR = 20.0  # degrees from it: poses that count
FEWEST = 4  # averages with both directions


@dataclass(frozen=True)
class Agreement:
    """How views found from class averages agree with 3D poses.

    Attributes
    ----------
    n_averages : int
        Averages that have both.
    rank_correlation : float
        Of the angles between the views of two averages.
    median_angle : float
        Between both directions of an average, degrees, after `rotation`.
    rotation : (3, 3) float64 array
        Turns the views onto the poses.
    """

    n_averages: int
    rank_correlation: float
    median_angle: float
    rotation: Floats


def agreement(
    sphere: ViewSphere, poses: Floats, average: Integers, symmetry: str
) -> Agreement | None:
    """Compare a sphere of views with 3D poses.

    Parameters
    ----------
    sphere : ViewSphere
        Directions of N averages.
    poses : (P, 3) float64 array
        Viewing direction of each particle; nan where it has none.
    average : (P,) int array
        Average of each particle; -1 = none.
    symmetry : str
        Point group of the poses.

    Returns
    -------
    Agreement or None
        None where fewer than four averages have both.
    """
    typical = typical_directions(poses, average, len(sphere.direction), symmetry)
    both = np.isfinite(sphere.direction).all(axis=1) & np.isfinite(typical).all(axis=1)
    n = int(both.sum())
    if n < FEWEST:
        return None
    found, known = sphere.direction[both], typical[both]
    rotation = axis_rotation(found, known, symmetry=symmetry)
    upper = np.triu_indices(n, 1)
    angles = [axis_angles(d, symmetry=symmetry)[upper] for d in (found @ rotation.T, known)]
    rank = float(spearmanr(*angles).statistic)
    errors = axis_errors(found, known, rotation, symmetry)
    return Agreement(n, rank, float(np.median(errors)), rotation)


def typical_directions(poses: Floats, average: Integers, n: int, symmetry: str) -> Floats:
    """(N, 3) mean direction, v = -v, of the poses near the one that most of each average share."""
    counts = (average >= 0) & np.isfinite(poses).all(axis=1)
    poses, average = poses[counts], average[counts]
    bins = direction_bins(POSE_BINS, symmetry)
    shared = np.zeros((n, len(bins.middle)), np.int64)
    np.add.at(shared, (average, bins.of(poses)), 1)
    goal = bins.middle[shared.argmax(axis=1)][average]
    nearest, cosine = poses.copy(), np.zeros(len(poses))
    for turn in bins.turns:
        turned = poses @ turn.T
        along = np.einsum("pi,pi->p", turned, goal)
        nearer = np.abs(along) > np.abs(cosine)
        nearest[nearer], cosine[nearer] = turned[nearer], along[nearer]
    near = np.abs(cosine) > np.cos(np.radians(NEAR))
    total = np.zeros((n, 3))
    np.add.at(total, average[near], (np.sign(cosine)[:, None] * nearest)[near])
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 0, total / np.maximum(length, 1e-12), np.nan)
