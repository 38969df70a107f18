"""The method in a page. Writes nothing."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ._affinity import Progress, affinity
from ._job_balance import balance_job
from ._proof import Proof, prove
from ._superclasses import Superclasses, isolated_warning, superclassify
from .config import AffinitySettings, RunSettings, SuperclassSettings
from .errors import RebalanceError

if TYPE_CHECKING:
    from ._affinity_results import Affinity
    from ._balance import Balance
    from .io.tables import ClassAverages, Job, ParticleColumns

SMALL_SHARE = 0.01  # of the particles: a superclass this small should not decide alone


@dataclass(frozen=True)
class Result:
    """Everything that one run found.

    Attributes
    ----------
    settings : RunSettings
        The settings asked for; what was chosen from the data stands in `affinity.settings`.
    averages : ClassAverages
        All N averages of the input.
    particles : (N,) int64 array
        Particles per average.
    left_out : tuple of N str
        Why an average takes no part (``blank``, ``not selected``, ``no particles``); empty where
        it does.
    affinity : Affinity
        Of all N averages; a blank one has affinity 0 to all others.
    superclasses : Superclasses
        Label -1 where `left_out` is not empty.
    balance : Balance
        Over all P particles; those of no class are not kept. Sizes are those of superclasses.
    kept : (N,) int64 array
        Particles kept per average.
    warnings : tuple of str
        What the user should know, a sentence each.
    bins : Balance or None
        Over bins of viewing directions, or averages, where those were balanced instead of
        superclasses.
    proof : Proof or None
        How evenly particles are spread before and after.
    """

    settings: RunSettings
    averages: ClassAverages
    particles: NDArray[np.int64]
    left_out: tuple[str, ...]
    affinity: Affinity
    superclasses: Superclasses
    balance: Balance
    kept: NDArray[np.int64]
    warnings: tuple[str, ...]
    bins: Balance | None = None
    proof: Proof | None = None


def run(
    job: Job,
    settings: RunSettings,
    *,
    given: Affinity | None = None,
    columns: ParticleColumns | None = None,
    took_part: NDArray[np.bool_] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Superclasses and a balanced particle set of a 2D classification.

    Parameters
    ----------
    job : Job
        Particles and class averages.
    settings : RunSettings
        What to do.
    given : Affinity, optional
        Affinity of the job's averages, computed before.
    columns : ParticleColumns, optional
        What else is known of the particles.
    took_part : (N,) bool array, optional
        Averages that took part in the earlier run that kept these particles; they do so again.
    threads : int, optional
        Default: all processors that this process may use.
    progress : callable, optional
        Called as ``progress(done, total)`` during the comparison of averages.

    Raises
    ------
    RebalanceError
        For settings that do not fit the job.
    """
    average = average_of_particle(job)
    particles = _count(average, len(job.averages))
    left_out = why_left_out(job.averages, particles, took_part)
    takes_part = np.array([not reason for reason in left_out])
    number = n_superclasses(settings.superclasses, int(takes_part.sum()))

    aff = given or compare(job.averages, settings.affinity, threads, progress)
    superclasses = superclassify(aff, number, leave_out=~takes_part)
    balanced, bins = balance_job(
        job, average, aff, superclasses, settings.balance, columns, threads
    )
    kept = _count(average[balanced.keep], len(job.averages))
    isolated = isolated_warning(job.averages.class_number[superclasses.isolated], "class")
    warnings = (*job.warnings, *balanced.warnings, *_costly(balanced), *isolated)
    proof = prove(
        balanced.sizes,
        balanced.kept,
        balanced.keep,
        columns.directions if columns else None,
        settings.balance.symmetry,
    )
    return Result(
        settings,
        job.averages,
        particles,
        left_out,
        aff,
        superclasses,
        balanced,
        kept,
        warnings,
        bins,
        proof,
    )


def compare(
    averages: ClassAverages,
    settings: AffinitySettings,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Affinity:
    """Affinity of all averages."""
    return affinity(
        averages.images,
        top=None,
        **dataclasses.asdict(settings),
        threads=threads,
        progress=progress,
    )


def average_of_particle(job: Job) -> NDArray[np.int32]:
    """(P,) index of the average of each particle; -1 where it belongs to no class."""
    number = job.particles.class_number
    known = job.averages.class_number
    index = np.full(max(int(known.max()), int(number.max(initial=0))) + 1, -1, dtype=np.int32)
    index[known] = np.arange(len(known))
    average = np.where(number >= 0, index[number], np.int32(-1))
    lost = np.flatnonzero((number >= 0) & (average < 0))
    if len(lost):
        raise RebalanceError(
            f"every class of the particles must have an average, but class {number[lost[0]]} of "
            f"particle row {lost[0] + 1} has none: give the averages of the same job"
        )
    return average


def why_left_out(
    averages: ClassAverages,
    particles: NDArray[np.int64],
    took_part: NDArray[np.bool_] | None = None,
) -> tuple[str, ...]:
    """Why each average takes no part; empty where it does.

    One that took part in an earlier run does so again when the draw left it without particles, so
    that a second run groups the same averages.
    """
    empty = particles == 0
    if took_part is not None:
        empty &= ~took_part
    lowest = averages.images.min(axis=(1, 2))
    blank = lowest == averages.images.max(axis=(1, 2))
    reasons = [
        (blank, "blank"),
        (~averages.selected, "not selected"),
        (empty, "no particles"),
    ]
    return tuple(
        next((reason for applies, reason in reasons if applies[i]), "")
        for i in range(len(averages))
    )


def n_superclasses(settings: SuperclassSettings, n_averages: int) -> int | str:
    """Number of superclasses asked for, given the averages that take part."""
    number = settings.n_superclasses
    if number is not None and number > n_averages and settings.superclassification:
        raise RebalanceError(
            f"the number of superclasses must be at most the number of averages that take part "
            f"({n_averages}), not {number}: ask for fewer, or leave it out to have it found"
        )
    if settings.superclassification:
        return "auto" if number is None else number
    if number is not None and number != n_averages:
        raise RebalanceError(
            "without superclassification every average that takes part is its own superclass, so "
            f"the number of superclasses must be {n_averages}, not {number}: leave it out"
        )
    return n_averages


def _count(average: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    return np.bincount(average[average >= 0], minlength=n).astype(np.int64)


def _costly(balanced: Balance) -> tuple[str, ...]:
    """A warning when a tiny superclass costs more than half of the particles."""
    total, left = int(balanced.sizes.sum()), int(balanced.kept.sum())
    if balanced.limiting is None or 2 * left >= total:
        return ()
    size = int(balanced.sizes[balanced.limiting])
    if size >= SMALL_SHARE * total:
        return ()
    return (
        f"superclass {balanced.limiting} has {size:,} of {total:,} particles "
        f"({100 * size / total:.2f} %), and yet its size costs {total - left:,} of them: look at "
        "its averages, and give a maximum superclass size instead if they do not matter",
    )
