"""Rows of several ``.cs`` files belong together by their ``uid``, whatever their order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import RebalanceError
from .cryosparc_files import CsFile

UID = "uid"


def check_has_uid(file: CsFile) -> None:
    """Refuse a file whose rows have no names."""
    if UID not in file.fields:
        raise RebalanceError(
            f"{file.path} has no column uid, which tells particles apart and joins files; give a "
            ".cs file of CryoSPARC."
        )


def as_uid(values: NDArray[np.generic], path: Path) -> NDArray[np.uint64]:
    """(P,) uids as uint64; refuses other types, and uids that are repeated."""
    if values.dtype.kind != "u" or values.dtype.itemsize != 8 or values.ndim != 1:
        raise RebalanceError(
            f"The column uid of {path} must hold whole numbers of 64 bits (<u8), not "
            f"{values.dtype}; give a .cs file of CryoSPARC."
        )
    uid: NDArray[np.uint64] = values.astype(np.uint64, copy=False)
    ordered = np.sort(uid)
    same = np.flatnonzero(ordered[1:] == ordered[:-1])
    if len(same):
        raise RebalanceError(
            f"The column uid of {path} must name each row once, but {len(same):,} rows repeat one "
            f"(uid {ordered[same[0]]}, for one); remove duplicates in CryoSPARC first."
        )
    return uid


def rows_of(
    uid: NDArray[np.uint64], path: Path, other: NDArray[np.uint64], other_path: Path
) -> NDArray[np.int64] | None:
    """Row of another file for each row of the first; None: the same rows in the same order.

    Parameters
    ----------
    uid : (P,) uint64 array
        Of the first file, without repeats.
    other : (Q,) uint64 array
        Of the other file, without repeats.

    Returns
    -------
    (P,) int64 array or None

    Raises
    ------
    RebalanceError
        If a uid of the first file is not in the other.
    """
    if np.array_equal(uid, other):
        return None
    order, other_order = np.argsort(uid), np.argsort(other)
    wanted, there = uid[order], other[other_order]
    place = np.searchsorted(there, wanted)
    found = place < len(there)
    found[found] = there[place[found]] == wanted[found]
    if not found.all():
        missing = wanted[~found]
        raise RebalanceError(
            f"{len(missing):,} of {len(uid):,} rows of {path} are not in {other_path} (uid "
            f"{missing[0]}, for one), so that the two files do not belong together; give files of "
            "one job."
        )
    rows = np.empty(len(uid), np.int64)
    rows[order] = other_order[place]
    return rows
