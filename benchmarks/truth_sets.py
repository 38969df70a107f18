"""Superclasses on class averages whose views are known, against two well-known clusterings.

Every grouping is given the true number of views and the same affinity. Columns: area under the
ROC curve of the affinity for "same view"; adjusted Rand index of our superclasses, of spectral
clustering (scikit-learn) and of average linkage (SciPy).

Command: ``REBALANCE_TEST_DATA=DIR python benchmarks/truth_sets.py``
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.cluster import SpectralClustering

import rebalance
from rebalance.metrics import adjusted_rand_index, roc_area

COLUMNS = ("AUC", "ours", "spectral", "linkage")


@dataclass(frozen=True)
class TruthSet:
    """N class averages with a known answer.

    Attributes
    ----------
    name : str
        Name of the file, without its ending.
    images : (N, L, L) float32 array
        Class averages.
    label : (N,) int64 array or None
        True view; None for a continuous distribution of directions.
    direction : (N, 3) float64 array
        Unit vectors; v and -v are one view.
    particles : (N,) int64 array
        Particles of each average.
    pixel_size : float
        A per pixel.
    n_views : int or None
        Number of true views; None for a continuous distribution.
    """

    name: str
    images: NDArray[np.float32]
    label: NDArray[np.int64] | None
    direction: NDArray[np.float64]
    particles: NDArray[np.int64]
    pixel_size: float
    n_views: int | None


def load(path: Path) -> TruthSet:
    """Read one set."""
    with np.load(path, allow_pickle=False) as arrays:
        labelled = "label" in arrays
        return TruthSet(
            name=path.stem,
            images=arrays["images"].astype(np.float32),
            label=arrays["label"] if labelled else None,
            direction=arrays["direction"],
            particles=arrays["particles"],
            pixel_size=float(arrays["pixel_size"]),
            n_views=int(arrays["n_views"]) if labelled else None,
        )


def truth_sets(data: Path) -> Iterator[TruthSet]:
    """All sets below a data directory, by name."""
    for path in sorted((data / "truth").glob("*.npz")):
        yield load(path)


def spectral(values: NDArray[np.float32], k: int) -> NDArray[np.int32]:
    """Group by scikit-learn's spectral clustering of the plain affinity."""
    labels: NDArray[np.int32] = SpectralClustering(
        k, affinity="precomputed", random_state=0
    ).fit_predict(values.astype(np.float64))
    return labels


def average_linkage(values: NDArray[np.float32], k: int) -> NDArray[np.int32]:
    """Group by average linkage, with 1 - affinity as distance."""
    distance = squareform(1.0 - values.astype(np.float64), checks=False)
    labels: NDArray[np.int32] = fcluster(linkage(distance, "average"), k, "maxclust")
    return labels


def scores(aff: rebalance.Affinity, label: NDArray[np.int64], k: int) -> tuple[float, ...]:
    """The values of `COLUMNS` for one set."""
    pairs = np.triu_indices(len(label), 1)
    groupings = (
        rebalance.superclassify(aff, k).labels,
        spectral(aff.values, k),
        average_linkage(aff.values, k),
    )
    return (
        roc_area(aff.values[pairs], (label[:, None] == label)[pairs]),
        *(adjusted_rand_index(labels, label) for labels in groupings),
    )


def main() -> int:
    """Print a line per labelled set, then mean and worst."""
    data = os.environ.get("REBALANCE_TEST_DATA")
    if not data:
        print("Set REBALANCE_TEST_DATA to the directory that holds truth/.", file=sys.stderr)
        return 2
    print(f"{'set':<24}{'N':>5}{'k':>4}" + "".join(f"{c:>10}" for c in COLUMNS) + f"{'s':>8}")
    rows = []
    for truth in truth_sets(Path(data)):
        if truth.label is None or truth.n_views is None:
            continue
        start = time.perf_counter()
        aff = rebalance.affinity(truth.images, pixel_size=truth.pixel_size)
        seconds = time.perf_counter() - start
        rows.append(scores(aff, truth.label, truth.n_views))
        row = f"{truth.name:<24}{len(truth.label):>5}{truth.n_views:>4}"
        print(row + _cells(rows[-1]) + f"{seconds:>8.2f}", flush=True)
    if not rows:
        print(f"No labelled set in {data}/truth.", file=sys.stderr)
        return 2
    print(f"{'mean':<33}" + _cells(np.mean(rows, axis=0)))
    print(f"{'worst':<33}" + _cells(np.min(rows, axis=0)))
    return 0


def _cells(values: tuple[float, ...] | NDArray[np.float64]) -> str:
    return "".join(f"{value:>10.3f}" for value in values)


if __name__ == "__main__":
    sys.exit(main())
