"""The CSDAT form of ``.cs`` files: compressed columns, read and written by ``cryosparc-tools``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RebalanceError
from .cryosparc_fields import SUPERCLASS, check_parts, check_unchanged
from .output import whole_file
from .star import FileState

MAGIC = b"\x95CSDAT"
MOST_COMPRESSED = 256  # no more bytes come of one that LZ4 compressed


@dataclass(frozen=True, eq=False)
class StreamFile:
    """A ``.cs`` file of CSDAT form; a :class:`~rebalance.io.cryosparc_files.CsFile`.

    Attributes
    ----------
    path : Path
        The file.
    fields : tuple of str
        Names of the columns.
    n_rows : int
        Number of rows.
    state : FileState
        Tells whether the file has changed.
    """

    path: Path
    fields: tuple[str, ...]
    n_rows: int
    state: FileState

    form = "CSDAT form"

    @classmethod
    def open(cls, path: Path) -> StreamFile:
        """Read the head of a file."""
        dataset = _dataset_type(path)
        with path.open("rb") as file:
            state = FileState.of(file)
        try:
            head = dataset.inspect(str(path))
            fields, length = tuple(field[0] for field in head["dtype"]), int(head["length"])
            claimed = length * np.dtype([tuple(field) for field in head["dtype"]]).itemsize
        except Exception as error:  # the package raises many kinds for damaged files
            raise _damaged(path) from error
        if length < 0 or claimed > MOST_COMPRESSED * state.size:
            raise _damaged(path)  # before the package takes memory for it
        return cls(path, fields, length, state)

    def __len__(self) -> int:
        return self.n_rows

    def columns(self, names: list[str]) -> dict[str, NDArray[np.generic]]:
        """Values of some columns; text as str objects."""
        found = self._load(names)
        return {name: np.array(found[name]) for name in names}

    def write_parts(
        self,
        part: NDArray[np.uint8],
        paths: Sequence[Path],
        superclass: NDArray[np.int32] | None = None,
    ) -> None:
        """Write the rows of part n to ``paths[n - 1]``; a file appears whole or not at all."""
        check_parts(part, self.n_rows, paths, self.path)
        from cryosparc.dataset import CSDAT_FORMAT

        rows = self._load(None)
        if superclass is not None:
            rows.add_fields([SUPERCLASS], ["<i4"])
            rows[SUPERCLASS] = superclass
        for number, path in enumerate(paths, start=1):
            with whole_file(path) as file:
                rows.mask(part == number).save(file, format=CSDAT_FORMAT)

    def _load(self, names: list[str] | None) -> Any:
        with self.path.open("rb") as file:
            check_unchanged(file, self.state, self.path)
        try:
            return _dataset_type(self.path).load(str(self.path), fields=names)
        except Exception as error:
            raise _damaged(self.path) from error


def _dataset_type(path: Path) -> Any:
    try:
        from cryosparc.dataset import Dataset
    except ImportError:
        raise RebalanceError(
            f"{path} is a .cs file of the newer CSDAT form, which the package cryosparc-tools "
            "reads; install it (pip install 'rebalance2d[cryosparc]')."
        ) from None
    return Dataset


def _damaged(path: Path) -> RebalanceError:
    return RebalanceError(f"{path} is damaged or cut short (CSDAT form); copy or export it again.")
