"""What is scanned before the climb: the part of the band that tells the hills, and the shifts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._images import n_angles, next_smooth, shift_grid
from .config import AffinitySettings

Doubles = NDArray[np.float64]

PARTS = (1 / 2, 2 / 3, 5 / 6)  # of the rings, from the innermost
ENOUGH = 0.95  # of the power of the averages lies in the part that is scanned
SPACING = 0.375  # waves at the limit of what is scanned, from one shift to the next
FEW_STAGES = 16  # lengths of transforms that this divides take few steps


def pair_search(
    settings: AffinitySettings, power: Doubles, threads: int, first_rings: Sequence[int] = ()
) -> _core.PairSearch:
    """The search under complete `settings` of rings whose (K,) `power` is given.

    By default only the lower part of the band is scanned, on a grid of shifts that is as much
    coarser; its hills are climbed in the whole band. With `first_rings`, those of the search of a
    whole stack, a part of that stack is searched.
    """
    assert settings.band
    assert settings.rings
    assert settings.angles
    assert settings.mask_diameter
    assert settings.max_shift is not None
    assert settings.shift_step
    rings, angles = settings.rings, settings.angles
    shifts = shift_grid(settings.max_shift, settings.shift_step)
    quick = settings.refine and not settings.exhaustive
    if quick and settings.max_shift > 0:  # turning alone is scanned in no time
        low, high = settings.band
        rings = _rings_scanned(power)
        top = low + (high - low) * rings / settings.rings
        angles = min(angles, _few_stages(n_angles((low, top), settings.mask_diameter)))
        waves = min(SPACING, 1.5 * settings.shift_step * high)
        shifts = shift_circles(settings.max_shift, waves / top)
    elif settings.refine and settings.max_shift > 0:
        rim = shift_rim(settings.max_shift, settings.shift_step)
        shifts = np.concatenate([shifts, rim])
    return _core.PairSearch(
        shifts,
        mirror=settings.mirror,
        max_shift=settings.max_shift,
        max_step=settings.shift_step if settings.refine else 0.0,
        threads=threads,
        n_rings=rings,
        n_angles=angles,
        first_rings=first_rings,
    )


def shift_rim(max_shift: float, spacing: float) -> Doubles:
    """(T, 2) shifts (y, x) in px round the rim of the range, where better ones lie beyond."""
    number = math.ceil(2 * math.pi * max_shift / spacing)
    phi = 2 * np.pi * np.arange(number) / number
    return max_shift * np.stack([np.sin(phi), np.cos(phi)], axis=1)


def shift_circles(max_shift: float, spacing: float) -> Doubles:
    """(T, 2) shifts (y, x) in px on circles round 0, the shortest first, some on the rim.

    Best shifts are often on the rim, as better ones lie beyond.
    """
    number = math.ceil(max_shift / spacing - 1e-9)
    shifts = [(0.0, 0.0)]
    for circle in range(1, number + 1):
        radius = max_shift * circle / number
        for n in range(6 * circle):
            phi = 2 * math.pi * n / (6 * circle)
            shifts.append((radius * math.sin(phi), radius * math.cos(phi)))
    return np.array(shifts)


def _rings_scanned(power: Doubles) -> int:
    """Innermost rings that hold enough of the power."""
    share = np.cumsum(power) / max(float(np.sum(power)), np.finfo(np.float64).tiny)
    for part in PARTS:
        rings = math.ceil(part * len(power))
        if share[rings - 1] >= ENOUGH:
            return rings
    return len(power)


def _few_stages(number: int) -> int:
    """Smallest number of angles from `number` that is quick to transform."""
    return FEW_STAGES * next_smooth(2 * math.ceil(number / FEW_STAGES)) // 2
