"""Tiles on the workers of any executor of ``concurrent.futures``, of one machine or of many.

Workers map one file of rings where they see the directory for temporary files. A worker that does
not, on another machine, asks for the rings with its first tile and keeps them. Tiles that an
executor loses, as their worker was killed, are done here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from . import _core
from ._affinity_results import Affinity, SparseAffinity
from ._nearest_tiles import NearestOfAll, NearestPairs, nearest_of_tile
from ._result_arrays import pair_arrays
from ._ring_file import mapped_rings, shared_rings
from ._tiles import Prepared, Tile, TilePairs, cut, put, search_tile
from .checks import as_threads
from .errors import RebalanceError

Found = TilePairs | NearestPairs
Progress = Callable[[int, int], None]

AT_ONCE = 512  # tiles given to the executor at a time, so that results do not pile up

_kept: dict[str, Prepared] = {}  # rings that this process was given: those of one stack


@dataclass(frozen=True)
class Order:
    """What a worker is told of a tile."""

    key: str  # checksum of the rings
    folder: str
    small: Prepared  # all but the arrays
    tile: Tile
    top: int | None  # neighbours to keep of each average; None: all
    threads: int

    def search(self, prepared: Prepared) -> Found:
        """Do it, with the rings."""
        found = search_tile(prepared, self.tile, self.threads)
        return found if self.top is None else nearest_of_tile(found, self.top)


def do(order: Order, rings: Prepared | None = None) -> Found | None:
    """On a worker: a tile, or None where the rings are missing here."""
    prepared = rings or _kept.get(order.key) or mapped_rings(order.small, order.folder)
    if prepared is None:
        return None
    if order.key not in _kept:
        _kept.clear()
        _kept[order.key] = prepared
    return order.search(prepared)


class _Run:
    """One run of tiles on an executor."""

    def __init__(self, executor: Executor, prepared: Prepared, take: Callable[[Any], None]):
        self.executor, self.prepared, self.take = executor, prepared, take
        self.waiting: dict[Future[Found | None], Order] = {}
        self.lost: list[Order] = []
        self.why = ""
        self.foreign: set[str] = set()

    def submit(self, order: Order, rings: Prepared | None = None) -> None:
        try:
            self.waiting[self.executor.submit(do, order, rings)] = order
        except RuntimeError as error:  # broken, or shut down
            self.lose(order, error)

    def lose(self, order: Order, error: BaseException) -> None:
        self.lost.append(order)
        self.why = self.why or (type(error).__name__)

    def enter(self, found: Found) -> None:
        if found.instruction_set != _core.instruction_set():
            self.foreign.add(found.instruction_set)
        self.take(found)

    def collect(self) -> int:
        """Enter the tiles that are finished, at least one; how many."""
        done, _ = wait(self.waiting, return_when=FIRST_COMPLETED)
        entered = 0
        for future in done:
            order = self.waiting.pop(future)
            try:
                found = future.result()
            except RebalanceError:
                raise
            except (Exception, CancelledError) as error:  # what a lost worker raises, each its own
                self.lose(order, error)
                continue
            if found is None:
                self.submit(order, self.prepared)
                continue
            self.enter(found)
            entered += 1
        return entered

    def stop(self) -> None:
        for future in self.waiting:
            future.cancel()

    def warnings(self, n_tiles: int) -> tuple[str, ...]:
        told = []
        if self.lost:
            told.append(
                f"{len(self.lost)} of {n_tiles} tiles were lost with their workers ({self.why}) "
                "and were computed here instead: the result is whole"
            )
        if self.foreign:
            told.append(
                f"workers computed with {', '.join(sorted(self.foreign))}, this process with "
                f"{_core.instruction_set()}: the last bits may differ from those of one machine; "
                "set REBALANCE_ISA everywhere to have them the same"
            )
        return tuple(told)


@dataclass(frozen=True)
class Workers:
    """Who computes: the workers of an executor, each with so many threads, watched by a caller."""

    executor: Executor
    threads: int
    progress: Progress | None  # called as progress(tiles done, tiles)


def tiled_affinity(
    prepared: Prepared, workers: Workers, top: int | None, memory_limit: int
) -> Affinity | SparseAffinity:
    """Affinity of N averages, or of their `top` neighbours, computed in tiles."""
    n, tiles = len(prepared), cut(len(prepared))
    if top is not None:
        nearest = NearestOfAll(n, top)
        warnings = run_tiles(prepared, tiles, workers, nearest.take, top)
        neighbour = nearest.neighbour.astype(np.int32)
        return SparseAffinity(neighbour, *nearest.pairs, prepared.settings, warnings)
    out = pair_arrays(n, n, memory_limit)
    warnings = run_tiles(prepared, tiles, workers, lambda found: put(found, out), None)
    return Affinity(*out, prepared.settings, warnings)


def run_tiles(
    prepared: Prepared,
    tiles: Sequence[Tile],
    workers: Workers,
    take: Callable[[Any], None],
    top: int | None,
) -> tuple[str, ...]:
    """Have all `tiles` computed, and taken here in any order; returns warnings."""
    key, small = prepared.sha256(), prepared.without_arrays()
    run, finished = _Run(workers.executor, prepared, take), 0

    def tell(entered: int) -> None:
        nonlocal finished
        finished += entered
        if workers.progress is not None:
            workers.progress(finished, len(tiles))

    with shared_rings(prepared) as folder:
        orders = iter([Order(key, folder, small, tile, top, workers.threads) for tile in tiles])
        try:
            while _fill(run, orders):
                tell(run.collect())
            for order in run.lost:
                run.enter(replace(order, threads=as_threads(None)).search(prepared))
                tell(1)
        finally:
            run.stop()
            _kept.pop(key, None)
    return run.warnings(len(tiles))


def _fill(run: _Run, orders: Iterator[Order]) -> bool:
    """Keep the executor busy; whether it still has anything to do."""
    for order in islice(orders, AT_ONCE - len(run.waiting)):
        run.submit(order)
    return bool(run.waiting)
