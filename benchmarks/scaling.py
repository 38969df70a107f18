"""How the cost of the default search grows with the number of averages, and what bounds it.

Command: ``python benchmarks/scaling.py [--threads N]``; prints markdown.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable, Sequence

import numpy as np
from goals_speed import n_pairs, searched
from numpy.typing import NDArray
from plain_search import polar_rings
from scipy.optimize import nnls
from stacks import Images, simulated

from rebalance._defaults import complete
from rebalance.config import AffinitySettings

NUMBERS = (50, 100, 200, 500, 1000, 2000, 5000)
# A coarse search, so that 12.5 million pairs take minutes.
ASKED = AffinitySettings(band=(0.02, 0.10), max_shift=4.0)
BOX = 64
PARTS = ("call", "averages", "pairs")


def times(images: Images, threads: int) -> tuple[float, float, float]:
    """Times of the rings alone (one thread), of the search on the grid, of all; s."""
    settings = complete(ASKED, images)
    grid = dataclasses.replace(settings, refine=False)
    return (
        best(lambda: polar_rings(images, settings)),
        best(lambda: searched(images, grid, threads)),
        best(lambda: searched(images, settings, threads)),
    )


def best(way: Callable[[], object]) -> float:
    """Shortest time of as many runs as take a second, three at least unless they take ten."""
    taken: list[float] = []
    while not taken or (sum(taken) < 10 and (len(taken) < 3 or sum(taken) < 1)):
        start = time.perf_counter()
        way()
        taken.append(time.perf_counter() - start)
    return min(taken)


def fit(numbers: Sequence[int], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cost of a call, of an average and of a pair, none below 0, that explain the times.

    Relative errors are made small, as the times span four orders of magnitude.
    """
    counts = np.array([(1, n, n_pairs(n)) for n in numbers], dtype=float)
    cost: NDArray[np.float64] = nnls(counts / seconds[:, None], np.ones(len(numbers)))[0]
    return cost


def print_fit(numbers: Sequence[int], seconds: NDArray[np.float64]) -> None:
    """What each part costs, and its share at every N."""
    cost = fit(numbers, seconds)
    call, average, pair = 1e3 * cost[0], 1e6 * cost[1], 1e6 * cost[2]
    print(f"\nFit: {call:.2f} ms + {average:.1f} us per average + {pair:.3f} us per pair\n")
    print("| N | " + " | ".join(f"{part}, %" for part in PARTS) + " | fit / measured |")
    print("|---|---|---|---|---|")
    for n, taken in zip(numbers, seconds, strict=True):
        parts = cost * np.array([1, n, n_pairs(n)])
        shares = " | ".join(f"{100 * part:.0f}" for part in parts / parts.sum())
        print(f"| {n:,} | {shares} | {parts.sum() / taken:.2f} |")


def main() -> None:
    """Print times per N, then what explains them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    threads = parser.parse_args().threads
    settings = complete(ASKED, simulated(NUMBERS[0], BOX))
    print(
        f"{BOX} px simulated, {settings.rings} rings, {settings.angles} angles, "
        f"{settings.max_shift:g} px in steps of {settings.shift_step:g}, {threads} threads\n"
    )
    print("| N | pairs | rings (1 thread), s | grid, s | all, s | all per pair, us |")
    print("|---|---|---|---|---|---|")
    whole = []
    for n in NUMBERS:
        rings, grid, both = times(simulated(n, BOX), threads)
        whole.append(both)
        row = f"| {n:,} | {n_pairs(n):,} | {rings:.4f} | {grid:.4f} | {both:.4f} |"
        print(f"{row} {1e6 * both / n_pairs(n):.2f} |", flush=True)
    print_fit(NUMBERS, np.array(whole))


if __name__ == "__main__":
    main()
