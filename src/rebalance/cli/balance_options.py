"""Options of the balance: how many particles go, and which."""

from __future__ import annotations

import argparse
import re
from typing import Any

from .._rules import as_rule
from .._symmetry import as_symmetry
from ..checks import as_seed, as_whole
from ..config import BalanceSettings
from ..errors import RebalanceError
from .numbers import as_int

BY = ("superclasses", "directions", "density")
POLICIES = ("random", "worst", "even")
_COLUMN = re.compile(r"(?P<name>.+?)(:(?P<good>high|low))?")


def add_balance_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    balance = parser.add_argument_group("balance", "Without a rule nothing is dropped.")
    _add_rules(balance)
    _add_choice(balance)
    _add_bins(balance)


class _DryRun(argparse.Action):
    """A switch after which no output directory is needed."""

    def __init__(self, output: argparse.Action, **known: Any) -> None:
        super().__init__(nargs=0, default=False, **known)
        self._output = output

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *_: object
    ) -> None:
        setattr(namespace, self.dest, True)
        self._output.required = False


def add_dry_run(files: argparse._ArgumentGroup, output: argparse.Action) -> None:
    """Declare the option that computes everything and writes nothing."""
    files.add_argument(
        "--dry-run",
        action=_DryRun,
        output=output,
        help="write nothing: say what would happen, and what each rebalance factor would keep",
    )


def _add_rules(balance: argparse._ArgumentGroup) -> None:
    balance.add_argument(
        "--factor",
        metavar="F",
        help="rebalance factor, smallest / largest superclass, 0 (drop nothing) to 1 (all equal); "
        "default: nothing is dropped",
    )
    balance.add_argument(
        "--max-size",
        metavar="N",
        type=as_int,
        help="most particles that a superclass keeps, instead of the cap that --factor gives",
    )
    balance.add_argument(
        "--cap-percentile",
        metavar="P",
        help="cut to the size of the superclass at this percentile of the sizes, 0 to 100",
    )
    balance.add_argument(
        "--target", metavar="N", type=as_int, help="keep N particles, as evenly as it can be"
    )


def _add_choice(balance: argparse._ArgumentGroup) -> None:
    balance.add_argument(
        "--drop",
        choices=POLICIES,
        default="random",
        help="which go: any (default), the worst by --quality-column, or so that what stays is "
        "spread evenly over class averages and micrographs",
    )
    balance.add_argument(
        "--quality-column",
        metavar="NAME[:high|low]",
        help="column that --drop worst judges by; behind the name whether high or low values are "
        "good, where that is not known of the column",
    )
    balance.add_argument(
        "--ignore-half-sets",
        action="store_true",
        help="do not keep as many particles of one half set as of the other",
    )
    balance.add_argument(
        "--seed", metavar="S", type=as_int, default=0, help="seed of the draw (default: 0)"
    )


def _add_bins(balance: argparse._ArgumentGroup) -> None:
    default = BalanceSettings()
    balance.add_argument(
        "--by",
        choices=BY,
        default=default.by,
        help="what is balanced: superclasses (default), bins of the viewing directions of 3D "
        "poses or else of the class averages, or the density of views around every class average, "
        "smallest / largest of which --factor then bounds",
    )
    balance.add_argument(
        "--direction-bins",
        metavar="N",
        type=as_int,
        default=default.direction_bins,
        help="bins of the viewing sphere, in one asymmetric unit, opposite directions joined "
        f"(default: {default.direction_bins})",
    )
    balance.add_argument(
        "--symmetry",
        metavar="GROUP",
        default=default.symmetry,
        help="point group of the particle, for viewing directions: C1 (default), C4, D7, T, O, I",
    )


def balance_settings(args: argparse.Namespace) -> BalanceSettings:
    """The settings of the options, checked."""
    rule = as_rule(args.factor, args.max_size, args.cap_percentile, args.target)
    column, good = _quality(args)
    if args.by == "density" and (rule.max_size, rule.cap_percentile) != (None, None):
        raise RebalanceError(
            "--by density takes --factor, which bounds smallest / largest density, or --target, "
            "and no --max-size or --cap-percentile: leave those out"
        )
    return BalanceSettings(
        factor=rule.factor,
        max_size=rule.max_size,
        seed=as_seed(args.seed),
        cap_percentile=rule.cap_percentile,
        target=rule.target,
        drop=args.drop,
        quality_column=column,
        quality_is=good,
        half_sets=not args.ignore_half_sets,
        by=args.by,
        direction_bins=as_whole("direction bins", args.direction_bins, 1, 100_000),
        symmetry=as_symmetry(args.symmetry),
    )


def _quality(args: argparse.Namespace) -> tuple[str | None, str | None]:
    """Column and direction; refuses one that would not be used, and none where one is needed."""
    if args.drop != "worst" and args.quality_column is not None:
        raise RebalanceError(
            f"--quality-column says which particles are the worst, and --drop {args.drop} does "
            "not ask: leave it out, or add --drop worst"
        )
    if args.drop == "worst" and args.quality_column is None:
        raise RebalanceError(
            "--drop worst needs to know which particles are good: give --quality-column, such as "
            "rlnMaxValueProbDistribution"
        )
    match = _COLUMN.fullmatch(args.quality_column or "")
    return (match["name"], match["good"]) if match else (args.quality_column, None)
