"""Density maps of compact complexes, made of chains of rods as proteins are of helices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

import rebalance

Floats = NDArray[np.float64]

BOX = 72
PIXEL_SIZE = 4.0  # A
RADIUS = 0.27  # of the box, of the whole complex


def chain_map(seed: int, elongation: float = 1.0) -> rebalance.DensityMap:
    """A complex of four to nine domains of unequal size and density that touch each other."""
    rng = np.random.default_rng(seed)
    place, radius = _domains(rng, int(rng.integers(4, 10)))
    points = [_chain(rng, p, r) for p, r in zip(place, radius, strict=True)]
    weight = np.repeat(rng.choice([1.0, 1.0, 1.8], len(points)), [len(p) for p in points])
    cloud = np.concatenate(points) / (elongation**0.5, elongation**0.5, elongation**-1.0)
    cloud -= np.average(cloud, axis=0, weights=weight)
    cloud *= RADIUS / np.quantile(np.linalg.norm(cloud, axis=1), 0.98)
    values = np.zeros((BOX, BOX, BOX))
    voxel = np.rint(cloud[:, ::-1] * BOX + BOX // 2).astype(np.int64)
    np.add.at(values, tuple(np.clip(voxel, 0, BOX - 1).T), weight)
    return rebalance.DensityMap(gaussian_filter(values, 0.8).astype(np.float32), PIXEL_SIZE)


def _domains(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Centres (n, 3) and radii (n,) of balls, each of which touches an earlier one."""
    radius = rng.uniform(0.5, 1.0, n)
    centre = [np.zeros(3)]
    for r in radius[1:]:
        to = int(rng.integers(len(centre)))
        way = rng.normal(size=3) - 0.5 * centre[to]  # back to the middle: a compact whole
        centre.append(centre[to] + 0.8 * (r + radius[to]) * way / np.linalg.norm(way))
    return np.array(centre), radius


def _chain(rng: np.random.Generator, centre: Floats, radius: float) -> Floats:
    """Points along rods that fill a ball."""
    at, points = centre.copy(), []
    for _ in range(int(90 * radius**3) + 12):
        way = rng.normal(size=3)
        if np.linalg.norm(at - centre) > 0.6 * radius:
            way = (centre - at) / np.linalg.norm(centre - at) + 0.4 * way
        way /= np.linalg.norm(way)
        length = rng.uniform(0.2, 0.6)
        points.append(at + np.arange(0.0, length, 0.01)[:, None] * way)
        at = at + length * way
    return np.concatenate(points)
