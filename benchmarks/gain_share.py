"""Gain share of balancing: how much of what true directions could gain is gained.

On continuous biased distributions, with SCF the sampling compensation factor of particles:

    gain share = (SCF of the kept - SCF of all) / (SCF of the best - SCF of all)

"The best" keeps the same number by true direction: a cap on 200 bins of the half sphere. Each
average stands for three particles per counted one, whose directions scatter by 5 degrees round its
own; SCF on 4,000 Fourier directions with a band half width of 0.05; mean of five seeds, which draw
the particles and which of them are kept. Directions are counted in 10,000 cells of the half sphere,
1.4 degrees apart, so that what a cell samples is found once; it changes a share by less than 0.01.

Columns: random dropping; superclasses, of the affinity alone and with the view sphere, the best
number of 4 to 60 and the number that is chosen; density by affinity; density by the view sphere,
which falls back to the affinity where it is not trusted (*), by the true directions of the same
averages, and by how much the sphere falls short of these.

Command: ``REBALANCE_TEST_DATA=DIR python benchmarks/gain_share.py [N] [--seeds S] [--sets NAME]``;
N more sets are drawn at random, many of them noisy.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
from gain_sets import ContinuousSet, sets
from numpy.typing import NDArray
from scipy.spatial import cKDTree

import rebalance
from rebalance.sampling import compensation, half_sphere

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Key = tuple[str, float]  # column, share kept
Choices = dict[Key, tuple[NDArray[np.int16], Floats]]  # groups of averages, how many each keeps

KEEP = (0.5, 0.25, 0.15)
JITTER_DEG = 5.0
PER_COUNTED = 3
N_FOURIER = 4000
BAND = 0.05
N_BINS, N_CELLS = 200, 10_000
FEWEST = 4  # superclasses
ALONE, HEARD = "superclasses", "with sphere"
COLUMNS = ("random", *(f"{kind}, {which}" for kind in (ALONE, HEARD) for which in ("best", "auto")))
COLUMNS += ("affinity", "sphere", "true")


class Nearest:
    """Which of the evenly spread axes a direction, v = -v, is nearest to."""

    def __init__(self, n: int) -> None:
        self.axes = half_sphere(n)
        self._tree = cKDTree(np.concatenate([self.axes, -self.axes]))

    def __call__(self, directions: Floats) -> NDArray[np.int16]:
        place = self._tree.query(directions)[1] % len(self.axes)
        return place.astype(np.int16)


BINS, CELLS = Nearest(N_BINS), Nearest(N_CELLS)
REACHED = (np.abs(half_sphere(N_FOURIER) @ CELLS.axes.T) <= BAND).astype(np.float32)


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


def drawn(group: NDArray[np.int16], kept: Floats) -> NDArray[np.bool_]:
    """The first of each group, `kept` of them; particles stand in the order of their keys."""
    order = np.argsort(group, kind="stable")
    size = np.bincount(group, minlength=len(kept))
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = np.arange(len(group)) - np.repeat(np.cumsum(size) - size, size)
    chosen: NDArray[np.bool_] = rank < np.rint(kept)[group]
    return chosen


def capped(size: Floats, total: float) -> Floats:
    """min(size, cap), the cap such that the sum is `total`."""
    low, high = 0.0, float(size.max())
    for _ in range(60):
        cap = (low + high) / 2
        low, high = (cap, high) if np.minimum(size, cap).sum() < total else (low, cap)
    return np.minimum(size, high)


def choices(s: ContinuousSet, aff: rebalance.Affinity, sphere: rebalance.ViewSphere) -> Choices:
    """What decides, by column: groups of the averages, and how many of a group to keep."""
    single, counts = np.arange(len(s.particles), dtype=np.int16), s.particles
    found: Choices = {}
    for keep in KEEP:
        found["random", keep] = (0 * single, np.array([keep * counts.sum()]))
        for name, share in (
            ("affinity", rebalance.keep_fractions(aff, counts, keep=keep)),
            ("sphere", rebalance.keep_fractions(aff, counts, keep=keep, sphere=sphere)),
            ("true", rebalance.keep_fractions_by_direction(s.direction, counts, keep=keep)),
        ):
            found[name, keep] = (single, share * counts)
    for kind, witness in ((ALONE, None), (HEARD, sphere)):
        found |= of_superclasses(kind, rebalance.superclassify(aff, sphere=witness), counts)
    return found


def of_superclasses(kind: str, found: rebalance.Superclasses, counts: Ints) -> Choices:
    """Every number of superclasses, and again the one that was chosen."""
    numbers = {f"{kind} {k}": k for k in found.labels_by_k if k >= FEWEST}
    numbers[f"{kind}, auto"] = found.n_superclasses
    by_number: Choices = {}
    for name, k in numbers.items():
        labels = found.labels_by_k[k].astype(np.int16)
        size = np.bincount(labels, weights=counts)
        for keep in KEEP:
            by_number[name, keep] = (labels, capped(size, keep * counts.sum()))
    return by_number


def sampled(cell: NDArray[np.int16], chosen: Iterator[NDArray[np.bool_]]) -> Floats:
    """Sampling compensation factor (M,) of every choice of particles (P,)."""
    counts = [np.bincount(cell[keep], minlength=N_CELLS) for keep in chosen]
    sampling = REACHED @ np.array(counts, dtype=np.float32).T
    return np.array([compensation(column) for column in sampling.T.astype(np.float64)])


def one_seed(seed: int, s: ContinuousSet, found: Choices) -> dict[Key, float]:
    """Gain shares with the particles of one seed, and the SCF of all of them."""
    rng = np.random.default_rng(seed)
    average = np.repeat(np.arange(len(s.particles)), PER_COUNTED * s.particles)
    average = average[np.argsort(rng.random(len(average)))]
    views = jittered(rng, s.direction[average])
    place = BINS(views)
    size = np.bincount(place, minlength=N_BINS).astype(np.float64)

    def chosen() -> Iterator[NDArray[np.bool_]]:
        yield np.ones(len(views), dtype=np.bool_)
        yield from (drawn(place, capped(size, keep * len(views))) for keep in KEEP)
        yield from (drawn(group[average], PER_COUNTED * kept) for group, kept in found.values())

    scf = sampled(CELLS(views), chosen())
    gain = dict(zip(KEEP, scf[1 : 1 + len(KEEP)] - scf[0], strict=True))
    shares = {
        (name, keep): float((value - scf[0]) / gain[keep])
        for (name, keep), value in zip(found, scf[1 + len(KEEP) :], strict=True)
    }
    return shares | {("all", 1.0): float(scf[0])}


def summary(seeds: list[dict[Key, float]]) -> dict[Key, float]:
    """Means over seeds; of the numbers of superclasses the best."""
    mean = {key: float(np.mean([seed[key] for seed in seeds])) for key in seeds[0]}
    for kind in (ALONE, HEARD):
        names = {n for n, _ in mean if n.startswith(f"{kind} ")}
        best = max(sorted(names), key=lambda name: sum(mean[name, keep] for keep in KEEP))
        mean |= {(f"{kind}, best", keep): mean[best, keep] for keep in KEEP}
    return mean


def measured(s: ContinuousSet, n_seeds: int) -> tuple[list[list[float]], float, str]:
    """Shares (columns, fractions) of one set, the SCF of all, and a mark of the sphere."""
    aff = rebalance.affinity(s.images)
    sphere = rebalance.view_sphere(s.images, aff)
    found = choices(s, aff, sphere)
    row = summary([one_seed(seed, s, found) for seed in range(n_seeds)])
    shares = [[row[column, keep] for keep in KEEP] for column in COLUMNS]
    return shares, row["all", 1.0], "" if sphere.verdict == "trusted" else " *"


def totals(rows: list[list[list[float]]], trusted: NDArray[np.bool_]) -> Iterator[str]:
    """Mean and worst of every column, and what the trusted spheres fall short of the truth."""
    table = np.array(rows)  # (sets, columns, fractions)
    for name, values in (("mean", table.mean(axis=(0, 2))), ("worst", table.min(axis=(0, 2)))):
        yield f"| {name} | | " + " | ".join(f"{value:.3f}" for value in values) + " |"
    if trusted.any():
        short = (table[trusted, -1] - table[trusted, -2]).mean(axis=1)
        yield (
            f"\nBy trusted spheres ({len(short)} of {len(rows)} sets) density falls short of true "
            f"directions by {short.mean():.3f} in the mean, {short.max():.3f} at most; "
            f"{np.count_nonzero(short <= 0.02)} sets by no more than 0.02."
        )


def main() -> None:
    """Print a line for each set, then mean and worst."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("drawn", type=int, nargs="?", default=0)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", nargs="+")
    args = parser.parse_args()
    print("| set | SCF of all | " + " | ".join(COLUMNS) + " |")
    print("|---|---|" + "---|" * len(COLUMNS))
    rows, marks = [], []
    for s in sets(args.sets, args.drawn):
        shares, of_all, mark = measured(s, args.seeds)
        rows.append(shares)
        marks.append(mark)
        cells = (" ".join(f"{share:.2f}" for share in column) for column in shares)
        print(f"| {s.name}{mark} | {of_all:.3f} | " + " | ".join(cells) + " |", flush=True)
    print(*totals(rows, np.array([mark == "" for mark in marks])), sep="\n")


if __name__ == "__main__":
    main()
