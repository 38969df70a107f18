"""What is simulated, and which settings make sense."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from ._junk_averages import JUNK_KINDS
from ._map import DensityMap
from ._symmetry import rotations
from .errors import RebalanceError


@dataclass(frozen=True)
class SimulationSettings:
    """What is simulated. Lengths are px where no other unit is named."""

    averages: int = 60  # class averages, junk and empty ones included
    views: int = 10  # separate viewing directions; 0: a continuous, biased distribution
    box: int = 64
    pixel_size: float | None = None  # A; None: 3, or with a map such that the box holds all of it
    particles: int = 12_000
    symmetry: str = "C1"  # point group, imposed on phantom and map
    view_ratio: float = 8.0  # averages of the commonest view over those of the rarest
    particle_ratio: float = 50.0  # particles of the fullest average over the emptiest, at most
    bumps: int = 1  # preferred directions of a continuous distribution
    bump_share: float = 0.6  # of its averages, round the preferred directions
    bump_width_deg: float = 25.0  # sd round a preferred direction, about each of two axes
    jitter_deg: float = 4.0  # sd of the direction round its view, about each of two axes
    shift_sd: float = 1.5  # along each axis, clipped to 3 sd
    mirrored: float = 0.5  # fraction of the averages
    resolution: tuple[float, float] = (8.0, 16.0)  # A, best and worst average
    snr: float = 6.0  # variance of the particle over variance of the noise, under the mask
    junk: float = 0.0  # fraction of the averages that show no single particle
    junk_kinds: tuple[str, ...] = ("cloud", "rings", "edge")  # of JUNK_KINDS
    empty: int = 0  # averages that are blank and have no particles
    elongation: float = 1.0  # length of the phantom over its width
    seed: int = 0


def completed(settings: SimulationSettings, density_map: DensityMap | None) -> SimulationSettings:
    """The settings with a pixel size."""
    if settings.pixel_size is not None:
        return settings
    pixel_size = 3.0
    if density_map is not None:
        pixel_size = max(density_map.values.shape) * density_map.pixel_size / settings.box
    return dataclasses.replace(settings, pixel_size=pixel_size)


def n_junk(settings: SimulationSettings) -> int:
    """Averages that show no single particle."""
    return math.floor(settings.junk * settings.averages + 0.5)


def n_real(settings: SimulationSettings) -> int:
    """Averages that show the particle."""
    return settings.averages - settings.empty - n_junk(settings)


def check(s: SimulationSettings) -> None:
    """Refuse settings that are out of range."""
    assert s.pixel_size is not None
    best, worst = s.resolution
    kinds_known = len(s.junk_kinds) > 0 and set(s.junk_kinds) <= set(JUNK_KINDS)
    rules = [
        ("averages", s.averages, s.averages >= 1, "at least 1"),
        ("views", s.views, s.views >= 0, "0 (continuous) or more"),
        ("box", s.box, s.box >= 16, "at least 16 px"),
        ("pixel_size", s.pixel_size, 0 < s.pixel_size < math.inf, "above 0 A"),
        ("view_ratio", s.view_ratio, 1 <= s.view_ratio < math.inf, "1 or more"),
        ("particle_ratio", s.particle_ratio, 1 <= s.particle_ratio < math.inf, "1 or more"),
        ("bumps", s.bumps, s.bumps >= 0, "0 (uniform) or more"),
        ("bump_share", s.bump_share, 0 <= s.bump_share <= 1, "between 0 and 1"),
        ("bump_width_deg", s.bump_width_deg, 0 <= s.bump_width_deg < math.inf, "0 degrees or more"),
        ("mirrored", s.mirrored, 0 <= s.mirrored <= 1, "between 0 and 1"),
        ("junk", s.junk, 0 <= s.junk <= 1, "between 0 and 1"),
        ("junk_kinds", s.junk_kinds, kinds_known, f"some of {', '.join(JUNK_KINDS)}"),
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
    rotations(s.symmetry)  # refuses what is none
    least = max(1, s.views)
    if n_real(s) < least:
        raise RebalanceError(
            f"averages must be at least {least + s.averages - n_real(s)} to hold {least} views, "
            f"{n_junk(s)} junk and {s.empty} empty averages, not {s.averages}: "
            "ask for more averages or fewer of the others."
        )
    if s.particles < s.averages - s.empty:
        raise RebalanceError(
            f"particles must be at least 1 for each of {s.averages - s.empty} averages, "
            f"not {s.particles}: ask for more particles or fewer averages."
        )
