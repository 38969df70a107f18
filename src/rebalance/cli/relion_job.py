"""What RELION and an External job tell each other through files in the job's directory.

Loads nothing but the standard library, so that a job that is stopped while NumPy loads leaves its
mark too.
"""

from __future__ import annotations

import shlex
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import RebalanceError
from .stop import Stopped

SUCCESS, FAILURE, ABORTED = (f"RELION_JOB_EXIT_{end}" for end in ("SUCCESS", "FAILURE", "ABORTED"))
ABORT_NOW = "RELION_JOB_ABORT_NOW"
NOTE = "note.txt"
SECONDS_BETWEEN_LOOKS = 0.1


class Aborted(Stopped):
    """RELION asked for the end of the job."""

    told = "aborted by RELION"

    def __init__(self) -> None:
        super().__init__(signal.SIGTERM)
        self.status = 1


@contextmanager
def relion_marks(words: Sequence[str]) -> Iterator[None]:
    """Mark how an External job ended, and end it when RELION asks for that.

    Parameters
    ----------
    words : sequence of str
        The command line behind ``rebalance external``; ``--o`` names the job's directory. Without
        that, or when only help was asked for, nothing is marked.
    """
    folder = job_directory(words)
    if folder is None or {"-h", "--help"} & set(words):
        yield
        return
    try:
        _begin(folder, words)
        with _abort_watch(folder):
            yield
        (folder / SUCCESS).touch()
    except Aborted:
        (folder / ABORTED).touch()
        (folder / ABORT_NOW).unlink(missing_ok=True)
        raise
    except BaseException:
        if folder.is_dir() and not (folder / SUCCESS).exists():
            (folder / FAILURE).touch()
        raise


def job_directory(words: Sequence[str]) -> Path | None:
    """The directory that the last ``--o`` names; None without one."""
    found = None
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--o" and following:
            found = Path(following)
        elif word.startswith("--o="):
            found = Path(word.removeprefix("--o="))
    return found


def _begin(folder: Path, words: Sequence[str]) -> None:
    """Take away the marks of an earlier run, and note the command as RELION does."""
    from .._version import __version__

    command = shlex.join(["rebalance", "external", *words])
    when = time.strftime("%a %b %d %H:%M:%S %Y")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for mark in (SUCCESS, FAILURE, ABORTED):
            (folder / mark).unlink(missing_ok=True)
        with (folder / NOTE).open("a", encoding="utf-8") as note:
            note.write(f"\n ++++ rebalance {__version__} began on {when}\n{command}\n ++++ \n")
    except OSError as error:
        raise RebalanceError(
            f"The job directory {folder} cannot be written: {error.strerror}; check --o."
        ) from error


@contextmanager
def _abort_watch(folder: Path) -> Iterator[None]:
    """Raise `Aborted` soon after RELION's request appears in the job's directory."""
    ended, asked = threading.Event(), threading.Event()
    main_thread = threading.main_thread().ident

    def watch() -> None:
        while not ended.is_set():
            if (folder / ABORT_NOW).exists() and main_thread is not None:
                asked.set()
                signal.pthread_kill(main_thread, signal.SIGTERM)
                return
            ended.wait(SECONDS_BETWEEN_LOOKS)

    watcher = threading.Thread(target=watch, daemon=True)
    try:
        watcher.start()  # whatever it asks for is heeded below
        yield
    except Stopped:
        if asked.is_set():
            raise Aborted from None
        raise
    finally:
        ended.set()
        if watcher.ident is not None:
            watcher.join()
    if asked.is_set():
        raise Aborted
