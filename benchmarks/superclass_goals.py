"""Every number that superclasses are held to.

``REBALANCE_TEST_DATA=... python benchmarks/superclass_goals.py [SETS]`` measures on the labelled
sets and on SETS generated ones (default 40; a quarter as many continuous ones), by the affinity
alone and with the view sphere as second witness, as ``rebalance run`` has it.
"""

from __future__ import annotations

import dataclasses
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
from generated_sets import KnownViews, generated, labelled
from goal import HEADER, Measured
from numpy.typing import NDArray
from sklearn.cluster import SpectralClustering
from truth_sets import average_linkage, spectral

import rebalance
from rebalance.metrics import adjusted_rand_index, angle_within, best_angle_within, roc_area

K_CONTINUOUS = 20


def agreement(sets: list[KnownViews], how: str) -> list[Measured]:
    """At the true number, beside two others on the same affinity."""
    ours, loss = [], []
    for s in sets:
        labels = rebalance.superclassify(s.values, s.n_views, sphere=s.sphere).labels
        others = (spectral(s.values, s.n_views), average_linkage(s.values, s.n_views))
        best = max(adjusted_rand_index(other, s.label) for other in others)
        ours.append(adjusted_rand_index(labels, s.label))
        loss.append(best - ours[-1])
    below = sum(x > 0.02 for x in loss)
    return [
        Measured("adjusted Rand index, mean: 0.95", f"{np.mean(ours):.3f}", how),
        Measured("worst: 0.85", f"{np.min(ours):.3f}", how),
        Measured(
            "never more than 0.02 below scikit-learn's spectral clustering or average linkage",
            f"{below} of {len(sets)} sets, at most {np.max(loss):.3f}",
            how,
        ),
    ]


def number(sets: list[KnownViews], how: str) -> list[Measured]:
    found = [rebalance.superclassify(s.values, sphere=s.sphere) for s in sets]
    true = np.array([s.n_views for s in sets])
    off = np.abs(np.array([f.n_superclasses for f in found]) - true)
    low, high = np.array([f.plausible for f in found]).T
    return [
        Measured("number within 15 % or 2: 90 %", percent(off <= np.maximum(2, 0.15 * true)), how),
        Measured("number within 1: 60 %", percent(off <= 1), how),
        Measured("plausible range holds it: 95 %", percent((low <= true) & (true <= high)), how),
        Measured("ends differ by a factor of 1.6 at most", f"{np.max(high / low):.2f}", how),
    ]


def area(sets: list[KnownViews], how: str) -> list[Measured]:
    found = []
    for s in sets:
        pairs = np.triu_indices(len(s.label), 1)
        same = (s.label[:, None] == s.label)[pairs]
        areas = [roc_area(v[pairs], same) for v in (s.values, rebalance.sharpen(s.values))]
        found.append(areas)
    plain, sharp = np.array(found).T
    measured = f"{sharp.mean():.4f} (plain {plain.mean():.4f})"
    return [
        Measured("area under ROC of the sharpened affinity, mean: 0.992", measured, how),
        Measured("worst: 0.965", f"{sharp.min():.4f} (plain {plain.min():.4f})", how),
    ]


def continuum(sets: list[KnownViews], how: str) -> list[Measured]:
    ratios, alone = [], []
    for s in sets:
        labels = rebalance.superclassify(s.values, K_CONTINUOUS, sphere=s.sphere).labels
        best = best_angle_within(s.direction, K_CONTINUOUS)
        ratios.append(angle_within(labels, s.direction) / best)
        alone.append(np.count_nonzero(np.bincount(labels) == 1))
    measured = f"mean {np.mean(ratios):.3f}, median {np.median(ratios):.3f}, "
    return [
        Measured(
            "continuous, k = 20: angle 1.12 times the best",
            measured + f"{max(ratios):.3f} most",
            how,
        ),
        Measured("at most 3 singletons", f"{max(alone)}", how),
    ]


def speed() -> list[Measured]:
    """Ours and scikit-learn's take turns; the best of three."""
    small, large = blobs(300, 24), blobs(5000, 50)
    lines = []
    for values, k, asked, goal in (
        (small, 24, "auto", "all k up to 60, N = 300: at most 5 fits of scikit-learn"),
        (large, 50, 50, "one k, N = 5,000: at most 1 fit of scikit-learn"),
    ):
        model = SpectralClustering(k, affinity="precomputed", random_state=0)
        ours, theirs = in_turns(
            lambda values=values, asked=asked: rebalance.superclassify(values, asked),
            lambda values=values, model=model: model.fit(values),
            3 if len(values) < 1000 else 1,
        )
        how = f"{len(values)} points of {k} groups; ours {ours:.2f} s, theirs {theirs:.2f} s"
        lines.append(Measured(goal, f"{ours / theirs:.2f} fits", how))
    return lines


def blobs(n: int, k: int) -> NDArray[np.float64]:
    """Affinity of `n` points round `k` directions."""
    rng = np.random.default_rng(0)
    points = rng.standard_normal((k, 24))[rng.integers(0, k, n)]
    points = points + 0.5 * rng.standard_normal(points.shape)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    values = np.clip(0.5 + 0.5 * points @ points.T, 0, 1)
    values = (values + values.T) / 2
    np.fill_diagonal(values, 1)
    return values


def in_turns(a: Callable[[], object], b: Callable[[], object], repeats: int) -> tuple[float, float]:
    best = [np.inf, np.inf]
    for _ in range(repeats):
        for which, run in enumerate((a, b)):
            start = time.perf_counter()
            run()
            best[which] = min(best[which], time.perf_counter() - start)
    return best[0], best[1]


def by_all(sets: list[KnownViews], how: str) -> list[Measured]:
    known, spread = discrete(sets), [s for s in sets if s.label.max() < 0]
    return [*agreement(known, how), *number(known, how), *continuum(spread, how)]


def discrete(sets: list[KnownViews]) -> list[KnownViews]:
    return [s for s in sets if s.label.min() >= 0]


def deaf(sets: list[KnownViews]) -> list[KnownViews]:
    """The same without their spheres."""
    return [dataclasses.replace(s, sphere=None) for s in sets]


def percent(holds: NDArray[np.bool_]) -> str:
    return f"{100 * np.mean(holds):.0f} % ({np.count_nonzero(holds)} of {len(holds)})"


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    shared = list(labelled(spheres=True))
    made = [*generated(n, spheres=True), *generated(n // 4, continuous=True, spheres=True)]
    print(HEADER)
    for sets, name in ((shared, "shared"), (made, "generated")):
        told = sum(s.sphere is not None and s.sphere.verdict != "cannot be told" for s in sets)
        print(*area(discrete(sets), name), sep="\n", flush=True)
        print(*by_all(deaf(sets), f"{name}, affinity alone"), sep="\n", flush=True)
        print(*by_all(sets, f"{name}, {told} of {len(sets)} with sphere"), sep="\n", flush=True)
    print(*speed(), sep="\n", flush=True)


if __name__ == "__main__":
    main()
