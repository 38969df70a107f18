"""Goals of speed and memory. Every function measures one and returns lines of the table."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from goal import Measured
from instruction_sets import instruction_set, runnable
from numpy.typing import NDArray
from peak import product_peak
from plain_search import by_frequency, plain_affinity, plain_search, polar_rings
from stacks import Images, mixture, simulated
from timing import best_times

import rebalance
from rebalance import _core
from rebalance._defaults import complete
from rebalance._images import ring_radii
from rebalance._result_arrays import MEMORY_LIMIT, pair_arrays
from rebalance.config import AffinitySettings

# The grid on which the speed of joint searches is stated: 49 shifts.
GRID = AffinitySettings(band=(0.0, 0.25), max_shift=4.0, rings=24, angles=160)
TILE = 64  # images per matmul where the plain version makes most pairs once only


def exhaustive(images: Images, refine: bool) -> AffinitySettings:
    """Complete settings of the exhaustive search on `GRID`."""
    asked = dataclasses.replace(GRID, shift_step=1.0, exhaustive=True, refine=refine)
    return complete(asked, images)


def searched(images: Images, settings: AffinitySettings, threads: int = 1) -> rebalance.Affinity:
    """Affinity by the public function."""
    return rebalance.affinity(images, threads=threads, **dataclasses.asdict(settings))


def n_pairs(n: int) -> int:
    """Pairs i < j of n averages."""
    return n * (n - 1) // 2


def joint(rounds: int = 3) -> list[Measured]:
    """The joint search on one thread, from images to values, beside the plain version."""
    images, name = mixture()
    grid, climbed = exhaustive(images, refine=False), exhaustive(images, refine=True)
    ways: dict[str, Callable[[], object]] = {
        "plain": partial(plain_affinity, images, grid),
        "plain in tiles": partial(plain_affinity, images, grid, TILE),
        "exhaustive": partial(searched, images, grid),
        "exhaustive, refined": partial(searched, images, climbed),
        "default": partial(searched, images, GRID),
    }
    times = best_times(ways, rounds)
    how = f"{name}, 49 shifts, mirror, 24 rings, 160 angles, 1 thread, best of {rounds}"
    goals = {
        "plain": "plain: 2,500 pairs/s or more",
        "exhaustive": "exhaustive: 30 times plain",
        "default": "default: 100 times plain",
    }
    lines = []
    for way, seconds in times.items():
        rate = n_pairs(len(images)) / seconds
        text = f"{rate:,.0f} pairs/s, {times['plain'] / seconds:.1f} times plain"
        lines.append(Measured(goals.get(way, ""), text, f"{way}; {how}"))
    return [*lines, default_agrees(images, climbed)]


def default_agrees(images: Images, climbed: AffinitySettings) -> Measured:
    """How far the default stays from the refined exhaustive search."""
    pairs = np.triu_indices(len(images), 1)
    values = searched(images, GRID).values
    difference = np.abs(values - searched(images, climbed).values)[pairs]
    share = 100 * float((difference <= 0.002).mean())
    return Measured(
        "default within 0.002 of exhaustive refined: 99.9 % of pairs",
        f"{share:.2f} %, largest difference {difference.max():.4f}",
        "the same two searches",
    )


def rotation(n: int = 1000, rounds: int = 3) -> list[Measured]:
    """Rotation and mirror only, from rings to values, on every instruction set."""
    images = simulated(n, 128)
    asked = AffinitySettings(band=(0.0, 0.33), max_shift=0.0, rings=64, angles=256, refine=False)
    settings = complete(asked, images)
    rings, radius = polar_rings(images, settings), ring_radii((0.0, 0.33), 64)
    samples, still = rings.samples(), np.zeros((1, 2))
    ways: dict[str, Callable[[], object]] = {
        name: partial(_rotations, rings, still, n, name) for name in runnable()
    }
    ways["plain"] = partial(plain_search, samples, radius, still, tile=TILE)
    times = best_times(ways, rounds)
    goals = {"avx512": "avx512: 6 times plain", "avx2": "avx2: 3.5 times plain"}
    how = f"rotation and mirror, N = {n:,}, K = 64, M = 128, 1 thread, best of {rounds}"
    return [
        Measured(
            goals.get(name, ""),
            f"{1e6 * seconds / n_pairs(n):.2f} us per pair, {times['plain'] / seconds:.1f} x plain",
            f"{name}; {how}",
        )
        for name, seconds in times.items()
    ]


def _rotations(rings: _core.PolarRings, still: NDArray[np.float64], n: int, name: str) -> None:
    search = _core.PairSearch(still, mirror=True, max_shift=0.0, max_step=0.0, threads=1)
    with instruction_set(name):
        _core.search_pairs(rings, search, pair_arrays(n, n, MEMORY_LIMIT))


def threads(n: int = 300, rounds: int = 5) -> list[Measured]:
    """Two threads against one, on the default search."""
    images = simulated(n, 96)
    times = best_times({str(t): partial(searched, images, GRID, threads=t) for t in (1, 2)}, rounds)
    return [
        Measured(
            "two threads: 1.8 times one",
            f"{times['1'] / times['2']:.2f} times ({times['1']:.3f} s, {times['2']:.3f} s)",
            f"default search, N = {n}, 96 px simulated, best of {rounds}",
        )
    ]


def large(n: int = 2000, few: int = 100) -> list[Measured]:
    """Time and memory of a large set beside those of a small one, in a process of their own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        np.save(path, simulated(n, 128))
        script = str(Path(__file__).with_name("large_set.py"))
        done = subprocess.run(
            [sys.executable, script, str(path), str(few)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    got = json.loads(done.stdout)
    ratio = got["many_s"] / got["few_s"]
    how = f"default joint search ({got['grid']}), 128 px simulated, 2 threads"
    pairs = n_pairs(n) / n_pairs(few)
    return [
        Measured(
            f"N = {n:,}: at most 420 times the time of N = {few}",
            f"{ratio:.0f} times ({got['many_s']:.1f} s, {got['few_s']:.3f} s)",
            f"{how}; the pairs grow {pairs:.0f} times",
        ),
        Measured(
            "peak memory under 1 GB beyond the input",
            f"{got['beyond_gb']:.2f} GB",
            f"the same, N = {n:,}; highest resident memory less that before the search",
        ),
    ]


def peak(n: int = 300, rounds: int = 3) -> list[Measured]:
    """The share of the measured product peak that the exhaustive joint search sustains."""
    images = simulated(n, 96)
    settings = exhaustive(images, refine=False)
    rates: list[float] = []
    ways: dict[str, Callable[[], object]] = {
        "peak": lambda: rates.append(product_peak()),
        "search": partial(searched, images, settings),
    }
    seconds = best_times(ways, rounds)["search"]
    assert settings.rings
    assert settings.angles
    flops = 8 * settings.rings * (settings.angles // 2) * n_pairs(n) * 49
    share = 100 * flops / seconds / (max(rates) * 1e9)
    kept = products_kept(polar_rings(images, settings).samples())
    how = f"peak {max(rates):.0f} Gflop/s; N = {n}, 96 px simulated, 49 shifts, images to values"
    return [
        Measured("half of the product peak", f"{share:.0f} %", f"all products counted; {how}"),
        Measured(
            "",
            f"{share * kept:.0f} %",
            f"only the {100 * kept:.0f} % of products that carry anything counted: the core "
            "leaves out the others",
        ),
    ]


def products_kept(samples: NDArray[np.float32], negligible: float = 1e-10) -> float:
    """Share of (ring, angular frequency) that the search multiplies.

    It leaves out the innermost rings of every frequency, as long as the squared norm that they
    hold in any image stays negligible: the rule of the core once more.
    """
    power = np.abs(by_frequency(samples)) ** 2 / samples.shape[2]  # (M, N, K)
    left_out = np.cumsum(2 * power.max(axis=1), axis=1)
    return float((left_out > negligible / len(power)).mean())
