"""How the scale of the kernel decides superclasses and their number.

``REBALANCE_TEST_DATA=... python benchmarks/kernel_scales.py`` prints, for scales that are a share
of each row's distance at some rank (one for the kernel that groups, one for the kernel that judges
the number), the adjusted Rand index at the true number of views, and how often that number is found
within 15 % (or 2): on the labelled sets, on simulated ones, and on affinities of few views of which
one holds most averages.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from truth_sets import truth_sets

import rebalance
from rebalance._simulate import SimulationSettings, simulate
from rebalance.metrics import adjusted_rand_index

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import slow_twin

MEDIAN, FAR = slow_twin.GROUPING, slow_twin.JUDGING
SCALES = (  # (rank, share) of the kernel that groups, and of the one that judges
    (MEDIAN, MEDIAN),
    (MEDIAN, FAR),
    (FAR, FAR),
    ((0.9, 0.5), (0.9, 0.5)),
    ((0.75, 0.5), (0.75, 0.5)),
)
CROWDED = ([30, 5, 5], [30, 5, 5, 2, 1], [50, 3, 2], [60, 10, 10, 5, 5, 3])

Set = tuple[str, NDArray[np.float64], NDArray[np.integer]]


def labelled() -> Iterator[Set]:
    for truth in truth_sets(Path(os.environ["REBALANCE_TEST_DATA"])):
        if truth.label is not None:
            yield "labelled", rebalance.affinity(truth.images).values.astype(float), truth.label


def simulated() -> Iterator[Set]:
    for seed in range(8):
        settings = SimulationSettings(
            seed=100 + seed, averages=80 + 20 * seed, views=8 + 2 * seed, snr=2.0
        )
        found = simulate(settings)
        values = rebalance.affinity(found.images).values.astype(float)
        yield "simulated", values, found.label


def crowded() -> Iterator[Set]:
    for sizes in CROWDED:
        label = np.repeat(np.arange(len(sizes)), sizes)
        spread = np.random.default_rng(0).uniform(-0.1, 0.1, (len(label), len(label)))
        values = np.where(label[:, None] == label, 0.9, 0.4) + (spread + spread.T) / 2
        np.fill_diagonal(values, 1)
        yield "crowded", values, label


def number_found(grouping: NDArray[np.float64], judging: NDArray[np.float64]) -> int:
    tried = range(2, min(41, len(grouping) - 1))
    quality = [
        slow_twin.silhouette_of_kernel(judging, slow_twin.labels_of_kernel(grouping, k)).mean()
        for k in tried
    ]
    return tried[int(np.argmax(quality))]


def main() -> None:
    sets = [*labelled(), *simulated(), *crowded()]
    kinds = ("labelled", "simulated", "crowded")
    print(
        "| groups | judges | " + " | ".join(f"{kind}: index, number found" for kind in kinds) + " |"
    )
    print("|---" * (2 + len(kinds)) + "|")
    for groups, judges in SCALES:
        scores: dict[str, list[tuple[float, bool]]] = {kind: [] for kind in kinds}
        for kind, values, label in sets:
            kernel, k = slow_twin.scaled_kernel(values, *groups), len(np.unique(label))
            judging = slow_twin.scaled_kernel(values, *judges)
            index = adjusted_rand_index(slow_twin.labels_of_kernel(kernel, k), label)
            close = abs(number_found(kernel, judging) - k) <= max(2, 0.15 * k)
            scores[kind].append((index, close))
        cells = [
            f"{np.mean([s[0] for s in scores[kind]]):.3f}, "
            f"{sum(s[1] for s in scores[kind])} of {len(scores[kind])}"
            for kind in kinds
        ]
        print(f"| {groups} | {judges} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
