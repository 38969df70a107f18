"""The nearest neighbours of every average, from tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._result_arrays import PairArrays, small_arrays
from ._tiles import Indices, TilePairs


@dataclass(frozen=True)
class NearestPairs:
    """The nearest neighbours that a tile knows of its averages.

    Attributes
    ----------
    halves : tuple of (average, neighbour, PairArrays)
        (R,) averages; their (R, T) neighbours in this tile, the nearest first; how these lie on
        them, each (R, T).
    instruction_set : str
        With which it was computed.
    """

    halves: tuple[tuple[Indices, Indices, PairArrays], ...]
    instruction_set: str


def nearest_of_tile(found: TilePairs, top: int) -> NearestPairs:
    """Keep at most `top` neighbours of every average of a tile."""
    halves = []
    for rows, columns, pairs in found.halves():
        neighbour = np.broadcast_to(columns, (len(rows), len(columns)))
        others = neighbour != rows[:, None]
        most = min(top, len(columns) - (found.on_lanes is None))
        kept = _nearest(neighbour, pairs.values, others, most)
        halves.append((rows, *_chosen(neighbour, pairs, kept)))
    return NearestPairs(tuple(halves), found.instruction_set)


class NearestOfAll:
    """Neighbours of N averages, from all tiles in any order."""

    def __init__(self, n: int, top: int) -> None:
        self.neighbour = np.full((n, top), -1, np.int64)
        self.pairs = small_arrays(n, top)
        self.pairs.values[:] = -1

    def take(self, found: NearestPairs) -> None:
        """Let a tile's neighbours replace worse ones."""
        for rows, neighbour, pairs in found.halves:
            both = np.concatenate([self.neighbour[rows], neighbour], axis=1)
            joined = PairArrays._make(
                np.concatenate([whole[rows], part], axis=1)
                for whole, part in zip(self.pairs, pairs, strict=True)
            )
            kept = _nearest(both, joined.values, both >= 0, self.neighbour.shape[1])
            self.neighbour[rows], best = _chosen(both, joined, kept)
            for whole, part in zip(self.pairs, best, strict=True):
                whole[rows] = part


def _nearest(
    neighbour: Indices, values: NDArray[np.float32], there: NDArray[np.bool_], top: int
) -> Indices:
    """(R, T) columns of the highest values of each row, ties by lower index of the neighbour."""
    usable = np.where(there, values, np.float32(-2))
    order = np.argsort(neighbour, axis=1, kind="stable")
    ranked = np.argsort(-np.take_along_axis(usable, order, axis=1), axis=1, kind="stable")
    return np.take_along_axis(order, ranked[:, :top], axis=1)


def _chosen(neighbour: Indices, pairs: PairArrays, kept: Indices) -> tuple[Indices, PairArrays]:
    at = np.arange(len(kept))[:, None], kept
    return neighbour[at], PairArrays._make(array[at] for array in pairs)
