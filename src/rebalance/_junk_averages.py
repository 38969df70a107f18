"""Averages that show no single particle, as 2D classifications leave them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Floats = NDArray[np.float64]

# What each kind stands for.
JUNK_KINDS = {
    "cloud": "smooth noise: particles that have nothing in common",
    "rings": "over-fitted rings",
    "edge": "the edge of a hole in the support film",
    "noise": "rough noise: hardly any particles",
    "blob": "a round spot without features: ice, or a particle out of focus",
    "stripes": "parallel stripes: a crystal or a bundle",
    "pair": "two particles side by side, cut by the mask",
    "mixture": "several views on top of each other",
}


def draw_noise(rng: np.random.Generator, box: int, smooth: float) -> Floats:
    """(L, L) noise of sd 1, low-pass filtered by a Gaussian of `smooth` px."""
    noise: Floats = gaussian_filter(rng.standard_normal((box, box)), smooth, mode="wrap")
    noise /= noise.std()
    return noise


def draw_junk(rng: np.random.Generator, kind: str, box: int, particles: Floats) -> Floats:
    """(L, L) average of a kind of `JUNK_KINDS`, at any scale.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    kind : str
        One of `JUNK_KINDS`.
    box : int
        Box size L in px.
    particles : (N, L, L) float64 array
        Projections of the particle, for the kinds that show several.
    """
    if kind == "pair":
        return _pair(rng, particles)
    if kind == "mixture":
        picked: Floats = particles[rng.integers(len(particles), size=8)].mean(axis=0)
        return picked
    return PLAIN[kind](rng, box)


def _cloud(rng: np.random.Generator, box: int) -> Floats:
    return draw_noise(rng, box, 0.06 * box)


def _noise(rng: np.random.Generator, box: int) -> Floats:
    return draw_noise(rng, box, 0.015 * box)


def _rings(rng: np.random.Generator, box: int) -> Floats:
    y, x = np.mgrid[:box, :box] - box // 2
    period = rng.uniform(0.08, 0.2) * box
    rings: Floats = np.cos(2 * np.pi * np.hypot(y, x) / period + rng.uniform(0, 2 * np.pi))
    return rings


def _edge(rng: np.random.Generator, box: int) -> Floats:
    y, x = np.mgrid[:box, :box] - box // 2
    angle = rng.uniform(0, 2 * np.pi)
    across = x * np.cos(angle) + y * np.sin(angle) - rng.uniform(-0.2, 0.2) * box
    edge: Floats = np.tanh(across / (0.03 * box)) + 0.4 * draw_noise(rng, box, 0.04 * box)
    return edge


def _blob(rng: np.random.Generator, box: int) -> Floats:
    y, x = np.mgrid[:box, :box] - box // 2
    y0, x0 = rng.uniform(-0.05, 0.05, 2) * box
    radius = rng.uniform(0.12, 0.25) * box
    spot = 1 / (1 + np.exp((np.hypot(y - y0, x - x0) - radius) / (0.04 * box)))
    blob: Floats = spot + 0.05 * draw_noise(rng, box, 0.04 * box)
    return blob


def _stripes(rng: np.random.Generator, box: int) -> Floats:
    y, x = np.mgrid[:box, :box] - box // 2
    angle, period = rng.uniform(0, 2 * np.pi), rng.uniform(0.06, 0.15) * box
    across = x * np.cos(angle) + y * np.sin(angle)
    wave = np.cos(2 * np.pi * across / period + rng.uniform(0, 2 * np.pi))
    stripes: Floats = wave * (1 + 0.3 * draw_noise(rng, box, 0.1 * box))
    return stripes


def _pair(rng: np.random.Generator, particles: Floats) -> Floats:
    """Two projections moved apart by more than half the box."""
    box = particles.shape[-1]
    first, second = particles[rng.integers(len(particles), size=2)]
    angle, half = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 0.32) * box
    y, x = round(half * np.sin(angle)), round(half * np.cos(angle))
    return _moved(first, y, x) + _moved(second, -y, -x)


def _moved(image: Floats, y: int, x: int) -> Floats:
    """Image moved by whole px; 0 comes in."""
    pad = max(abs(y), abs(x))
    wide = np.roll(np.pad(image, pad), (y, x), axis=(0, 1))
    return wide[pad : pad + len(image), pad : pad + len(image)]


PLAIN: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "cloud": _cloud,
    "rings": _rings,
    "edge": _edge,
    "noise": _noise,
    "blob": _blob,
    "stripes": _stripes,
}
