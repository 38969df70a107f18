"""Class averages with a known answer, of a lumpy particle without symmetry."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from ._directions import draw_directions, frames_of, spread_directions, tilt
from ._phantom import Pose, draw_phantom, project
from .errors import RebalanceError

Floats = NDArray[np.float64]
Scalar = TypeVar("Scalar", bound=np.generic)

MASK_RADIUS = 0.45  # of the box
MASK_EDGE = 5.0  # px, cosine


@dataclass(frozen=True)
class SimulationSettings:
    """What is simulated. Lengths are px where no other unit is named."""

    averages: int = 60  # class averages, junk and empty ones included
    views: int = 10  # separate viewing directions; 0: a continuous, biased distribution
    box: int = 64
    pixel_size: float = 3.0  # A
    particles: int = 12_000
    junk: float = 0.0  # fraction of the averages that show noise, rings or an edge
    empty: int = 0  # averages that are blank and have no particles
    snr: float = 6.0  # variance of the particle over variance of the noise, under the mask
    jitter_deg: float = 4.0  # sd of the direction round its view, about each of two axes
    shift_sd: float = 1.5  # along each axis, clipped to 3 sd
    resolution: tuple[float, float] = (8.0, 16.0)  # A, best and worst average
    elongation: float = 1.0  # length of the particle over its width
    seed: int = 0


@dataclass(frozen=True)
class Simulation:
    """Class averages and the truth about them.

    An average is the projection of the particle along the axis of `direction`, then mirrored
    (axis 1, about index L//2) where `mirror` is true, turned counter-clockwise (axis 0 upward) by
    `angle_deg`, then moved by `shift`. Averages of one view share the in-plane zero of the angle.
    Values of junk and empty averages that have no meaning are nan, -1 or false.

    Attributes
    ----------
    images : (N, L, L) float32 array
        Axis order (average, y, x).
    label : (N,) int32 array
        True view, 0-based; -1 for junk and empty averages, and for all when there are no
        separate views.
    direction : (N, 3) float64 array
        Unit vector from the particle to the viewer. A mirrored average is seen from the side
        opposite to the unmirrored one.
    angle_deg : (N,) float64 array
        In-plane angle in degrees, in [-180, 180).
    shift : (N, 2) float64 array
        Shift (y, x) in px.
    mirror : (N,) bool array
        Whether the average is mirrored.
    junk : (N,) bool array
        Whether the average shows no particle although it has particles.
    resolution : (N,) float64 array
        Resolution in A; inf for empty averages.
    particles : (N,) int64 array
        Particles of each average.
    particle_average : (P,) int32 array
        0-based average of each particle, in random order.
    settings : SimulationSettings
        What was asked for.
    """

    images: NDArray[np.float32]
    label: NDArray[np.int32]
    direction: Floats
    angle_deg: Floats
    shift: Floats
    mirror: NDArray[np.bool_]
    junk: NDArray[np.bool_]
    resolution: Floats
    particles: NDArray[np.int64]
    particle_average: NDArray[np.int32]
    settings: SimulationSettings

    @property
    def pixel_size(self) -> float:
        """A per pixel of `images`."""
        return self.settings.pixel_size


def simulate(settings: SimulationSettings | None = None) -> Simulation:
    """Simulate class averages whose views are known.

    The same settings give the same averages on every platform, up to the rounding of
    floating-point sums.

    Parameters
    ----------
    settings : SimulationSettings, optional
        What to simulate; the defaults where not given.

    Raises
    ------
    RebalanceError
        When a setting is out of range.
    """
    settings = settings or SimulationSettings()
    _check(settings)
    rng = np.random.Generator(np.random.PCG64(settings.seed))
    n_real, n_junk = _n_real(settings), _n_junk(settings)

    phantom = draw_phantom(rng, settings.elongation)
    label, frame = _draw_views(rng, n_real, settings)
    pose = _draw_pose(rng, frame, settings.shift_sd)
    resolution = rng.uniform(*settings.resolution, n_real + n_junk)
    real = project(phantom, pose, settings.box, resolution[:n_real] / settings.pixel_size)
    junk = np.array([_draw_junk(rng, settings.box) for _ in range(n_junk)])
    images = np.concatenate([real, junk.reshape(-1, settings.box, settings.box)])
    images = _finish(rng, images, settings.snr)
    particles = _draw_counts(rng, n_real + n_junk, settings.particles)

    place = _shuffled(rng, settings.averages)[: n_real + n_junk]  # the others stay empty
    real_place = place[:n_real]
    side = np.where(pose.mirror, -1.0, 1.0)[:, None]
    n = settings.averages
    counts = _placed(particles, place, n, 0)
    average_of_each = np.repeat(np.arange(n, dtype=np.int32), counts)
    return Simulation(
        images=_placed(images.astype(np.float32), place, n, 0.0),
        label=_placed(label, real_place, n, -1),
        direction=_placed(side * frame[:, 2], real_place, n, np.nan),
        angle_deg=_placed(pose.angle_deg, real_place, n, np.nan),
        shift=_placed(pose.shift, real_place, n, np.nan),
        mirror=_placed(pose.mirror, real_place, n, False),
        junk=_placed(np.ones(n_junk, dtype=np.bool_), place[n_real:], n, False),
        resolution=_placed(resolution, place, n, np.inf),
        particles=counts,
        particle_average=average_of_each[_shuffled(rng, settings.particles)],
        settings=settings,
    )


def _n_junk(settings: SimulationSettings) -> int:
    return math.floor(settings.junk * settings.averages + 0.5)


def _n_real(settings: SimulationSettings) -> int:
    return settings.averages - settings.empty - _n_junk(settings)


def _check(s: SimulationSettings) -> None:
    best, worst = s.resolution
    rules = [
        ("averages", s.averages, s.averages >= 1, "at least 1"),
        ("views", s.views, s.views >= 0, "0 (continuous) or more"),
        ("box", s.box, s.box >= 16, "at least 16 px"),
        ("pixel_size", s.pixel_size, 0 < s.pixel_size < math.inf, "above 0 A"),
        ("junk", s.junk, 0 <= s.junk <= 1, "between 0 and 1"),
        ("empty", s.empty, s.empty >= 0, "0 or more"),
        ("snr", s.snr, s.snr > 0, "above 0"),
        ("jitter_deg", s.jitter_deg, 0 <= s.jitter_deg < math.inf, "0 degrees or more"),
        ("shift_sd", s.shift_sd, 0 <= s.shift_sd < math.inf, "0 px or more"),
        ("resolution", s.resolution, 0 < best <= worst < math.inf, "above 0 A, the best first"),
        ("elongation", s.elongation, 1 <= s.elongation < math.inf, "1 or more"),
        ("seed", s.seed, s.seed >= 0, "0 or more"),
    ]
    for name, value, holds, rule in rules:
        if not holds:
            raise RebalanceError(f"{name} must be {rule}, not {value}: give another value.")
    least = max(1, s.views)
    if _n_real(s) < least:
        raise RebalanceError(
            f"averages must be at least {least + s.averages - _n_real(s)} to hold {least} views, "
            f"{_n_junk(s)} junk and {s.empty} empty averages, not {s.averages}: "
            "ask for more averages or fewer of the others."
        )
    if s.particles < s.averages - s.empty:
        raise RebalanceError(
            f"particles must be at least 1 for each of {s.averages - s.empty} averages, "
            f"not {s.particles}: ask for more particles or fewer averages."
        )


def _draw_views(
    rng: np.random.Generator, n: int, settings: SimulationSettings
) -> tuple[NDArray[np.int32], Floats]:
    """Labels (n,) and frames (n, 3, 3) of the averages that show the particle."""
    if settings.views == 0:
        return np.full(n, -1, dtype=np.int32), _draw_biased_frames(rng, n)
    share = 8.0 ** (np.arange(settings.views) / max(1, settings.views - 1))
    sizes = _allot(n, np.floor(1000 * share).astype(np.int64))
    label = np.repeat(
        np.arange(settings.views, dtype=np.int32), sizes[_shuffled(rng, settings.views)]
    )
    view_frame = frames_of(spread_directions(rng, settings.views))
    return label, tilt(rng, view_frame[label], settings.jitter_deg)


def _draw_biased_frames(rng: np.random.Generator, n: int) -> Floats:
    """Frames of a preferred bump, 25 degrees wide, over a uniform background."""
    bump = tilt(rng, np.repeat(frames_of(draw_directions(rng, 1)), n, axis=0), 25.0)
    background = frames_of(draw_directions(rng, n))
    in_bump = rng.random(n) < 0.6
    return np.where(in_bump[:, None, None], bump, background)


def _draw_pose(rng: np.random.Generator, frame: Floats, shift_sd: float) -> Pose:
    n = len(frame)
    return Pose(
        frame=frame,
        angle_deg=rng.uniform(-180.0, 180.0, n),
        shift=shift_sd * np.clip(rng.standard_normal((n, 2)), -3.0, 3.0),
        mirror=_shuffled(rng, n) < n // 2,
    )


def _shuffled(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    """0 to n - 1 in random order; NumPy's own shuffles may change from version to version."""
    order: NDArray[np.int64] = np.argsort(rng.random(n), kind="stable")
    return order


def _draw_counts(rng: np.random.Generator, n: int, total: int) -> NDArray[np.int64]:
    """(n,) particle counts that add up to `total`; the largest is up to 50 times the smallest."""
    return _allot(total, np.floor(1000 * 50.0 ** rng.random(n)).astype(np.int64))


def _allot(total: int, weight: NDArray[np.int64]) -> NDArray[np.int64]:
    """Share `total` out by weight, at least 1 each, in whole numbers and so without rounding."""
    spare = total - len(weight)
    sizes: NDArray[np.int64] = 1 + spare * weight // weight.sum()
    rest = total - sizes.sum()
    sizes[np.argsort(-weight, kind="stable")[:rest]] += 1
    return sizes


def _draw_junk(rng: np.random.Generator, box: int) -> Floats:
    """One average that shows no particle: a cloud of noise, over-fitted rings, or an edge."""
    kind = ("cloud", "rings", "edge")[rng.integers(3)]
    y, x = np.mgrid[:box, :box] - box // 2
    if kind == "cloud":
        return _draw_noise(rng, box, 0.06 * box)
    if kind == "rings":
        period = rng.uniform(0.08, 0.2) * box
        rings: Floats = np.cos(2 * np.pi * np.hypot(y, x) / period + rng.uniform(0, 2 * np.pi))
        return rings
    angle = rng.uniform(0, 2 * np.pi)
    across = x * np.cos(angle) + y * np.sin(angle) - rng.uniform(-0.2, 0.2) * box
    edge: Floats = np.tanh(across / (0.03 * box)) + 0.4 * _draw_noise(rng, box, 0.04 * box)
    return edge


def _draw_noise(rng: np.random.Generator, box: int, smooth: float) -> Floats:
    """(L, L) noise of sd 1, low-pass filtered by a Gaussian of `smooth` px."""
    noise: Floats = gaussian_filter(rng.standard_normal((box, box)), smooth, mode="wrap")
    noise /= noise.std()
    return noise


def _soft_mask(box: int) -> Floats:
    """(L, L) disc with a cosine edge, 1 inside and 0 outside."""
    y, x = np.mgrid[:box, :box] - box // 2
    beyond = (np.hypot(y, x) - MASK_RADIUS * box) / MASK_EDGE + 1.0
    mask: Floats = 0.5 + 0.5 * np.cos(np.pi * np.clip(beyond, 0.0, 1.0))
    return mask


def _finish(rng: np.random.Generator, images: Floats, snr: float) -> Floats:
    """Bring each average to sd 1 under the mask, add noise, and mask it, as RELION does."""
    box = images.shape[-1]
    mask = _soft_mask(box)
    sd = images[:, mask > 0.5].std(axis=1)
    noise = np.array([_draw_noise(rng, box, 0.7) for _ in images])
    finished: Floats = mask * (images / sd[:, None, None] + noise / math.sqrt(snr))
    return finished


def _placed(
    values: NDArray[Scalar], place: NDArray[np.int64], n: int, elsewhere: float
) -> NDArray[Scalar]:
    """(n, ...) array that holds `values` at `place` and `elsewhere` at the others."""
    placed = np.full((n, *values.shape[1:]), elsewhere, dtype=values.dtype)
    placed[place] = values
    return placed
