"""Results in a directory that RELION made and filled."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from ..errors import RebalanceError
from .left_over import HiddenDirectory, clear_left_over
from .output import RESULTS_MARK, cannot_write, sync_tree

LAST = (RESULTS_MARK, "RELION_OUTPUT_NODES.star")  # they say that all others are there


class JobDirectory:
    """The directory of an External job: our files are renamed into it one by one.

    Used as a context manager: it gives a hidden directory inside `path` to write into. When the
    block ends well, results of an earlier run are replaced, and those that this run did not write
    again are removed; files that are not ours stay as they are.

    Parameters
    ----------
    path : Path
        The directory, which exists.
    inputs : sequence of Path
        Files that were read; none may lie inside `path`.

    Raises
    ------
    RebalanceError
        On entry, if an input lies in it or it cannot be written; on exit, if a file cannot be
        replaced.
    """

    def __init__(self, path: Path, inputs: Sequence[Path] = ()) -> None:
        self.path = Path(os.path.realpath(path))
        self.inputs = tuple(inputs)
        self._hidden = HiddenDirectory(self.path, "")

    def __enter__(self) -> Path:
        for given in self.inputs:
            if self.path in Path(os.path.realpath(given)).parents:
                raise RebalanceError(
                    f"The job directory {self.path} holds the input {given}; give the particles of "
                    "another job."
                )
        try:
            clear_left_over(self.path, "")
            return self._hidden.make()
        except OSError as error:
            raise RebalanceError(cannot_write(self.path, error)) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._publish(self._hidden.path)
        finally:
            self._hidden.remove()

    def _publish(self, hidden: Path) -> None:
        try:
            sync_tree(hidden)
            new = sorted(os.listdir(hidden), key=lambda name: (name in LAST, name))
            earlier = self._earlier_files()
            for name in new:
                self._remove(name, only_directory=True)
                (hidden / name).rename(self.path / name)
            for name in earlier - set(new):
                self._remove(name)
        except OSError as error:
            raise RebalanceError(cannot_write(self.path, error)) from error

    def _earlier_files(self) -> set[str]:
        """What an earlier run wrote here, as its settings say."""
        try:
            record = json.loads((self.path / RESULTS_MARK).read_text(encoding="utf-8"))
            names = {str(name) for name in record["files"]}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return set()
        return {name for name in names if name not in (".", "..") and os.sep not in name}

    def _remove(self, name: str, only_directory: bool = False) -> None:
        place = self.path / name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        elif not only_directory:
            place.unlink(missing_ok=True)
