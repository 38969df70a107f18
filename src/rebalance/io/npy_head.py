"""The head of an array in NumPy's format."""

from __future__ import annotations

import tokenize
import warnings
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy

# What NumPy's reader of heads, which parses Python's notation, raises for damaged ones.
_DAMAGED = (
    *(ValueError, KeyError, SyntaxError, TypeError, EOFError, OverflowError, AttributeError),
    *(IndexError, RecursionError, MemoryError, tokenize.TokenError),
)
_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_npy_head(file: BinaryIO, longest: int) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read shape, whether in the order of columns, and type; `file` stands at the values then.

    Raises
    ------
    ValueError
        If it is damaged, or longer than `longest` bytes.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of notation that Python no longer likes
        try:
            shape, in_columns, dtype = _READERS[npy.read_magic(file)](file, max_header_size=longest)
        except _DAMAGED as error:
            raise ValueError("the head of the array is damaged") from error
    if any(length < 0 for length in shape):
        raise ValueError("an array has no fewer than 0 values")
    return shape, in_columns, dtype
