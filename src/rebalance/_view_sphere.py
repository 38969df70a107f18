"""The sphere of views: viewing directions of class averages without a 3D map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import spearmanr

from . import _core
from ._affinity import affinity
from ._line_rays import LineRays, line_rays, near_means
from ._symmetry import rotations
from ._view_solver import STARTS, SWEEPS, Anchors, Placed, place_others
from ._view_verdict import FEWEST, HALVES_AGREE, ViewSphere, Witness, judge
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
RARE = 0.33  # of the upper quartile of agreement: averages below it are left out
MOST_BELONG = 0.9  # share of the averages kept, above which their orientations are not sought anew
PLAIN_ENOUGH = 0.95  # agreement of the halves that near means need not be asked to better
HOPE = 0.4  # agreement of the halves, below which searches from chance are not worth their time
STEPS = 4  # of the progress
GROUPS_TRIED = ("C2", "C3", "C4", "D2")  # where a particle is refused as one without symmetry
ASKED_FOR_GROUP = 50  # averages
LIKELY = 0.95  # agreement of the halves, from which a point group is named


@dataclass(frozen=True)
class _Way:
    """How anchors are solved: with the lines of `start`, then with those of `final`."""

    start: Anchors
    final: Anchors
    starts: int  # from chance, at most

    def solve(self, members: Indices, seed: int) -> Doubles:
        """Frames of members."""
        frame = self.start.solve(members, seed, self.starts)
        if self.final is not self.start:
            frame = self.final.sweep(frame, members, SWEEPS)
        return frame


@dataclass(frozen=True)
class _Solution:
    """What one way of solving the anchors gave."""

    anchors: Anchors
    placed: Placed  # all anchors
    agreement: Doubles  # (A,)
    kept: Indices
    halves: tuple[Doubles, Doubles]  # angles between the views of those kept, degrees
    agreement_of_halves: float


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
    solution = _solution(stack, rays, aff, chosen, group, seed, threads, tell)
    witness = _witness(rays, chosen, solution, name, tell)
    # Of too few averages nothing more is said than that.
    enough = len(solution.kept) >= FEWEST
    if enough and len(group) == 1 and solution.agreement_of_halves < HALVES_AGREE:
        witness = replace(witness, likely=_likely_group(rays, chosen, seed, threads))
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


def _solution(
    stack: Floats,
    rays: LineRays,
    aff: Affinity | None,
    chosen: Indices,
    group: Doubles,
    seed: int,
    threads: int,
    tell: _Steps,
) -> _Solution:
    """The averages themselves first; if their halves disagree, means of near ones, which show
    less noise, are solved, and the averages follow."""

    def anchors_of(few: Floats, phase: Floats) -> Anchors:
        tables = _core.LineTables.all_pairs(few, phase, threads=threads)
        return Anchors(tables, group, threads)

    final = anchors_of(np.ascontiguousarray(rays.rays[chosen]), rays.phase)
    tell(1)
    best = _attempt(_Way(final, final, 0), seed)
    tell(2)
    if best.agreement_of_halves >= PLAIN_ENOUGH or len(stack) < 2:
        return best
    aff = aff if aff is not None else affinity(stack, threads=threads)
    means = line_rays(near_means(stack, aff, chosen), threads)
    start = anchors_of(means.rays, means.phase)
    ways = [_Way(start, final, 0)]
    if len(group) == 1:
        # Means agree with each other in what they blur: they are the last resort.
        ways += [_Way(final, final, STARTS), _Way(start, final, STARTS), _Way(start, start, STARTS)]
    for way in ways:
        found = _attempt(way, seed)
        best = max((best, found), key=lambda solution: solution.agreement_of_halves)
        if not HOPE <= best.agreement_of_halves < HALVES_AGREE:
            break
    return best


def _attempt(way: _Way, seed: int) -> _Solution:
    """Orientations of all anchors, and those that two halves of them give."""
    members = np.arange(way.start.n, dtype=np.int32)
    placed, agreement = _solve(way, members, seed)
    kept = _often(agreement)
    if FEWEST <= len(kept) < len(members):
        # A few that do not belong lead nobody astray; with more, the others begin anew, but for
        # searches from chance, which cost too much to be done twice.
        few_left = len(kept) > MOST_BELONG * len(members)
        known = placed.frame[kept] if few_left or way.starts else None
        placed, agreement = _solve(way, kept, seed, known)
        kept = _often(agreement)
    if len(kept) < FEWEST:  # halves of so few cannot be solved
        nothing = np.zeros((len(kept), len(kept)))
        return _Solution(way.final, placed, agreement, kept, (nothing, nothing), 0.0)
    angles = _angles_of_halves(way, kept, seed)
    return _Solution(way.final, placed, agreement, kept, angles, _rank_correlation(*angles))


def _likely_group(rays: LineRays, chosen: Indices, seed: int, threads: int) -> str:
    """The point group with which halves of some averages agree best; empty if none do well."""
    rng = np.random.Generator(np.random.PCG64([seed, 2]))
    few = np.sort(chosen[np.argsort(rng.random(len(chosen)), kind="stable")[:ASKED_FOR_GROUP]])
    if len(few) < 2 * FEWEST:
        return ""
    own = np.ascontiguousarray(rays.rays[few])
    tables = _core.LineTables.all_pairs(own, rays.phase, threads=threads)
    every = np.arange(len(few), dtype=np.int32)
    agreement = {}
    for name in GROUPS_TRIED:
        anchors = Anchors(tables, rotations(name), threads)
        halves = _angles_of_halves(_Way(anchors, anchors, STARTS), every, seed)
        agreement[name] = _rank_correlation(*halves)
    best = max(agreement, key=lambda name: agreement[name])
    return best if agreement[best] >= LIKELY else ""


def _rank_correlation(first: Doubles, second: Doubles) -> float:
    """Of the angles of all pairs; 0 where they do not differ."""
    upper = np.triu_indices(len(first), 1)
    if np.ptp(first[upper]) == 0 or np.ptp(second[upper]) == 0:
        return 0.0
    return float(spearmanr(first[upper], second[upper]).statistic)


def _solve(
    way: _Way, members: Indices, seed: int, known: Doubles | None = None
) -> tuple[Placed, Doubles]:
    """All anchors placed against members that are solved, or swept from known frames."""
    frame = way.solve(members, seed) if known is None else way.final.sweep(known, members, SWEEPS)
    placed = way.final.place(frame, members)
    return placed, way.start.agreement(placed.frame, members)


def _often(agreement: Doubles) -> Indices:
    """Averages whose lines agree with those of the others more than rarely."""
    least = RARE * np.quantile(agreement, 0.75)
    return np.flatnonzero(agreement >= least).astype(np.int32)


def _angles_of_halves(way: _Way, kept: Indices, seed: int) -> tuple[Doubles, Doubles]:
    """Angles between all views kept, once for each random half of them that was solved."""
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    order = kept[np.argsort(rng.random(len(kept)), kind="stable")]

    def solved(half: Indices) -> Doubles:
        placed = way.final.place(way.solve(half, seed), half)
        return angles_between(placed.frame[kept, 2], way.final.group)

    return solved(np.sort(order[0::2])), solved(np.sort(order[1::2]))


def angles_between(direction: Doubles, group: Doubles) -> Doubles:
    """(N, N) angles (degrees) between views, v = -v, the smallest among symmetry mates."""
    cosine = np.zeros((len(direction), len(direction)))
    for turn in group:
        np.maximum(cosine, np.abs((direction @ turn.T) @ direction.T), out=cosine)
    angle: Doubles = np.degrees(np.arccos(np.clip(cosine, 0, 1)))
    return angle


def _witness(
    rays: LineRays, chosen: Indices, solution: _Solution, symmetry: str, tell: _Steps
) -> Witness:
    """All that the verdict looks at, for all averages."""
    n = len(rays.rays)
    direction, misfit, agreement = np.full((n, 3), np.nan), np.full(n, np.nan), np.zeros(n)
    direction[chosen] = solution.placed.frame[:, 2]
    misfit[chosen] = solution.placed.misfit
    agreement[chosen] = solution.agreement
    others = np.setdiff1d(np.flatnonzero(rays.contrast), chosen)
    if len(others):
        known = np.ascontiguousarray(rays.rays[chosen[solution.kept]])
        own = solution.anchors.agreement(solution.placed.frame, solution.kept)
        # Near means agree more often than averages do: the rule is that of the averages here.
        scale = np.quantile(solution.agreement, 0.75) / max(np.quantile(own, 0.75), 1e-9)
        for first in range(0, len(others), CHUNK):
            some = others[first : first + CHUNK]
            tables = _core.LineTables.between(
                np.ascontiguousarray(rays.rays[some]),
                known,
                rays.phase,
                threads=solution.anchors.threads,
            )
            placed, agrees = place_others(
                tables, solution.anchors, solution.placed.frame, solution.kept
            )
            direction[some], misfit[some] = placed.frame[:, 2], placed.misfit
            agreement[some] = scale * agrees
    tell(STEPS)
    rarely = agreement < RARE * np.quantile(solution.agreement, 0.75)
    return Witness(
        symmetry=symmetry,
        direction=direction,
        misfit=misfit,
        contrast=rays.contrast,
        rarely=rarely,
        n_solved=len(solution.kept),
        solved=chosen[solution.kept],
        halves=solution.halves,
        agreement_of_halves=solution.agreement_of_halves,
    )
