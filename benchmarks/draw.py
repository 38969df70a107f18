"""Time and memory of the draw: 10 million particles in 200 superclasses, every policy.

Beside it NumPy's argsort of as many random numbers, in the same process and taking turns. Prints
a markdown table.

Command: ``python benchmarks/draw.py [--particles P] [--superclasses K] [--skewed]``
"""

from __future__ import annotations

import one_thread  # noqa: F401

# isort: split
import argparse
import subprocess
import sys
from functools import partial
from typing import Any

import numpy as np
from goal import HEADER, Measured
from timing import best_times

from rebalance import balance

PARTICLES_PER_AVERAGE = 5_000
PARTICLES_PER_MICROGRAPH = 300
WAYS: dict[str, dict[str, Any]] = {
    "random": {"drop": "random"},
    "random, half sets": {"drop": "random", "half_sets": True},
    "worst, half sets": {"drop": "worst", "half_sets": True, "quality": True},
    "even, half sets": {
        "drop": "even",
        "half_sets": True,
        "averages": True,
        "micrographs": True,
    },
}
RULES: dict[str, dict[str, Any]] = {
    "factor 0.5": {"factor": "0.5"},
    "half of all": {"target": 0.5},
}


def superclasses(n: int, k: int, skewed: bool) -> np.ndarray:
    """(P,) int32 superclass of each particle, in random order; skewed: sizes as 1 / rank."""
    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, k + 1) if skewed else 0.2 + rng.random(k)
    return rng.choice(k, n, p=share / share.sum()).astype(np.int32)


def known(group: np.ndarray) -> dict[str, np.ndarray]:
    """What the policies may know of each particle."""
    rng, n = np.random.default_rng(1), len(group)
    size = np.bincount(group)[group]
    of_superclass = rng.integers(0, np.maximum(1, size // PARTICLES_PER_AVERAGE))
    return {
        "ids": rng.integers(0, 2**63, n, dtype=np.uint64),
        "quality": rng.random(n),
        "averages": (group * 1000 + of_superclass).astype(np.int32),
        "micrographs": rng.integers(0, n // PARTICLES_PER_MICROGRAPH, n).astype(np.int32),
        "half_sets": rng.integers(1, 3, n).astype(np.int8),
    }


def arguments(group: np.ndarray, way: str, rule: str) -> dict[str, Any]:
    """What :func:`rebalance.balance` is called with."""
    have = known(group)
    given = {name: have[name] if value is True else value for name, value in WAYS[way].items()}
    asked = {"target": len(group) // 2} if rule == "half of all" else RULES[rule]
    return {"ids": have["ids"], **given, **asked}


def resident(field: str) -> int:
    """Bytes of memory of this process, as the system counts them."""
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith(field))
    return 1024 * int(line.split()[1])


def memory_beyond_input(group: np.ndarray, way: str, rule: str) -> float:
    """Highest resident memory of one draw less that before it, MB; alone in its process."""
    given = arguments(group, way, rule)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # forget the highest so far
    before = resident("VmRSS")
    balance(group, **given)
    return (resident("VmHWM") - before) / 1e6


def memory_in_a_process_of_its_own(way: str, rule: str, words: list[str]) -> float:
    """As :func:`memory_beyond_input`."""
    command = [sys.executable, __file__, *words, "--memory-of", way, rule]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def measure(group: np.ndarray, words: list[str], rounds: int = 3) -> None:
    """Print the table."""
    values = np.random.default_rng(2).random(len(group))
    for rule in RULES:
        ways = {way: partial(balance, group, **arguments(group, way, rule)) for way in WAYS}
        times = best_times({"argsort": partial(np.argsort, values), **ways}, rounds)
        for way in WAYS:
            memory = memory_in_a_process_of_its_own(way, rule, words)
            ratio = times[way] / times["argsort"]
            how = f"{way}, {rule}; argsort {times['argsort']:.2f} s, best of {rounds}"
            print(Measured("three argsort", f"{times[way]:.2f} s, {ratio:.2f} argsort", how))
            print(Measured("200 MB beyond the input", f"{memory:.0f} MB", how), flush=True)


def main() -> None:
    """Measure, or only the memory of one way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--particles", type=int, default=10_000_000)
    parser.add_argument("--superclasses", type=int, default=200)
    parser.add_argument("--skewed", action="store_true", help="sizes as 1 / rank")
    parser.add_argument("--memory-of", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    group = superclasses(args.particles, args.superclasses, args.skewed)
    if args.memory_of:
        print(memory_beyond_input(group, *args.memory_of))
        return
    print(f"{len(group):,} particles in {args.superclasses} superclasses", HEADER, sep="\n\n")
    measure(group, sys.argv[1:])


if __name__ == "__main__":
    main()
