"""Anchors solved, halves of them apart, and what both say together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from ._view_solver import SWEEPS, Anchors, Placed
from ._view_verdict import FEWEST, HALVES_AGREE

Doubles = NDArray[np.float64]
Indices = NDArray[np.int32]

RARE = 0.33  # of the upper quartile of agreement: averages below it do not help to solve
MOST_BELONG = 0.9  # share of the averages kept, above which their orientations are not sought anew
PLAIN_ENOUGH = 0.95  # agreement of the halves that need not be asked to better


@dataclass(frozen=True)
class Way:
    """How anchors are solved: with the lines of `start`, then with those of `final`."""

    start: Anchors
    final: Anchors
    starts: int = 0  # from chance, at most

    def solve(self, members: Indices, seed: int) -> Doubles:
        """(M, 3, 3) frames of members."""
        frame = self.start.solve(members, seed, self.starts)
        if self.final is not self.start:
            frame = self.final.sweep(frame, members, SWEEPS)
        return frame

    def place(self, frame: Doubles, members: Indices) -> tuple[Placed, Doubles]:
        """All anchors, against members in these frames, and how often their lines agree."""
        placed = self.final.place(frame, members)
        return placed, self.start.agreement(placed.frame, members)


@dataclass(frozen=True)
class Halves:
    """Two random halves of some anchors, solved apart."""

    frames: tuple[Doubles, ...]  # (A, 3, 3) each: all anchors, against either half
    angles: tuple[Doubles, Doubles]  # (K, K) each: between the views of those halved, degrees
    agreement: float  # rank correlation of these angles


@dataclass(frozen=True)
class Solution:
    """What one way of solving A anchors gave."""

    way: Way
    placed: Placed  # all of them
    agreement: Doubles  # (A,)
    kept: Indices  # (K,) those that belong
    halves: Halves  # of those


def attempt(way: Way, seed: int) -> Solution:
    """Orientations of all anchors, and those that two halves of them give."""
    members = np.arange(way.start.n, dtype=np.int32)
    placed, agreement = way.place(way.solve(members, seed), members)
    kept = often(agreement)
    if FEWEST <= len(kept) < len(members):
        # A few that do not belong lead nobody astray; with more, the others begin anew, but for
        # searches from chance, which cost too much to be done twice.
        few_left = len(kept) > MOST_BELONG * len(members)
        if few_left or way.starts:
            frame = way.final.sweep(placed.frame[kept], kept, SWEEPS)
        else:
            frame = way.solve(kept, seed)
        placed, agreement = way.place(frame, kept)
        kept = often(agreement)
    return Solution(way, placed, agreement, kept, halves_of(way, kept, seed))


def halves_of(way: Way, kept: Indices, seed: int) -> Halves:
    """The anchors kept in two random halves."""
    if len(kept) < FEWEST:  # halves of so few cannot be solved
        nothing = np.zeros((len(kept), len(kept)))
        return Halves((), (nothing, nothing), 0.0)
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    order = kept[np.argsort(rng.random(len(kept)), kind="stable")]
    parts = (np.sort(order[0::2]), np.sort(order[1::2]))
    frames = tuple(way.final.place(way.solve(part, seed), part).frame for part in parts)
    first, second = (angles_between(each[kept, 2], way.final.group) for each in frames)
    return Halves(frames, (first, second), _rank_correlation(first, second))


def polished(solution: Solution) -> Solution:
    """A solution whose halves agree, but where a few averages may have gone astray.

    Each half has placed all averages without the errors of the other: of the three spheres, the
    one in which the lines agree best is kept.
    """
    all_belong = len(solution.kept) == len(solution.agreement)
    halves = solution.halves
    if halves.agreement < HALVES_AGREE or (all_belong and halves.agreement >= PLAIN_ENOUGH):
        return solution
    way, kept = solution.way, solution.kept
    starts = (solution.placed.frame, *halves.frames)
    swept = [way.final.swept(start[kept], kept, SWEEPS) for start in starts]
    placed, agreement = way.place(max(swept, key=lambda each: each[0])[1], kept)
    return replace(solution, placed=placed, agreement=agreement)


def often(agreement: Doubles) -> Indices:
    """Averages whose lines agree with those of the others more than rarely."""
    least = RARE * np.quantile(agreement, 0.75)
    return np.flatnonzero(agreement >= least).astype(np.int32)


def angles_between(direction: Doubles, group: Doubles) -> Doubles:
    """(N, N) angles (degrees) between views, v = -v, the smallest among symmetry mates."""
    cosine = np.zeros((len(direction), len(direction)))
    for turn in group:
        np.maximum(cosine, np.abs((direction @ turn.T) @ direction.T), out=cosine)
    angle: Doubles = np.degrees(np.arccos(np.clip(cosine, 0, 1)))
    return angle


def _rank_correlation(first: Doubles, second: Doubles) -> float:
    """Of the angles of all pairs; 0 where they do not differ."""
    upper = np.triu_indices(len(first), 1)
    if np.ptp(first[upper]) == 0 or np.ptp(second[upper]) == 0:
        return 0.0
    return float(spearmanr(first[upper], second[upper]).statistic)
