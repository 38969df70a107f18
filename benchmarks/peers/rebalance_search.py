"""rebalance: the default search, and the exhaustive one with ``exhaustive`` as third argument."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy as np
from task import Range, memory

import rebalance

ROUNDS = 5  # as a call takes a tenth of a second


def timed(work: Callable[[], object]) -> float:
    """Processor time."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """``rebalance_search.py TASK.npz VALUES.npy [exhaustive]``."""
    exhaustive = sys.argv[3:] == ["exhaustive"]
    with np.load(sys.argv[1], allow_pickle=False) as task:
        real, labelled = task["real"], task["labelled"]
    before = memory()
    asked = Range()

    def values(images: np.ndarray) -> np.ndarray:
        found = rebalance.affinity(
            images, max_shift=asked.max_shift, exhaustive=exhaustive, threads=1
        )
        return found.values

    values(real[:3])
    seconds = min(timed(lambda: values(real)) for _ in range(ROUNDS))
    pairs = len(real) * (len(real) - 1) // 2
    np.save(sys.argv[2], values(labelled))
    print(json.dumps({"pairs": pairs, "seconds": seconds, "memory": memory() - before}))


if __name__ == "__main__":
    main()
