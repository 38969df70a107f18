"""Rows of a particle table, parted among files."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from .. import _core


class PartWriter:
    """Writes pieces of a table to several files while the next piece is read and parted.

    Parameters
    ----------
    targets : sequence of file
        Open for writing bytes.
    """

    def __init__(self, targets: Sequence[BinaryIO]) -> None:
        self._targets = tuple(targets)
        self._free = deque(_core.RowSplit(len(targets)) for _ in range(2))
        self._busy: deque[tuple[_core.RowSplit, Future[None]]] = deque()
        self._pool = ThreadPoolExecutor(1)

    def write(self, text: memoryview, part: NDArray[np.uint8], row: int) -> int:
        """Part one piece of whole lines, whose first row is `row`; return the row after it."""
        if not self._free:
            self._wait()
        split = self._free.popleft()
        row = split.split(text, part, row)
        self._busy.append((split, self._pool.submit(self._write_all, split)))
        return row

    def _write_all(self, split: _core.RowSplit) -> None:
        for file, target in enumerate(self._targets):
            target.write(split.text(file))

    def _wait(self) -> None:
        split, written = self._busy.popleft()
        written.result()
        self._free.append(split)

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            while kind is None and self._busy:
                self._wait()
        finally:
            self._pool.shutdown(cancel_futures=True)
