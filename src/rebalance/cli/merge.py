"""Join the shards of an affinity, after a look whether all are there and belong together.

Example:

    rebalance merge shards --output affinity.npz
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .._shards import join
from ..io import results, whole_file
from ..io.shards import Shards
from .affinity import affinity_path, warn

NAME = "merge"
HELP = "join the shards of an affinity"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "shards",
        metavar="DIR",
        type=Path,
        nargs="+",
        help="where rebalance affinity --shard wrote; several if shards have directories each",
    )
    parser.add_argument(
        "--output",
        metavar="PATH",
        type=Path,
        required=True,
        help="affinity.npz, or a directory for it",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an affinity.npz")


def run(args: argparse.Namespace) -> int:
    """Check, join, write."""
    shards = Shards(args.shards)
    path = affinity_path(args.output, args.overwrite)
    settings = results.as_affinity_settings(shards.origin.settings)
    aff = join(len(shards.mark.class_number), shards.tiles(), settings)
    with whole_file(path) as file:
        results.write_affinity(aff, shards.mark, file)
    warn(shards.warnings)
    print(f"{len(shards)} tiles of {shards.origin.n_shards} shards joined in {path}.")
    return 0
