"""Progress on the terminal, or in lines that a log file can hold."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from tqdm import tqdm

BAR = "{desc}: {percentage:3.0f} %|{bar:20}| {elapsed} gone, {remaining} left"
SECONDS_BETWEEN_LINES = 10.0


class ProgressBar:
    """Shows ``progress(done, total)`` of one step with the time left.

    On a terminal a moving bar; elsewhere a line every ten seconds.
    """

    def __init__(self, step: str) -> None:
        self._shown = _Bar(step) if sys.stderr.isatty() else _Lines(step)

    def __call__(self, done: int, total: int) -> None:
        self._shown.show(done, total)

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._shown.close()


class _Bar:
    """A bar that moves, and is wiped away at the end."""

    def __init__(self, step: str) -> None:
        self._bar = tqdm(
            desc=step, total=1, bar_format=BAR, delay=0.5, leave=False, file=sys.stderr
        )

    def show(self, done: int, total: int) -> None:
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        self._bar.close()


class _Lines:
    """A line now and then; none for a short step."""

    def __init__(self, step: str) -> None:
        self._step = step
        self._start = self._last = time.monotonic()

    def show(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last < SECONDS_BETWEEN_LINES:
            return
        self._last = now
        gone = now - self._start
        left = tqdm.format_interval(gone * (total - done) / done) if done else "?"
        share = 100 * done / total if total else 0
        line = f"{self._step}: {share:.0f} %, {tqdm.format_interval(gone)} gone, {left} left"
        print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        pass
