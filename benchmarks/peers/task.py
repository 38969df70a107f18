"""What every peer is asked: the same images, the same search range, one thread.

A peer's script says ``measure(Search)``, with a class that prepares images and compares one with
others. It runs in an environment of its own, with NumPy and the peer.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]
Values = NDArray[np.float64]

BUDGET = 8.0  # seconds of processor time for the speed, after a warm-up


@dataclass(frozen=True)
class Range:
    """What is searched: shifts in a disc, whole turns, mirror images; under a circular mask."""

    max_shift: int = 4  # px, in steps of 1
    n_angles: int = 160


class Search(Protocol):
    """How a peer compares images."""

    def __init__(self, images: Images, asked: Range) -> None: ...

    def compare(self, i: int, others: NDArray[np.intp]) -> Values:
        """Highest correlation of image i with each of the others."""


def shifts(asked: Range) -> NDArray[np.intp]:
    """(T, 2) whole shifts (y, x) in the disc."""
    line = np.arange(-asked.max_shift, asked.max_shift + 1)
    y, x = (axis.ravel() for axis in np.meshgrid(line, line, indexing="ij"))
    inside = y * y + x * x <= asked.max_shift**2
    return np.stack([y[inside], x[inside]], axis=1)


def circle(box: int) -> NDArray[np.bool_]:
    """(L, L) pixels that are compared."""
    y, x = np.indices((box, box)) - box // 2
    return np.asarray(np.hypot(y, x) < 0.46 * box)


def masked(images: Images) -> Images:
    """Images of mean 0 and norm 1 inside the circle, 0 outside."""
    inside = circle(images.shape[1])
    out = np.zeros_like(images)
    pixels = images[:, inside] - images[:, inside].mean(axis=1, keepdims=True)
    out[:, inside] = pixels / np.maximum(np.linalg.norm(pixels, axis=1, keepdims=True), 1e-12)
    return out


def speed(make: Callable[[Images, Range], Search], images: Images) -> tuple[int, float]:
    """Pairs compared, and processor time; preparation counts."""
    make(images[:3], Range()).compare(0, np.array([1, 2]))
    start, pairs = time.process_time(), 0
    search = make(images, Range())
    for i in range(len(images) - 1):
        search.compare(i, np.arange(i + 1, len(images)))
        pairs += len(images) - 1 - i
        if time.process_time() - start > BUDGET:
            break
    return pairs, time.process_time() - start


def all_values(make: Callable[[Images, Range], Search], images: Images) -> Values:
    """(N, N) affinity."""
    search, n = make(images, Range()), len(images)
    values = np.eye(n)
    for i in range(n - 1):
        values[i, i + 1 :] = values[i + 1 :, i] = search.compare(i, np.arange(i + 1, n))
    return values


def memory() -> float:
    """Highest resident memory so far, MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


def measure(make: Callable[[Images, Range], Search]) -> None:
    """``script TASK.npz VALUES.npy``: prints JSON, saves the values of the labelled images."""
    with np.load(sys.argv[1], allow_pickle=False) as task:
        real, labelled = task["real"], task["labelled"]
    before = memory()
    pairs, seconds = speed(make, real)
    told: dict[str, Any] = {"pairs": pairs, "seconds": seconds, "memory": memory() - before}
    np.save(sys.argv[2], all_values(make, labelled))
    print(json.dumps(told))
