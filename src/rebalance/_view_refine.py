"""Orientations moved to where the common lines found near them fit best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ._view_angles import angles_in

if TYPE_CHECKING:
    from . import _core

Doubles = NDArray[np.float64]
Indices = NDArray[np.int32]

REACH = 2  # cells round a foretold line where the line is looked for
LOOKS = 3  # for lines
ROUNDS = 5  # of fits to the lines of one look
LEAST_VOTE = 72.0  # of a line that counts: one standard deviation above its table's mean
LEAST_SINE = np.sin(np.radians(12.0))  # views nearer than this have no certain line
SMALLEST = 0.02  # deviation: smaller ones do not weigh more
MOST_TURN = 0.2  # radians, of an average in a round


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
            pulls = [
                _pull(frame, others @ turn.T, look) for turn, look in zip(group, looks, strict=True)
            ]
            pull, off, weight = (sum(parts) for parts in zip(*pulls, strict=True))
            frame = _turned(frame, pull)
            misfit = off / np.maximum(weight, 1e-12)
    return frame, misfit


@dataclass(frozen=True)
class _Look:
    """Lines found near the foretold ones, (R, M) each."""

    in_row: Doubles  # radians
    in_column: Doubles
    weight: Doubles  # how far they count


def _look(
    tables: _core.LineTables, rows: Doubles, columns: Doubles, members: Indices, threads: int
) -> _Look:
    columns = np.ascontiguousarray(columns)
    in_row, in_column, vote = tables.find_lines(
        rows=rows, columns=columns, reach=REACH, threads=threads
    )
    sine = np.linalg.norm(np.cross(rows[:, None, 2], columns[None, members, 2]), axis=2)
    weight = np.maximum(vote[:, members] - LEAST_VOTE, 0.0) * (sine > LEAST_SINE)
    return _Look(in_row[:, members], in_column[:, members], weight)


def _pull(rows: Doubles, columns: Doubles, look: _Look) -> tuple[Doubles, Doubles, Doubles]:
    """Normal equations of the turns of rows (R, 3, 4), and the sums over lines of deviations and
    of weights, (R,) each.

    Two views an angle t apart share a line that lies d and e radians off in their planes: its two
    ends are sqrt(d^2 + e^2 - 2 d e cos t) apart. Turning the row by w in its plane and tilting it
    by v about the direction of the column changes d by -w + v / tan t and e by v / sin t. At fixed
    t the least squares are w = mean(d - e cos t) and v = e sin t: letting t follow would draw
    views together wherever lines are uncertain, as near views are never far apart.
    """
    line = np.cross(rows[:, None, 2], columns[:, 2])
    cos = np.clip(rows[:, 2] @ columns[:, 2].T, -1, 1)
    foretold = angles_in(rows, line)
    in_row = _wrapped(look.in_row - foretold)
    in_column = look.in_column - angles_in(columns, line.transpose(1, 0, 2)).T
    reverse = np.abs(in_row) > np.pi / 2  # a line has two ends
    in_row = np.where(reverse, _wrapped(in_row + np.pi), in_row)
    in_column = _wrapped(in_column + np.pi * reverse)
    off = np.sqrt(np.maximum(in_row**2 + in_column**2 - 2 * in_row * in_column * cos, 0))
    weight = look.weight / np.maximum(off, SMALLEST)
    tilt = weight * in_column * np.sqrt(1 - cos**2)
    axis = np.stack([np.sin(foretold), -np.cos(foretold)], axis=-1)
    pull = np.zeros((len(rows), 3, 4))
    pull[:, :2, :2] = np.einsum("rc,rci,rcj->rij", weight, axis, axis)
    pull[:, :2, 3] = np.einsum("rc,rci->ri", tilt, axis)
    pull[:, 2, 2] = weight.sum(axis=1)
    pull[:, 2, 3] = -np.sum(weight * (in_row - in_column * cos), axis=1)
    return pull, np.sum(look.weight * off, axis=1), look.weight.sum(axis=1)


def _wrapped(angle: Doubles) -> Doubles:
    """-pi to pi."""
    inside: Doubles = (angle + np.pi) % (2 * np.pi) - np.pi
    return inside


def _turned(frame: Doubles, pull: Doubles) -> Doubles:
    """Frames turned about their own axes as normal equations say; those without a line stay."""
    left = pull[:, :, :3] + 1e-9 * np.eye(3)
    turn = np.linalg.solve(left, pull[:, :, 3:])[..., 0]
    size = np.linalg.norm(turn, axis=1, keepdims=True)
    turn *= np.minimum(1, MOST_TURN / np.maximum(size, 1e-12))
    about = np.einsum("rk,rkc->rc", turn, frame)
    moved = np.einsum("rij,rkj->rki", Rotation.from_rotvec(about).as_matrix(), frame)
    # The last bits of matrix products depend on where arrays lie in memory.
    return np.asarray(np.round(moved, 9))
