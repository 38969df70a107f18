"""Ways of grouping averages, at the true number of views: why superclasses are made as they are.

``REBALANCE_TEST_DATA=... python benchmarks/groupings.py [SETS]`` prints the mean and the worst
adjusted Rand index of every way on the labelled sets and on SETS generated ones (default 12).
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
from generated_sets import generated, labelled
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.linalg import eigh
from scipy.spatial.distance import squareform
from sklearn.cluster import KMeans
from sklearn.cluster._spectral import cluster_qr, discretize

from rebalance import _core
from rebalance.metrics import adjusted_rand_index

Values = NDArray[np.float64]
Labels = NDArray[np.integer]
Way = Callable[[Values, int], Labels]


def hierarchical(values: Values, k: int, method: str) -> Labels:
    distance = np.maximum(0, 1 - values)
    np.fill_diagonal(distance, 0)
    return fcluster(linkage(squareform(distance, checks=False), method), k, "maxclust")


def sharpened(values: Values, neighbours: int = 3, reach: float = 2.0) -> Values:
    return _core.sharpen(values, neighbours=neighbours, reach=reach)


def of_sharpened(way: Way) -> Way:
    return lambda values, k: way(sharpened(values), k)


def tree(values: Values, k: int, damping: float = 0.09, neighbours: int = 3) -> Labels:
    n = len(values)
    joins, _ = _core.superclass_tree(sharpened(values, neighbours), [-1] * n, damping=damping)
    group = np.arange(n)
    for stays, goes in joins[: n - k]:
        group[group == goes] = stays
    return group


def kernel(values: Values, rank: float, share: float) -> Values:
    """Gaussian, scaled by a share of each row's distance at a rank (0 nearest, 1 farthest)."""
    squared = np.maximum(0, 1 - values)
    distance = np.sort(np.sqrt(squared), axis=1)
    scale = np.maximum(share * distance[:, int(rank * (len(distance) - 1))], 1e-6)
    return np.exp(-squared / np.outer(scale, scale))


def by_seventh(values: Values) -> Values:
    """Zelnik-Manor & Perona 2004."""
    return kernel(values, 7 / len(values), 1.0)


def embedding(weight: Values, k: int, self_loops: bool, normalisation: str) -> Values:
    weight = weight.copy()
    if not self_loops:
        np.fill_diagonal(weight, 0)
    degree = weight.sum(axis=1)
    matrix = weight if normalisation == "none" else weight / np.sqrt(np.outer(degree, degree))
    n = len(weight)
    vectors = eigh(matrix, subset_by_index=(n - k, n - 1))[1]
    if normalisation == "random walk":
        return vectors / np.sqrt(degree)[:, None]
    return vectors


def unit(rows: Values) -> Values:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def k_means(vectors: Values, k: int) -> Labels:
    return KMeans(k, n_init=10, random_state=0).fit_predict(unit(vectors))


def rotated(vectors: Values, k: int) -> Labels:
    return discretize(vectors, random_state=0)


def by_qr(vectors: Values, k: int) -> Labels:
    return cluster_qr(vectors)


def by_linkage(vectors: Values, k: int) -> Labels:
    return fcluster(linkage(unit(vectors), "average"), k, "maxclust")


def spectral(
    values: Values,
    k: int,
    weigh: Callable[[Values], Values],
    assign: Way = k_means,
    self_loops: bool = True,
    normalisation: str = "symmetric",
) -> Labels:
    return assign(embedding(weigh(values), k, self_loops, normalisation), k)


def plain(values: Values) -> Values:
    return values


MEDIAN = partial(kernel, rank=0.5, share=0.55)
FAR = partial(kernel, rank=0.95, share=0.45)
WAYS: dict[str, Way] = {
    "spectral, plain affinity, k-means": partial(spectral, weigh=plain),
    "spectral, seventh neighbour, k-means": partial(spectral, weigh=by_seventh),
    "spectral, far-scaled, k-means": partial(spectral, weigh=FAR),
    "spectral, median-scaled, k-means": partial(spectral, weigh=MEDIAN),
    "the same, no self-loops": partial(spectral, weigh=MEDIAN, self_loops=False),
    "the same, not normalised": partial(spectral, weigh=MEDIAN, normalisation="none"),
    "the same, random walk": partial(spectral, weigh=MEDIAN, normalisation="random walk"),
    "the same, discretisation": partial(spectral, weigh=MEDIAN, assign=rotated),
    "the same, QR": partial(spectral, weigh=MEDIAN, assign=by_qr),
    "the same, average linkage": partial(spectral, weigh=MEDIAN, assign=by_linkage),
    "spectral of sharpened, median-scaled, k-means": of_sharpened(partial(spectral, weigh=MEDIAN)),
    "the same, scale 0.2, average linkage": of_sharpened(
        partial(spectral, weigh=partial(kernel, rank=0.5, share=0.2), assign=by_linkage)
    ),
    "average linkage": partial(hierarchical, method="average"),
    "complete linkage": partial(hierarchical, method="complete"),
    "Ward": partial(hierarchical, method="ward"),
    "average linkage of sharpened": of_sharpened(partial(hierarchical, method="average")),
    "Ward of sharpened": of_sharpened(partial(hierarchical, method="ward")),
    "tree, no neighbours": partial(tree, neighbours=0),
    "tree, 1 neighbour": partial(tree, neighbours=1),
    "tree, 2 neighbours": partial(tree, neighbours=2),
    "tree, 3 neighbours (superclasses)": tree,
    "tree, 5 neighbours": partial(tree, neighbours=5),
    "tree, damping 0": partial(tree, damping=0.0),
    "tree, damping 0.15": partial(tree, damping=0.15),
    "tree, damping 0.35": partial(tree, damping=0.35),
    "tree, damping 1": partial(tree, damping=1.0),
}


def main() -> None:
    """Print a line per way."""
    warnings.simplefilter("ignore")
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    kinds = [[s for s in labelled() if s.label.min() >= 0], list(generated(n))]
    print(f"| way | {len(kinds[0])} labelled sets: mean, worst | {n} generated: mean, worst |")
    print("|---|---|---|")
    for name, way in WAYS.items():
        cells = []
        for sets in kinds:
            found = [adjusted_rand_index(way(s.values, s.n_views), s.label) for s in sets]
            cells.append(f"{np.mean(found):.3f}, {np.min(found):.3f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
