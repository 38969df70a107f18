"""Rings of a stack of averages, and how they are searched."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._images import soft_mask
from ._scan import pair_search
from .config import AffinitySettings

Images = NDArray[np.float32]


def polar_rings(images: Images, settings: AffinitySettings, threads: int) -> _core.PolarRings:
    """Rings of (N, L, L) `images` under complete `settings`."""
    assert settings.band
    assert settings.mask_diameter
    assert settings.rings
    assert settings.angles
    assert settings.max_shift is not None
    assert settings.shift_step
    assert settings.weights
    mask, rim = soft_mask(images.shape[1], settings.mask_diameter)
    return _core.PolarRings(
        images,
        mask=mask,
        rim=rim,
        low=settings.band[0],
        high=settings.band[1],
        n_rings=settings.rings,
        n_angles=settings.angles,
        weight=settings.weights,
        threads=threads,
    )


def search_of(
    settings: AffinitySettings, threads: int, *stacks: _core.PolarRings
) -> _core.PairSearch:
    """How rings of one stack, or of several together, are searched."""
    power = np.sum([rings.power() for rings in stacks], axis=0)
    return pair_search(settings, power, threads)
