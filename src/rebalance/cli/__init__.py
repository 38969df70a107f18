"""The command line: ``rebalance COMMAND`` and ``python -m rebalance COMMAND``."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from .._version import __version__
from ..errors import RebalanceError
from . import demo, run, simulate

COMMANDS = (run, simulate, demo)
REFUSED = 2
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A signal asked the program to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


class Parser(argparse.ArgumentParser):
    """A parser that refuses in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(REFUSED, f"rebalance: error: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns
    -------
    int
        Exit status: 0 done, 2 refused, 130 stopped by Ctrl-C, 143 stopped by SIGTERM, 141 when
        nobody reads what is printed.
    """
    try:
        with _signals_as_exceptions() as check_stopped:
            args = parse(sys.argv[1:] if argv is None else argv)
            args.check_stopped = check_stopped
            status = int(args.run(args))
            sys.stdout.flush()
            return status
    except RebalanceError as error:
        print(f"rebalance: error: {error}", file=sys.stderr)
        return REFUSED
    except Stopped as stopped:
        print("rebalance: stopped; an output directory appears only when whole", file=sys.stderr)
        return stopped.status
    except BrokenPipeError:
        _drop_stdout()
        return 128 + signal.SIGPIPE


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line; `command_line` is what a shell would need to do the same."""
    args, unknown = build_parser().parse_known_args(argv)
    if unknown:
        args.parser.error(f"unknown arguments: {shlex.join(unknown)}")
    args.command_line = shlex.join(["rebalance", *argv])
    return args


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = Parser(
        prog="rebalance",
        description="See how cryo-EM particles spread over views, from 2D class averages, "
        "and balance them.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"rebalance {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in COMMANDS:
        command = commands.add_parser(
            module.NAME,
            help=module.HELP,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run, parser=command)
    return parser


@contextmanager
def _signals_as_exceptions() -> Iterator[Callable[[], None]]:
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


def _drop_stdout() -> None:
    """Keep the interpreter from flushing into the broken pipe at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
