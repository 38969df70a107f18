"""The sphere of views of a job, and where a balance by views takes its views from."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ._view_sphere import view_sphere
from ._view_verdict import TRUSTED, ViewSphere

if TYPE_CHECKING:
    from ._affinity_results import Affinity
    from .io.tables import ClassAverages

Doubles = NDArray[np.float64]

# Where a balance by views takes them from.
POSES, SPHERE, AFFINITY = "3D poses", "the sphere of views", "the affinity"


def job_sphere(
    averages: ClassAverages,
    aff: Affinity,
    left_out: tuple[str, ...],
    symmetry: str,
    threads: int | None = None,
) -> ViewSphere | None:
    """Viewing directions of the averages that take part; None where none does.

    The seed of a run draws particles; views and superclasses stay what they are with another.

    Parameters
    ----------
    averages : ClassAverages
        All N averages.
    aff : Affinity
        Of all averages.
    left_out : tuple of N str
        Why an average takes no part; empty where it does.
    symmetry : str
        Point group of the particle.
    threads : int, optional
        Default: all processors that this process may use.
    """
    part = np.flatnonzero([reason == "" for reason in left_out])
    if len(part) == 0:
        return None
    found = view_sphere(
        averages.images[part], _of_some(aff, part), symmetry=symmetry, threads=threads
    )
    direction, uncertainty = np.full((len(left_out), 3), np.nan), np.full(len(left_out), np.nan)
    direction[part], uncertainty[part] = found.direction, found.uncertainty
    reasons = list(left_out)
    for i, reason in zip(part, found.left_out, strict=True):
        reasons[i] = reason
    return dataclasses.replace(
        found, direction=direction, uncertainty=uncertainty, left_out=tuple(reasons)
    )


def _of_some(aff: Affinity, part: NDArray[np.intp]) -> Affinity:
    if len(part) == len(aff):
        return aff
    both = np.ix_(part, part)
    names = ("values", "angle", "shift", "mirror")
    return dataclasses.replace(aff, **{name: getattr(aff, name)[both] for name in names})


def views_from(by: str, posed: bool, sphere: ViewSphere | None) -> str:
    """Where a balance takes its views from; empty for one by superclasses.

    Parameters
    ----------
    by : str
        What is balanced.
    posed : bool
        Whether particles have 3D poses.
    sphere : ViewSphere, optional
        Of the averages.
    """
    if by == "superclasses":
        return ""
    if by == "directions" and posed:
        return POSES
    return SPHERE if sphere is not None and sphere.verdict == TRUSTED else AFFINITY


def in_bins(by: str, source: str) -> bool:
    """Whether bins of directions are balanced, and not the density of views."""
    return by == "directions" and source in (POSES, SPHERE)


def fallback_warnings(by: str, source: str, sphere: ViewSphere | None) -> tuple[str, ...]:
    """What the user should know where the affinity stands in for directions."""
    if source != AFFINITY or sphere is None:
        return ()
    doubt = "cannot be told" if sphere.verdict != "partly" else "is trusted in part only"
    return (
        f"the balance by {by} estimates how crowded views are from the affinity, as the sphere of "
        f"views {doubt}: {sphere.reasons[-1]}",
    )


def of_some(sphere: ViewSphere, part: NDArray[np.intp]) -> ViewSphere:
    """The sphere with some of its averages only."""
    return dataclasses.replace(
        sphere,
        direction=sphere.direction[part],
        uncertainty=sphere.uncertainty[part],
        left_out=tuple(sphere.left_out[i] for i in part),
    )
