"""The command line: ``rebalance COMMAND`` and ``python -m rebalance COMMAND``."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from .._version import __version__
from ..errors import RebalanceError
from . import demo, run, simulate

COMMANDS = (run, simulate, demo)
REFUSED = 2
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns
    -------
    int
        Exit status: 0 done, 2 refused, 130 stopped by Ctrl-C, 143 stopped by SIGTERM.
    """
    args = build_parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return int(args.run(args))
    except RebalanceError as error:
        print(f"rebalance: error: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("rebalance: stopped; nothing was written", file=sys.stderr)
        return INTERRUPTED


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
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
        command.set_defaults(run=module.run)
    return parser


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + signal.SIGTERM)
