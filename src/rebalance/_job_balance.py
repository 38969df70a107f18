"""The balance of a job: over superclasses, bins of viewing directions, or by density of views."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._balance import Balance, choose, know
from ._density import keep_fractions
from ._draw import Particles, count_parts
from ._job_sphere import POSES, SPHERE, in_bins, of_some
from ._rules import Counts, as_rule, check_target, count_kept, whole_counts
from ._viewing import direction_bins
from .checks import as_threads
from .errors import RebalanceError

if TYPE_CHECKING:
    from ._affinity_results import Affinity
    from ._superclasses import Superclasses
    from ._view_verdict import ViewSphere
    from .config import BalanceSettings
    from .io.tables import Job, ParticleColumns

Sizes = NDArray[np.int64]
Count = Callable[[Sizes, Particles, int], Counts]  # sizes, particles, groups -> counts


@dataclass(frozen=True)
class Views:
    """What is known of the views of the averages.

    Attributes
    ----------
    affinity : Affinity
        Of the averages.
    superclasses : Superclasses
        Particles of averages that take no part always stay.
    source : str
        Where a balance by views takes them from.
    sphere : ViewSphere, optional
        Directions of the averages.
    """

    affinity: Affinity
    superclasses: Superclasses
    source: str = ""
    sphere: ViewSphere | None = None


def balance_job(
    job: Job,
    average: NDArray[np.int32],
    views: Views,
    settings: BalanceSettings,
    columns: ParticleColumns | None = None,
    threads: int | None = None,
) -> tuple[Balance, Balance | None]:
    """The particles that stay, counted by superclass, and by bin where bins were balanced.

    Parameters
    ----------
    job : Job
        Particles and class averages.
    average : (P,) int32 array
        Average of each particle; those of none, -1, never stay.
    views : Views
        What is known of the views of the averages.
    settings : BalanceSettings
        What to do.
    columns : ParticleColumns, optional
        What else is known of the particles.
    threads : int, optional
        Default: all processors that this process may use.
    """
    superclasses = views.superclasses
    superclass = np.where(average >= 0, superclasses.labels[average], np.int32(-1))
    count = _count_by_rule(settings)
    if settings.by == "superclasses":
        groups, n = superclass, superclasses.n_superclasses
    elif in_bins(settings.by, views.source):
        directions = _directions(average, views, columns)
        groups, n = _bins(superclass, settings, directions, as_threads(threads))
    else:
        groups, n = np.where(superclass >= 0, average, np.int32(-1)), len(superclasses.labels)
        count = _count_by_density(views, settings)
    known, classed = _known(job, average, groups, settings, columns), average >= 0
    balanced = choose(
        known, n, lambda sizes: count(sizes, known, n), _policy(settings), settings.seed
    )
    keep = np.zeros(len(classed), dtype=np.bool_)
    keep[classed] = balanced.keep
    balanced = dataclasses.replace(balanced, keep=keep)
    if settings.by == "superclasses":
        return balanced, None
    factor = balanced.factor if in_bins(settings.by, views.source) else None
    bins = dataclasses.replace(balanced, warnings=_of_bins(balanced.warnings), factor=factor)
    of_superclass = dataclasses.replace(known, group=superclass[classed])
    return _by_superclass(bins, of_superclass, classed, superclasses.n_superclasses), bins


def _policy(settings: BalanceSettings) -> str:
    return settings.drop if settings.asks_for_less else "random"


def _known(
    job: Job,
    average: NDArray[np.int32],
    groups: NDArray[np.int32],
    settings: BalanceSettings,
    columns: ParticleColumns | None,
) -> Particles:
    """What is known of the particles that have a class."""
    classed = average >= 0

    def of_classed(values: NDArray[Any] | None) -> NDArray[Any] | None:
        return None if values is None else values[classed]

    return know(
        groups[classed],
        ids=of_classed(job.particles.identity),
        quality=of_classed(columns.quality if columns else None),
        averages=average[classed],
        micrographs=of_classed(columns.micrographs if columns else None),
        half_sets=of_classed(columns.half_sets if columns else None),
    )


def _count_by_rule(settings: BalanceSettings) -> Count:
    rule = as_rule(settings.factor, settings.max_size, settings.cap_percentile, settings.target)

    def count(sizes: Sizes, known: Particles, n: int) -> Counts:
        def find_keys() -> NDArray[np.uint64]:
            return _core.smallest_keys(known.group, known.identity, n_groups=n, seed=settings.seed)

        return count_kept(sizes, rule, len(known.group) - int(sizes.sum()), find_keys)

    return count


def _count_by_density(views: Views, settings: BalanceSettings) -> Count:
    """Particles that each average keeps, so that the density of views is flat."""
    takes_part = views.superclasses.labels >= 0
    if settings.max_size is not None or settings.cap_percentile is not None:
        if settings.by == "directions":
            raise RebalanceError(
                "without 3D poses, and without viewing directions of the averages that can be "
                "trusted, a balance by directions takes a rebalance factor or a target, and no "
                "maximum size or percentile: leave those out"
            )
        raise RebalanceError(
            "a balance by density takes a rebalance factor, which bounds smallest / largest "
            "density, or a target, and no maximum size or percentile: leave those out"
        )

    def count(sizes: Sizes, known: Particles, n: int) -> Counts:
        part = np.flatnonzero(takes_part & (sizes > 0))
        n_others = len(known.group) - int(sizes.sum())
        kept = sizes.copy()
        if not settings.asks_for_less or settings.factor == 0 or len(part) == 0:
            return Counts(kept)
        size = sizes[part]
        if settings.target is None:
            kept[part] = np.ceil(_fractions(views, part, size, factor=settings.factor) * size)
            return Counts(np.minimum(kept, sizes))
        total = check_target(settings.target, int(size.sum()), n_others)
        share = _fractions(views, part, size, keep=total / size.sum()) if total else 0.0
        kept[part] = whole_counts(share * size.astype(np.float64), size, total)
        return Counts(kept)

    return count


def _fractions(
    views: Views, part: NDArray[np.intp], size: Sizes, **asked: Any
) -> NDArray[np.float64]:
    """Fractions of the particles of some averages to keep, by their directions or affinity."""
    told = views.sphere if views.source == SPHERE else None
    sphere = None if told is None else of_some(told, part)
    return keep_fractions(views.affinity.values[np.ix_(part, part)], size, sphere=sphere, **asked)


def _directions(
    average: NDArray[np.int32], views: Views, columns: ParticleColumns | None
) -> NDArray[np.float64]:
    """(P, 3) viewing direction of each particle: of its pose, or else of its average."""
    if views.source == POSES and columns is not None and columns.directions is not None:
        return columns.directions
    assert views.sphere is not None
    return np.where((average >= 0)[:, None], views.sphere.direction[average], np.nan)


def _bins(
    superclass: NDArray[np.int32],
    settings: BalanceSettings,
    directions: NDArray[np.float64],
    threads: int,
) -> tuple[NDArray[np.int32], int]:
    """(P,) bin of each particle's viewing direction, -1 = none; and the number of bins."""
    bins = direction_bins(settings.direction_bins, settings.symmetry)
    of_particle = bins.of(directions, threads)
    of_particle[superclass < 0] = -1
    return of_particle, len(bins.middle)


def _by_superclass(
    bins: Balance, particles: Particles, classed: NDArray[np.bool_], n: int
) -> Balance:
    """The same particles, counted by superclass, which no cap holds."""
    cells = particles.cells()
    before = count_parts(cells, n, particles.n_parts)
    after = count_parts(cells, n, particles.n_parts, bins.keep[classed])
    halves = (None, None) if particles.part is None else (before, after)
    sizes, kept = before.sum(axis=1), after.sum(axis=1)
    return Balance(bins.keep, sizes, kept, None, None, bins.warnings, bins.factor, *halves)


def _of_bins(warnings: tuple[str, ...]) -> tuple[str, ...]:
    """Warnings about bins; that many of them are empty says nothing."""
    told = [warning for warning in warnings if "without particles" not in warning]
    return tuple(w.replace("superclass", "bin of directions") for w in told)
