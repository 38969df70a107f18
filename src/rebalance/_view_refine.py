"""Orientations moved to where the common lines found near them fit best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from . import _core

Doubles = NDArray[np.float64]
Indices = NDArray[np.int32]

REACH = 2  # cells round a foretold line where the line is looked for
LOOKS = 3  # for lines
ROUNDS = 5  # of fits to the lines of one look
LEAST_VOTE = 72.0  # of a line that counts: one standard deviation above its table's mean
LEAST_SINE = np.sin(np.radians(12.0))  # views nearer than this have no certain line
SMALLEST = 0.02  # residual: smaller ones do not weigh more


def refine(
    tables: _core.LineTables,
    frame: Doubles,
    columns: Doubles | None,
    members: Indices,
    group: Doubles,
    threads: int,
) -> tuple[Doubles, Doubles]:
    """Move row frames to where their lines with members fit.

    Parameters
    ----------
    tables : LineTables
        Of R row and C column averages.
    frame : (R, 3, 3) float64 array
        Rows: x axis, y axis, viewing direction.
    columns : (C, 3, 3) float64 array or None
        Frames of the columns, which stay; None: they are the rows, and move with them.
    members : (M,) int32 array
        Columns whose lines count.
    group : (G, 3, 3) float64 array
        Turns that lay the particle on itself.
    threads : int
        Of the search for lines.

    Returns
    -------
    frame : (R, 3, 3) float64 array
        Least unsquared deviations of the lines (Wang, Singer & Wen 2013), one average at a time:
        the line in the plane of the row against the same line in the plane of the column.
    misfit : (R,) float64 array
        Radians: mean deviation of the lines, weighted by their votes.
    """
    misfit = np.zeros(len(frame))
    for _ in range(LOOKS):
        others = frame if columns is None else columns
        looks = [_look(tables, frame, others @ turn.T, members, threads) for turn in group]
        for _ in range(ROUNDS):
            others = (frame if columns is None else columns)[members]
            fitted = [
                _deviations(frame, others @ turn.T, *look)
                for turn, look in zip(group, looks, strict=True)
            ]
            pull, off, weight = (sum(parts) for parts in zip(*fitted, strict=True))
            frame = _nearest_frames(pull, frame)
            misfit = off / np.maximum(weight, 1e-12)
    return frame, misfit


def _look(
    tables: _core.LineTables, rows: Doubles, columns: Doubles, members: Indices, threads: int
) -> tuple[Doubles, Doubles, Doubles]:
    """(R, M, 2) lines in the planes of rows and of members, and (R, M) how far they count."""
    columns = np.ascontiguousarray(columns)
    in_row, in_column, vote = tables.find_lines(
        rows=rows, columns=columns, reach=REACH, threads=threads
    )
    sine = np.linalg.norm(np.cross(rows[:, None, 2], columns[None, members, 2]), axis=2)
    weight = np.maximum(vote[:, members] - LEAST_VOTE, 0.0) * (sine > LEAST_SINE)
    return _on_circle(in_row[:, members]), _on_circle(in_column[:, members]), weight


def _on_circle(angle: Doubles) -> Doubles:
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _deviations(
    rows: Doubles, columns: Doubles, in_row: Doubles, in_column: Doubles, weight: Doubles
) -> tuple[Doubles, Doubles, Doubles]:
    """What turns rows (R, 2, 3), and the sums over lines of deviations and weights (R,)."""
    line = np.einsum("rcp,cpk->rck", in_column, columns[:, :2])
    seen = np.einsum("rck,rpk->rcp", line, rows)
    seen[..., :2] -= in_row
    off = np.linalg.norm(seen, axis=-1)
    pull = np.einsum("rc,rcp,rck->rpk", weight / np.maximum(off, SMALLEST), in_row, line)
    return pull, np.sum(weight * off, axis=1), weight.sum(axis=1)


def _nearest_frames(pull: Doubles, before: Doubles) -> Doubles:
    """Right-handed frames whose x and y axes are nearest to those pulled (Kabsch 1976)."""
    wanted = np.zeros((len(pull), 3, 3))
    # Rows without a line stay.
    wanted[:, :2] = pull + 1e-9 * before[:, :2]
    left, _, right = np.linalg.svd(wanted)
    side = np.ones((len(pull), 3))
    side[:, 2] = np.sign(np.linalg.det(left @ right))
    # The last bits of matrix products depend on where arrays lie in memory.
    frame: Doubles = np.round((left * side[:, None]) @ right, 9)
    return frame
