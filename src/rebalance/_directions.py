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


def spread_directions(rng: np.random.Generator, n: int, rotations: Floats | None = None) -> Floats:
    """(n, 3) unit vectors whose axes (v = -v) lie far apart: always take the farthest next.

    With (G, 3, 3) `rotations`, the turns of a symmetric particle, they lie apart from each
    other's turned copies too.
    """
    rotations = np.eye(3)[None] if rotations is None else rotations
    candidates = draw_directions(rng, 50 * n)
    chosen = [0]
    nearness = _nearness(candidates, candidates[0], rotations)
    while len(chosen) < n:
        chosen.append(int(np.argmin(nearness)))
        nearness = np.maximum(nearness, _nearness(candidates, candidates[chosen[-1]], rotations))
    spread: Floats = candidates[chosen]
    return spread


def _nearness(candidates: Floats, direction: Floats, rotations: Floats) -> Floats:
    """(n,) cosines of the angles between axes, to the nearest turned copy of a direction."""
    cosine: Floats = np.abs(candidates @ (rotations @ direction).T).max(axis=1)
    return cosine


def draw_biased_frames(
    rng: np.random.Generator, n: int, bumps: int, share: float, width_deg: float
) -> Floats:
    """(n, 3, 3) frames that prefer some directions over a uniform background.

    Each of the `bumps` is a normal distribution of sd `width_deg` about each of two axes, round a
    direction drawn at random; all of them together hold `share` of the frames.
    """
    centre = frames_of(draw_directions(rng, max(1, bumps)))
    around = np.zeros(n, dtype=np.int64) if bumps < 2 else rng.integers(bumps, size=n)
    bump = tilt(rng, centre[around], width_deg)
    background = frames_of(draw_directions(rng, n))
    in_bump = rng.random(n) < (share if bumps else 0.0)
    return np.where(in_bump[:, None, None], bump, background)


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
