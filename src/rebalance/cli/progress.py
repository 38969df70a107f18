"""Progress on the terminal, or in lines that a log file can hold."""

from __future__ import annotations

import sys
from types import TracebackType

from tqdm import tqdm

BAR = "{desc}: {percentage:3.0f} %|{bar:20}| {elapsed} gone, {remaining} left"
LINE = "{desc}: {percentage:3.0f} %, {elapsed} gone, {remaining} left\n"


class ProgressBar:
    """Shows ``progress(done, total)`` of one step with the time left.

    On a terminal a moving bar; elsewhere a line every ten seconds.
    """

    def __init__(self, step: str) -> None:
        terminal = sys.stderr.isatty()
        self._bar = tqdm(
            desc=step,
            total=1,
            bar_format=BAR if terminal else LINE,
            mininterval=0.1 if terminal else 10,
            delay=0.5 if terminal else 10,
            leave=False,
            file=sys.stderr,
        )

    def __call__(self, done: int, total: int) -> None:
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()
