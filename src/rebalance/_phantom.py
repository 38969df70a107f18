"""A lumpy particle without symmetry, and its projections.

The particle is a sum of round 3D Gaussians. A projected, low-pass filtered, turned or shifted
Gaussian is a Gaussian again, so every projection is written down exactly: no volume, no
interpolation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._directions import draw_directions, spread_directions

Floats = NDArray[np.float64]

HALO = 0.08  # of the box: width of the dark halo that the microscope leaves round a particle
HALO_DEPTH = 0.85  # of the volume of the particle


@dataclass(frozen=True)
class Phantom:
    """A particle: G round 3D Gaussians; lengths are fractions of the box."""

    centre: Floats  # (G, 3)
    width: Floats  # (G,)
    weight: Floats  # (G,)


@dataclass(frozen=True)
class Pose:
    """How N projections are seen, see :class:`Simulation`."""

    frame: Floats  # (N, 3, 3), rows: x axis, y axis and direction of the unmirrored projection
    angle_deg: Floats  # (N,)
    shift: Floats  # (N, 2)
    mirror: NDArray[np.bool_]  # (N,)


def draw_phantom(rng: np.random.Generator, elongation: float = 1.0) -> Phantom:
    """Draw a particle: five domains of unequal size and distance, each a heap of lumps.

    With `elongation` its length stays and its width is divided by it.
    """
    n_lumps = np.array([70, 45, 28, 16, 8])
    domain_radius = np.array([0.15, 0.12, 0.1, 0.08, 0.05])
    distance = np.array([0.07, 0.16, 0.2, 0.24, 0.28])
    domain = distance[:, None] * spread_directions(rng, len(distance))
    member = np.repeat(np.arange(len(n_lumps)), n_lumps)
    radius = domain_radius[member] * np.cbrt(rng.random(len(member)))
    centre = domain[member] + radius[:, None] * draw_directions(rng, len(member))
    width = rng.uniform(0.012, 0.028, len(member))
    weight = rng.uniform(0.4, 1.6, len(member))
    centre /= (elongation, elongation, 1.0)
    return Phantom(centre - np.average(centre, axis=0, weights=weight), width, weight)


def symmetrised(phantom: Phantom, rotations: Floats) -> Phantom:
    """Repeat a particle by every one of (G, 3, 3) turns."""
    n = len(rotations)
    centre = np.einsum("rac,gc->rga", rotations, phantom.centre).reshape(-1, 3)
    return Phantom(centre, np.tile(phantom.width, n), np.tile(phantom.weight, n))


def project(phantom: Phantom, pose: Pose, box: int, resolution: Floats) -> Floats:
    """Project a particle.

    Parameters
    ----------
    phantom : Phantom
        The particle.
    pose : Pose
        How each of the N projections is seen.
    box : int
        Box size L in px.
    resolution : (N,) float64 array
        Resolution in px: a Gaussian low-pass filter that is at exp(-2) there.

    Returns
    -------
    (N, L, L) float64 array
        Projections, without noise or mask.
    """
    points = _seen_points(phantom, pose, box)
    filtered = np.hypot(box * phantom.width, resolution[:, None] / np.pi)
    halo = np.hypot(filtered, HALO * box)
    images = np.empty((len(points), box, box))
    for image, point, width, wide in zip(images, points, filtered, halo, strict=True):
        image[:] = _sum_gaussians(point, width, phantom.weight, box)
        image -= _sum_gaussians(point, wide, HALO_DEPTH * phantom.weight, box)
    return images


def _seen_points(phantom: Phantom, pose: Pose, box: int) -> Floats:
    """(N, G, 2) places (y, x) of the Gaussians in px from the image centre."""
    plane = box * np.einsum("nac,gc->ang", pose.frame[:, :2], phantom.centre)
    x = np.where(pose.mirror[:, None], -plane[0], plane[0])
    angle = np.radians(pose.angle_deg)[:, None]
    turned_y = np.sin(angle) * x + np.cos(angle) * plane[1]
    turned_x = np.cos(angle) * x - np.sin(angle) * plane[1]
    points: Floats = np.stack([turned_y, turned_x], axis=-1) + pose.shift[:, None]
    return points


def _sum_gaussians(point: Floats, width: Floats, weight: Floats, box: int) -> Floats:
    """(L, L) sum of round Gaussians of volume `weight`; a product of one factor per axis."""
    pixel = np.arange(box) - box // 2
    along = np.exp(-0.5 * ((pixel - point[..., None]) / width[:, None, None]) ** 2)
    height = weight / (2 * np.pi * width**2)
    image: Floats = (along[:, 0] * height[:, None]).T @ along[:, 1]
    return image
