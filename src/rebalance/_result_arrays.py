"""Result arrays: in memory, or above a limit in mapped files."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .errors import RebalanceError

MEMORY_LIMIT = 4 * 2**30  # bytes of result arrays: about 15,900 averages
PAIR_BYTES = 4 + 4 + 8 + 1  # values, angle, shift, mirror


class PairArrays(NamedTuple):
    """Arrays for a search to fill, each (rows, columns)."""

    values: NDArray[np.float32]
    angle: NDArray[np.float32]
    shift: NDArray[np.float32]  # (rows, columns, 2)
    mirror: NDArray[np.bool_]


def pair_arrays(rows: int, columns: int, memory_limit: int) -> PairArrays:
    """Arrays to be filled, in mapped files if they would take more than `memory_limit` bytes."""
    empty = _mapped if rows * columns * PAIR_BYTES > memory_limit else np.empty
    return PairArrays(
        empty((rows, columns), np.float32),
        empty((rows, columns), np.float32),
        empty((rows, columns, 2), np.float32),
        empty((rows, columns), np.bool_),
    )


def small_arrays(rows: int, columns: int) -> PairArrays:
    """Arrays to be filled, in memory."""
    return pair_arrays(rows, columns, sys.maxsize)


def _mapped(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An array in a file without a name: it is gone with the array, or with the process."""
    n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    try:
        with tempfile.TemporaryFile(prefix="rebalance-") as file:
            _reserve(file.fileno(), n_bytes)
            return np.memmap(file, dtype, "r+", shape=shape)
    except OSError as error:
        raise RebalanceError(
            f"results above the memory limit need a file of {n_bytes:,} bytes in "
            f"{tempfile.gettempdir()}, which cannot be had ({error.strerror}): set TMPDIR to a "
            "directory with more room, raise the memory limit, or keep only the top neighbours"
        ) from None


def _reserve(file: int, n_bytes: int) -> None:
    # Where a file has holes, a full disk kills the process at the first page without room.
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, n_bytes)
    else:
        os.truncate(file, n_bytes)
