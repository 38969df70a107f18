"""How a running command is stopped: signals become an exception."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A signal asked the program to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


@contextmanager
def signals_as_exceptions() -> Iterator[Callable[[], None]]:
    """Raise `Stopped` where a signal arrives; gives what raises it again, if it got lost.

    Python drops an exception that a handler raises inside a finaliser or another callback.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    heeded = [
        number for number in SIGNALS if before[number] != signal.SIG_IGN
    ]  # none that a parent muted
    asked: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        asked.append(number)
        # A second Ctrl-C must not cut the cleaning up short. (Not SIG_IGN: Python prints a
        # complaint when it finds that a signal on its way has lost its handler.)
        for each in heeded:
            signal.signal(each, _heed_no_more)
        raise Stopped(number)

    def check_stopped() -> None:
        if asked:
            raise Stopped(asked[0])

    try:
        for number in heeded:
            signal.signal(number, stop)
        yield check_stopped
    finally:
        for number in heeded:
            signal.signal(number, before[number])


def _heed_no_more(_number: int, _frame: FrameType | None) -> None:
    pass
