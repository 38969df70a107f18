"""The method in a page. Writes nothing."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ._affinity import Progress, affinity
from ._job_balance import Views, balance_job
from ._job_sphere import fallback_warnings, job_sphere, views_from
from ._junk import find_junk
from ._many_superclasses import MOST_DENSE
from ._proof import Proof, prove
from ._sphere_sampling import SphereSampling, foretell_sampling
from ._stable_numbers import keep_numbers, number_before
from ._superclasses import Superclasses, isolated_warning, regrouped, superclassify
from ._take_part import (
    Wishes,
    as_wishes,
    classes_apart,
    heeded,
    move,
    why_left_out,
    without_junk,
)
from ._view_agreement import agreement
from .config import AffinitySettings, RunSettings, SuperclassSettings, TakePartSettings
from .errors import RebalanceError

if TYPE_CHECKING:
    from ._affinity_results import Affinity
    from ._balance import Balance
    from ._view_agreement import Agreement
    from ._view_verdict import ViewSphere
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
    junk : tuple of N str
        What the image of a junk average shows, as :func:`find_junk` says; empty for the others,
        and for all where junk is kept.
    left_out : tuple of N str
        Why an average takes no part (``as asked``, ``blank``, ``not selected``, ``no particles``,
        ``fewer than 20 particles``, ``junk (edge)``); empty where it does.
    apart : dict of str to (P,) bool array
        Particles that are neither kept nor excluded: ``left_out`` where classes were left out,
        ``set_aside`` where junk is set aside.
    affinity : Affinity
        Of all N averages; a blank one has affinity 0 to all others.
    superclasses : Superclasses
        Label -1 where `left_out` is not empty.
    balance : Balance
        Over all P particles; those of no class, and those apart, are not kept. Sizes are those of
        superclasses.
    kept : (N,) int64 array
        Particles kept per average.
    warnings : tuple of str
        What the user should know, a sentence each.
    bins : Balance or None
        Over bins of viewing directions, or averages, where those were balanced instead of
        superclasses.
    proof : Proof or None
        How evenly particles are spread before and after.
    sphere : ViewSphere or None
        Viewing directions of all N averages, found without a map; None where not asked for.
    agreement : Agreement or None
        How `sphere` agrees with the 3D poses of the particles, where both are there.
    foretold : SphereSampling or None
        What `sphere` says of a reconstruction; None where directions cannot be told.
    views_from : str
        Where a balance by directions or by density took its views from: ``3D poses``, ``the
        sphere of views`` or ``the affinity``; empty for one by superclasses.
    """

    settings: RunSettings
    averages: ClassAverages
    particles: NDArray[np.int64]
    junk: tuple[str, ...]
    left_out: tuple[str, ...]
    apart: dict[str, NDArray[np.bool_]]
    affinity: Affinity
    superclasses: Superclasses
    balance: Balance
    kept: NDArray[np.int64]
    warnings: tuple[str, ...]
    bins: Balance | None = None
    proof: Proof | None = None
    sphere: ViewSphere | None = None
    agreement: Agreement | None = None
    foretold: SphereSampling | None = None
    views_from: str = ""

    @property
    def excluded(self) -> NDArray[np.bool_]:
        """(P,) particles that are neither kept nor apart."""
        excluded = ~self.balance.keep
        for particles in self.apart.values():
            excluded &= ~particles
        return excluded


def run(
    job: Job,
    settings: RunSettings,
    *,
    given: Affinity | None = None,
    columns: ParticleColumns | None = None,
    took_part: NDArray[np.bool_] | None = None,
    earlier: NDArray[np.int32] | None = None,
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
    earlier : (N,) int32 array, optional
        Superclass of each average in an earlier run, whose numbers stay as far as they can; -1:
        none.
    threads : int, optional
        Default: all processors that this process may use.
    progress : callable, optional
        Called as ``progress(done, total)`` during the comparison of averages.

    Raises
    ------
    RebalanceError
        For settings that do not fit the job.
    """
    averages, average = job.averages, average_of_particle(job)
    particles = _count(average, len(averages))
    wishes = as_wishes(settings.take_part, averages.class_number)
    least = settings.take_part.min_particles
    left_out = why_left_out(averages, particles, wishes, least, took_part)
    wishes, unheeded = heeded(wishes, left_out, settings)
    n_superclasses(settings.superclasses, left_out.count(""))  # refuses before the comparison
    _check_placing(wishes, settings.superclasses)

    aff = given or compare(averages, settings.affinity, threads, progress)
    junk = name_junk(averages, aff, settings.take_part)
    acting = junk if settings.superclasses.superclassification else ("",) * len(junk)
    left_out = without_junk(left_out, acting, wishes)
    sphere = find_sphere(averages, aff, left_out, settings, threads)
    witness = second_witness(sphere, aff)
    superclasses = group(aff, settings.superclasses, left_out, acting, wishes, earlier, witness)
    classes = classes_apart(left_out, wishes, acting, settings.take_part)
    apart = {name: (average >= 0) & chosen[average] for name, chosen in classes.items()}
    source = views_from(settings.balance.by, _posed(columns), sphere)
    balanced, bins = balance_job(
        job,
        _inside(average, apart),
        Views(aff, superclasses, source, sphere),
        settings.balance,
        columns,
        threads,
    )
    kept = _count(average[balanced.keep], len(averages))
    costly = _costly(balanced, averages.class_number[superclasses.labels == balanced.limiting])
    many = () if superclasses.isolated.any() else superclasses.warnings  # names by index
    isolated = isolated_warning(averages.class_number[superclasses.isolated], "class")
    proof = prove(
        balanced.sizes,
        balanced.kept,
        balanced.keep,
        columns.directions if columns else None,
        settings.balance.symmetry,
    )
    return Result(
        settings,
        averages,
        particles,
        junk,
        left_out,
        apart,
        aff,
        superclasses,
        balanced,
        kept,
        (
            *job.warnings,
            *unheeded,
            *balanced.warnings,
            *costly,
            *isolated,
            *many,
            *fallback_warnings(settings.balance.by, source, sphere),
        ),
        bins,
        proof,
        sphere,
        compare_with_poses(sphere, columns, average, settings),
        foretell_sampling(sphere, particles, kept) if sphere else None,
        source,
    )


def name_junk(
    averages: ClassAverages, aff: Affinity, settings: TakePartSettings
) -> tuple[str, ...]:
    """What each junk average shows; empty for the others, and for all where junk is kept."""
    if settings.junk == "keep":
        return ("",) * len(averages)
    return find_junk(averages.images, aff)[1]


def group(
    aff: Affinity,
    settings: SuperclassSettings,
    left_out: tuple[str, ...],
    junk: tuple[str, ...],
    wishes: Wishes,
    earlier: NDArray[np.int32] | None = None,
    sphere: ViewSphere | None = None,
) -> Superclasses:
    """Superclasses of the averages that take part; junk that the user moves joins afterwards."""
    takes_part = np.array([not reason for reason in left_out])
    joins = (wishes.move_to >= 0) & np.array([shows != "" for shows in junk])
    number = n_superclasses(settings, int((takes_part & ~joins).sum()), any(junk))
    out = ~takes_part | joins

    def made(number: int | str) -> Superclasses:
        return superclassify(aff, number, leave_out=out, together=wishes.together, sphere=sphere)

    found = made(number)
    if earlier is not None:
        before = number_before(earlier, found.plausible)
        if number == "auto" and before not in (None, found.n_superclasses):
            found = made(before)
        found = keep_numbers(found, earlier)
    if not (wishes.move_to >= 0).any():
        return found
    return regrouped(found, aff, move(found.labels, wishes), sphere)


def find_sphere(
    averages: ClassAverages,
    aff: Affinity,
    left_out: tuple[str, ...],
    settings: RunSettings,
    threads: int | None = None,
) -> ViewSphere | None:
    """Viewing directions of the averages that take part, where asked for."""
    if not settings.views.sphere:
        return None
    return job_sphere(averages, aff, left_out, settings.balance.symmetry, threads)


def second_witness(sphere: ViewSphere | None, aff: Affinity) -> ViewSphere | None:
    """The sphere, where superclasses can heed it: it joins opposite views, and needs all pairs."""
    return sphere if aff.settings.mirror and len(aff) <= MOST_DENSE else None


def compare_with_poses(
    sphere: ViewSphere | None,
    columns: ParticleColumns | None,
    average: NDArray[np.int32],
    settings: RunSettings,
) -> Agreement | None:
    """How the sphere of views agrees with 3D poses, where both are there."""
    if sphere is None or columns is None or columns.directions is None:
        return None
    return agreement(sphere, columns.directions, average, settings.balance.symmetry)


def _posed(columns: ParticleColumns | None) -> bool:
    return columns is not None and columns.directions is not None


def _inside(average: NDArray[np.int32], apart: dict[str, NDArray[np.bool_]]) -> NDArray[np.int32]:
    """(P,) average of each particle; -1 where it has none or goes to an output of its own."""
    inside = average.copy()
    for particles in apart.values():
        inside[particles] = -1
    return inside


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
    largest = int(known.max())
    index = np.full(largest + 2, -1, dtype=np.int32)
    index[known] = np.arange(len(known))
    average = np.where(number >= 0, index[np.minimum(number, largest + 1)], np.int32(-1))
    lost = np.flatnonzero((number >= 0) & (average < 0))
    if len(lost):
        raise RebalanceError(
            f"every class of the particles must have an average, but class {number[lost[0]]} of "
            f"particle row {lost[0] + 1} has none: give the averages of the same job"
        )
    return average


def n_superclasses(
    settings: SuperclassSettings, n_averages: int, junk_left_out: bool = False
) -> int | str:
    """Number of superclasses asked for, given the averages that take part."""
    number = settings.n_superclasses
    if n_averages == 0 and junk_left_out:
        raise RebalanceError(
            "no average takes part, as all that could look like junk: look at them, and give "
            "--junk keep if they show particles"
        )
    if number is not None and number > n_averages and settings.superclassification:
        besides = " besides junk" if junk_left_out else ""
        raise RebalanceError(
            f"the number of superclasses must be at most the number of averages that take part"
            f"{besides} ({n_averages}), not {number}: ask for fewer, or leave it out to have it "
            "found"
        )
    if settings.superclassification:
        return "auto" if number is None else number
    if number is not None and number != n_averages:
        raise RebalanceError(
            "without superclassification every average that takes part is its own superclass, so "
            f"the number of superclasses must be {n_averages}, not {number}: leave it out"
        )
    return n_averages


def _check_placing(wishes: Wishes, settings: SuperclassSettings) -> None:
    if wishes.placed.any() and not settings.superclassification:
        raise RebalanceError(
            "without superclassification every average is its own superclass, so that class "
            f"{wishes.class_number[wishes.placed][0]} can be neither grouped nor moved: drop one "
            "of the two"
        )


def _count(average: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    return np.bincount(average[average >= 0], minlength=n).astype(np.int64)


def _costly(balanced: Balance, classes: NDArray[np.int32]) -> tuple[str, ...]:
    """A warning when a tiny superclass, which these `classes` make up, costs over half of all."""
    total, left = int(balanced.sizes.sum()), int(balanced.kept.sum())
    if balanced.limiting is None or 2 * left >= total:
        return ()
    size = int(balanced.sizes[balanced.limiting])
    if size >= SMALL_SHARE * total:
        return ()
    return (
        f"superclass {balanced.limiting} has {size:,} of {total:,} particles "
        f"({100 * size / total:.2f} %), and yet its size costs {total - left:,} of them: look at "
        "its averages, and if they do not matter leave them out "
        f"(--leave-out {','.join(map(str, classes))}) or give a maximum superclass size "
        "(--max-size)",
    )
