"""How a running command is stopped: signals become an exception."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SECONDS_UNTIL_SENT_AGAIN = 0.02


class Stopped(BaseException):
    """A signal asked the program to end."""

    told = "stopped; an output directory appears only when whole"

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
        self.status = 128 + number


@contextmanager
def signals_as_exceptions() -> Iterator[Callable[[], None]]:
    """Raise `Stopped` where a signal arrives; gives what raises it again, if it got lost.

    Python drops an exception that a handler raises inside a finaliser or another callback, such as
    those of every import: then the signal is sent again a little later.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    heeded = [
        number for number in SIGNALS if before[number] != signal.SIG_IGN
    ]  # none that a parent muted
    asked: list[int] = []

    def heed() -> None:
        for number in heeded:
            signal.signal(number, stop)

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
        with _sent_again_when_dropped(heed):
            heed()
            yield check_stopped
    finally:
        for number in heeded:
            signal.signal(number, before[number])


@contextmanager
def _sent_again_when_dropped(heed: Callable[[], None]) -> Iterator[None]:
    """Send the signal of a `Stopped` that Python dropped once more, instead of printing it."""
    before = sys.unraisablehook
    timers: list[threading.Timer] = []

    def dropped(unraisable: sys.UnraisableHookArgs) -> None:
        if not isinstance(unraisable.exc_value, Stopped):
            before(unraisable)
            return
        heed()
        send = partial(signal.pthread_kill, threading.main_thread().ident or 0)
        timers.append(
            threading.Timer(SECONDS_UNTIL_SENT_AGAIN, send, [unraisable.exc_value.number])
        )
        timers[-1].start()

    sys.unraisablehook = dropped
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()
        sys.unraisablehook = before


def _heed_no_more(_number: int, _frame: FrameType | None) -> None:
    pass
