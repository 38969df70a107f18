"""The method once more, slow and plain, in double precision: what the compiled core is judged by.

Nothing is shared with the package: Fourier sums are dense, every turn is a rolled ring, grids are
searched one by one, and counts are Python's own whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

MASK_64 = 2**64 - 1


# Rings of the Fourier transform.


def ring_radii(band: tuple[float, float], n_rings: int) -> Floats:
    """The middle of n_rings equal parts of the band, cycles/px."""
    limits = np.linspace(*band, n_rings + 1)
    return (limits[:-1] + limits[1:]) / 2


def polar_points(band: tuple[float, float], n_rings: int, n_angles: int) -> tuple[Floats, Floats]:
    """(n_rings, n_angles) frequencies along y and x, counter-clockwise from the x axis."""
    angle = 2 * np.pi * np.arange(n_angles) / n_angles
    radius = ring_radii(band, n_rings)[:, None]
    return radius * np.sin(angle), radius * np.cos(angle)


def masked(images: NDArray[np.floating], mask: Floats, rim: Floats) -> Floats:
    """(N, L, L) images under a mask, the mean under the rim removed; zero without contrast."""
    images = images.astype(np.float64)
    level = (images * rim).sum(axis=(1, 2)) / rim.sum()
    out = (images - level[:, None, None]) * mask
    contrast = np.abs(out).max(axis=(1, 2)) > 1e-6 * np.abs(images).max(axis=(1, 2))
    return out * contrast[:, None, None]


def polar_rings(
    images: NDArray[np.floating], band: tuple[float, float], n_rings: int, n_angles: int
) -> Complexes:
    """(N, n_rings, n_angles) Fourier transform by the direct sum at every polar point.

    Rings weigh as their radius. Every image has unit norm, its highest angular frequency not
    counted; one without signal stays zero.
    """
    box = images.shape[1]
    place = np.arange(box) - box // 2
    ky, kx = polar_points(band, n_rings, n_angles)
    wave_y = np.exp(-2j * np.pi * ky[..., None] * place)
    wave_x = np.exp(-2j * np.pi * kx[..., None] * place)
    rings = np.einsum("kay,nyx,kax->nka", wave_y, images.astype(float), wave_x, optimize=True)
    rings *= np.sqrt(ring_radii(band, n_rings))[:, None]
    norm = np.linalg.norm(without_highest(rings), axis=(1, 2), keepdims=True)
    return rings / np.where(norm > 0, norm, 1)


def without_highest(rings: Complexes) -> Complexes:
    """Rings without their highest angular frequency, whose sign cannot be told."""
    sign = (-1.0) ** np.arange(rings.shape[-1])
    return rings - sign * (rings * sign).mean(axis=-1, keepdims=True)


def hartley(rings: Complexes) -> Floats:
    """One real number per sample: Re F + Im F; its opposite sample is Re F - Im F."""
    return rings.real + rings.imag


# The search.


@dataclass(frozen=True)
class Pairs:
    """The best grid point of every pair; entry [i, j] lays j on i."""

    value: Floats
    angle: Floats  # degrees
    shift: Floats  # (y, x), px
    mirror: NDArray[np.bool_]
    lead: Floats  # how far the best grid point is ahead of the second


def order_by_pixels(images: NDArray[np.float32]) -> list[int]:
    """Of two images the one with the larger skewness, without its sign, is moved."""
    pixels = images.reshape(len(images), -1).astype(float)
    pixels -= pixels.mean(axis=1, keepdims=True)
    square, cube = (pixels**2).mean(axis=1), (pixels**3).mean(axis=1)
    skewness = np.where(square > 0, abs(cube) / np.where(square > 0, square, 1) ** 1.5, 0)
    return sorted(range(len(images)), key=lambda i: (skewness[i], i))


def search(
    images: NDArray[np.float32],
    rings: Complexes,
    band: tuple[float, float],
    shifts: Floats,
    *,
    mirror: bool = True,
) -> Pairs:
    """Try every grid point on every pair, the shift applied to the later in `order_by_pixels`."""
    n = len(rings)
    order = order_by_pixels(images)
    rings = rings[order]
    fixed = without_highest(rings)
    pairs = Pairs(
        np.eye(n), np.zeros((n, n)), np.zeros((n, n, 2)), np.zeros((n, n), bool), np.ones((n, n))
    )
    for j in range(1, n):
        scores = np.array(
            [
                [_turned_scores(fixed[:j], _moved(rings[j], band, shift, flip)) for shift in shifts]
                for flip in ([False, True] if mirror else [False])
            ]
        )
        for i in range(j):
            _write(pairs, order[i], order[j], scores[..., i], shifts)
    return pairs


def _moved(
    ring: Complexes, band: tuple[float, float], shift: Sequence[float], flip: bool
) -> Complexes:
    """Shift an image, then turn it over about the x axis where asked."""
    ky, kx = polar_points(band, *ring.shape)
    moved = ring * np.exp(-2j * np.pi * (ky * shift[0] + kx * shift[1]))
    return np.roll(moved[:, ::-1], 1, axis=1) if flip else moved


def _turned_scores(fixed: Complexes, moved: Complexes) -> Floats:
    """(n_angles, i) correlation of every fixed image with the moved one, turned by each angle."""
    n_angles = moved.shape[1]
    back = (np.arange(n_angles) - np.arange(n_angles)[:, None]) % n_angles
    turned = moved[:, back].transpose(1, 0, 2).reshape(n_angles, -1)
    flat = fixed.reshape(len(fixed), -1)
    return turned.real @ flat.real.T + turned.imag @ flat.imag.T


def _write(pairs: Pairs, i: int, j: int, scores: Floats, shifts: Floats) -> None:
    flip, t, q = np.unravel_index(scores.argmax(), scores.shape)
    second, best = np.partition(scores.ravel(), -2)[-2:]
    pairs.value[i, j] = pairs.value[j, i] = np.clip(best, 0, 1)
    pairs.lead[i, j] = pairs.lead[j, i] = best - second
    pairs.mirror[i, j] = pairs.mirror[j, i] = bool(flip)
    # On points (x, y): p -> linear (p + t), to be written as p -> turn mirror p + shift.
    linear = _turn(2 * np.pi * q / scores.shape[2]) @ np.diag([1, -1 if flip else 1])
    shift = linear @ shifts[t, ::-1]
    for row, column, matrix, vector in (
        (i, j, linear, shift),
        (j, i, np.linalg.inv(linear), -shifts[t, ::-1]),
    ):
        turn = matrix @ np.diag([-1 if flip else 1, 1])
        pairs.angle[row, column] = np.degrees(np.arctan2(turn[1, 0], turn[0, 0]))
        pairs.shift[row, column] = vector[::-1]


def _turn(angle: float) -> Floats:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


# Superclasses.


def sharpened(affinity: Floats, neighbours: int = 3, reach: float = 2.0) -> Floats:
    """Affinity of every average plus its neighbours, by weight; see `rebalance.sharpen`."""
    n = len(affinity)
    distance = 1 - affinity + np.where(np.eye(n), np.inf, 0)
    near = np.argsort(distance, axis=1, kind="stable")
    second = np.sort(np.sort(distance, axis=1)[:, min(1, n - 2)])[(n - 1) // 2]
    weight = np.eye(n)
    for i in range(n):
        for j in near[i, : min(neighbours, n - 1)]:
            weight[i, j] = np.exp(-distance[i, j] / max(reach * second, 1e-9))
    product = weight @ affinity @ weight.T
    norm = np.sqrt(np.diag(product))
    sharp = np.clip(product / np.outer(norm, norm), 0, 1)
    np.fill_diagonal(sharp, 1)
    return sharp


def tree_groups(
    affinity: Floats, k: int, damping: float = 0.09, together: NDArray[np.integer] | None = None
) -> NDArray[np.int64]:
    """(N,) lowest average of each one's group, joining the two groups of least cost until k."""
    n = len(affinity)
    forced = np.full(n, -1) if together is None else np.asarray(together)
    groups = [[i] for i in range(n) if forced[i] < 0]
    groups += [list(np.flatnonzero(forced == g)) for g in sorted(set(forced[forced >= 0]))]
    groups.sort(key=min)
    while len(groups) > k:
        costs = {}
        for p, a in enumerate(groups):
            for q in range(p + 1, len(groups)):
                b = groups[q]
                if len({int(forced[i]) for i in a + b} - {-1}) < 2:
                    size = len(a) * len(b) / (len(a) + len(b))
                    costs[p, q] = (1 - affinity[np.ix_(a, b)]).mean() * size**damping
        p, q = min(costs, key=lambda pair: (costs[pair], pair))
        groups[p] = groups[p] + groups.pop(q)
        groups.sort(key=min)
    lowest = np.empty(n, dtype=np.int64)
    for group in groups:
        lowest[group] = min(group)
    return lowest


def silhouette(affinity: Floats, labels: NDArray[np.integer]) -> Floats:
    """Per average, on the saturating distance, with 0.3 averages at the usual distance added."""
    squared = 1 - affinity
    scale = np.median(np.sqrt(squared), axis=1)
    distance = 1 - np.exp(-squared / np.outer(scale, scale))
    usual = np.median(np.sort(distance, axis=1)[:, 3])
    quality = np.zeros(len(labels))
    for i, own in enumerate(labels):
        mates = np.flatnonzero((labels == own) & (np.arange(len(labels)) != i))
        inside = (distance[i, mates].sum() + 0.3 * usual) / (len(mates) + 0.3)
        outside = min(distance[i, labels == g].mean() for g in set(labels) - {own})
        quality[i] = (outside - inside) / max(inside, outside)
    return quality


# The draw.


def mixed(z: int) -> int:
    """The finaliser of SplitMix64."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK_64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK_64
    return z ^ (z >> 31)


def identity_of(name: bytes) -> int:
    """64-bit FNV-1a, mixed."""
    value = 0xCBF29CE484222325
    for byte in name:
        value = ((value ^ byte) * 0x100000001B3) & MASK_64
    return mixed(value)


def draw_key(identity: int, seed: int) -> int:
    """Key of a particle; the smallest keys stay."""
    golden = 0x9E3779B97F4A7C15
    return mixed(((identity ^ mixed((seed + golden) & MASK_64)) + golden) & MASK_64)


def cap(sizes: Iterable[int], factor: str | None, max_size: int | None) -> int | None:
    """Most particles that a superclass keeps; None: no limit."""
    filled = [size for size in sizes if size > 0]
    exact = None if factor is None else Fraction(factor)
    if not filled or exact == 0:
        return None
    if max_size is not None:
        return max_size
    return None if exact is None else min(filled) // exact


def keep(groups: Sequence[int], identity: Sequence[int], cap: int | None, seed: int) -> list[bool]:
    """Which particles stay."""
    stays = [True] * len(groups)
    for group in set(groups) - {-1}:
        rows = [row for row, own in enumerate(groups) if own == group]
        rows.sort(key=lambda row: (draw_key(identity[row], seed), row))
        for row in rows[len(rows) if cap is None else cap :]:
            stays[row] = False
    return stays
