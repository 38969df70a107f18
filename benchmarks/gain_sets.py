"""Class averages of continuous biased distributions of views, to balance."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from particles_of_chains import chain_map
from truth_sets import truth_sets

import rebalance
from rebalance import SimulationSettings

Floats = NDArray[np.float64]

CHAINS = {"averages": 200, "box": 72, "pixel_size": 4.0, "resolution": (10.0, 20.0)}
MADE: dict[str, tuple[int | None, dict[str, Any]]] = {  # name: seed of the map, settings
    "lumps, bump 25": (None, {"bump_share": 0.65, "seed": 11}),
    "lumps, bump 20, slim": (None, {"bump_width_deg": 20.0, "elongation": 1.5, "seed": 12}),
    "lumps, two bumps, noisy": (None, {"bumps": 2, "bump_width_deg": 18.0, "snr": 3.0, "seed": 13}),
    "chains 1, bump 25": (1, {"seed": 21}),
    "chains 2, bump 20, noisy": (2, {"bump_width_deg": 20.0, "snr": 3.0, "seed": 22}),
    "chains 3, three bumps": (3, {"bumps": 3, "bump_width_deg": 15.0, "seed": 23}),
    "chains 4, 300 averages": (4, {"averages": 300, "bump_share": 0.85, "seed": 24}),
    "chains 5, narrow bump": (5, {"bump_share": 0.5, "bump_width_deg": 15.0, "seed": 25}),
    "chains 6, coarse": (6, {"bump_width_deg": 20.0, "resolution": (12.0, 25.0), "seed": 26}),
    "chains 7, 100 averages": (7, {"averages": 100, "snr": 10.0, "seed": 27}),
}
FIRST_SEED = 100  # of the sets that are drawn


@dataclass(frozen=True)
class ContinuousSet:
    """N averages, their directions (N, 3) and particles (N,)."""

    name: str
    images: NDArray[np.float32]
    direction: Floats
    particles: NDArray[np.int64]


def sets(wanted: list[str] | None, n_drawn: int) -> Iterator[ContinuousSet]:
    """Continuous sets of the test data, those of the list, and `n_drawn` others."""
    data = os.environ.get("REBALANCE_TEST_DATA")
    for truth in truth_sets(Path(data)) if data else ():
        if truth.label is None and (not wanted or truth.name in wanted):
            yield ContinuousSet(truth.name, truth.images, truth.direction, truth.particles)
    for name, (chain, changes) in MADE.items():
        if not wanted or name in wanted:
            yield _made(name, chain, (CHAINS if chain else {}) | changes)
    for seed in range(FIRST_SEED, FIRST_SEED + n_drawn):
        yield drawn_set(seed)


def drawn_set(seed: int) -> ContinuousSet:
    """Another particle, one to three bumps, 100 to 300 averages, signal to noise 1 to 5."""
    rng = np.random.default_rng(seed)
    asked = {
        "averages": int(rng.integers(100, 301)),
        "bump_share": float(rng.uniform(0.5, 0.85)),
        "bumps": int(rng.choice([1, 1, 2, 3])),
        "bump_width_deg": float(rng.uniform(15, 30)),
        "snr": float(np.exp(rng.uniform(0, np.log(5)))),
        "seed": seed,
    }
    if seed % 4 == 0:
        asked |= {"box": 64, "elongation": float(rng.choice([1.0, 1.3, 1.6]))}
        asked |= {"resolution": (8.0, float(rng.uniform(12, 20)))}
        return _made(f"drawn {seed}, lumps", None, asked)
    asked |= {"box": 72, "pixel_size": 4.0, "resolution": (10.0, float(rng.uniform(14, 22)))}
    length = float(rng.choice([1.0, 1.0, 1.3, 1.7]))
    return _made(f"drawn {seed}, chains", seed, asked, length)


def _made(
    name: str, chain: int | None, changes: dict[str, Any], elongation: float = 1.0
) -> ContinuousSet:
    """One set of the generator: of lumps, or of the map that chains of a seed make."""
    asked: dict[str, Any] = {"averages": 200, "views": 0, "particles": 30_000, "bump_share": 0.75}
    simulation = rebalance.simulate(
        SimulationSettings(**(asked | changes)),
        density_map=None if chain is None else chain_map(chain, elongation),
    )
    return ContinuousSet(name, simulation.images, simulation.direction, simulation.particles)
