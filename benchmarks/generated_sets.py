"""Affinities and view spheres of class averages of many particles, with their true views."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from truth_sets import truth_sets

import rebalance
from rebalance import SimulationSettings, simulate

FIRST_SEED = 7000


@dataclass(frozen=True)
class KnownViews:
    """Plain affinity and sphere of N averages, their true view (-1: none) and direction."""

    name: str
    values: NDArray[np.float64]
    sphere: rebalance.ViewSphere | None
    label: NDArray[np.integer]
    direction: NDArray[np.float64]

    @property
    def n_views(self) -> int:
        return len(np.unique(self.label))


def labelled(spheres: bool = False) -> Iterator[KnownViews]:
    """The sets with known views below REBALANCE_TEST_DATA, with `spheres` where asked for."""
    for truth in truth_sets(Path(os.environ["REBALANCE_TEST_DATA"])):
        label = np.full(len(truth.images), -1) if truth.label is None else truth.label
        yield _known(truth.name, truth.images, label, truth.direction, spheres)


def generated(n: int, continuous: bool = False, spheres: bool = False) -> Iterator[KnownViews]:
    """`n` sets of other particles: 6 to 30 views, 50 to 300 averages, sizes up to 1 : 50."""
    for seed in range(FIRST_SEED, FIRST_SEED + n):
        rng = np.random.default_rng(seed)
        views = int(rng.integers(6, 31))
        averages = int(rng.integers(max(50, 4 * views), 301))
        settings = SimulationSettings(
            averages=averages,
            views=0 if continuous else views,
            view_ratio=float(np.exp(rng.uniform(0.0, np.log(50.0)))),
            box=int(rng.choice([64, 80])),
            snr=float(np.exp(rng.uniform(np.log(1.5), np.log(9.0)))),
            elongation=float(rng.choice([1.0, 1.3, 1.8])),
            jitter_deg=float(rng.uniform(3.0, 4.0)),
            resolution=(8.0, float(rng.uniform(12.0, 20.0))),
            bump_width_deg=float(rng.uniform(18.0, 35.0)),
            seed=seed,
        )
        found = simulate(settings)
        yield _known(f"generated {seed}", found.images, found.label, found.direction, spheres)


def _known(
    name: str,
    images: NDArray[np.float32],
    label: NDArray[np.integer],
    direction: NDArray[np.float64],
    spheres: bool,
) -> KnownViews:
    aff = rebalance.affinity(images)
    sphere = rebalance.view_sphere(images, aff) if spheres else None
    return KnownViews(name, aff.values.astype(np.float64), sphere, label, direction)
