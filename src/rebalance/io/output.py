"""Output that is whole or absent: files and directories appear by one rename."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from ..errors import RebalanceError
from .left_over import HiddenDirectory, clear_left_over, exchange

RESULTS_MARK = "settings.json"  # every directory of results holds it


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing bytes that takes its name only when it is complete.

    Raises
    ------
    RebalanceError
        If the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with partial.open("xb") as file:
            yield file
        partial.replace(path)
    except OSError as error:
        raise RebalanceError(cannot_write(path, error)) from error
    finally:
        partial.unlink(missing_ok=True)


class OutputDirectory:
    """A directory of results that appears whole, or not at all.

    Used as a context manager: it gives a hidden directory beside `path` to write into, and
    renames it to `path` when the block ends well; on any exception it is removed. Hidden
    directories that killed runs left are removed when the block has ended well.

    Parameters
    ----------
    path : Path
        The directory to make.
    overwrite : bool
        Swap a directory that holds earlier results, which ``settings.json`` in it tells.
    inputs : sequence of Path
        Files that were read; none may lie inside `path`.

    Raises
    ------
    RebalanceError
        On entry, if `path` is in use or cannot be made; on exit, if another run made it meanwhile.
    """

    def __init__(self, path: Path, overwrite: bool = False, inputs: Sequence[Path] = ()) -> None:
        self.path = Path(os.path.realpath(path))
        self.overwrite = overwrite
        self.inputs = tuple(inputs)
        self._stem = f".{self.path.name}"
        self._hidden = HiddenDirectory(self.path.parent, self._stem)
        self._replaced: int | None = None

    def __enter__(self) -> Path:
        self._check_inputs()
        self._check_path()
        self._replaced = _inode(self.path)
        try:
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
        if kind is None:
            clear_left_over(self.path.parent, self._stem)

    def _check_inputs(self) -> None:
        for given in self.inputs:
            for place in (Path(os.path.abspath(given)), Path(os.path.realpath(given))):
                if self.path == place or self.path in place.parents:
                    raise RebalanceError(
                        f"The output directory {self.path} holds the input {given}; choose "
                        "another output directory."
                    )

    def _check_path(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise RebalanceError(
                f"The output directory {self.path} is a file; choose another output directory."
            )
        if not self.path.parent.is_dir():
            raise RebalanceError(
                f"The output directory {self.path} cannot be made: {self.path.parent} is no "
                "directory; make it first."
            )
        if not os.access(self.path.parent, os.W_OK | os.X_OK):
            raise RebalanceError(
                f"The output directory {self.path} cannot be made: {self.path.parent} is not "
                "writable; choose another output directory."
            )
        if self.path.exists() and any(self.path.iterdir()):
            self._check_earlier_results()

    def _check_earlier_results(self) -> None:
        if not self.overwrite:
            raise RebalanceError(
                f"The output directory {self.path} is not empty; choose another one, or add "
                "--overwrite to replace earlier results."
            )
        if not (self.path / RESULTS_MARK).is_file():
            raise RebalanceError(
                f"The output directory {self.path} holds files that are no earlier results "
                f"(there is no {RESULTS_MARK}), so it is not overwritten; choose another one."
            )

    def _publish(self, hidden: Path) -> None:
        try:
            sync_tree(hidden)
            if _inode(self.path) != self._replaced:
                raise FileExistsError
            if self._replaced is None or not any(self.path.iterdir()):
                hidden.rename(self.path)
            else:
                exchange(hidden, self.path)
        except OSError as error:
            if _inode(self.path) != self._replaced:
                raise RebalanceError(
                    f"The output directory {self.path} was made by another run meanwhile; this "
                    "run's results are dropped; choose another output directory."
                ) from error
            raise RebalanceError(cannot_write(self.path, error)) from error
        with suppress(OSError):  # the results are in place
            _sync(self.path.parent)


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def make_parent(path: Path) -> None:
    """Have the directory that `path` is to stand in; raises OSError."""
    if path.parent.exists() and not path.parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path.parent))
    path.parent.mkdir(parents=True, exist_ok=True)


def sync_tree(top: Path) -> None:
    """Have every file and directory below `top` on disk."""
    for folder, _, files in os.walk(top):
        for name in files:
            _sync(Path(folder) / name)
        _sync(Path(folder))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def cannot_write(path: Path, error: OSError) -> str:
    """The sentence for a path that cannot be written."""
    return f"{path} cannot be written: {error.strerror}; check the disk and the permissions."
