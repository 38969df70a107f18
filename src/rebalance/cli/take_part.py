"""Options that say which class averages take part, and what the user knows about them."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..checks import as_whole
from ..config import TakePartSettings
from ..io.constraints import Constraints, class_list, read_class_list, read_constraints
from .numbers import as_int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    part = parser.add_argument_group(
        "averages that take part",
        "Classes are named by number, as the particles do. Particles of classes left out go to "
        "particles_left_out.star.",
    )
    part.add_argument(
        "--junk",
        choices=("report", "set-aside", "keep"),
        default="report",
        help="averages that show no particle belong to no superclass, and their particles are "
        "kept (report, the default) or go to particles_set_aside.star (set-aside); keep: they are "
        "averages like any other",
    )
    part.add_argument(
        "--min-particles",
        metavar="N",
        type=as_int,
        default=1,
        help="classes with fewer particles are left out",
    )
    part.add_argument(
        "--leave-out", metavar="LIST", help="classes that are left out, such as 3,7,12-15"
    )
    part.add_argument(
        "--leave-out-file", metavar="FILE", type=Path, help="the same, in a text file"
    )
    part.add_argument(
        "--constraints",
        metavar="FILE",
        type=Path,
        help="constraints.csv with class_number,action,value: leave_out; move (to a superclass, "
        "after grouping); group (of one name: one superclass, of two: never the same)",
    )


def settings(args: argparse.Namespace) -> TakePartSettings:
    """What the options say."""
    constraints = Constraints()
    if args.constraints is not None:
        constraints = read_constraints(args.constraints)
    leave_out = list(constraints.leave_out)
    if args.leave_out is not None:
        leave_out += class_list(args.leave_out, "--leave-out")
    if args.leave_out_file is not None:
        leave_out += read_class_list(args.leave_out_file)
    return TakePartSettings(
        junk=args.junk,
        min_particles=as_whole("--min-particles", args.min_particles, 0),
        leave_out=tuple(sorted(set(leave_out))),
        groups=constraints.groups,
        moves=constraints.moves,
    )


def inputs(args: argparse.Namespace) -> list[Path]:
    """The files that the options name."""
    return [path for path in (args.leave_out_file, args.constraints) if path is not None]


def words(args: argparse.Namespace) -> list[str]:
    """The options that say what is known of averages, with their values, as words."""
    given = {
        "--constraints": args.constraints,
        "--leave-out": args.leave_out,
        "--leave-out-file": args.leave_out_file,
    }
    return [
        word for name, value in given.items() if value is not None for word in (name, str(value))
    ]
