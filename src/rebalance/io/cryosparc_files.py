"""One ``.cs`` file, in either of its two forms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import RebalanceError
from .cryosparc_plain import MAGIC as PLAIN_MAGIC
from .cryosparc_plain import PlainFile
from .cryosparc_stream import MAGIC as STREAM_MAGIC
from .cryosparc_stream import StreamFile


class CsFile(Protocol):
    """Rows of one ``.cs`` file; rows are only ever chosen, never changed."""

    @property
    def path(self) -> Path: ...

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the columns, ``SLOT/NAME`` or ``uid``."""

    @property
    def form(self) -> str:
        """What the form is called."""

    def __len__(self) -> int: ...

    def columns(self, names: list[str]) -> dict[str, NDArray[np.generic]]:
        """Values of some columns, in memory; (P,), or (P, ...) where each value is an array."""

    def write_parts(
        self,
        part: NDArray[np.uint8],
        paths: Sequence[Path],
        superclass: NDArray[np.int32] | None = None,
    ) -> None:
        """Write several files of the same form: rows of `part` (P,) n to ``paths[n - 1]``.

        Rows of part 0 are in none. With `superclass` (P,), each row has it as the field
        ``rebalance/superclass``.
        """


def open_cs(path: Path) -> CsFile:
    """Open a ``.cs`` file; only its head is read.

    Raises
    ------
    RebalanceError
        If it is missing, is none, is cut short, or has object columns.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(6)
    except FileNotFoundError:
        raise RebalanceError(f"{path} does not exist; check the path.") from None
    except OSError as error:
        raise RebalanceError(f"{path} cannot be read: {error.strerror}.") from error
    if magic == PLAIN_MAGIC:
        return PlainFile.open(path)
    if magic == STREAM_MAGIC:
        return StreamFile.open(path)
    raise RebalanceError(
        f"{path} is no .cs file: it begins with {magic!r} instead of NUMPY or CSDAT; give a .cs "
        "file of CryoSPARC."
    )
