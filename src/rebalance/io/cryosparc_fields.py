"""What both forms of ``.cs`` files share: the field of our own, and checks before writing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import RebalanceError
from .star import FileState

SUPERCLASS = "rebalance/superclass"  # -1: none


def superclass_dtype(dtype: np.dtype[np.void]) -> np.dtype[np.void]:
    """Row type with the field of our own behind all others, or where an earlier run put it."""
    if SUPERCLASS in (dtype.names or ()):
        if dtype[SUPERCLASS] != np.dtype("<i4"):
            raise RebalanceError(
                f"The field {SUPERCLASS} must hold whole numbers of 32 bits (<i4), and in the "
                f"input it is {dtype[SUPERCLASS]}; rename that field."
            )
        return dtype
    fields: dict[str, Any] = dict(dtype.fields or {})
    names = [*fields, SUPERCLASS]
    layout = {
        "names": names,
        "formats": [*(fields[name][0] for name in fields), "<i4"],
        "offsets": [*(fields[name][1] for name in fields), dtype.itemsize],
        "itemsize": dtype.itemsize + 4,
    }
    return np.dtype(layout)  # type: ignore[call-overload, no-any-return]


def check_mask(mask: NDArray[np.bool_], n_rows: int) -> None:
    """Refuse a mask that does not say yes or no to each row."""
    if mask.shape != (n_rows,) or mask.dtype != np.bool_:
        raise RebalanceError(
            f"mask must be a bool array of shape ({n_rows},), one entry per row, not "
            f"{mask.dtype} of shape {mask.shape}."
        )


def check_parts(part: NDArray[np.uint8], n_rows: int, paths: Sequence[Path], source: Path) -> None:
    """Refuse parts that do not belong to the rows, and paths that are their file."""
    if part.shape != (n_rows,) or part.dtype != np.uint8:
        raise RebalanceError(
            f"part must be a uint8 array of shape ({n_rows},), one entry per row, not "
            f"{part.dtype} of shape {part.shape}."
        )
    for path in paths:
        if path.exists() and path.samefile(source):
            raise RebalanceError(f"{path} is the input; write the rows to another file.")


def check_unchanged(file: BinaryIO, state: FileState, path: Path) -> None:
    """Refuse a file that something wrote to since its head was read."""
    if FileState.of(file) != state:
        raise RebalanceError(
            f"{path} has changed since it was read; run again once nothing writes to it."
        )
