"""The CSDAT form of ``.cs`` files: compressed columns, read and written by ``cryosparc-tools``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RebalanceError
from .cryosparc_fields import SUPERCLASS, check_mask, check_unchanged
from .output import whole_file
from .star import FileState

MAGIC = b"\x95CSDAT"


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
        except Exception as error:  # the package raises many kinds for damaged files
            raise _damaged(path) from error
        return cls(path, tuple(field[0] for field in head["dtype"]), int(head["length"]), state)

    def __len__(self) -> int:
        return self.n_rows

    def columns(self, names: list[str]) -> dict[str, NDArray[np.generic]]:
        """Values of some columns; text as str objects."""
        found = self._load(names)
        return {name: np.array(found[name]) for name in names}

    def write(
        self, mask: NDArray[np.bool_], path: Path, superclass: NDArray[np.int32] | None = None
    ) -> None:
        """Write the rows where `mask` is true; the file appears whole or not at all."""
        check_mask(mask, self.n_rows)
        if path.exists() and path.samefile(self.path):
            raise RebalanceError(f"{path} is the input; write the rows to another file.")
        from cryosparc.dataset import CSDAT_FORMAT

        chosen = self._load(None).mask(mask)
        if superclass is not None:
            chosen.add_fields([SUPERCLASS], ["<i4"])
            chosen[SUPERCLASS] = superclass[mask]
        with whole_file(path) as file:
            chosen.save(file, format=CSDAT_FORMAT)

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
