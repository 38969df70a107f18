"""The kernels of one instruction set or another, while measuring."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rebalance import _core

NAME = "REBALANCE_ISA"


@contextmanager
def instruction_set(name: str) -> Iterator[None]:
    """Kernels of one name; those of before afterwards."""
    before = os.environ.get(NAME)
    os.environ[NAME] = name
    try:
        yield
    finally:
        os.environ.pop(NAME)
        if before is not None:
            os.environ[NAME] = before


def runnable() -> list[str]:
    """Names of the instruction sets that this processor runs, the fastest first."""
    names = []
    for name in ("avx512", "avx2", "baseline"):
        with instruction_set(name):
            try:
                names.append(_core.instruction_set())
            except ValueError:
                continue
    return names
