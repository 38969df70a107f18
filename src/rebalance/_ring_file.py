"""Rings that several processes share: a folder of two files, which they map into memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .errors import RebalanceError

if TYPE_CHECKING:
    from ._tiles import Prepared


@contextmanager
def shared_rings(prepared: Prepared) -> Iterator[str]:
    """A folder with the rings in the directory for temporary files, which is gone afterwards."""
    try:
        made = tempfile.TemporaryDirectory(prefix="rebalance-rings-")
    except OSError as error:
        raise RebalanceError(_no_room(prepared, error)) from None
    with made as folder:
        try:
            np.save(Path(folder) / "units.npy", prepared.units)
            np.save(Path(folder) / "order.npy", prepared.order)
        except OSError as error:
            raise RebalanceError(_no_room(prepared, error)) from None
        yield folder


def _no_room(prepared: Prepared, error: OSError) -> str:
    return (
        f"rings that workers share need files of {prepared.units.nbytes + prepared.order.nbytes:,} "
        f"bytes in {tempfile.gettempdir()}, which cannot be had ({error.strerror}): set TMPDIR to "
        "a directory with more room"
    )


def mapped_rings(small: Prepared, folder: str) -> Prepared | None:
    """`small` with its arrays from the folder; None where this machine does not see it."""
    units, order = Path(folder) / "units.npy", Path(folder) / "order.npy"
    try:
        return replace(
            small,
            units=np.load(units, mmap_mode="r", allow_pickle=False),
            order=np.load(order, allow_pickle=False),
        )
    except OSError:
        return None
