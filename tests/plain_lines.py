"""The steps of the search for common lines in plain NumPy: slow, and short enough to believe."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
HALF, FULL = 32, 64  # cells of a table
CELL = 2 * np.pi / FULL


def agreement(
    a: NDArray[np.complexfloating], b: NDArray[np.complexfloating], phase: NDArray[np.float32]
) -> Doubles:
    """(32, 64) best agreement of each line of `a` with each of `b`, both (64, K) half circles."""
    shifts = phase[..., 0] + 1j * phase[..., 1]
    whole = np.concatenate([b, b.conj()])
    each = np.real(np.einsum("tk,ak,bk->tab", shifts, a, whole.conj(), optimize=True)).max(axis=0)
    cells: Doubles = each.reshape(HALF, 2, FULL, 2).max(axis=(1, 3))
    return cells


def as_votes(cells: Doubles) -> NDArray[np.uint8]:
    """Deviations above the mean, 24 each, 48 at the mean."""
    votes = 48.5 + 24 * (cells - cells.mean()) / cells.std()
    return np.clip(votes, 0, 255).astype(np.uint8)


def line_cells(row: Doubles, column: Doubles) -> tuple[int, int] | None:
    """Cells of the common line of two frames in the row and, on the half circle, the column."""
    line = np.cross(row[2], column[2])
    if np.linalg.norm(line) < np.sin(np.radians(10)):
        return None
    angles = [np.arctan2(line @ frame[1], line @ frame[0]) for frame in (row, column)]
    r, c = (int(np.floor(angle / CELL + 0.25)) % FULL for angle in angles)
    return (r, c) if c < HALF else ((r + HALF) % FULL, c - HALF)


def scores(tables: NDArray[np.uint8], frames: Doubles, direction: Doubles) -> Doubles:
    """(64,) deviations by which the mean vote of (F, 32, 64) tables for a direction is above that
    of chance, for each in-plane angle."""
    lines: dict[int, list[Doubles]] = {}
    for table, frame in zip(tables, frames, strict=True):
        found = line_cells(direction, frame)
        if found is not None:
            votes = np.roll(table[found[1]], -found[0]).astype(np.float64)
            lines.setdefault(found[0] % HALF, []).append(votes)
    if 10 * sum(len(votes) for votes in lines.values()) < len(frames):
        return np.zeros(FULL)
    mean = np.mean([np.mean(votes, axis=0) for votes in lines.values()], axis=0)
    score: Doubles = (mean - 48) / 24 * np.sqrt(len(lines))
    return score


def view_angle(lines: Doubles, i: int, j: int) -> tuple[float, float]:
    """Angle of views i and j by votes of third images, and the share of voters that agree."""
    n = len(lines)
    k = np.array([k for k in range(n) if k not in (i, j)])
    a, b, c = lines[i, j] - lines[i, k], lines[j, i] - lines[j, k], lines[k, i] - lines[k, j]
    below, above = np.sin(a) * np.sin(b), np.cos(c) - np.cos(a) * np.cos(b)
    known = (np.abs(np.sin(a)) > 0.17) & (np.abs(np.sin(b)) > 0.17) & (np.abs(above) <= abs(below))
    votes = np.arccos(above[known] / below[known])
    middle = (np.arange(90) + 0.5) * np.pi / 90
    count = np.histogram(votes, bins=90, range=(0, np.pi))[0]
    around = np.arange(-5, 6)
    weight = np.exp(-0.5 * (around * 2.0 / 3.5) ** 2)
    mirrored = np.concatenate([count[:5][::-1], count, count[-5:][::-1]])
    top = middle[np.argmax(np.convolve(mirrored, weight, mode="valid"))]
    near = np.abs(votes - top) < np.radians(6)
    return float(votes[near].mean()) if near.any() else top, float(near.sum() / n)
