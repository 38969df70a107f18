"""Class averages with a known answer, of a lumpy particle or of a density map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ._directions import draw_biased_frames, frames_of, spread_directions, tilt
from ._junk_averages import draw_junk, draw_noise
from ._map import DensityMap
from ._map_projection import prepare, project_map
from ._phantom import Phantom, Pose, draw_phantom, project, symmetrised
from ._simulation_settings import SimulationSettings, check, completed, n_junk, n_real
from ._symmetry import rotations

Floats = NDArray[np.float64]
Scalar = TypeVar("Scalar", bound=np.generic)

MASK_RADIUS = 0.45  # of the box
MASK_EDGE = 5.0  # px, cosine


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
        opposite to the unmirrored one. Of a symmetric particle, one of the equivalent directions.
    angle_deg : (N,) float64 array
        In-plane angle in degrees, in [-180, 180).
    shift : (N, 2) float64 array
        Shift (y, x) in px.
    mirror : (N,) bool array
        Whether the average is mirrored.
    junk : (N,) bool array
        Whether the average shows no single particle although it has particles.
    junk_kind : (N,) str array
        What a junk average shows, one of `JUNK_KINDS`; empty for the others.
    resolution : (N,) float64 array
        Resolution in A; inf for empty averages.
    particles : (N,) int64 array
        Particles of each average.
    particle_average : (P,) int32 array
        0-based average of each particle, in random order.
    settings : SimulationSettings
        What was asked for, with the pixel size filled in.
    """

    images: NDArray[np.float32]
    label: NDArray[np.int32]
    direction: Floats
    angle_deg: Floats
    shift: Floats
    mirror: NDArray[np.bool_]
    junk: NDArray[np.bool_]
    junk_kind: NDArray[np.str_]
    resolution: Floats
    particles: NDArray[np.int64]
    particle_average: NDArray[np.int32]
    settings: SimulationSettings

    @property
    def pixel_size(self) -> float:
        """A per pixel of `images`."""
        return self.settings.pixel_size or math.nan


def simulate(
    settings: SimulationSettings | None = None, *, density_map: DensityMap | None = None
) -> Simulation:
    """Simulate class averages whose views are known.

    The same settings give the same averages on every platform, up to the rounding of
    floating-point sums.

    Parameters
    ----------
    settings : SimulationSettings, optional
        What to simulate; the defaults where not given.
    density_map : DensityMap, optional
        The particle; a phantom is drawn where not given.

    Returns
    -------
    Simulation
        Class averages and the truth about them.

    Raises
    ------
    RebalanceError
        When a setting is out of range or the map does not fit into the box.
    """
    settings = completed(settings or SimulationSettings(), density_map)
    check(settings)
    rng = np.random.Generator(np.random.PCG64(settings.seed))
    shown, junked = n_real(settings), n_junk(settings)

    phantom = draw_phantom(rng, settings.elongation)
    label, frame = _draw_views(rng, shown, settings)
    pose = _draw_pose(rng, frame, settings)
    resolution = rng.uniform(*settings.resolution, shown + junked)
    blur = resolution[:shown] / (settings.pixel_size or math.nan)
    if density_map is None:
        real = project(_whole(phantom, settings), pose, settings.box, blur)
    else:
        real = project_map(_prepared(density_map, settings), pose, blur)
    kind, junk = _draw_junk(rng, junked, settings, real)
    images = _finish(rng, np.concatenate([real, junk]), settings.snr)
    particles = _draw_counts(rng, shown + junked, settings)

    place = _shuffled(rng, settings.averages)[: shown + junked]  # the others stay empty
    real_place, junk_place = place[:shown], place[shown:]
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
        junk=_placed(np.ones(junked, dtype=np.bool_), junk_place, n, False),
        junk_kind=_placed(kind, junk_place, n, ""),
        resolution=_placed(resolution, place, n, np.inf),
        particles=counts,
        particle_average=average_of_each[_shuffled(rng, settings.particles)],
        settings=settings,
    )


def _whole(phantom: Phantom, settings: SimulationSettings) -> Phantom:
    return symmetrised(phantom, rotations(settings.symmetry))


def _prepared(density_map: DensityMap, settings: SimulationSettings) -> NDArray[np.float32]:
    pixel_size = settings.pixel_size or math.nan
    return prepare(density_map, settings.box, pixel_size, rotations(settings.symmetry))


def _draw_views(
    rng: np.random.Generator, n: int, settings: SimulationSettings
) -> tuple[NDArray[np.int32], Floats]:
    """Labels (n,) and frames (n, 3, 3) of the averages that show the particle."""
    if settings.views == 0:
        bumps = (settings.bumps, settings.bump_share, settings.bump_width_deg)
        return np.full(n, -1, dtype=np.int32), draw_biased_frames(rng, n, *bumps)
    share = settings.view_ratio ** (np.arange(settings.views) / max(1, settings.views - 1))
    sizes = _allot(n, np.floor(1000 * share).astype(np.int64))
    label = np.repeat(
        np.arange(settings.views, dtype=np.int32), sizes[_shuffled(rng, settings.views)]
    )
    turns = rotations(settings.symmetry)
    view_frame = frames_of(spread_directions(rng, settings.views, turns))
    return label, tilt(rng, view_frame[label], settings.jitter_deg)


def _draw_pose(rng: np.random.Generator, frame: Floats, settings: SimulationSettings) -> Pose:
    n = len(frame)
    return Pose(
        frame=frame,
        angle_deg=rng.uniform(-180.0, 180.0, n),
        shift=settings.shift_sd * np.clip(rng.standard_normal((n, 2)), -3.0, 3.0),
        mirror=_shuffled(rng, n) < math.floor(settings.mirrored * n),
    )


def _draw_junk(
    rng: np.random.Generator, n: int, settings: SimulationSettings, real: Floats
) -> tuple[NDArray[np.str_], Floats]:
    """Kinds (n,) and images (n, L, L) of the averages that show no single particle."""
    kind = np.empty(n, dtype="U16")
    images = np.empty((n, settings.box, settings.box))
    for i in range(n):
        kind[i] = settings.junk_kinds[rng.integers(len(settings.junk_kinds))]
        images[i] = draw_junk(rng, str(kind[i]), settings.box, real)
    return kind, images


def _shuffled(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    """0 to n - 1 in random order; NumPy's own shuffles may change from version to version."""
    order: NDArray[np.int64] = np.argsort(rng.random(n), kind="stable")
    return order


def _draw_counts(
    rng: np.random.Generator, n: int, settings: SimulationSettings
) -> NDArray[np.int64]:
    """(n,) particle counts that add up."""
    weight = np.floor(1000 * settings.particle_ratio ** rng.random(n)).astype(np.int64)
    return _allot(settings.particles, weight)


def _allot(total: int, weight: NDArray[np.int64]) -> NDArray[np.int64]:
    """Share `total` out by weight, at least 1 each, in whole numbers and so without rounding."""
    spare = total - len(weight)
    sizes: NDArray[np.int64] = 1 + spare * weight // weight.sum()
    rest = total - sizes.sum()
    sizes[np.argsort(-weight, kind="stable")[:rest]] += 1
    return sizes


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
    noise = np.array([draw_noise(rng, box, 0.7) for _ in images])
    finished: Floats = mask * (images / sd[:, None, None] + noise / math.sqrt(snr))
    return finished


def _placed(
    values: NDArray[Scalar], place: NDArray[np.int64], n: int, elsewhere: float | str
) -> NDArray[Scalar]:
    """(n, ...) array that holds `values` at `place` and `elsewhere` at the others."""
    placed = np.full((n, *values.shape[1:]), elsewhere, dtype=values.dtype)
    placed[place] = values
    return placed
