"""Gain share of balancing: how much of what true directions could gain is gained.

On continuous biased distributions, with SCF the sampling compensation factor of particles:

    gain share = (SCF of the kept - SCF of all) / (SCF of the best - SCF of all)

"The best" keeps the same number by true direction: a cap on 200 bins of the half sphere. Each
average stands for three particles per counted one, whose directions scatter by 5 degrees round its
own; SCF on 4,000 Fourier directions with a band half width of 0.05; mean of five seeds, which draw
the particles and which of them are kept. Compared: random dropping; superclasses, the best number
of a list; density from the affinity; density from true directions.

Command: ``REBALANCE_TEST_DATA=DIR python benchmarks/gain_share.py [--seeds N] [--sets NAME ...]``
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from particles_of_chains import chain_map
from truth_sets import truth_sets

import rebalance
from rebalance import SimulationSettings
from rebalance.sampling import _sampling as sampled
from rebalance.sampling import compensation, half_sphere

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Set = tuple[str, NDArray[np.float32], Floats, Counts]
Key = tuple[str, float]  # column, share kept
Groupings = dict[Key, tuple[Counts, Floats]]

KEEP = (0.5, 0.25, 0.15)
JITTER_DEG = 5.0
PER_COUNTED = 3
N_FOURIER = 4000
BAND = 0.05
BINS = half_sphere(200)
NUMBERS = (10, 20, 30, 40, 60)  # superclasses tried; the best counts
COLUMNS = ("random", "superclasses", "density", "true directions")

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


def made(name: str) -> Set:
    """One set of the generator."""
    chain, changes = MADE[name]
    asked: dict[str, Any] = {"averages": 200, "views": 0, "particles": 30_000, "bump_share": 0.75}
    asked |= (CHAINS if chain else {}) | changes
    simulation = rebalance.simulate(
        SimulationSettings(**asked), density_map=chain_map(chain) if chain else None
    )
    return name, simulation.images, simulation.direction, simulation.particles


def sets(wanted: list[str] | None) -> Iterator[Set]:
    """Continuous sets of the test data, then those of the generator."""
    data = os.environ.get("REBALANCE_TEST_DATA")
    for truth in truth_sets(Path(data)) if data else ():
        if truth.label is None and (not wanted or truth.name in wanted):
            yield truth.name, truth.images, truth.direction, truth.particles
    yield from (made(name) for name in MADE if not wanted or name in wanted)


def jittered(rng: np.random.Generator, direction: Floats) -> Floats:
    """Directions scattered by a normal distribution about each of two axes."""
    helper = np.eye(3)[np.argmin(np.abs(direction), axis=1)]
    x = np.cross(helper, direction)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y = np.cross(direction, x)
    a, b = np.radians(JITTER_DEG) * rng.standard_normal((2, len(direction), 1))
    length = np.hypot(a, b)
    aside = (a * x + b * y) * np.sinc(length / np.pi)
    scattered: Floats = np.cos(length) * direction + aside
    return scattered


def drawn(group: NDArray[np.int64], kept: Floats, key: Floats) -> Floats:
    """1 for the particles of each group with the smallest keys, `kept` of them, else 0."""
    order = np.lexsort((key, group))
    size = np.bincount(group, minlength=len(kept))
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = np.arange(len(group)) - np.repeat(np.cumsum(size) - size, size)
    return (rank < np.rint(kept)[group]).astype(np.float64)


def capped(size: Floats, total: float) -> Floats:
    """min(size, cap), the cap such that the sum is `total`."""
    low, high = 0.0, float(size.max())
    for _ in range(60):
        cap = (low + high) / 2
        low, high = (cap, high) if np.minimum(size, cap).sum() < total else (low, cap)
    return np.minimum(size, high)


def groupings(images: NDArray[np.float32], counts: Counts, direction: Floats) -> Groupings:
    """What decides, by column: groups of the averages, and how many of a group to keep."""
    aff = rebalance.affinity(images, threads=1)
    found: Groupings = {}
    single = np.arange(len(counts))
    for keep in KEEP:
        found["random", keep] = (0 * single, np.array([keep * counts.sum()]))
        by_affinity = rebalance.keep_fractions(aff, counts, keep=keep)
        found["density", keep] = (single, by_affinity * counts)
        by_direction = rebalance.keep_fractions_by_direction(direction, counts, keep=keep)
        found["true directions", keep] = (single, by_direction * counts)
        for k in NUMBERS:
            labels = rebalance.superclassify(aff, k, particles=counts).labels
            size = np.bincount(labels, weights=counts)
            found[f"superclasses {k}", keep] = (labels, capped(size, keep * counts.sum()))
    return found


def factors(views: Floats, choices: Floats) -> Floats:
    """Sampling compensation factor (M,) of every column of choices (P, M)."""
    sampling = sampled(half_sphere(N_FOURIER), views, choices, BAND)
    return np.array([compensation(column, 0.001) for column in sampling.T])


def one_seed(seed: int, direction: Floats, counts: Counts, found: Groupings) -> dict[Key, float]:
    """Gain shares with the particles of one seed, and the SCF of all of them."""
    rng = np.random.default_rng(seed)
    average = np.repeat(np.arange(len(counts)), PER_COUNTED * counts)
    views = jittered(rng, direction[average])
    key = rng.random(len(average))
    place = np.abs(views @ BINS.T).argmax(axis=1)
    size = np.bincount(place, minlength=len(BINS)).astype(np.float64)
    best = [drawn(place, capped(size, keep * len(views)), key) for keep in KEEP]
    chosen = [drawn(group[average], PER_COUNTED * kept, key) for group, kept in found.values()]
    scf = factors(views, np.stack([np.ones(len(views)), *best, *chosen], axis=1))
    gain = dict(zip(KEEP, scf[1 : 1 + len(KEEP)] - scf[0], strict=True))
    shares = {
        (name, keep): float((value - scf[0]) / gain[keep])
        for (name, keep), value in zip(found, scf[1 + len(KEEP) :], strict=True)
    }
    return shares | {("all", 1.0): float(scf[0])}


def summary(seeds: list[dict[Key, float]]) -> dict[Key, float]:
    """Means over seeds; of the numbers of superclasses the best."""
    mean = {key: float(np.mean([seed[key] for seed in seeds])) for key in seeds[0]}
    best = max(NUMBERS, key=lambda k: sum(mean[f"superclasses {k}", keep] for keep in KEEP))
    return mean | {("superclasses", keep): mean[f"superclasses {best}", keep] for keep in KEEP}


def main() -> None:
    """Print a line for each set, then mean and worst."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", nargs="+")
    args = parser.parse_args()
    print("| set | SCF of all | " + " | ".join(COLUMNS) + " |")
    print("|---|---|" + "---|" * len(COLUMNS))
    rows = []
    for name, images, direction, counts in sets(args.sets):
        found = groupings(images, counts, direction)
        row = summary([one_seed(s, direction, counts, found) for s in range(args.seeds)])
        rows.append([[row[column, keep] for keep in KEEP] for column in COLUMNS])
        cells = (" ".join(f"{share:.2f}" for share in shares) for shares in rows[-1])
        print(f"| {name} | {row['all', 1.0]:.3f} | " + " | ".join(cells) + " |", flush=True)
    table = np.array(rows)  # (sets, columns, fractions)
    for name, values in (("mean", table.mean(axis=(0, 2))), ("worst", table.min(axis=(0, 2)))):
        print(f"| {name} | | " + " | ".join(f"{value:.3f}" for value in values) + " |")


if __name__ == "__main__":
    main()
