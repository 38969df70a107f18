"""What tiles cost, what a second worker gains, and what a cluster would need.

Command: ``python benchmarks/clusters.py [overhead] [workers] [N]``; default: both, N = 4,000. Needs
the extra ``dask``. Processor time tells overhead on a busy machine too; the gain of a worker is
worth what the machine is, whose load is printed.
"""

from __future__ import annotations

import dataclasses
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np
from many_averages import many
from numpy.typing import NDArray

import rebalance
from rebalance._defaults import complete
from rebalance._tiles import cut
from rebalance.config import AffinitySettings

Images = NDArray[np.float32]

ROUNDS = 3
ACROSS = 1024  # averages along the side of a tile of a very large set
PAIR_BYTES = 34  # a pair of a tile: value, angle, shift and mirror, both ways


class Here(Executor):
    """One worker, in this process, whose processor time counts."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **words: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **words))
        return future


def timed(clock: Callable[[], float], images: Images, **words: Any) -> float:
    """Time of one search by a clock."""
    start = clock()
    rebalance.affinity(images, **words)
    return clock() - start


def overhead(n: int) -> float:
    """Print what tiles cost beside the plain call, and the pairs a core finds in a second."""
    images, _ = many(n, 32)
    words = dataclasses.asdict(complete(AffinitySettings(), images))
    plain, tiled = [], []
    for _ in range(ROUNDS):
        plain.append(timed(time.process_time, images, threads=1, **words))
        tiled.append(timed(time.process_time, images, executor=Here(), **words))
        print(f"{plain[-1]:.2f} s, {tiled[-1]:.2f} s; load {os.getloadavg()[0]:.1f}", flush=True)
    ratio = min(tiled) / min(plain)
    pairs = n * (n - 1) / 2
    print(
        f"N = {n:,}, {len(cut(n))} tiles: plain {min(plain):.2f} s, in tiles {min(tiled):.2f} s of "
        f"processor time (least of {ROUNDS}), overhead {100 * (ratio - 1):.1f} %; "
        f"{pairs / min(tiled):,.0f} pairs/s of one thread"
    )
    return pairs / min(tiled)


def workers(n: int) -> None:
    """Print the gain of a second dask worker of one thread, by the clock and by processor time.

    On a machine that is busy with other work the clock says little; then the processor time of
    the busiest worker tells how evenly the tiles are shared, and what the caller adds.
    """
    images, _ = many(n, 32)
    words = dataclasses.asdict(complete(AffinitySettings(), images))
    taken: dict[int, list[Times]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        for number, times in taken.items():
            times.append(on_workers(number, images, words))
            print(f"{number} workers: {times[-1]}; load {os.getloadavg()[0]:.1f}", flush=True)
    rounds = list(zip(taken[1], taken[2], strict=True))
    clock = statistics.median(one.clock / two.clock for one, two in rounds)
    busiest = statistics.median(one.busiest / two.busiest for one, two in rounds)
    print(
        f"N = {n:,}, medians of {ROUNDS} ratios: two workers {clock:.2f} times one by the clock, "
        f"{busiest:.2f} times by the processor time of the busiest"
    )


@dataclasses.dataclass(frozen=True)
class Times:
    """Seconds of a search: by the clock, of the busiest worker, of the calling process."""

    clock: float
    busiest: float
    caller: float

    def __str__(self) -> str:
        return (
            f"{self.clock:.1f} s, busiest {self.busiest:.1f} s and caller {self.caller:.1f} s of "
            "processor time"
        )


def on_workers(number: int, images: Images, words: dict[str, Any]) -> Times:
    """A search by so many dask workers of one thread, which have loaded all."""
    from distributed import Client, LocalCluster

    asked = {"n_workers": number, "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(**asked) as cluster, Client(cluster) as client:
        pool = client.get_executor()
        client.run(rebalance.affinity, images[:32], **words)
        before, start = client.run(time.process_time), time.process_time()
        clock = timed(time.perf_counter, images, executor=pool, **words)
        caller = time.process_time() - start
        after = client.run(time.process_time)
        return Times(clock, max(after[name] - before[name] for name in after), caller)


def extrapolated(rate: float, n: int = 1_000_000) -> None:
    """Print tiles, bytes and core hours of a very large set at a measured rate."""
    side = math.ceil(n / ACROSS)
    pairs = n * (n - 1) / 2
    print(
        f"N = {n:,}: {side * (side + 1) // 2:,} tiles of {ACROSS:,} x {ACROSS:,}, "
        f"{pairs / rate / 3600:,.0f} core hours, {PAIR_BYTES * pairs / 1e12:,.1f} TB of all pairs"
    )


def main() -> None:
    """Measure what is asked for."""
    words = [word for word in sys.argv[1:] if not word.isdigit()] or ["overhead", "workers"]
    n = next((int(word) for word in sys.argv[1:] if word.isdigit()), 4000)
    if "overhead" in words:
        extrapolated(overhead(n))
    if "workers" in words:
        workers(n)


if __name__ == "__main__":
    main()
