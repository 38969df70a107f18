"""The NumPy form of ``.cs`` files: a structured array, read and copied in pieces of whole rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ..errors import RebalanceError
from .cryosparc_fields import SUPERCLASS, check_parts, check_unchanged, superclass_dtype
from .npy_head import read_npy_head
from .output import whole_file
from .star import FileState

MAGIC = b"\x93NUMPY"
BYTES_AT_ONCE = 1 << 23
LONGEST_HEADER = 1 << 17  # bytes; a file of 106 fields needs 4,096


@dataclass(frozen=True, eq=False)
class PlainFile:
    """A ``.cs`` file of NumPy form; a :class:`~rebalance.io.cryosparc_files.CsFile`.

    Attributes
    ----------
    path : Path
        The file.
    dtype : dtype
        Of a row.
    n_rows : int
        Number of rows.
    start : int
        Where the first row stands, in bytes.
    state : FileState
        Tells whether the file has changed.
    """

    path: Path
    dtype: np.dtype[np.void]
    n_rows: int
    start: int
    state: FileState

    form = "NumPy form"

    @classmethod
    def open(cls, path: Path) -> PlainFile:
        """Read the head of a file."""
        with path.open("rb") as file:
            shape, dtype = _read_header(file, path)
            start, state = file.tell(), FileState.of(file)
        needed = start + shape[0] * dtype.itemsize
        if state.size < needed:
            raise RebalanceError(
                f"{path} is cut short: {shape[0]} rows need {needed} bytes and the file has "
                f"{state.size}; copy or export it again."
            )
        return cls(path, dtype, shape[0], start, state)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.dtype.names or ())

    def __len__(self) -> int:
        return self.n_rows

    def columns(self, names: list[str]) -> dict[str, NDArray[np.generic]]:
        """Values of some columns; memory for these alone."""
        found: dict[str, NDArray[np.generic]] = {
            name: np.empty((self.n_rows, *self.dtype[name].shape), self.dtype[name].base)
            for name in names
        }
        for first, rows in self._pieces():
            for name, values in found.items():
                values[first : first + len(rows)] = rows[name]
        return found

    def write_parts(
        self,
        part: NDArray[np.uint8],
        paths: Sequence[Path],
        superclass: NDArray[np.int32] | None = None,
    ) -> None:
        """Write the rows of part n to ``paths[n - 1]``, bit for bit, in one pass over the file."""
        check_parts(part, self.n_rows, paths, self.path)
        dtype = self.dtype if superclass is None else superclass_dtype(self.dtype)
        with ExitStack() as stack:
            files = [stack.enter_context(whole_file(path)) for path in paths]
            for number, file in enumerate(files, start=1):
                _write_header(file, int(np.count_nonzero(part == number)), dtype)
            for first, rows in self._pieces():
                here = slice(first, first + len(rows))
                for number, file in enumerate(files, start=1):
                    mask = part[here] == number
                    chosen = _chosen(rows, mask)
                    if superclass is not None:
                        chosen = _with_superclass(chosen, dtype, superclass[here][mask])
                    file.write(chosen.view(np.uint8).data)

    def _pieces(self) -> Iterator[tuple[int, NDArray[np.void]]]:
        """Give the number of the first row, and some rows."""
        rows_at_once = max(1, BYTES_AT_ONCE // max(1, self.dtype.itemsize))
        buffer = np.empty(min(rows_at_once, self.n_rows), self.dtype)
        with self.path.open("rb") as file:
            check_unchanged(file, self.state, self.path)
            file.seek(self.start)
            for first in range(0, self.n_rows, rows_at_once):
                rows = buffer[: self.n_rows - first]
                _read_into(file, rows, self.path)
                yield first, rows
            check_unchanged(file, self.state, self.path)


def save_rows(rows: NDArray[np.void], path: Path) -> None:
    """Write rows of our own; the file appears whole or not at all."""
    with whole_file(path) as file:
        _write_header(file, len(rows), rows.dtype)
        file.write(rows.view(np.uint8).data)


def _read_header(file: BinaryIO, path: Path) -> tuple[tuple[int, ...], np.dtype[np.void]]:
    try:
        shape, _, dtype = read_npy_head(file, LONGEST_HEADER)
    except ValueError:
        raise RebalanceError(
            f"{path} has a damaged head, or one that no .cs file has; export it again."
        ) from None
    if dtype.hasobject:
        raise RebalanceError(
            f"{path} has columns of Python objects ({_object_fields(dtype)}), which only "
            "unpickling could read, and that can run any program; save them as fixed bytes or "
            "numbers."
        )
    if len(shape) != 1 or dtype.names is None:
        raise RebalanceError(
            f"{path} must hold rows with named columns, not {dtype} of shape {shape}; give a .cs "
            "file of CryoSPARC."
        )
    return shape, dtype


def _object_fields(dtype: np.dtype[np.void]) -> str:
    named = [name for name in dtype.names or () if dtype[name].hasobject]
    return ", ".join(named) or str(dtype)


def _write_header(file: BinaryIO, n_rows: int, dtype: np.dtype[np.void]) -> None:
    head = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": (n_rows,)}
    try:
        npy.write_array_header_1_0(file, head)
    except ValueError:  # too long for the first version
        npy.write_array_header_2_0(file, head)


def _read_into(file: BinaryIO, rows: NDArray[np.void], path: Path) -> None:
    view = rows.view(np.uint8).data
    if file.readinto(view) != len(view):  # type: ignore[attr-defined]
        raise RebalanceError(f"{path} was cut short while it was read; run again.")


def _chosen(rows: NDArray[np.void], mask: NDArray[np.bool_]) -> NDArray[np.void]:
    """Copy rows as plain bytes, padding included."""
    if mask.all():
        return rows
    raw = rows.view(np.dtype((np.void, rows.dtype.itemsize)))
    return raw[mask].view(rows.dtype)


def _with_superclass(
    rows: NDArray[np.void], dtype: np.dtype[np.void], superclass: NDArray[np.int32]
) -> NDArray[np.void]:
    wide = np.zeros(len(rows), dtype)
    size = rows.dtype.itemsize
    wide_bytes = wide.view(np.uint8).reshape(len(rows), dtype.itemsize)
    wide_bytes[:, :size] = rows.view(np.uint8).reshape(len(rows), size)
    wide[SUPERCLASS] = superclass
    return wide
