"""How good the defaults are, beside other bands, shift ranges and weights.

First table: area under the ROC curve with defaults on the labelled sets, beside the best of band
limits 0.10 to 0.25 cycles/px by shift ranges 4 to 12 px. Second table: the ways to weigh rings
that were tried, on the labelled sets and on simulated ones of many kinds: area under the ROC curve,
and adjusted Rand index of average linkage at the true number of views. The default
weights were picked with these sets in view: docs/method.md has scores on sets made afterwards.

Command: ``REBALANCE_TEST_DATA=DIR python benchmarks/defaults.py [SIMULATED_SETS]``
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from truth_sets import average_linkage, truth_sets

import rebalance
from rebalance._images import ring_radii
from rebalance._signal import find_signal
from rebalance._simulate import SimulationSettings, simulate
from rebalance.metrics import adjusted_rand_index, roc_area

Doubles = NDArray[np.float64]

LIMITS = (0.10, 0.125, 0.15, 0.20, 0.25)  # cycles/px
RANGES = (4, 6, 8, 10, 12)  # px
WIDE = 0.32  # cycles/px: beyond the signal of all sets

# Weight of a ring over its circumference, from correlation of near averages and mean power.
WEIGHTINGS: dict[str, Callable[[Doubles, Doubles], Doubles]] = {
    "1": lambda c, p: np.ones(len(c)),
    "c": lambda c, p: c,
    "c^2": lambda c, p: c**2,
    "c / p": lambda c, p: c / p,
    "c^2 / p": lambda c, p: c**2 / p,
    "c / sqrt p": lambda c, p: c / p**0.5,
    "c^2 / sqrt p": lambda c, p: c**2 / p**0.5,
    "c^1.5 / p^0.25": lambda c, p: c**1.5 / p**0.25,
    "c / (1 - c^2) / p": lambda c, p: c / (1 - np.minimum(c, 0.999) ** 2) / p,
}


@dataclass(frozen=True)
class Labelled:
    """Class averages with their true views."""

    name: str
    images: NDArray[np.float32]
    label: NDArray[np.integer]
    n_views: int


def labelled(data: Path) -> Iterator[Labelled]:
    """The labelled sets below a data directory."""
    for truth in truth_sets(data):
        if truth.label is not None and truth.n_views is not None:
            yield Labelled(truth.name, truth.images, truth.label, truth.n_views)


def simulated(number: int) -> Iterator[Labelled]:
    """Sets of box 48 to 128 px, signal-to-noise 0.5 to 8, 6 to 30 views, elongation to 2.5."""
    for i in range(number):
        rng = np.random.Generator(np.random.PCG64(1000 + i))
        box = (48, 56, 64, 72, 80, 96, 112, 128)[i % 8]
        views = (6, 8, 10, 12, 16, 20, 24, 30)[(3 * i + i // 8) % 8]
        finest = max(2.2 * 320 / box, rng.uniform(7, 12))
        settings = SimulationSettings(
            averages=views * (4 if views >= 20 else int(rng.integers(4, 9))),
            views=views,
            box=box,
            pixel_size=320 / box,
            snr=(0.5, 1, 2, 4, 8)[(2 * i + i // 5) % 5],
            elongation=(1, 1, 1.5, 2, 2.5)[(i // 2 + i // 10) % 5],
            shift_sd=float(rng.uniform(0.01, 0.03)) * box,
            jitter_deg=float(rng.uniform(3, 6)),
            resolution=(finest, finest * rng.uniform(1.5, 2.2)),
            seed=100 + i,
        )
        simulation = simulate(settings)
        yield Labelled(f"simulated {i}", simulation.images, simulation.label, views)


def auc(aff: rebalance.Affinity, truth: Labelled) -> float:
    """Area under the ROC curve for "same view"."""
    pairs = np.triu_indices(len(truth.label), 1)
    return roc_area(aff.values[pairs], (truth.label[:, None] == truth.label)[pairs])


def both(aff: rebalance.Affinity, truth: Labelled) -> tuple[float, float]:
    """Area under the ROC curve, and adjusted Rand index of average linkage."""
    labels = average_linkage(aff.values, truth.n_views)
    return auc(aff, truth), adjusted_rand_index(labels, truth.label)


def beside_the_grid(truth: Labelled) -> float:
    """Print a line of the first table, and give the loss against the best of the grid."""
    aff = rebalance.affinity(truth.images)
    ours, chosen = auc(aff, truth), aff.settings
    assert chosen.band
    grid = {
        (high, reach): auc(
            rebalance.affinity(truth.images, band=(chosen.band[0], high), max_shift=reach), truth
        )
        for high in LIMITS
        for reach in RANGES
    }
    best = max(grid, key=lambda at: grid[at])
    print(
        f"| {truth.name} | {ours:.4f} | {grid[best]:.4f} ({best[0]:g}, {best[1]} px) "
        f"| {chosen.band[1]:.3f} | {chosen.max_shift:g} | {chosen.mask_diameter:.0f} |",
        flush=True,
    )
    return grid[best] - ours


def weighted(truth: Labelled) -> list[tuple[float, float]]:
    """Scores of every weighting on one set; first that of equal weights without a band limit."""
    aff = rebalance.affinity(truth.images)
    chosen = aff.settings
    assert chosen.band
    assert chosen.rings
    assert chosen.mask_diameter
    assert chosen.max_shift
    low = chosen.band[0]
    signal = find_signal(truth.images, chosen.mask_diameter, chosen.max_shift, (low, 1 / 3), 1)
    assert signal
    radius = ring_radii(chosen.band, chosen.rings)
    scores = [both(rebalance.affinity(truth.images, band=(low, WIDE)), truth)]
    for gain in WEIGHTINGS.values():
        curve = gain(signal.correlation, signal.power)
        weights = tuple(radius * np.interp(radius, signal.radius, curve))
        aff = rebalance.affinity(truth.images, band=chosen.band, rings=len(radius), weights=weights)
        scores.append(both(aff, truth))
    return scores


def print_weightings(data: Path, number: int) -> None:
    """Print the second table."""
    real = np.array([weighted(truth) for truth in labelled(data)])
    made = np.array([weighted(truth) for truth in simulated(number)])
    print(f"\n| weight / radius | AUC, ARI labelled | worst AUC | AUC, ARI of {number} simulated |")
    print("|---|---|---|---|")
    for w, name in enumerate(["1, band to 0.32", *WEIGHTINGS]):
        of_real, of_made = real[:, w].mean(axis=0), made[:, w].mean(axis=0)
        print(
            f"| {name} | {of_real[0]:.4f}, {of_real[1]:.3f} | {real[:, w, 0].min():.4f} "
            f"| {of_made[0]:.4f}, {of_made[1]:.3f} |"
        )


def main() -> int:
    """Print both tables."""
    data = os.environ.get("REBALANCE_TEST_DATA")
    if not data:
        print("Set REBALANCE_TEST_DATA to the directory that holds truth/.", file=sys.stderr)
        return 2
    print("| set | AUC, defaults | best of the grid | band limit | shifts, px | mask, px |")
    print("|---|---|---|---|---|---|")
    losses = [beside_the_grid(truth) for truth in labelled(Path(data))]
    print(f"\nLargest loss against the best of the grid: {max(losses):.4f}")
    print_weightings(Path(data), int(sys.argv[1]) if len(sys.argv) > 1 else 36)
    return 0


if __name__ == "__main__":
    sys.exit(main())
