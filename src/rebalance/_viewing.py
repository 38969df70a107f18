"""Viewing directions from 3D poses, and bins of them on the sphere.

A view and its mirror image are seen from opposite sides, so a direction and its opposite are one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ._symmetry import rotations
from .sampling import half_sphere

Floats = NDArray[np.float64]

# Equivalent directions are told apart by which lies nearest to this one, which no axis passes.
REFERENCE = np.array([0.0017, 0.0011, 1.0])


@dataclass(frozen=True)
class DirectionBins:
    """Bins of the viewing sphere: the parts nearest to each of their middles.

    Attributes
    ----------
    middle : (K, 3) float64 array
        Unit vectors of one asymmetric unit, spread evenly; equivalent and opposite directions
        belong to the same bin.
    turns : (G, 3, 3) float64 array
        The point group.
    """

    middle: Floats
    turns: Floats

    def of(self, direction: Floats, threads: int = 1) -> NDArray[np.int32]:
        """(P,) bin of each direction, (P, 3); -1 where it is nan."""
        known = np.isfinite(direction).all(axis=1)
        tree = cKDTree(equivalent(self.middle, self.turns))
        bins = np.full(len(direction), -1, dtype=np.int32)
        bins[known] = tree.query(direction[known], workers=threads)[1] % len(self.middle)
        return bins


def direction_bins(n: int, symmetry: str = "C1") -> DirectionBins:
    """About `n` bins of equal area (n for C1) of the asymmetric unit of a point group."""
    turns = rotations(symmetry)
    points = half_sphere(n * len(turns))
    height = equivalent(points, turns).reshape(-1, len(points), 3) @ REFERENCE
    first = height[0] >= height.max(axis=0) - 1e-12  # entry 0 is the point itself
    return DirectionBins(points[first], turns)


def equivalent(direction: Floats, turns: Floats) -> Floats:
    """(2 G P, 3) all directions that show the same view, also mirrored; the first P as given."""
    turned = np.einsum("gij,pj->gpi", turns, direction).reshape(-1, 3)
    return np.concatenate([turned, -turned])


def directions_of_angles(rot: Floats, tilt: Floats) -> Floats:
    """(P, 3) viewing directions of RELION's Euler angles in degrees (ZYZ; psi turns in the plane).

    The particle is seen along (cos rot sin tilt, sin rot sin tilt, cos tilt).
    """
    rot, tilt = np.radians(rot), np.radians(tilt)
    across = np.sin(tilt)
    return np.stack([np.cos(rot) * across, np.sin(rot) * across, np.cos(tilt)], axis=1)


def directions_of_poses(pose: Floats) -> Floats:
    """(P, 3) viewing directions of CryoSPARC's poses (P, 3), axis times angle in radians.

    The particle is seen along R z, R the turn by the pose: with axis k and angle a,
    z cos a + (k x z) sin a + k (k . z) (1 - cos a) (Rodrigues).
    """
    angle = np.linalg.norm(pose, axis=1)
    x, y, z = (pose / np.where(angle > 0, angle, 1)[:, None]).T
    sine, rest = np.sin(angle), 1 - np.cos(angle)
    return np.stack(
        [y * sine + x * z * rest, -x * sine + y * z * rest, np.cos(angle) + z * z * rest], axis=1
    )
