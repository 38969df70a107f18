"""Where averages lie among others, from their nearest neighbours: a sparse eigenproblem."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Values = NDArray[np.float64]
Floats = NDArray[np.float32]

DIMENSIONS = 64  # eigenvectors: a little more than the most superclasses that are tried
ROUNDS = 8  # of subspace iteration
STEPS = 3  # of diffusion in each round
SCALE = 15  # rank of the neighbour at whose distance links fade
SPREAD = 2.0  # diffusion time of the coordinates: eigenvalues to this power


def coordinates(graph: sparse.csr_array) -> Floats:
    """(N, D) unit vectors, alike for averages that a diffusion along links brings together.

    Links weigh exp(-d^2 / (s_i s_j)), d^2 = 1 - a, s_i the distance to the fifteenth neighbour
    (Zelnik-Manor & Perona 2004). The eigenvectors of the normalised weights with the largest
    eigenvalues, found by block power iterations from fixed numbers (Halko, Martinsson & Tropp
    2011): unlike Lanczos' method a block finds the many equal eigenvalues of parts that are not
    linked.
    """
    walk = _walk(graph)
    n = walk.shape[0]
    block = np.random.default_rng(0).standard_normal((n, min(DIMENSIONS, n))).astype(np.float32)
    for _ in range(ROUNDS):
        for _ in range(STEPS):
            block = walk @ block
        block = np.linalg.qr(block)[0]
    values, turn = np.linalg.eigh((block.T @ (walk @ block)).astype(np.float64))
    scaled = (block @ turn.astype(np.float32)) * np.clip(values, 0, 1).astype(np.float32) ** SPREAD
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    unit: Floats = scaled / np.maximum(length, np.float32(1e-12))
    return unit


def _walk(graph: sparse.csr_array) -> sparse.csr_array:
    """(N, N) normalised weights of the links, each average also linked to itself."""
    links = sparse.coo_array(graph)
    off = links.row != links.col
    row, column = links.row[off], links.col[off]
    squared = 1.0 - links.data[off].astype(np.float64)
    scale = _scales(row, np.sqrt(np.maximum(squared, 0)), graph.shape[0])
    weight = np.exp(-squared / np.maximum(scale[row] * scale[column], 1e-12))
    weights = sparse.csr_array((weight, (row, column)), shape=graph.shape)
    weights = weights + sparse.eye_array(graph.shape[0], format="csr")
    half = 1.0 / np.sqrt(np.asarray(weights.sum(axis=1)).ravel())
    normalised = sparse.diags_array(half) @ weights @ sparse.diags_array(half)
    return sparse.csr_array(normalised).astype(np.float32)


def _scales(row: NDArray[np.int32], distance: Values, n: int) -> Values:
    """(N,) distance to the neighbour of rank SCALE, or to the farthest that is known."""
    order = np.lexsort((distance, row))
    starts = np.searchsorted(row[order], np.arange(n))
    counts = np.bincount(row, minlength=n)
    at = starts + np.minimum(counts, SCALE) - 1
    scale = np.full(n, 1.0)
    linked = counts > 0
    scale[linked] = distance[order][at[linked]]
    return scale
