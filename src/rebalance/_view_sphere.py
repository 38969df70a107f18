"""The sphere of views: viewing directions of class averages without a 3D map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._affinity import affinity
from ._line_rays import LineRays, line_rays, near_means
from ._symmetry import rotations
from ._view_solution import PLAIN_ENOUGH, Solution, Way, attempt, halves_of, polished
from ._view_solver import STARTS, Anchors, place_others
from ._view_verdict import ENOUGH, FEWEST, HALVES_AGREE, ViewSphere, Witness, judge
from .checks import as_images, as_seed, as_threads
from .errors import RebalanceError

if TYPE_CHECKING:
    from ._affinity_results import Affinity

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Indices = NDArray[np.int32]
Progress = Callable[[int, int], None]

MOST_ANCHORS = 200  # averages all of which are compared with each other
CHUNK = 128  # other averages placed at a time
HOPE = 0.4  # agreement of the halves, below which searches from chance are not worth their time
LEFT_OUT = 0.36  # of the upper quartile of agreement: averages below it get no direction
STEPS = 4  # of the progress
GROUPS_TRIED = ("C2", "C3", "C4", "D2")  # where a particle is refused as one without symmetry
ASKED_FOR_GROUP = 50  # averages
SURE = 0.96  # agreement of the halves, below which a point group may explain the averages better
LIKELY = 0.95  # agreement of the halves, from which a point group is named


@dataclass(frozen=True)
class _Averages:
    """What is solved."""

    stack: Floats
    rays: LineRays
    aff: Affinity | None
    chosen: Indices  # averages all of which are compared with each other


@dataclass(frozen=True)
class _Manner:
    """How it is solved."""

    group: Doubles
    seed: int
    threads: int
    tell: Callable[[int], None]  # a step is done


def view_sphere(
    images: ArrayLike,
    aff: Affinity | None = None,
    *,
    symmetry: str = "C1",
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> ViewSphere:
    """Viewing directions of class averages, by common lines, and whether they can be trusted.

    Parameters
    ----------
    images : (N, L, L) array of real numbers
        Class averages, axis order (average, y, x).
    aff : Affinity, optional
        Their affinity; computed where it is needed and not given.
    symmetry : str
        Point group of the particle: C1 (none), C2, D7, T, O, I, ... An n-fold axis lies along z,
        a two-fold one of Dn along x.
    seed : int
        Decides which averages are compared where there are many, and the random halves.
    threads : int, optional
        Default: all processors that this process may use. The result is the same to the bit.
    progress : callable, optional
        Called as ``progress(done, total)`` after each step.

    Returns
    -------
    ViewSphere
        Directions, up to a rotation and the hand, with uncertainties, and the verdict.

    Raises
    ------
    RebalanceError
        For images that are not finite and square, an affinity of other averages, an unknown
        point group, or a seed or number of threads out of range.

    Notes
    -----
    The transforms of any two projections agree along a line. Third images vote on the angle
    between two views (Singer et al. 2010); the angles give the directions (Wang, Singer & Wen
    2013), which a search over all orientations of each average against the others improves.
    """
    stack = as_images(images)
    if aff is not None and len(aff.values) != len(stack):
        raise RebalanceError(
            f"the affinity must be of the same averages, not {len(aff.values)} for {len(stack)} "
            "images: compute it from these images"
        )
    group, seed, threads = rotations(symmetry), as_seed(seed), as_threads(threads)
    name = symmetry.strip().upper()
    rays = line_rays(stack, threads)
    chosen = _some(rays, seed)
    if len(chosen) < FEWEST:
        return judge(Witness.of_too_few(len(stack), rays.contrast, name))
    tell = _Steps(progress)
    manner = _Manner(group, seed, threads, tell)
    solution = polished(_solved(_Averages(stack, rays, aff, chosen), manner))
    witness = _witness(rays, chosen, solution, name)
    # Of few averages that are refused nothing more is said than that.
    told = solution.halves.agreement >= HALVES_AGREE
    enough = len(solution.kept) >= FEWEST and (told or len(chosen) >= 2 * ENOUGH)
    if enough and len(group) == 1 and solution.halves.agreement < SURE:
        likely, agreement = _likely_group(rays, chosen, manner)
        if agreement > max(LIKELY, solution.halves.agreement):
            witness = replace(witness, likely=likely)
    tell(STEPS)
    return judge(witness)


class _Steps:
    """Tells the caller how many steps are done."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress

    def __call__(self, done: int) -> None:
        if self.progress is not None:
            self.progress(done, STEPS)


def _some(rays: LineRays, seed: int) -> Indices:
    """Averages with contrast, or as many of them as are compared with each other."""
    usable = np.flatnonzero(rays.contrast)
    rng = np.random.Generator(np.random.PCG64(seed))
    drawn = usable[np.argsort(rng.random(len(usable)), kind="stable")[:MOST_ANCHORS]]
    return np.sort(drawn).astype(np.int32)


def _solved(averages: _Averages, manner: _Manner) -> Solution:
    """The averages themselves first; if their halves disagree, means of near ones, which show
    less noise, are solved, and the averages follow."""

    def anchors_of(rays: Floats, phase: Floats) -> Anchors:
        tables = _core.LineTables.all_pairs(rays, phase, threads=manner.threads)
        return Anchors(tables, manner.group, manner.threads)

    rays, seed = averages.rays, manner.seed
    final = anchors_of(np.ascontiguousarray(rays.rays[averages.chosen]), rays.phase)
    manner.tell(1)
    best = attempt(Way(final, final), seed)
    manner.tell(2)
    if best.halves.agreement >= PLAIN_ENOUGH or len(averages.stack) < 2:
        return best
    means = _means(averages, manner.threads)
    start = anchors_of(means.rays, means.phase)
    ways = [Way(start, final)]
    if len(manner.group) == 1:
        ways += [Way(final, final, STARTS), Way(start, final, STARTS)]
    for way in ways:
        found = attempt(way, seed)
        best = max((best, found), key=lambda solution: solution.halves.agreement)
        if not HOPE <= best.halves.agreement < HALVES_AGREE:
            return best
    if len(manner.group) > 1:
        return best
    # Means of both halves agree in what they blur: they are the last resort, and must be sure.
    last = attempt(Way(start, start, STARTS), seed)
    return last if last.halves.agreement >= SURE else best


def _means(averages: _Averages, threads: int) -> LineRays:
    stack, aff = averages.stack, averages.aff
    aff = aff if aff is not None else affinity(stack, threads=threads)
    return line_rays(near_means(stack, aff, averages.chosen), threads)


def _likely_group(rays: LineRays, chosen: Indices, manner: _Manner) -> tuple[str, float]:
    """The point group with which halves of some averages agree best, and this agreement."""
    rng = np.random.Generator(np.random.PCG64([manner.seed, 2]))
    few = np.sort(chosen[np.argsort(rng.random(len(chosen)), kind="stable")[:ASKED_FOR_GROUP]])
    if len(few) < 2 * FEWEST:
        return "", 0.0
    own = np.ascontiguousarray(rays.rays[few])
    tables = _core.LineTables.all_pairs(own, rays.phase, threads=manner.threads)
    every = np.arange(len(few), dtype=np.int32)
    agreement = {}
    for name in GROUPS_TRIED:
        anchors = Anchors(tables, rotations(name), manner.threads)
        agreement[name] = halves_of(Way(anchors, anchors, STARTS), every, manner.seed).agreement
    best = max(agreement, key=lambda name: agreement[name])
    return best, agreement[best]


def _witness(rays: LineRays, chosen: Indices, solution: Solution, symmetry: str) -> Witness:
    """All that the verdict looks at, for all averages."""
    n, anchors = len(rays.rays), solution.way.final
    direction, misfit, agreement = np.full((n, 3), np.nan), np.full(n, np.nan), np.zeros(n)
    direction[chosen] = solution.placed.frame[:, 2]
    misfit[chosen] = solution.placed.misfit
    agreement[chosen] = solution.agreement
    others = np.setdiff1d(np.flatnonzero(rays.contrast), chosen)
    if len(others):
        known = np.ascontiguousarray(rays.rays[chosen[solution.kept]])
        own = anchors.agreement(solution.placed.frame, solution.kept)
        # Near means agree more often than averages do: the rule is that of the averages here.
        scale = np.quantile(solution.agreement, 0.75) / max(np.quantile(own, 0.75), 1e-9)
        for first in range(0, len(others), CHUNK):
            some = others[first : first + CHUNK]
            tables = _core.LineTables.between(
                np.ascontiguousarray(rays.rays[some]),
                known,
                rays.phase,
                threads=anchors.threads,
            )
            placed, agrees = place_others(tables, anchors, solution.placed.frame, solution.kept)
            direction[some], misfit[some] = placed.frame[:, 2], placed.misfit
            agreement[some] = scale * agrees
    rarely = agreement < LEFT_OUT * np.quantile(solution.agreement, 0.75)
    return Witness(
        symmetry=symmetry,
        direction=direction,
        misfit=misfit,
        contrast=rays.contrast,
        agreement=agreement,
        rarely=rarely,
        n_solved=len(solution.kept),
        solved=chosen[solution.kept],
        halves=solution.halves.angles,
        agreement_of_halves=solution.halves.agreement,
    )
