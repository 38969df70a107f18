"""Results in a directory that RELION made and filled."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from ..errors import RebalanceError
from .output import RESULTS_MARK, cannot_write, sync_tree

HIDDEN = ".rebalance-"
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
        self._hidden = self.path / f"{HIDDEN}{secrets.token_hex(4)}"

    def __enter__(self) -> Path:
        for given in self.inputs:
            if self.path in Path(os.path.realpath(given)).parents:
                raise RebalanceError(
                    f"The job directory {self.path} holds the input {given}; give the particles of "
                    "another job."
                )
        try:
            for left_over in self.path.glob(f"{HIDDEN}*"):  # of a run that was killed
                shutil.rmtree(left_over, ignore_errors=True)
            self._hidden.mkdir()
        except OSError as error:
            raise RebalanceError(cannot_write(self.path, error)) from error
        return self._hidden

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._publish()
        finally:
            shutil.rmtree(self._hidden, ignore_errors=True)

    def _publish(self) -> None:
        try:
            sync_tree(self._hidden)
            new = sorted(os.listdir(self._hidden), key=lambda name: (name in LAST, name))
            earlier = self._earlier_files()
            for name in new:
                self._remove(name, only_directory=True)
                (self._hidden / name).rename(self.path / name)
            for name in earlier - set(new):
                self._remove(name)
        except OSError as error:
            raise RebalanceError(cannot_write(self.path, error)) from error

    def _earlier_files(self) -> set[str]:
        """What an earlier run wrote here, as its settings say."""
        try:
            record = json.loads((self.path / RESULTS_MARK).read_text(encoding="utf-8"))
            names = {str(name) for name in record["files"]}
        except (OSError, ValueError, KeyError, TypeError):
            return set()
        return {name for name in names if name not in (".", "..") and os.sep not in name}

    def _remove(self, name: str, only_directory: bool = False) -> None:
        place = self.path / name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        elif not only_directory:
            place.unlink(missing_ok=True)
