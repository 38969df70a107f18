"""Stacks of very many averages, made quickly from a few simulated ones."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

import rebalance

FEW = 500


@functools.cache
def _few(box: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    asked = rebalance.SimulationSettings(
        averages=FEW, views=40, box=box, pixel_size=192 / box, particles=FEW, snr=4.0, seed=8
    )
    made = rebalance.simulate(asked)
    return made.images, np.asarray(made.label)


def many(n: int, box: int = 64) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """(N, box, box) averages and their views: copies turned, mirrored, shifted and with noise."""
    images, label = _few(box)
    rng = np.random.default_rng(n)
    chosen = rng.integers(0, FEW, n)
    out = np.empty((n, box, box), np.float32)
    for place, one in enumerate(chosen):
        image = np.rot90(images[one], int(rng.integers(4)))
        image = image[::-1] if rng.random() < 0.5 else image
        out[place] = np.roll(image, rng.integers(-2, 3, 2), axis=(0, 1))
    out += 0.5 * out.std() * rng.standard_normal(out.shape, np.float32)
    return out, label[chosen]
