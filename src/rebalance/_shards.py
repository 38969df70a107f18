"""Shards: the tiles of an affinity shared out among jobs that know nothing of each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._affinity_results import Affinity
from ._defaults import complete
from ._result_arrays import MEMORY_LIMIT, pair_arrays
from ._tiles import Prepared, Tile, TilePairs, cut, prepare, put
from .checks import as_images
from .config import AffinitySettings
from .errors import RebalanceError


@dataclass(frozen=True)
class Shard:
    """Shard `number` of `of`, counted from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def tiles_of(shard: Shard, n_images: int) -> tuple[dict[int, Tile], int]:
    """Tiles of a shard by their number, from 0, and the number of all tiles.

    Raises
    ------
    RebalanceError
        If there are fewer tiles than shards.
    """
    tiles = cut(n_images, shard.of)
    if len(tiles) < shard.of:
        raise RebalanceError(
            f"{n_images} averages make at most {len(tiles)} tiles, too few for {shard.of} shards: "
            f"ask for {len(tiles)} or fewer"
        )
    return dict(list(enumerate(tiles))[shard.number - 1 :: shard.of]), len(tiles)


def shard_of(tile: int, n_shards: int) -> Shard:
    """The shard that a tile belongs to."""
    return Shard(tile % n_shards + 1, n_shards)


def prepare_asked(images: NDArray[np.float32], asked: AffinitySettings, threads: int) -> Prepared:
    """Rings of (N, L, L) `images`, what was not asked for being chosen from them."""
    stack = as_images(images)
    return prepare(stack, complete(asked, stack, threads), threads)


def join(n_images: int, tiles: Iterable[TilePairs], settings: AffinitySettings) -> Affinity:
    """The affinity that all `tiles` together make up."""
    out = pair_arrays(n_images, n_images, MEMORY_LIMIT)
    for found in tiles:
        put(found, out)
    return Affinity(*out, settings)
