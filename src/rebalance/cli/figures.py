"""Draw the pictures of a finished run again, for print.

Example:

    rebalance figures balanced --format pdf svg --width column
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import RebalanceError
from ..io import OutputDirectory
from ..report import save_figures
from ..report.style import COLUMN_MM, FORMATS, PAGE_MM
from .again import result_of

NAME = "figures"
HELP = "draw the pictures of a finished run again, for print"
WIDTHS = {"page": PAGE_MM, "column": COLUMN_MM}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("results", metavar="DIR", type=Path, help="results of rebalance run")
    parser.add_argument(
        "--output", metavar="DIR", type=Path, help="new directory (default: DIR/figures)"
    )
    parser.add_argument(
        "--format",
        nargs="+",
        choices=FORMATS,
        default=["pdf"],
        help="default: pdf; text stays text",
    )
    parser.add_argument(
        "--width",
        choices=WIDTHS,
        default="page",
        help="page (180 mm, default) or column (85 mm)",
    )


def run(args: argparse.Namespace) -> int:
    """Read the results, draw, say where."""
    output = args.output or args.results / "figures"
    if output.exists():
        raise RebalanceError(f"{output} must be a new directory, and it is there: name another")
    result = result_of(args.results)
    with OutputDirectory(output) as hidden:
        paths = save_figures(result, hidden, formats=args.format, width_mm=WIDTHS[args.width])
    print("\n".join(str(output / path.name) for path in paths))
    return 0
