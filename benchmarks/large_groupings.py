"""Superclasses of very many averages: agreement, time and memory.

Command: ``python benchmarks/large_groupings.py [agreement] [search] [grouping]``; default: all.

``agreement``: 5,000 averages of 60 views of 4 particles, by the affinity of all pairs and by
nearest neighbours. ``search``: nearest neighbours of 20,000 averages of 64 px on two threads, then
their superclasses. ``grouping``: superclasses alone of 100,000 averages, neighbours made up.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
from large_set import resident
from many_averages import many
from numpy.typing import NDArray
from scipy import sparse

import rebalance
from rebalance import _many_superclasses
from rebalance.metrics import adjusted_rand_index

TOP = 30


def library(n: int, particles: int = 4, views: int = 15) -> tuple[Any, NDArray[np.int64]]:
    """Averages of several particles, and which view of which each shows."""
    images, labels = [], []
    for p in range(particles):
        asked = rebalance.SimulationSettings(
            averages=n // particles,
            views=views,
            box=32,
            pixel_size=6.0,
            particles=n // particles,
            snr=1.5,
            seed=31 + p,
            elongation=1.0 + 0.15 * p,
        )
        made = rebalance.simulate(asked)
        images.append(made.images)
        labels.append(np.asarray(made.label) + p * views)
    order = np.random.default_rng(31).permutation(particles * (n // particles))
    return np.concatenate(images)[order], np.concatenate(labels)[order]


def grouped(name: str, given: Any, number: int | str, label: NDArray[np.int64]) -> Any:
    """Group, and print how far that agrees with the truth."""
    start = time.process_time()
    found = rebalance.superclassify(given, number)
    print(
        f"N = {len(label):,}, k = {number}, {name}: {found.n_superclasses} superclasses, agreement "
        f"with the truth {adjusted_rand_index(label, found.labels):.3f}, "
        f"{time.process_time() - start:.1f} s of processor time",
        flush=True,
    )
    return found


def agreement(values: NDArray[np.float32], label: NDArray[np.int64]) -> None:
    """Print how far both ways agree with the truth and with each other."""
    links = _many_superclasses.nearest_links(values)
    links = sparse.csr_array(links.maximum(links.T))
    for number in (len(np.unique(label)), "auto"):
        dense = grouped("all pairs", values, number, label)
        few = grouped("neighbours", links, number, label)
        print(f"  with each other {adjusted_rand_index(dense.labels, few.labels):.3f}", flush=True)


def search(n: int = 20_000) -> None:
    """Print time and memory of the search and of the grouping after it."""
    images, label = many(n)
    before, start = resident("VmRSS"), time.perf_counter()
    told = [start]

    def progress(done: int, total: int) -> None:
        if total and time.perf_counter() - told[-1] > 30:
            told.append(time.perf_counter())
            share, memory = done / total, (resident("VmHWM") - before) / 1e9
            print(f"  {share:.3f} in {told[-1] - start:.0f} s, {memory:.2f} GB", flush=True)

    aff = rebalance.affinity(images, top=TOP, threads=2, progress=progress)
    middle = time.perf_counter()
    found = rebalance.superclassify(aff, 40)
    end = time.perf_counter()
    print(
        f"N = {n:,}: search {middle - start:.0f} s, superclasses {end - middle:.0f} s, "
        f"{(resident('VmHWM') - before) / 1e9:.2f} GB beyond the images; agreement with the "
        f"truth {adjusted_rand_index(label, found.labels):.3f}"
    )


def grouping(n: int = 100_000, views: int = 60) -> None:
    """Print time and memory of grouping, by neighbours drawn mostly from the same view."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, views, n)
    of_view = [np.flatnonzero(label == view) for view in range(views)]
    same = np.stack([rng.choice(of_view[view], TOP) for view in label])
    other = rng.random((n, TOP)) < 0.2
    neighbour = np.where(other, rng.integers(0, n, (n, TOP)), same)
    value = np.where(other, 0.6, 0.8) + 0.1 * rng.random((n, TOP))
    rows = np.repeat(np.arange(n), TOP)
    links = sparse.coo_array((value.ravel(), (rows, neighbour.ravel())), shape=(n, n))
    given = sparse.csr_array(links)
    given.data = np.minimum(given.data, 1.0)  # where a neighbour was drawn twice
    before, start = resident("VmRSS"), time.perf_counter()
    processor = time.process_time()
    found = rebalance.superclassify(given, views)
    print(
        f"N = {n:,}: superclasses {time.perf_counter() - start:.0f} s "
        f"({time.process_time() - processor:.0f} s of processor time), "
        f"{(resident('VmHWM') - before) / 1e9:.2f} GB, agreement with what was drawn "
        f"{adjusted_rand_index(label, found.labels):.3f}"
    )


def main() -> None:
    """Measure what is asked for."""
    words = sys.argv[1:] or ["agreement", "search", "grouping"]
    if "agreement" in words:
        images, label = library(5000)
        agreement(rebalance.affinity(images, threads=2).values, label)
    if "search" in words:
        search()
    if "grouping" in words:
        grouping()


if __name__ == "__main__":
    main()
