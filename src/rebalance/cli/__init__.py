"""The command line: ``rebalance COMMAND`` and ``python -m rebalance COMMAND``.

Nothing heavy is loaded before signals are heeded, so that Ctrl-C in the first second ends quietly.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..errors import RebalanceError
from .stop import Stopped, signals_as_exceptions

if TYPE_CHECKING:
    import argparse

REFUSED = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns
    -------
    int
        Exit status: 0 done, 1 aborted by RELION, 2 refused, 130 stopped by Ctrl-C, 143 stopped by
        SIGTERM, 141 when nobody reads what is printed.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        with signals_as_exceptions() as check_stopped, _marks(words):
            args = parse(words)
            args.check_stopped = check_stopped
            check_stopped()
            status = int(args.run(args))
            sys.stdout.flush()
            return status
    except RebalanceError as error:
        return _refuse(str(error))
    except Stopped as stopped:
        print(f"rebalance: {stopped.told}", file=sys.stderr)
        return stopped.status
    except BrokenPipeError:
        _drop_stdout()
        return 128 + signal.SIGPIPE
    except (OSError, MemoryError) as error:
        from .failures import sentence

        _flush_or_drop()
        return _refuse(sentence(error))


def _refuse(sentence: str) -> int:
    print(f"rebalance: error: {sentence.removesuffix('.')}.", file=sys.stderr)
    return REFUSED


@contextmanager
def _marks(words: Sequence[str]) -> Iterator[None]:
    if words[:1] != ["external"]:
        yield
        return
    from .relion_job import relion_marks

    with relion_marks(words[1:]):
        yield


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line; `command_line` is what a shell would need to do the same."""
    import shlex

    from . import external

    words = external.plain_words(argv) if argv[:1] == [external.NAME] else argv
    args, unknown = build_parser().parse_known_args(words)
    args.unknown = unknown
    if unknown and args.run is not external.run:
        args.parser.error(f"unknown arguments: {shlex.join(unknown)}")
    args.command_line = shlex.join(["rebalance", *argv])
    return args


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    import argparse

    from .._version import __version__
    from . import affinity, demo, external, figures, merge, run, simulate
    from .parser import Parser

    parser = Parser(
        prog="rebalance",
        description="See how cryo-EM particles spread over views, from 2D class averages, "
        "and balance them.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"rebalance {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in (run, affinity, merge, figures, simulate, external, demo):
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


def _flush_or_drop() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        _drop_stdout()


def _drop_stdout() -> None:
    """Keep the interpreter from flushing into a broken pipe or a full disk at its end."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
