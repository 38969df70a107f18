"""Orientations of class averages from tables of their common lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._view_angles import (
    angles_in,
    fit_directions,
    settle_half_turns,
    turn_by_lines,
    turned,
    unit,
    upright,
)
from ._view_refine import LEAST_SINE, REACH, refine

Doubles = NDArray[np.float64]
Indices = NDArray[np.int32]

APART = np.array([0.36, 0.48, 0.8])  # on no axis or mirror plane of a point group
DIRECTIONS = 600  # on the sphere, about 8 degrees apart
SWEEPS = 4  # at most
STARTS = 4  # from random frames, at most
STARTS_WITH_MATES = 10
SCREEN_WITH = 64  # frames that choose the directions at which more frames look
SCREENED = 60  # directions
START_WITH = 56  # averages
START_WITH_MATES = 32  # where each has many lines with each
SAME = 0.003  # of the score: starts that came to the same frames
SWEEPS_FROM_CHANCE = 8
BLOCKS_FROM_CHANCE = 3
BLOCKS = 4  # parts of a sweep: averages of one part do not see each other move
FEW_MOVE = 0.25  # share of averages that a sweep moves, below which another is not worth it
CELL = 2 * np.pi / 64


def spread_evenly(n: int) -> Doubles:
    """(n, 3) unit vectors on a spiral, about equally far apart."""
    z = 1 - (2 * np.arange(n) + 1) / n
    turn = np.pi * (1 + np.sqrt(5)) * (np.arange(n) + 0.5)
    radius = np.sqrt(1 - z * z)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), z], axis=1)


def grid_of(group: Doubles) -> Doubles:
    """(D, 3, 3) frames, not turned in plane, of which no two of a symmetric particle are mates."""
    direction = spread_evenly(DIRECTIONS)
    if len(group) == 1:
        return upright(direction)
    # Of each set of mates the one nearest to a direction on no axis is kept.
    mates = np.einsum("gij,nj,i->gn", group, direction, APART)
    return upright(direction[mates.argmax(axis=0) == 0])


@dataclass(frozen=True)
class Placed:
    """Averages with orientations.

    Attributes
    ----------
    frame : (R, 3, 3) float64 array
        Right-handed; rows: x axis, y axis, viewing direction.
    misfit : (R,) float64 array
        Radians: by how much the angles with other views miss, weighted by their votes.
    """

    frame: Doubles
    misfit: Doubles


class Anchors:
    """A averages, all of which are compared with each other.

    Parameters
    ----------
    tables : LineTables
        How the lines of each agree with those of each.
    group : (G, 3, 3) float64 array
        Turns that lay the particle on itself; the first is the identity.
    threads : int
        Of the search.
    """

    def __init__(self, tables: _core.LineTables, group: Doubles, threads: int) -> None:
        self.tables, self.n, self.group, self.threads = tables, tables.n_rows, group, threads
        self.symmetric = len(group) > 1
        self.start_with = START_WITH_MATES if self.symmetric else START_WITH
        self.grid = grid_of(group)
        in_row, in_column, _ = tables.find_lines(threads=threads)
        upper = np.triu(np.ones((self.n, self.n), dtype=bool), 1)
        # Angle in average i of its line with j, wherever it was found.
        self.lines: Doubles = np.where(upper, in_row, in_column.T)

    def solve(self, members: Indices, seed: int, starts: int = 0) -> Doubles:
        """(M, 3, 3) frames of some of the anchors, without a look at the others.

        The better of what third images vote for and of the best of some starts from random
        frames. Of a symmetric particle third images cannot tell which line is which, so that
        starts from chance are all there is.
        """
        if self.symmetric:
            return self._from_chance(members, seed, starts or STARTS_WITH_MATES)[1]
        lines = np.ascontiguousarray(self.lines[np.ix_(members, members)])
        by_thirds = by_votes(lines, self.threads)
        if not starts:
            return self.sweep(by_thirds, members, SWEEPS)
        found = (
            self.swept(by_thirds, members, SWEEPS),
            self._from_chance(members, seed, starts),
        )
        return max(found, key=lambda each: each[0])[1]

    def _from_chance(self, members: Indices, seed: int, starts: int) -> tuple[float, Doubles]:
        """Mean score and frames that the best start led to; of no more, when two are the same."""
        n_few = min(len(members), self.start_with)
        few = members[np.arange(n_few) * len(members) // n_few]
        found: list[tuple[float, Doubles]] = []
        for start in range(starts):
            rng = np.random.Generator(np.random.PCG64([seed, start]))
            frame = upright(unit(rng.standard_normal((len(few), 3))))
            frame = turned(frame, rng.uniform(0, 2 * np.pi, len(few)))
            found.append(self.swept(frame, few, SWEEPS_FROM_CHANCE, BLOCKS_FROM_CHANCE))
            found.sort(key=lambda each: -each[0])
            if len(found) > 1 and found[0][0] - found[1][0] < SAME * found[0][0]:
                break
        frame, _ = self.search(members, found[0][1], few)
        return self.swept(frame, members, SWEEPS)

    def swept(
        self, frame: Doubles, members: Indices, sweeps: int, blocks: int = BLOCKS
    ) -> tuple[float, Doubles]:
        """Mean score and frames at the end of some sweeps."""
        frame, score = self.search(members, self.sweep(frame, members, sweeps, blocks), members)
        return float(score.mean()), frame

    def sweep(self, frame: Doubles, members: Indices, sweeps: int, blocks: int = BLOCKS) -> Doubles:
        """Look again for the best frame of each of some anchors, given those of the others, until
        few of them move."""
        frame = frame.copy()
        for _ in range(sweeps):
            before = frame.copy()
            for block in range(min(blocks, len(members))):
                some = np.arange(block, len(members), blocks)
                frame[some], _ = self.search(members[some], frame, members)
            if np.mean((frame != before).any(axis=(1, 2))) < FEW_MOVE:
                break
        return frame

    def search(
        self, rows: Indices, frame: Doubles, members: Indices
    ) -> tuple[Doubles, NDArray[np.float32]]:
        """Frames in which rows agree best with members in known frames, and their scores."""
        known = Known(frame, members, self.group)
        return search(self.tables, rows, known, self.grid, self.threads)

    def place(self, frame: Doubles, members: Indices) -> Placed:
        """All anchors, against members whose frames are known and move a little."""
        every = np.arange(self.n, dtype=np.int32)
        start, _ = self.search(every, frame, members)
        return Placed(*refine(self.tables, start, None, members, self.group, self.threads))

    def agreement(self, frame: Doubles, members: Indices) -> Doubles:
        """(A,) share of members whose line with an average, looked for anywhere, is foretold."""
        there = self.lines[members].T
        return agreeing(self.lines[:, members], there, frame, frame[members], self.group)


def by_votes(lines: Doubles, threads: int) -> Doubles:
    """(M, 3, 3) frames from (M, M) angles of lines, no orientation being known."""
    itself = np.arange(len(lines), dtype=np.int32)
    reverse = np.ascontiguousarray(lines.T)
    angle, share = _core.vote_on_angles(lines, reverse, lines, itself, threads=threads)
    weight = share.astype(np.float64)
    direction = fit_directions(angle, weight**2)
    # The angles between views leave the hand open; the lines within the averages settle it.
    hands = [turn_by_lines(side * direction, lines, weight) for side in (1, -1)]
    frame, _ = max(hands, key=lambda hand: float(hand[1].mean()))
    return settle_half_turns(frame, lines)


@dataclass(frozen=True)
class Known:
    """Columns of tables, in known frames."""

    frame: Doubles  # (M, 3, 3)
    column: Indices  # (M,)
    group: Doubles  # (G, 3, 3)


def search(
    tables: _core.LineTables, rows: Indices, known: Known, grid: Doubles, threads: int
) -> tuple[Doubles, NDArray[np.float32]]:
    """Frames in which lines of row averages agree best with those of known columns, and scores."""
    mates = np.ascontiguousarray(np.concatenate([known.frame @ turn.T for turn in known.group]))
    image = np.tile(known.column, len(known.group))
    only = None
    if len(image) >= 2 * SCREEN_WITH:
        few = np.arange(SCREEN_WITH) * len(image) // SCREEN_WITH
        score, _ = tables.vote(rows, mates[few], image[few], grid, threads=threads)
        order = np.argsort(-score, axis=1, kind="stable")[:, :SCREENED]
        only = np.ascontiguousarray(np.sort(order, axis=1).astype(np.int32))
    score, cells = tables.vote(rows, mates, image, grid, only=only, threads=threads)
    row, best = np.arange(len(rows)), score.argmax(axis=1)
    which = best if only is None else only[row, best]
    return turned(grid[which], CELL * cells[row, best]), score[row, best]


def place_others(
    tables: _core.LineTables, anchors: Anchors, frame: Doubles, members: Indices
) -> tuple[Placed, Doubles]:
    """Row averages of tables whose columns are the members among the anchors.

    Returns
    -------
    placed : Placed
        The row averages.
    agreement : (R,) float64 array
        As :meth:`Anchors.agreement`.
    """
    threads, known = anchors.threads, frame[members]
    rows = np.arange(tables.n_rows, dtype=np.int32)
    columns = np.arange(len(members), dtype=np.int32)
    start, _ = search(tables, rows, Known(known, columns, anchors.group), anchors.grid, threads)
    placed, misfit = refine(tables, start, known, columns, anchors.group, threads)
    in_row, in_column, _votes = tables.find_lines(threads=threads)
    agreement = agreeing(in_row, in_column, placed, known, anchors.group)
    return Placed(placed, misfit), agreement


def agreeing(
    in_row: Doubles, in_column: Doubles, rows: Doubles, columns: Doubles, group: Doubles
) -> Doubles:
    """(R,) share of the lines found, given by (R, C) angles, that frames foretell."""
    both, certain = np.zeros((2, *in_row.shape), dtype=bool)
    least = np.cos((REACH + 0.5) * CELL)
    for turn in group:
        mates = columns @ turn.T
        line = np.cross(rows[:, None, 2], mates[:, 2])
        row = np.cos(in_row - angles_in(rows, line))
        column = np.cos(in_column - angles_in(mates, line.transpose(1, 0, 2)).T)
        both |= (np.abs(row) > least) & (np.abs(column) > least) & (row * column > 0)
        certain |= np.linalg.norm(line, axis=2) > LEAST_SINE
    share: Doubles = np.sum(both & certain, axis=1) / np.maximum(certain.sum(axis=1), 1)
    return share
