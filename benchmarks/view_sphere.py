"""How well and how fast views are found: labelled sets, simulated sets, and plain NumPy.

Run: REBALANCE_TEST_DATA=/path/to/data python benchmarks/view_sphere.py, and
python benchmarks/view_sphere.py --race 300 for speed alone.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from plain_sphere import in_plain_numpy
from scipy.stats import spearmanr

import rebalance
from rebalance import SimulationSettings, ViewSphere
from rebalance._symmetry import rotations
from rebalance._view_solution import angles_between

Doubles = NDArray[np.float64]
Set = tuple[str, NDArray[np.float32], Doubles, str]


def labelled() -> Iterator[Set]:
    """Sets of the test data, those of the issue's kinds first."""
    for path in sorted((Path(os.environ["REBALANCE_TEST_DATA"]) / "truth").glob("*.npz")):
        data = np.load(path)
        yield path.stem, data["images"].astype(np.float32), data["direction"], "C1"


def simulated() -> Iterator[Set]:
    """Continuous, separate, noisy, dirty and symmetric sets."""
    settings: list[dict[str, Any]] = [
        dict(averages=150, views=0),
        dict(averages=300, views=0),
        dict(averages=150, views=0, snr=1.0),
        dict(averages=150, views=12, snr=2.0),
        dict(averages=150, views=0, junk=0.2),
        *(dict(averages=100, views=0, symmetry=group) for group in ("C2", "C3", "C4", "D2", "D3")),
        dict(averages=100, views=12, snr=3.0, symmetry="C4"),
        dict(averages=100, views=12, snr=3.0, symmetry="D2"),
        dict(averages=1000, views=0, snr=4.0),
    ]
    for seed, chosen in enumerate(settings):
        made = rebalance.simulate(SimulationSettings(seed=70 + seed, **chosen))
        name = " ".join(f"{key}={value}" for key, value in chosen.items())
        yield name, made.images, made.direction, str(chosen.get("symmetry", "C1"))


def rank(sphere: ViewSphere, direction: Doubles, symmetry: str) -> float:
    """Rank correlation of the angles between views, v = -v, modulo the group."""
    known = np.isfinite(sphere.direction[:, 0]) & np.isfinite(direction[:, 0])
    upper = np.triu_indices(int(known.sum()), 1)
    found, true = (
        angles_between(d[known], rotations(symmetry))[upper] for d in (sphere.direction, direction)
    )
    return float(spearmanr(found, true).statistic) if len(found) > 2 else float("nan")


def median_error(found: Doubles, true: Doubles) -> float:
    """Degrees, after the best rotation or reflection, v = -v; from many starts."""
    rng, best = np.random.default_rng(0), 90.0
    axes = [np.linalg.eigh(views.T @ views)[1] for views in (found, true)]
    starts = [axes[0][:, list(p)] @ axes[1].T for p in permutations(range(3))]
    starts += [np.linalg.qr(rng.standard_normal((3, 3)))[0] for _ in range(200)]
    for turn in starts:
        for _ in range(60):
            side = np.where(np.sum(found @ turn * true, axis=1) < 0, -1.0, 1.0)
            u, _, v = np.linalg.svd(found.T @ (true * side[:, None]))
            turn = u @ v
        cosine = np.clip(np.abs(np.sum(found @ turn * true, axis=1)), 0, 1)
        best = min(best, float(np.median(np.degrees(np.arccos(cosine)))))
    return best


def show(name: str, images: NDArray[np.float32], direction: Doubles, symmetry: str) -> None:
    """A row of the table."""
    aff = rebalance.affinity(images)
    began = time.perf_counter()
    sphere = rebalance.view_sphere(images, aff, symmetry=symmetry)
    seconds = time.perf_counter() - began
    known = np.isfinite(sphere.direction[:, 0]) & np.isfinite(direction[:, 0])
    row = f"| {name} | {sphere.verdict} | {sphere.agreement_of_halves:.3f} "
    if known.sum() > 2:
        row += f"| {rank(sphere, direction, symmetry):.3f} "
        error = median_error(sphere.direction[known], direction[known])
        row += f"| {error:.1f} " if symmetry == "C1" else "| "
        row += f"| {np.nanmedian(sphere.uncertainty):.1f} "
    else:
        row += "| | | "
    print(f"{row}| {seconds:.1f} s |", flush=True)


def race(n: int) -> None:
    """The whole search, compiled with one and two threads and in plain NumPy with one."""
    made = rebalance.simulate(SimulationSettings(averages=n, views=0, snr=4.0, seed=1))
    aff = rebalance.affinity(made.images)
    compiled = {threads: seconds(made.images, aff, threads) for threads in (1, 2)}
    print(f"{n} averages, compiled: {compiled[1]:.2f} s, with two threads {compiled[2]:.2f} s")
    with in_plain_numpy():
        plain = seconds(made.images, aff, 1, times=1)
    print(f"{n} averages, plain NumPy: {plain:.1f} s, {plain / compiled[1]:.1f} times as long")


def seconds(
    images: NDArray[np.float32], aff: rebalance.Affinity, threads: int, times: int = 3
) -> float:
    """The best of several."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        rebalance.view_sphere(images, aff, threads=threads)
        found.append(time.perf_counter() - began)
    return min(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--race", type=int, metavar="N", help="time N averages, and nothing else")
    asked = parser.parse_args().race
    if asked:
        race(asked)
        sys.exit()
    print("| set | verdict | halves | rank correlation | median error | uncertainty | time |")
    print("|---|---|---|---|---|---|---|")
    for each in (*labelled(), *simulated()):
        show(*each)
