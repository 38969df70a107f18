"""Viewing directions: drawn at random, spread far apart, and as frames that carry an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Floats = NDArray[np.float64]


def draw_directions(rng: np.random.Generator, n: int) -> Floats:
    """(n, 3) unit vectors, uniform on the sphere."""
    direction = rng.standard_normal((n, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return direction


def spread_directions(rng: np.random.Generator, n: int) -> Floats:
    """(n, 3) unit vectors whose axes (v = -v) lie far apart: always take the farthest next."""
    candidates = draw_directions(rng, 50 * n)
    chosen = [0]
    nearness = np.abs(candidates @ candidates[0])
    while len(chosen) < n:
        chosen.append(int(np.argmin(nearness)))
        nearness = np.maximum(nearness, np.abs(candidates @ candidates[chosen[-1]]))
    spread: Floats = candidates[chosen]
    return spread


def frames_of(direction: Floats) -> Floats:
    """(N, 3, 3) right-handed frames; rows: x axis, y axis, direction."""
    helper = np.eye(3)[np.argmin(np.abs(direction), axis=1)]
    x = np.cross(helper, direction)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return np.stack([x, np.cross(direction, x), direction], axis=1)


def tilt(rng: np.random.Generator, frame: Floats, sd_deg: float) -> Floats:
    """Tilt each frame about its x and y axis: the direction moves, the image does not turn."""
    turn = np.zeros((len(frame), 3))
    turn[:, :2] = np.radians(sd_deg) * rng.standard_normal((len(frame), 2))
    tilted: Floats = Rotation.from_rotvec(turn).as_matrix() @ frame
    return tilted
