"""How evenly the views of a sphere sample Fourier space, before and after a balance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ._symmetry import rotations
from ._viewing import equivalent
from .sampling import compensation, half_sphere

if TYPE_CHECKING:
    from ._view_verdict import ViewSphere

Doubles = NDArray[np.float64]
Counts = NDArray[np.int64]

SPREAD = 5.0  # degrees: the particles of one average scatter about its direction
HALF_WIDTH = float(np.degrees(np.arcsin(0.05)))  # of the band of Fourier directions of a view
DRAWS = 6  # of directions within their uncertainty
PER_AXIS = 1.18  # median error on a sphere over the sd along each of two axes
FOURIER = 2000  # directions
NEAR = 15.0  # degrees: farther from any view, a direction has none
SEED = 0


@dataclass(frozen=True)
class SphereSampling:
    """What the sphere of views foretells of a reconstruction.

    Attributes
    ----------
    scf : tuple of two float
        Predicted sampling compensation factor, before and after the balance.
    error : tuple of two float
        By how much they may be off, from the uncertainty of the directions.
    unseen : float
        Share of all directions with no view within 15 degrees, before the balance.
    covered : float
        Share of the particles whose average has a direction.
    """

    scf: tuple[float, float]
    error: tuple[float, float]
    unseen: float
    covered: float


def foretell_sampling(sphere: ViewSphere, particles: Counts, kept: Counts) -> SphereSampling | None:
    """Predict the sampling compensation factor; None where no particle has a direction.

    Parameters
    ----------
    sphere : ViewSphere
        Of N averages.
    particles, kept : (N,) int64 array
        Particles of each average before and after.
    """
    seen = np.isfinite(sphere.direction[:, 0]) & (particles > 0)
    if not seen.any() or not kept[seen].any():
        return None
    direction, uncertainty = sphere.direction[seen], sphere.uncertainty[seen]
    weight, turns = np.stack([particles[seen], kept[seen]], axis=1), rotations(sphere.symmetry)
    scf, error = _with_error(direction, uncertainty, weight, turns)
    return SphereSampling(
        (float(scf[0]), float(scf[1])),
        (float(error[0]), float(error[1])),
        unseen_share(direction, turns),
        float(particles[seen].sum() / max(particles.sum(), 1)),
    )


def unseen_share(direction: Doubles, turns: Doubles) -> float:
    """Share of all directions that no view, v = -v, modulo the group, is near."""
    nearest = np.abs(half_sphere(FOURIER) @ equivalent(direction, turns).T).max(axis=1)
    return float(np.mean(nearest < np.cos(np.radians(NEAR))))


def _with_error(
    direction: Doubles, uncertainty: Doubles, weight: Counts, turns: Doubles
) -> tuple[Doubles, Doubles]:
    """SCF (2,) of directions for two columns of weights, and by how much it may be off.

    Directions drawn about those found blur them as finding them blurred the true ones.
    """
    rng = np.random.Generator(np.random.PCG64(SEED))
    here = _factors(direction, weight, turns)
    drawn = [scattered(direction, uncertainty / PER_AXIS, rng) for _ in range(DRAWS)]
    off = np.array([_factors(views, weight, turns) for views in drawn])
    return here, np.sqrt(np.mean((off - here) ** 2, axis=0))


def scattered(direction: Doubles, sd_deg: Doubles, rng: np.random.Generator) -> Doubles:
    """(N, 3) directions moved by a normal distribution in each of two axes."""
    helper = np.eye(3)[np.argmin(np.abs(direction), axis=1)]
    x = np.cross(helper, direction)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    a, b = np.radians(sd_deg) * rng.standard_normal((2, len(direction)))
    moved: Doubles = direction + a[:, None] * x + b[:, None] * np.cross(direction, x)
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    moved /= length
    return moved


def _factors(direction: Doubles, weight: Counts, turns: Doubles) -> Doubles:
    """SCF of views that scatter about (N, 3) directions, for each column of weights (N, 2)."""
    sampling = np.zeros((FOURIER, weight.shape[1]))
    points = half_sphere(FOURIER)
    for mates in equivalent(direction, turns)[: len(turns) * len(direction)].reshape(
        len(turns), -1, 3
    ):
        sampling += _reached(points, mates) @ weight
    return np.array([compensation(column) for column in sampling.T])


def _reached(points: Doubles, direction: Doubles) -> Doubles:
    """(Q, N) share of the views scattered about each direction whose slice reaches each point."""
    off = np.degrees(np.arcsin(np.clip(points @ direction.T, -1, 1)))
    reach: Doubles = ndtr((HALF_WIDTH - off) / SPREAD) - ndtr((-HALF_WIDTH - off) / SPREAD)
    return reach
