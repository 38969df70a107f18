"""Arrays of an ``.npz`` file, read only where they are what is expected."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from .npy_head import read_npy_head

LONGEST_TEXT = 1 << 16  # letters
LONGEST_HEAD = 1 << 12  # bytes
LARGEST_NUMBER = 8  # bytes
MOST_DEFLATED = 1040  # no more bytes come of one that zlib deflated
# What a damaged file makes the readers raise.
UNREADABLE = (
    *(OSError, EOFError, KeyError, ValueError, TypeError, OverflowError, IndexError),
    *(RecursionError, NotImplementedError, RuntimeError, zlib.error, zipfile.BadZipFile),
)

Check = Callable[[tuple[int, ...], "np.dtype[Any]"], None]


@dataclass(frozen=True)
class Entry:
    """What an array must be: its kind, as in ``dtype.kind``, and its shape.

    A letter in the shape is a length that must be the same wherever it stands.
    """

    kind: str
    shape: tuple[int | str, ...]
    optional: bool = False


def read_arrays(path: Path, entries: Mapping[str, Entry]) -> dict[str, NDArray[Any]]:
    """Read arrays by name; no memory is taken for one that differs from its entry.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    UNREADABLE
        If it is none, damaged, holds something else, or claims more than it can hold.
    """
    lengths: dict[str, int] = {}
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        there = set(archive.namelist())
        return {
            name: _read(archive, f"{name}.npy", partial(_check, name, entry, lengths))
            for name, entry in entries.items()
            if f"{name}.npy" in there or not entry.optional
        }


def read_uncompressed(path: Path, names: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read arrays of any kind and shape, some or all, as large as the file holds them.

    Raises
    ------
    UNREADABLE
        As above, and for an array that is compressed.
    """
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        wanted = names or [name.removesuffix(".npy") for name in archive.namelist()]
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
            raise ValueError("an array is compressed")
        return {name: _read(archive, f"{name}.npy", lambda *_: None) for name in wanted}


def _read(archive: zipfile.ZipFile, name: str, check: Check) -> NDArray[Any]:
    info = archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed in another way")
    with archive.open(info) as opened:
        file = cast(BinaryIO, opened)
        shape, in_columns, dtype = read_npy_head(file, LONGEST_HEAD)
        check(shape, dtype)
        n_bytes = math.prod(shape) * dtype.itemsize
        if dtype.hasobject or info.file_size - opened.tell() != n_bytes:
            raise ValueError(f"{name} is cut short or too long, or holds objects")
        if info.file_size > MOST_DEFLATED * info.compress_size:
            raise ValueError(f"{name} claims to be larger than what it was made of can be")
        array = np.empty(shape, dtype, order="F" if in_columns else "C")
        _fill(array, file)
    return array


def _check(
    name: str,
    entry: Entry,
    lengths: dict[str, int],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
) -> None:
    most = 4 * LONGEST_TEXT if entry.kind == "U" else LARGEST_NUMBER
    if dtype.hasobject or dtype.kind != entry.kind or dtype.itemsize > most:
        raise ValueError(f"{name} has values of another type, {dtype}")
    if len(shape) != len(entry.shape):
        raise ValueError(f"{name} has another shape, {shape}")
    for length, wanted in zip(shape, entry.shape, strict=True):
        known = lengths.setdefault(wanted, length) if isinstance(wanted, str) else wanted
        if length != known:
            raise ValueError(f"{name} has another shape, {shape}")


def _fill(array: NDArray[Any], file: BinaryIO) -> None:
    if array.nbytes == 0:
        return
    view = memoryview(array.reshape(-1, order="A").view(np.uint8))  # type: ignore[arg-type]
    place = 0
    while place < len(view):
        n_read = file.readinto(view[place:])  # type: ignore[attr-defined]
        if not n_read:
            raise EOFError
        place += n_read
