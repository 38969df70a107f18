"""Inputs are as they were when they were read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..errors import RebalanceError


class Unchanged:
    """Remembers the state of files, to be compared later."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._states = {path: _state(path) for path in paths}

    def check(self) -> None:
        """Compare.

        Raises
        ------
        RebalanceError
            If a file has changed or is gone.
        """
        for path, before in self._states.items():
            if _state(path) != before:
                raise RebalanceError(
                    f"{path} changed or vanished after it was read; run again when nothing writes "
                    "to it."
                )


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
