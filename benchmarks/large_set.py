"""Time and memory of the search of a large set, measured in a process that does nothing else.

Command: ``python benchmarks/large_set.py IMAGES.npy FEW``; prints JSON.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import rebalance
from rebalance._defaults import complete
from rebalance.config import AffinitySettings

THREADS = 2
# Given, so that the work does not hang on what is found in the simulated averages.
ASKED = AffinitySettings(band=(0.01, 0.15))


def resident(field: str) -> float:
    """Memory of this process, bytes: VmRSS, now, or VmHWM, its highest so far.

    Unlike what `getrusage` tells, this does not begin with the memory of the parent process.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return 1024.0 * int(line.split()[1])
    raise LookupError(field)


def seconds(images: NDArray[np.float32], settings: AffinitySettings) -> float:
    """Time of one search."""
    start = time.perf_counter()
    rebalance.affinity(images, threads=THREADS, **dataclasses.asdict(settings))
    return time.perf_counter() - start


def main() -> None:
    """Search few, then all, then few again."""
    path, few = sys.argv[1], int(sys.argv[2])
    images = np.load(path, allow_pickle=False)
    settings = complete(ASKED, images[:few])
    before = resident("VmRSS")
    few_s = [seconds(images[:few], settings) for _ in range(4)]
    many_s = seconds(images, settings)
    beyond = resident("VmHWM") - before
    few_s += [seconds(images[:few], settings) for _ in range(3)]
    assert settings.band
    grid = (
        f"band {settings.band[0]:.3f} to {settings.band[1]:.3f}, {settings.rings} rings, "
        f"{settings.angles} angles, {settings.max_shift:g} px in steps of {settings.shift_step:g}"
    )
    got = {"few_s": min(few_s[1:]), "many_s": many_s, "beyond_gb": beyond / 1e9, "grid": grid}
    print(json.dumps(got))


if __name__ == "__main__":
    main()
