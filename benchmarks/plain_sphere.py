"""The sphere of views in plain NumPy: the same steps as the compiled core takes, vectorised.

`in_plain_numpy()` lends the solver these in place of the core's tables and votes, so that one
program runs both ways. Results agree but for ties and single against double precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rebalance import _core, _view_solver, _view_sphere

Doubles = NDArray[np.float64]
HALF, FULL = 32, 64  # cells of a table
CELL = 2 * np.pi / FULL
NEAR = np.sin(np.radians(10))
LEAST_VOTERS = 0.1
AT_MEAN, DEVIATION = 48, 24  # votes


class PlainTables:
    """As `_core.LineTables`."""

    def __init__(self, rows: NDArray[Any], columns: NDArray[Any], phase: NDArray[Any]) -> None:
        whole, b = _complex(rows), _complex(columns)
        whole = np.concatenate([whole, whole.conj()], axis=1)  # (R, 128, K)
        shifted = b[:, None] * _complex(phase)[:, None]  # (C, T, 64, K)
        self.n_rows, n_columns = len(rows), len(columns)
        self.votes = np.empty((self.n_rows, n_columns, HALF, FULL), np.uint8)
        for j, moved in enumerate(shifted):
            for i, rays in enumerate(whole):
                each = (moved.reshape(-1, moved.shape[-1]) @ rays.conj().T).real
                best = each.reshape(len(moved), 64, 128).max(axis=0)
                self.votes[i, j] = _as_votes(best.reshape(HALF, 2, FULL, 2).max(axis=(1, 3)))

    @classmethod
    def all_pairs(cls, rays: NDArray[Any], phase: NDArray[Any], *, threads: int) -> PlainTables:
        tables = cls(rays, rays, phase)
        tables.votes[np.arange(len(rays)), np.arange(len(rays))] = AT_MEAN
        return tables

    @classmethod
    def between(
        cls, rows: NDArray[Any], columns: NDArray[Any], phase: NDArray[Any], *, threads: int
    ) -> PlainTables:
        return cls(rows, columns, phase)

    def vote(
        self,
        rows: NDArray[Any],
        frames: Doubles,
        image: NDArray[Any],
        directions: Doubles,
        *,
        only: NDArray[Any] | None = None,
        threads: int,
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        if only is None:
            only = np.tile(np.arange(len(directions)), (len(rows), 1))
        best = np.zeros(only.shape, np.float32)
        turn = np.zeros(only.shape, np.uint8)
        wide = np.concatenate([self.votes[rows]] * 2, axis=3)  # (R, C, 32, 128)
        across = np.arange(FULL)
        for d, direction in enumerate(directions):
            row, column, weight = _ballot(direction, frames)
            asked, slot = np.nonzero(only == d)
            here = wide if len(asked) == len(rows) else wide[asked]
            cells = here[:, image[:, None], column[:, None], row[:, None] + across]
            total = np.einsum("f,rfc->rc", weight, cells - np.float32(AT_MEAN))
            best[asked, slot], turn[asked, slot] = total.max(axis=1), total.argmax(axis=1)
        return best, turn

    def find_lines(
        self,
        *,
        rows: Doubles | None = None,
        columns: Doubles | None = None,
        reach: int = 0,
        threads: int,
    ) -> tuple[Doubles, Doubles, NDArray[Any]]:
        shape = self.votes.shape[:2]
        flat = self.votes.reshape(*shape, -1).argmax(axis=2)
        row, column = flat % FULL, flat // FULL
        if rows is not None and columns is not None:
            row, column = self._near(rows, columns, reach, row, column)
        most = self._at(row, column)
        in_row = row + _vertex(self._at(row - 1, column), most, self._at(row + 1, column))
        in_column = column + _vertex(self._at(row, column - 1), most, self._at(row, column + 1))
        return (in_row + 0.25) * CELL, (in_column + 0.25) * CELL, most

    def _near(
        self, rows: Doubles, columns: Doubles, reach: int, row: NDArray[Any], column: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        known, at_row, at_column = _cells_of(rows[:, None], columns[None])
        most = np.full(row.shape, -1.0)
        found_row, found_column = at_row, at_column
        for c in range(-reach, reach + 1):
            for r in range(-reach, reach + 1):
                here = self._at(at_row + r, at_column + c)
                better = here > most
                most = np.where(better, here, most)
                found_row = np.where(better, at_row + r, found_row)
                found_column = np.where(better, at_column + c, found_column)
        return np.where(known, found_row, row), np.where(known, found_column, column)

    def _at(self, row: NDArray[Any], column: NDArray[Any]) -> Doubles:
        turned = (column < 0) | (column >= HALF)
        i, j = np.indices(row.shape)
        row = np.where(turned, row + HALF, row) % FULL
        values: Doubles = self.votes[i, j, column % HALF, row].astype(np.float64)
        return values


def _complex(pairs: NDArray[Any]) -> NDArray[np.complex64]:
    return (pairs[..., 0] + 1j * pairs[..., 1]).astype(np.complex64)


def _as_votes(cells: NDArray[Any]) -> NDArray[np.uint8]:
    votes = AT_MEAN + 0.5 + DEVIATION * (cells - cells.mean()) / max(float(cells.std()), 1e-30)
    return np.clip(votes, 0, 255).astype(np.uint8)


def _vertex(before: Doubles, at: Doubles, after: Doubles) -> Doubles:
    bend = before - 2 * at + after
    top = 0.5 * (before - after) / np.where(bend < 0, bend, -1.0)
    return np.where(bend < 0, np.clip(top, -0.5, 0.5), 0.0)


def _cells_of(row: Doubles, column: Doubles) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Whether views differ enough, and the cells of the line in row and column frames."""
    line = np.cross(row[..., 2, :], column[..., 2, :])
    cells = []
    for frame in (row, column):
        y, x = (np.sum(line * frame[..., axis, :], axis=-1) for axis in (1, 0))
        cells.append(np.floor(np.arctan2(y, x) / CELL + 0.25).astype(int) % FULL)
    beyond = cells[1] >= HALF
    at_row = np.where(beyond, (cells[0] + HALF) % FULL, cells[0])
    return np.linalg.norm(line, axis=-1) >= NEAR, at_row, cells[1] % HALF


def _ballot(direction: Doubles, frames: Doubles) -> tuple[NDArray[Any], ...]:
    known, row, column = _cells_of(np.broadcast_to(direction, frames.shape), frames)
    count = np.bincount(row[known] % HALF, minlength=HALF)
    lines = DEVIATION * np.sqrt(max(int(np.count_nonzero(count)), 1))
    weight = np.where(known, 1.0 / (np.maximum(count[row % HALF], 1) * lines), 0.0)
    if known.sum() < LEAST_VOTERS * len(frames):
        weight[:] = 0
    return row, column, weight.astype(np.float32)


def plain_vote_on_angles(
    in_row: Doubles, in_anchor: Doubles, of_anchors: Doubles, skip: NDArray[Any], *, threads: int
) -> tuple[Doubles, NDArray[Any]]:
    """As `_core.vote_on_angles`: for one row and anchor at a time over all third images."""
    shape = in_row.shape
    angle, share = np.zeros(shape), np.zeros(shape, np.float32)
    for i in range(shape[0]):
        a = in_row[i][:, None] - in_row[i]  # [j, k]
        b = in_anchor[i][:, None] - of_anchors
        c = in_anchor[i] - of_anchors.T
        below, above = np.sin(a) * np.sin(b), np.cos(c) - np.cos(a) * np.cos(b)
        known = (abs(np.sin(a)) > 0.17) & (abs(np.sin(b)) > 0.17) & (above**2 <= below**2)
        np.fill_diagonal(known, val=False)
        if skip[i] >= 0:
            known[:, skip[i]] = False
        votes = np.arccos(np.where(known, above, 0) / np.where(known, below, 1))
        for j in range(shape[1]):
            if j != skip[i]:
                angle[i, j], share[i, j] = _settled(votes[j][known[j]], shape[1])
    return angle, share


AROUND = np.exp(-0.5 * (np.arange(-5, 6) * 2.0 / 3.5) ** 2)


def _settled(votes: Doubles, n: int) -> tuple[float, float]:
    count = np.bincount(np.minimum((votes * (90 / np.pi)).astype(int), 89), minlength=90)
    mirrored = np.concatenate([count[:5][::-1], count, count[-5:][::-1]])
    top = (np.argmax(np.convolve(mirrored, AROUND, mode="valid")) + 0.5) * np.pi / 90
    near = np.abs(votes - top) < np.radians(6)
    return (float(votes[near].mean()) if near.any() else float(top)), float(near.sum() / n)


class _PlainCore:
    LineTables = PlainTables
    vote_on_angles = staticmethod(plain_vote_on_angles)

    def __getattr__(self, name: str) -> Any:
        return getattr(_core, name)


@contextmanager
def in_plain_numpy() -> Iterator[None]:
    """The solver without its compiled core."""
    modules: tuple[Any, ...] = (_view_solver, _view_sphere)
    for module in modules:
        module._core = _PlainCore()
    try:
        yield
    finally:
        for module in modules:
            module._core = _core
