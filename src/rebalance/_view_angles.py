"""Viewing directions from the angles between them, and what turns each average in its plane."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

ROUNDS = 30  # of the fit
SMALLEST = np.radians(1.0)  # residual: smaller ones do not weigh more
TURNS = 48  # in-plane angles tried, on a half circle
SLACK = 0.03  # width of the peak of agreeing lines: 4 x the squared sd of their angle


def fit_directions(angle: Doubles, weight: Doubles) -> Doubles:
    """Directions whose mutual angles fit.

    Parameters
    ----------
    angle : (A, A) float64 array
        Angles between viewing directions, radians.
    weight : (A, A) float64 array
        How far each is believed, not negative; the diagonal does not count.

    Returns
    -------
    (A, 3) float64 array
        Unit vectors, up to a rotation and a reflection: the leading eigenvectors of the weighted
        Gram matrix, then least unsquared deviations (Wang, Singer & Wen 2013).
    """
    weight = weight.copy()
    np.fill_diagonal(weight, 0)
    total = np.sqrt(np.maximum(weight.sum(axis=1), 1e-9))
    gram = np.cos(angle) * weight
    np.fill_diagonal(gram, weight.mean())
    gram /= total[:, None] * total
    leading: Doubles = np.linalg.eigh(gram)[1][:, -3:] / total[:, None]
    return _refit(unit(leading), angle, weight)


def _refit(direction: Doubles, angle: Doubles, weight: Doubles) -> Doubles:
    """Move (A, 3) directions to where their angles with each other fit."""
    wanted = np.cos(angle)
    for _ in range(ROUNDS):
        residual = np.abs(np.arccos(np.clip(direction @ direction.T, -1, 1)) - angle)
        pull = weight / np.maximum(residual, SMALLEST)
        products = (direction[:, :, None] * direction[:, None, :]).reshape(-1, 9)
        left = (pull @ products).reshape(-1, 3, 3) + 1e-9 * np.eye(3)
        moved = unit(np.linalg.solve(left, ((pull * wanted) @ direction)[..., None])[..., 0])
        direction = unit(direction + moved)
    # The last bits of matrix products depend on where arrays lie in memory.
    return unit(np.round(direction, 9))


def unit(vectors: NDArray[np.floating[Any]]) -> Doubles:
    """Vectors of length 1; the z axis where there is none."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    z_axis = np.array([0.0, 0.0, 1.0])
    scaled: Doubles = np.where(length > 1e-12, vectors / np.maximum(length, 1e-12), z_axis)
    return scaled


def upright(direction: Doubles) -> Doubles:
    """(N, 3, 3) right-handed frames, not turned in plane; rows: x axis, y axis, direction."""
    helper = np.eye(3)[np.argmin(np.abs(direction), axis=1)]
    x = unit(np.cross(helper, direction))
    return np.stack([x, np.cross(direction, x), direction], axis=1)


def turned(frame: Doubles, angle: Doubles) -> Doubles:
    """Frames whose averages are turned: a line at phi is then at phi + `angle` (radians)."""
    cos, sin = np.cos(angle)[..., None], np.sin(angle)[..., None]
    x, y = frame[..., 0, :], frame[..., 1, :]
    return np.stack([cos * x - sin * y, sin * x + cos * y, frame[..., 2, :]], axis=-2)


def turn_by_lines(direction: Doubles, lines: Doubles, weight: Doubles) -> tuple[Doubles, Doubles]:
    """In-plane angles that bring foretold lines to those found, but for half a turn.

    Parameters
    ----------
    direction : (M, 3) float64 array
        Viewing directions.
    lines : (M, M) float64 array
        Angle in average i of its line with j, radians.
    weight : (M, M) float array
        How far each line is believed.

    Returns
    -------
    frame : (M, 3, 3) float64 array
        Right-handed frames.
    agreement : (M,) float64 array
        Share of the weight of lines that agree.
    """
    frame = upright(direction)
    line = np.cross(direction[:, None], direction)
    off = lines - angles_in(frame, line)
    weight = weight * (np.linalg.norm(line, axis=2) > 0.2)
    tried: Doubles = np.pi * np.arange(TURNS) / TURNS
    # Lines have no sign here, so that angles differ modulo half a turn.
    score = np.stack(
        [np.sum(weight * np.exp((np.cos(2 * (off - t)) - 1) / SLACK), axis=1) for t in tried]
    )
    share = score.max(axis=0) / np.maximum(weight.sum(axis=1), 1e-12)
    return turned(frame, tried[score.argmax(axis=0)]), share


def settle_half_turns(frame: Doubles, in_row: Doubles) -> Doubles:
    """Frames of averages, each turned by half where the lines with the others say so."""
    line = np.cross(frame[:, None, 2], frame[:, 2])
    cos = np.cos(in_row - angles_in(frame, line))
    # Both ends of a pair see the line with the same sign; foretold from j it is reversed.
    same = np.where((np.abs(cos) > 0.95) & (np.abs(cos.T) > 0.95), -np.sign(cos * cos.T), 0.0)
    np.fill_diagonal(same, 0)
    reverse = np.linalg.eigh(same)[1][:, -1] < 0
    return turned(frame, np.where(reverse, np.pi, 0.0))


def angles_in(frame: Doubles, line: Doubles) -> Doubles:
    """(R, A) angles of (R, A, 3) vectors in the planes of (R, 3, 3) frames."""
    across = np.einsum("rac,rc->ra", line, frame[:, 1])
    along = np.einsum("rac,rc->ra", line, frame[:, 0])
    angle: Doubles = np.arctan2(across, along)
    return angle
