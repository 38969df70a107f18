"""Proof of a balance: how evenly views are spread, and sample Fourier space, before and after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._spread import Spread, spread_of
from ._symmetry import rotations
from ._viewing import direction_bins, equivalent
from .sampling import efficiency_od, sampling_compensation_factor

Floats = NDArray[np.float64]

MOST_SINGLE = 20_000  # directions that are measured one by one; more are counted in as many bins
E_OD_SETTINGS = "B factor 160 A^2, box 128 px, resolution 4 A"  # the defaults of efficiency_od
FLOOR_SETTINGS = "unsampled directions count 0.001 of the mean"  # those of the SCF


@dataclass(frozen=True)
class Sampling:
    """How evenly viewing directions sample Fourier space.

    Attributes
    ----------
    directions : (D, 3) float64 array
        Unit vectors, one of each two opposite ones.
    before, after : (D,) int64 array
        Particles that show each direction, of all and of those that stay.
    scf, e_od : tuple of two float
        Sampling compensation factor and efficiency, before and after.
    symmetry : str
        Point group whose equivalent directions were counted.
    """

    directions: Floats
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    scf: tuple[float, float]
    e_od: tuple[float, float]
    symmetry: str


@dataclass(frozen=True)
class Proof:
    """What a balance did.

    Attributes
    ----------
    before, after : Spread
        Of the particles over superclasses.
    sampling : Sampling or None
        Of viewing directions, where the particles have 3D poses.
    """

    before: Spread
    after: Spread
    sampling: Sampling | None = None


def prove(
    sizes: NDArray[np.int64],
    kept: NDArray[np.int64],
    keep: NDArray[np.bool_],
    directions: Floats | None = None,
    symmetry: str = "C1",
) -> Proof:
    """Measure what a balance did.

    Parameters
    ----------
    sizes, kept : (K,) int64 array
        Particles of each superclass before and after.
    keep : (P,) bool array
        Particles that stay.
    directions : (P, 3) float64 array, optional
        Viewing direction of each particle; nan where it has none.
    symmetry : str
        Point group of the particle.
    """
    sampling = None
    if directions is not None and (np.isfinite(directions).all(axis=1) & keep).any():
        sampling = measure_sampling(directions, keep, symmetry)
    return Proof(spread_of(sizes), spread_of(kept), sampling)


def measure_sampling(directions: Floats, keep: NDArray[np.bool_], symmetry: str) -> Sampling:
    """Measure the directions of all particles and of those that stay."""
    known = np.isfinite(directions).all(axis=1)
    points, of_particle = _gather(directions[known])
    before, after = (
        np.bincount(of_particle[chosen], minlength=len(points)).astype(np.int64)
        for chosen in (slice(None), keep[known])
    )
    turns = rotations(symmetry)
    views = equivalent(points, turns)[: len(turns) * len(points)]
    weights = [np.tile(count, len(turns)) for count in (before, after)]
    scf = [sampling_compensation_factor(views, weight) for weight in weights]
    e_od = [efficiency_od(views, weight) for weight in weights]
    return Sampling(points, before, after, (scf[0], scf[1]), (e_od[0], e_od[1]), symmetry)


def _gather(directions: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Directions, those of many particles moved to the nearest of many, and which each has."""
    if len(directions) <= MOST_SINGLE:
        upward = np.where(directions[:, 2:] < 0, -1.0, 1.0)
        return directions * upward, np.arange(len(directions))
    bins = direction_bins(MOST_SINGLE)
    return bins.middle, bins.of(directions).astype(np.intp)
