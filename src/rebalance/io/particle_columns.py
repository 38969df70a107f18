"""Columns of a particle table that the balance asks for: quality, half sets, origin, pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._viewing import directions_of_angles, directions_of_poses
from ..config import BalanceSettings
from ..errors import RebalanceError
from .tables import ParticleColumns, ParticleTable

Column = NDArray[np.str_] | NDArray[np.float64]

ALIGNMENTS = "alignments2D/"  # in front of the short name of a column of CryoSPARC
# Columns of quality whose direction is known: the best particles have high or low values.
HIGH_IS_GOOD = (
    *("rlnMaxValueProbDistribution", "rlnLogLikeliContribution", "rlnAutopickFigureOfMerit"),
    *("rlnParticleFigureOfMerit", "rlnCtfFigureOfMerit"),
    *("alignments2D/class_posterior", "alignments2D/cross_cor"),
    *("alignments3D/class_posterior", "alignments3D/cross_cor", "pick_stats/ncc_score"),
)
LOW_IS_GOOD = (
    *("rlnNrOfSignificantSamples", "rlnCtfMaxResolution"),
    *("alignments2D/error", "alignments2D/class_ess"),
    *("alignments3D/error", "alignments3D/class_ess", "ctf/ctf_fit_to_A"),
)
ANGLES = ("rlnAngleRot", "rlnAngleTilt")
POSE = "alignments3D/pose"
MICROGRAPHS = ("rlnMicrographName", "location/micrograph_uid", "location/micrograph_path")


@dataclass(frozen=True)
class HalfSetColumn:
    """A column of half sets, and what it adds to 0 for half set 1 and half set 2."""

    name: str
    first: int


HALF_SETS = (HalfSetColumn("rlnRandomSubset", 1), HalfSetColumn("alignments3D/split", 0))


def read_columns(
    particles: ParticleTable, settings: BalanceSettings, view_sphere: bool = False
) -> ParticleColumns:
    """Read what a balance with these settings needs to know of each particle.

    With a `view_sphere` particles may do without poses of their own.

    Raises
    ------
    RebalanceError
        If a column that was asked for is missing or holds something else than numbers.
    """
    directions = _read_directions(particles, settings.by == "directions" and not view_sphere)
    if not settings.asks_for_less:
        return ParticleColumns(directions=directions)
    return ParticleColumns(
        directions=directions,
        quality=_read_quality(particles, settings) if settings.drop == "worst" else None,
        half_sets=_read_half_sets(particles) if settings.half_sets else None,
        micrographs=_read_micrographs(particles) if settings.drop == "even" else None,
    )


def _read_quality(particles: ParticleTable, settings: BalanceSettings) -> NDArray[np.float64]:
    """(P,) the larger, the better."""
    name = settings.quality_column
    if name is None:
        raise RebalanceError(
            "--drop worst needs to know which particles are good: give --quality-column, such as "
            "rlnMaxValueProbDistribution"
        )
    column = particles.column(name)
    if column is None and "/" not in name:
        name, column = ALIGNMENTS + name, particles.column(ALIGNMENTS + name)
    if column is None:
        raise RebalanceError(
            f"quality column {settings.quality_column} is not in {particles.path}: name a column "
            "that the particles have"
        )
    values = _as_numbers(f"quality column {name}", column, particles)
    return values if _high_is_good(name, settings.quality_is) else -values


def _high_is_good(name: str, given: str | None) -> bool:
    if given is not None:
        return given == "high"
    if name not in HIGH_IS_GOOD + LOW_IS_GOOD:
        raise RebalanceError(
            f"whether high or low values of quality column {name} are good is not known: write "
            f"--quality-column {name}:high or {name}:low"
        )
    return name in HIGH_IS_GOOD


def _as_numbers(what: str, column: Column, particles: ParticleTable) -> NDArray[np.float64]:
    """The column as numbers; refuses particles of a class that have none."""
    values = _numbers(column)
    bad = ~np.isfinite(values) & (particles.class_number >= 0)
    if bad.any():
        row = int(np.argmax(bad))
        raise RebalanceError(
            f"{what} of {particles.path} must be a number for every particle, but in "
            f"{np.count_nonzero(bad):,} of {len(bad):,} rows it is not, first in row {row + 1} "
            f"('{column[row]}'): repair or remove them, or choose another column"
        )
    numbers: NDArray[np.float64] = np.where(np.isfinite(values), values, 0.0)
    return numbers


def _numbers(column: Column) -> NDArray[np.float64]:
    return column.astype(np.float64) if column.dtype.kind in "iuf" else _parsed(column)


def _parsed(column: NDArray[np.generic]) -> NDArray[np.float64]:
    """Numbers of a column of text; nan where it holds none."""
    distinct, inverse = np.unique(column, return_inverse=True)
    numbers = np.array([_number(str(text)) for text in distinct], dtype=np.float64)
    values: NDArray[np.float64] = numbers[inverse.reshape(-1)]
    return values


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _read_half_sets(particles: ParticleTable) -> NDArray[np.int8] | None:
    """(P,) 1 or 2, 0 for neither; None where the table knows no half sets."""
    for known in HALF_SETS:
        column = particles.column(known.name)
        if column is not None:
            values = _numbers(column)
            half = np.zeros(len(values), dtype=np.int8)
            half[values == known.first] = 1
            half[values == known.first + 1] = 2
            return half
    return None


def _read_micrographs(particles: ParticleTable) -> NDArray[np.int32] | None:
    """(P,) code of the micrograph of each particle, from 0; None where the table has none."""
    for name in MICROGRAPHS:
        column = particles.column(name)
        if column is not None:
            return np.unique(column, return_inverse=True)[1].reshape(-1).astype(np.int32)
    return None


def _read_directions(particles: ParticleTable, needed: bool) -> NDArray[np.float64] | None:
    """(P, 3) viewing directions; None where there are no poses, or all are the same."""
    directions = _directions(particles)
    if directions is not None and _differ(directions):
        return directions
    if not needed:
        return None
    why = "has none (rlnAngleRot and rlnAngleTilt, or alignments3D/pose)"
    if directions is not None:
        why = "gives all particles the same, as a 2D classification does"
    raise RebalanceError(
        f"--by directions needs the 3D pose of each particle, and {particles.path} {why}: give "
        "particles after a 3D refinement, or leave --by directions or --no-view-sphere out"
    )


def _directions(particles: ParticleTable) -> NDArray[np.float64] | None:
    rot, tilt = (particles.column(name) for name in ANGLES)
    if rot is not None and tilt is not None:
        return directions_of_angles(_numbers(rot), _numbers(tilt))
    pose = particles.column(POSE)
    return None if pose is None else directions_of_poses(pose.astype(np.float64))


def _differ(directions: NDArray[np.float64]) -> bool:
    known = directions[np.isfinite(directions).all(axis=1)]
    return len(known) > 0 and bool((np.ptp(known, axis=0) > 1e-6).any())
