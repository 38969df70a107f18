"""Hidden directories: held by a run while it lives, and cleared away when it was killed."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import secrets
import shutil
from contextlib import suppress
from glob import escape
from pathlib import Path

MARK = ".rebalance-"
EXCHANGE = 2  # RENAME_EXCHANGE of Linux
FROM_HERE = -100  # AT_FDCWD


class HiddenDirectory:
    """A hidden directory in `folder`, locked from when it is made until it is removed.

    Its name begins with `stem`, which tells whose it is. A signal may raise anywhere: what is made
    is known by its name before it is there, and removing begins anew where it was cut short.
    """

    def __init__(self, folder: Path, stem: str) -> None:
        self._prefix = folder / f"{stem}{MARK}"
        self._name()
        self._handle: int | None = None

    def make(self) -> Path:
        """Make it; raises OSError."""
        try:
            self.path.mkdir()
            self._handle = _locked(self.path)
            while self._handle is None:
                self._name()
                self.path.mkdir()
                self._handle = _locked(self.path)
        except BaseException:
            self.remove()
            raise
        return self.path

    def remove(self) -> None:
        """Remove what stands there under its name, and unlock it."""
        try:
            shutil.rmtree(self.path, ignore_errors=True)
        except BaseException:
            shutil.rmtree(self.path, ignore_errors=True)
            raise
        finally:
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None

    def _name(self) -> None:
        self.path = self._prefix.with_name(f"{self._prefix.name}{secrets.token_hex(4)}")


def _locked(path: Path) -> int | None:
    """A handle of a new directory; None where another run cleared it away before it was locked."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    with suppress(OSError):  # not every file system has locks: then nothing is cleared away
        fcntl.flock(handle, fcntl.LOCK_EX)
    if path.exists():
        return handle
    os.close(handle)
    return None


def clear_left_over(folder: Path, stem: str) -> None:
    """Remove the hidden directories of this `stem` that killed runs left in `folder`."""
    own = f"{escape(stem)}{MARK}*"
    for found in (*folder.glob(own), *folder.glob(f".{own}{MARK}*")):  # or made within one
        with suppress(OSError):
            handle = os.open(found, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(found, ignore_errors=True)
            finally:
                os.close(handle)


def exchange(one: Path, other: Path) -> None:
    """Let two directories have each other's names, in one step where the system can.

    Raises
    ------
    OSError
        If they cannot; both are where they were.
    """
    try:
        _exchange_in_one_step(one, other)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
            raise
        _exchange_step_by_step(one, other)


def _exchange_in_one_step(one: Path, other: Path) -> None:
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if rename(FROM_HERE, os.fsencode(one), FROM_HERE, os.fsencode(other), EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _exchange_step_by_step(one: Path, other: Path) -> None:
    aside = other.with_name(f"{one.name}.aside")
    other.rename(aside)
    try:
        one.rename(other)
    except BaseException:
        aside.rename(other)
        raise
    aside.rename(one)
