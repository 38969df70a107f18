"""A run of a command in a process of its own, to be disturbed."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

HEAVY = ["numpy", "rebalance.cli.run", "rebalance.cli.external", "rebalance.cli.simulate"]
# A server that has loaded everything gives birth to each run, which starts in milliseconds.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(HEAVY)

Before = Callable[[], None]


def file_size_limit(size: int) -> None:
    """No file of this process grows beyond `size` bytes: as a full disk, at a chosen place."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def memory_limit(size: int) -> None:
    """This process may take no more than `size` bytes of address space beyond what it has."""
    size += int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))


@dataclass
class Ended:
    """How a run ended."""

    status: int  # negative: killed by this signal
    out: str
    error: str

    @property
    def sentence(self) -> str:
        """What it said, which must be one sentence."""
        assert self.error.startswith("rebalance: "), self.error
        assert self.error.endswith("\n"), self.error
        assert self.error.count("\n") == 1, self.error
        return self.error


class Run:
    """A command that was started in a process of its own.

    Parameters
    ----------
    words : sequence
        The command line behind ``rebalance``.
    logs : Path
        Directory for what it prints.
    limit : callable and size, optional
        Called in the process with the size before the command begins.
    """

    def __init__(
        self,
        words: Sequence[object],
        logs: Path,
        limit: tuple[Callable[[int], None], int] | None = None,
    ) -> None:
        logs.mkdir(exist_ok=True)
        name = f"{time.monotonic_ns()}"
        self.out, self.error = logs / f"{name}.out", logs / f"{name}.err"
        self.process = SERVER.Process(
            target=_run, args=([str(word) for word in words], self.out, self.error, limit)
        )
        self.process.start()

    def send(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.process.is_alive() and self.process.pid:
            os.kill(self.process.pid, number)

    def wait(self, seconds: float = 120) -> Ended:
        """Until it has ended."""
        self.process.join(seconds)
        assert self.process.exitcode is not None, "hangs"
        texts = [path.read_text() if path.exists() else "" for path in (self.out, self.error)]
        return Ended(self.process.exitcode, *texts)


def _run(
    words: list[str], out: Path, error: Path, limit: tuple[Callable[[int], None], int] | None
) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for path, number in ((out, 1), (error, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    if limit is not None:
        limit[0](limit[1])
    from rebalance.cli import main

    sys.exit(main(words))
