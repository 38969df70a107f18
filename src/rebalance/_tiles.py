"""Tiles: blocks of pairs of the affinity, made from rings that were prepared once.

What a tile holds does not depend on where and when it is made, nor on how the pairs are cut into
tiles: it is to the bit what the search of the whole stack finds.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._result_arrays import PairArrays, small_arrays
from ._rings import polar_rings, search_of
from ._scan import pair_search
from .config import AffinitySettings

Images = NDArray[np.float32]
Indices = NDArray[np.int64]

LANES = 16  # averages of a unit, which is never cut
MOST_UNITS = 64  # along a side: a tile of 1,024 averages by 1,024 is sent as 36 MB
LEAST_UNITS = 2  # along a side: what smaller tiles prepare twice over costs more than their pairs
ENOUGH = 8  # blocks along a side: 36 tiles keep a few workers even


@dataclass(frozen=True)
class Tile:
    """Pairs of the averages in a block of units with those in another, or in the same."""

    rows: tuple[int, int]  # first unit, and the one after the last
    lanes: tuple[int, int]

    @property
    def on_diagonal(self) -> bool:
        """Whether both blocks are the same one."""
        return self.rows == self.lanes


@dataclass(frozen=True)
class Prepared:
    """All that tiles are made from.

    Attributes
    ----------
    settings : AffinitySettings
        Complete.
    units : (U, K, A, 16) float32 array
        Samples on the rings, 16 averages a unit; the first unit may be partly empty.
    order : (N,) int64 array
        Average in each slot.
    power : tuple of K float
        Of the whole stack on each ring.
    first_rings : tuple of int
        Products that the search of the whole stack leaves out.
    mask_radius : float
        px.
    """

    settings: AffinitySettings
    units: NDArray[np.float32]
    order: Indices
    power: tuple[float, ...]
    first_rings: tuple[int, ...]
    mask_radius: float

    def __len__(self) -> int:
        return len(self.order)

    def slots(self, units: tuple[int, int]) -> slice:
        """Slots of a block of units."""
        empty = len(self.units) * LANES - len(self)
        return slice(max(units[0] * LANES - empty, 0), units[1] * LANES - empty)

    def rings(self, units: tuple[int, int]) -> _core.PolarRings:
        """Rings of a block of units, in the order of slots."""
        assert self.settings.band
        slots = self.slots(units)
        return _core.PolarRings.from_units(
            np.ascontiguousarray(self.units[units[0] : units[1]]),
            n_images=slots.stop - slots.start,
            low=self.settings.band[0],
            high=self.settings.band[1],
            mask_radius=self.mask_radius,
        )

    def search(self, threads: int) -> _core.PairSearch:
        """The search of the whole stack, for parts of it."""
        return pair_search(self.settings, np.array(self.power), threads, self.first_rings)

    def without_arrays(self) -> Prepared:
        """What is small enough to go with every tile."""
        return replace(self, units=self.units[:0], order=self.order[:0])

    def sha256(self) -> str:
        """Checksum of everything."""
        digest = hashlib.sha256(repr((self.settings, self.power, self.first_rings)).encode())
        digest.update(np.ascontiguousarray(self.order).data)
        digest.update(np.ascontiguousarray(self.units).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class TilePairs:
    """What was found of a tile: R averages `rows` and C averages `lanes`, by index.

    Attributes
    ----------
    rows, lanes : (R,) and (C,) int64 arrays
        Averages.
    on_rows : PairArrays
        (R, C): how averages of `lanes` lie on those of `rows`.
    on_lanes : PairArrays or None
        (C, R): the inverse; None on the diagonal, where `on_rows` holds it.
    instruction_set : str
        With which it was computed.
    """

    rows: Indices
    lanes: Indices
    on_rows: PairArrays
    on_lanes: PairArrays | None
    instruction_set: str

    def halves(self) -> Iterator[tuple[Indices, Indices, PairArrays]]:
        """Averages, those laid on them, and how."""
        yield self.rows, self.lanes, self.on_rows
        if self.on_lanes is not None:
            yield self.lanes, self.rows, self.on_lanes


def prepare(images: Images, settings: AffinitySettings, threads: int) -> Prepared:
    """Rings of (N, L, L) `images` under complete `settings`."""
    rings = polar_rings(images, settings, threads)
    return Prepared(
        settings,
        rings.units(),
        rings.order(),
        tuple(rings.power()),
        tuple(_core.find_first_rings(rings, search_of(settings, threads, rings))),
        rings.mask_radius,
    )


def cut(n_images: int, least: int = 1) -> list[Tile]:
    """All pairs of N averages in tiles, the largest first; at least so many tiles if it can be."""
    n_units = math.ceil(n_images / LANES)
    blocks = max(ENOUGH, math.ceil((math.sqrt(8 * least + 1) - 1) / 2))
    side = min(max(math.ceil(n_units / blocks), LEAST_UNITS), MOST_UNITS)
    if least > 1:  # as asked, also where tiles become small
        side = min(side, max(n_units // blocks, 1))
    cuts = [*range(n_units, 0, -side), 0][::-1]  # the first block may be smaller
    block = list(pairwise(cuts))
    across = [Tile(rows, lanes) for n, lanes in enumerate(block) for rows in block[:n]]
    return [*across[::-1], *(Tile(one, one) for one in block[::-1])]


def search_tile(prepared: Prepared, tile: Tile, threads: int) -> TilePairs:
    """Compare the pairs of one tile."""
    search, rings = prepared.search(threads), prepared.rings(tile.rows)
    rows = prepared.order[prepared.slots(tile.rows)]
    lanes = prepared.order[prepared.slots(tile.lanes)]
    on_rows, on_lanes = small_arrays(len(rows), len(lanes)), None
    if tile.on_diagonal:
        _core.search_pairs(rings, search, on_rows)
    else:
        on_lanes = small_arrays(len(lanes), len(rows))
        others = prepared.rings(tile.lanes)
        _core.search_between(rings, others, search, on_rows, inverse=on_lanes)
    return TilePairs(rows, lanes, on_rows, on_lanes, _core.instruction_set())


def put(found: TilePairs, out: PairArrays) -> None:
    """Enter a tile into (N, N) arrays."""
    for rows, columns, pairs in found.halves():
        at = np.ix_(rows, columns)
        for whole, part in zip(out, pairs, strict=True):
            whole[at] = part
