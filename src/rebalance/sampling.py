"""How evenly viewing directions sample Fourier space: what balancing views is for."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import as_positive, as_whole
from .errors import RebalanceError

Floats = NDArray[np.float64]

CHUNK = 1 << 20  # products at a time, so that they stay in cache
TOGETHER = 100  # directions along which the point spread function is summed at once
COSINES = 100  # bins of the cosine between two directions
RADII = 100  # samples of the point spread function along a direction, closer near its middle
GOLDEN_ANGLE = np.pi * (3.0 - 5.0**0.5)


def half_sphere(n: int) -> Floats:
    """(n, 3) unit vectors that cover the half sphere z > 0 evenly, on a Fibonacci spiral."""
    z = 1.0 - (np.arange(n) + 0.5) / n
    across = np.sqrt(1.0 - z * z)
    turn = GOLDEN_ANGLE * np.arange(n)
    return np.stack([across * np.cos(turn), across * np.sin(turn), z], axis=1)


def sampling_compensation_factor(
    directions: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    n_fourier: int = 4000,
    half_width: float = 0.05,
    floor: float = 0.001,
) -> float:
    """Sampling compensation factor (SCF) of a set of views.

    A view along d samples the Fourier directions q with abs(q . d) <= `half_width`. With s(q) the
    weight of the views that sample q, over its mean, SCF = 1 / mean(1 / s), where s counts as
    `floor` where it is lower: 1 for uniform views, 8 / pi^2 = 0.811 for views evenly round a great
    circle, near 0 for one view (Baldwin & Lyumkin 2020, Prog. Biophys. Mol. Biol. 150, 160).

    Parameters
    ----------
    directions : (N, 3) array
        Viewing directions of any length above 0; v and -v count alike. Of a symmetric particle,
        all equivalent ones.
    weights : (N,) array, optional
        Weight of each view, for example its number of particles; 1 where not given.
    n_fourier : int
        Fourier directions, evenly over the half sphere.
    half_width : float
        Half width of the band, a cosine.
    floor : float
        Least sampling, as a fraction of the mean: what unsampled directions count.

    Returns
    -------
    float
        The SCF, 0 to 1.

    Raises
    ------
    RebalanceError
        When directions, weights or settings make no sense.
    """
    axes, weight = _as_views(directions, weights)
    points = half_sphere(as_whole("n_fourier", n_fourier, 1))
    width = as_positive("half_width", half_width, "cosine units")
    least = as_positive("floor", floor, "mean samplings")
    return compensation(_sampling(points, axes, weight, width), least)


def efficiency_od(
    directions: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    b_factor: float = 160.0,
    box: int = 128,
    resolution: float = 4.0,
    n_directions: int = 500,
) -> float:
    """Efficiency E_od of an orientation distribution.

    A view along d fills a central slice of the Fourier transform, one voxel of the box thick. With
    n(k) the weight of the views that reach k, the amplitude sqrt(n(k)) exp(-B k^2 / 4) up to the
    resolution is the transform of a point spread function. With R(u) the distance at which that
    function falls to 1 / e^2 of its maximum along direction u, at most half the box, E_od =
    1 - 2 sd(R) / mean(R) over all u: 1 for uniform views (Naydenova & Russo 2017, Nat. Commun. 8,
    629). Here directions are sampled evenly, where other programs search a surface in a grid, so
    that values differ a little from theirs. Values below 0 are given as 0.

    Parameters
    ----------
    directions, weights
        As in :func:`sampling_compensation_factor`.
    b_factor : float
        B in A^2.
    box : int
        Box in px of half the resolution: the box is box x resolution / 2 A wide.
    resolution : float
        Highest resolution in A.
    n_directions : int
        Directions, evenly over the half sphere.

    Returns
    -------
    float
        E_od, 0 to 1.

    Raises
    ------
    RebalanceError
        When directions, weights or settings make no sense.
    """
    axes, weight = _as_views(directions, weights)
    b = as_positive("b_factor", b_factor, "A^2")
    finest = as_positive("resolution", resolution, "A")
    n_shells = as_whole("box", box, 8, 1024) // 2
    points = half_sphere(as_whole("n_directions", n_directions, 1, 10_000))
    amplitude = np.sqrt(_views_on_shells(points, axes, weight, n_shells))
    k = (np.arange(n_shells) + 0.5) / n_shells / finest
    amplitude *= k**2 * np.exp(-b * k**2 / 4)
    radius = np.concatenate([[0.0], np.geomspace(finest / 10, box * finest / 4, RADII)])
    reach = _reaches(points, amplitude, k, radius)
    return max(0.0, 1.0 - 2.0 * float(np.std(reach)) / float(np.mean(reach)))


def _as_views(directions: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats]:
    """Unit vectors (N, 3) and weights (N,); views without weight are left out."""
    axes = np.asarray(directions, dtype=np.float64)
    if axes.ndim != 2 or axes.shape[1] != 3 or len(axes) == 0:
        raise RebalanceError(
            f"directions must have shape (N, 3) with N >= 1, not {axes.shape}: give one vector "
            "for each view"
        )
    weight = np.ones(len(axes)) if weights is None else np.asarray(weights, dtype=np.float64)
    if weight.shape != (len(axes),):
        raise RebalanceError(
            f"weights must have shape ({len(axes)},), one for each direction, not {weight.shape}"
        )
    if not np.isfinite(weight).all() or weight.min() < 0 or weight.max() <= 0:
        raise RebalanceError(
            f"weights must be finite, 0 or more and not all 0, but span {weight.min():g} to "
            f"{weight.max():g}"
        )
    axes, weight = axes[weight > 0], weight[weight > 0]
    length = np.linalg.norm(axes, axis=1)
    if not (np.isfinite(length) & (length > 0)).all():
        raise RebalanceError(
            f"directions must be finite and longer than 0, but {int((~(length > 0)).sum())} of "
            f"{len(axes)} are not: leave them out or give them weight 0"
        )
    return axes / length[:, None], weight


def _sampling(points: Floats, axes: Floats, weight: Floats, width: float) -> Floats:
    """Weight of the views that sample each point; single precision places them well enough.

    (Q,) for weights (N,); (Q, M) for weights (N, M).
    """
    point, view, share = (array.astype(np.float32) for array in (points, axes, weight))
    sampling = np.zeros((len(points), *weight.shape[1:]))
    step = max(1, CHUNK // len(points))
    for start in range(0, len(axes), step):
        part = slice(start, start + step)
        cosine = point @ view[part].T
        sampling += (np.abs(cosine, out=cosine) <= width).astype(np.float32) @ share[part]
    return sampling


def compensation(sampling: Floats, floor: float = 0.001) -> float:
    """SCF of the sampling (Q,) of every point."""
    if not sampling.any():
        return 0.0
    relative = np.maximum(sampling / sampling.mean(), floor)
    return float(1.0 / np.mean(1.0 / relative))


def _views_on_shells(points: Floats, axes: Floats, weight: Floats, n_shells: int) -> Floats:
    """(Q, shells) weight of the views whose slice, one voxel thick, reaches each point.

    A slice reaches along q as far as abs(q . d) k stays below half a voxel.
    """
    reached = np.zeros((len(points), n_shells + 1))
    for point, row in zip(points, reached, strict=True):
        far = 0.5 / np.maximum(np.abs(axes @ point), 0.5 / n_shells) + 0.5
        row += np.bincount(far.astype(np.int64), weights=weight, minlength=n_shells + 1)
    return np.cumsum(reached[:, ::-1], axis=1)[:, -2::-1]


def _reaches(points: Floats, amplitude: Floats, k: Floats, radius: Floats) -> list[float]:
    """R(u) along every point u: cosine transforms of the amplitude, by the cosine to u."""
    cosine = (np.arange(COSINES) + 0.5) / COSINES
    phase = np.multiply.outer(np.multiply.outer(cosine, k), 2 * np.pi * radius)
    wave = np.cos(phase).reshape(-1, len(radius))
    reaches = []
    for start in range(0, len(points), TOGETHER):  # one product of matrices for many directions
        spread = np.array(
            [_by_cosine(u, points, amplitude) for u in points[start : start + TOGETHER]]
        )
        reaches += [_reach(radius, each) for each in spread @ wave]
    return reaches


def _by_cosine(u: Floats, points: Floats, amplitude: Floats) -> Floats:
    """(COSINES x shells,) amplitude (Q, shells) of all points, in bins of their cosine to u."""
    place = np.minimum(np.abs(points @ u) * COSINES, COSINES - 1).astype(np.int64)
    order = np.argsort(place, kind="stable")
    bins, start = np.unique(place[order], return_index=True)
    by_cosine = np.zeros((COSINES, amplitude.shape[1]))
    by_cosine[bins] = np.add.reduceat(amplitude[order], start, axis=0)
    return by_cosine.ravel()


def _reach(radius: Floats, spread: Floats) -> float:
    """Distance at which a point spread function first falls to 1 / e^2; at most the last one."""
    level = spread[0] * np.exp(-2.0)
    below = np.flatnonzero(spread < level)
    if len(below) == 0:
        return float(radius[-1])
    i = below[0]
    part = (spread[i - 1] - level) / (spread[i - 1] - spread[i])
    return float(radius[i - 1] + part * (radius[i] - radius[i - 1]))
