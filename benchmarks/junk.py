"""Junk: how much of it is found, and how much else is taken for it.

Prints tables: real averages judged by eye (the unsure ones count neither way); averages without
junk; simulated ones by kind of junk, over seeds; views of a single average; and what each property
of the averages tells alone.

Command: ``REBALANCE_TEST_DATA=DIR python benchmarks/junk.py``
"""

from __future__ import annotations

import csv
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np
from numpy.typing import NDArray
from truth_sets import truth_sets

import rebalance
from rebalance import SimulationSettings, simulate
from rebalance._appearance import appearance
from rebalance._junk import deviations, distance_from_neighbours, otsu
from rebalance._junk_averages import JUNK_KINDS
from rebalance.metrics import roc_area

Bools = NDArray[np.bool_]
SEEDS = range(24)
SHAPES = ((1.0, "C1"), (1.5, "C1"), (2.5, "C1"), (1.0, "D2"), (1.5, "C3"))
SNR = (1.0, 3.0, 6.0)


@dataclass(frozen=True)
class Judged:
    """N averages, which of them are junk, and which are judged at all."""

    name: str
    images: NDArray[np.float32]
    junk: Bools
    sure: Bools

    def line(self) -> str:
        """A row: averages, junk, averages flagged, precision, recall."""
        mask, _ = rebalance.find_junk(self.images, rebalance.affinity(self.images))
        flagged, found = (mask & self.sure).sum(), (mask & self.junk).sum()
        precision = f"{found / flagged:.3f}" if self.junk.any() and flagged else ""
        recall = f"{found / self.junk.sum():.3f}" if self.junk.any() else ""
        n, n_junk = self.sure.sum(), self.junk.sum()
        share, apart = percent(flagged / n), percent((self.apart() & self.sure).sum() / n)
        return f"| {self.name} | {n} | {n_junk} | {share} | {precision} | {recall} | {apart} |"

    def apart(self) -> Bools:
        """Averages farther from their neighbours than Otsu's threshold on this alone."""
        values = rebalance.affinity(self.images).values.astype(np.float64)
        distance = distance_from_neighbours(values)
        return np.asarray(distance > otsu(distance)[0])


HEADER = (
    "| set | averages | junk | flagged | precision | recall | Otsu on the distance alone flags |\n"
    "|---|---|---|---|---|---|---|"
)


def percent(share: float) -> str:
    """A share in words."""
    return f"{100 * share:.1f} %"


def judged_by_eye(data: Path) -> Judged:
    """Averages of beta-galactosidase with a verdict on each."""
    folder = data / "relion_project/Class2D/job013"
    with (folder / "labels_by_eye.csv").open(newline="") as file:
        verdict = np.array([row["verdict"] for row in csv.DictReader(file)])
    images = mrcfile.read(folder / "run_it100_classes.mrcs")
    return Judged("job013", images, verdict == "junk", verdict != "unsure")


def chosen(judged: Judged, name: str, keep: Bools) -> Judged:
    """Some of the averages."""
    return Judged(name, judged.images[keep], judged.junk[keep], judged.sure[keep])


def mostly_junk(data: Path) -> Iterator[Judged]:
    """The averages judged by eye, most or all of the views left out."""
    eye = judged_by_eye(data)
    fifth = np.zeros(len(eye.junk), bool)
    fifth[np.flatnonzero(eye.sure & ~eye.junk)[::5]] = True
    yield chosen(eye, "job013, every fifth view and the junk", eye.junk | fifth)
    yield chosen(eye, "job013, the junk", eye.junk)


def without_junk(data: Path) -> Iterator[Judged]:
    """Real and labelled averages that all show particles."""
    eye = judged_by_eye(data)
    yield chosen(eye, "job013, the views", eye.sure & ~eye.junk)
    stacks = [("betagal_20x256", mrcfile.read(data / "classes/betagal_20x256.mrcs"))]
    stacks += [(truth.name, truth.images) for truth in truth_sets(data)]
    for name, images in stacks:
        yield Judged(name, images, np.zeros(len(images), bool), np.ones(len(images), bool))


def drawn(seed: int, junk: float) -> rebalance.Simulation:
    """Simulated averages of a particle, noise and number of views that the seed decides."""
    elongation, symmetry = SHAPES[seed % len(SHAPES)]
    return simulate(
        SimulationSettings(
            averages=100,
            views=6 + seed % 10,
            junk=junk,
            junk_kinds=tuple(JUNK_KINDS),
            snr=SNR[seed % len(SNR)],
            elongation=elongation,
            symmetry=symmetry,
            seed=1000 + seed,
        )
    )


def simulated_lines(junk: float) -> Iterator[str]:
    """A row per kind of junk: found and all; then averages of particles taken for junk."""
    found: Counter[str] = Counter()
    all_of: Counter[str] = Counter()
    for seed in SEEDS:
        simulation = drawn(seed, junk)
        mask, _ = rebalance.find_junk(simulation.images, rebalance.affinity(simulation.images))
        kinds = np.where(simulation.junk, simulation.junk_kind, "none: a particle")
        all_of.update(kinds.tolist())
        found.update(kinds[mask].tolist())
    for kind in sorted(all_of):
        share = percent(found[kind] / all_of[kind])
        yield f"| {100 * junk:.0f} % | {kind} | {found[kind]} | {all_of[kind]} | {share} |"


def alone_line() -> str:
    """Averages that are the only one of their view, in sets with a third of junk."""
    flagged = total = 0
    for seed in SEEDS:
        settings = SimulationSettings(averages=45, views=20, view_ratio=12, junk=0.33, seed=seed)
        simulation = simulate(settings)
        _, first, count = np.unique(simulation.label, return_index=True, return_counts=True)
        alone = first[(count == 1) & (simulation.label[first] >= 0)]
        mask, _ = rebalance.find_junk(simulation.images, rebalance.affinity(simulation.images))
        flagged, total = flagged + int(mask[alone].sum()), total + len(alone)
    return f"The only average of its view taken for junk: {flagged} of {total}"


def property_line(judged: Judged) -> str:
    """Area under the ROC curve of each deviation for "junk", among those judged."""
    far = distance_from_neighbours(rebalance.affinity(judged.images).values.astype(np.float64))
    away = deviations(appearance(judged.images), far)
    detail = np.sqrt((away.detail**2).mean(axis=1))
    scores = (away.rim, detail, away.strange, away.distance, away.strange + away.distance)
    areas = [roc_area(score[judged.sure], judged.junk[judged.sure]) for score in scores]
    return f"| {judged.name} | " + " | ".join(f"{area:.3f}" for area in areas) + " |"


def main() -> int:
    """Print all tables."""
    data = os.environ.get("REBALANCE_TEST_DATA")
    if not data:
        print("Set REBALANCE_TEST_DATA to the folder of public test data.", file=sys.stderr)
        return 2
    eye = judged_by_eye(Path(data))
    print(HEADER)
    for judged in (eye, *without_junk(Path(data)), *mostly_junk(Path(data))):
        print(judged.line(), flush=True)
    print("\n| junk | kind | flagged | of | share |\n|---|---|---|---|---|")
    for junk in (0.0, 0.1, 0.4):
        print("\n".join(simulated_lines(junk)), flush=True)
    print(f"\n{alone_line()}\n", flush=True)
    print("| set | rim | detail | both | distance | all |\n|---|---|---|---|---|---|")
    print(property_line(eye))
    for seed in range(3):
        simulation = drawn(seed, 0.4)
        sure = np.ones(len(simulation.junk), bool)
        print(property_line(Judged(f"simulated {seed}", simulation.images, simulation.junk, sure)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
