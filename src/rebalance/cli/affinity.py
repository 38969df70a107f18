"""Compare class averages: the affinity alone, whole or one shard of it for a job of an array.

Examples:

    rebalance affinity --classes Class2D/job012/run_it025_classes.mrcs --output plain.npz
    rebalance affinity --classes Class2D/job012/run_it025_classes.mrcs --shard 1/3 --output shards
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

from .. import Affinity, _core, affinity
from .._shards import Shard, prepare_asked, tiles_of
from .._tiles import search_tile
from .._version import __version__
from ..checks import as_threads
from ..errors import RebalanceError
from ..io import ClassAverages, open_job, results, whole_file
from ..io.averages import read_averages
from ..io.shards import Origin, is_done, tile_path, write_tile
from . import extend, search
from .progress import ProgressBar

NAME = "affinity"
HELP = "compare class averages: the affinity alone, whole or in shards"
FILE = "affinity.npz"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    files = parser.add_argument_group("input and output")
    files.add_argument(
        "--classes",
        metavar="FILE",
        type=Path,
        help="stack of class averages, or .cs or .csg templates",
    )
    files.add_argument(
        "--particles",
        metavar="FILE",
        type=Path,
        help="particles of the same job, by which the averages are found as rebalance run does",
    )
    files.add_argument("--model", metavar="FILE", type=Path, help="run_itNNN_model.star")
    files.add_argument("--project", metavar="DIR", type=Path, help="project directory")
    files.add_argument(
        "--output",
        metavar="PATH",
        type=Path,
        required=True,
        help="affinity.npz, or a directory for it; with --shard a directory that all shards share",
    )
    files.add_argument("--overwrite", action="store_true", help="replace an affinity.npz")
    files.add_argument(
        "--shard",
        metavar="I/N",
        type=as_shard,
        help="only part I of N, from 1; what of it is there already is not made again",
    )
    extend.add_argument(files)
    search.add_arguments(parser)


def as_shard(text: str) -> Shard:
    """Read ``3/10``, for argparse."""
    try:
        number, of = (int(word) for word in text.split("/"))
    except ValueError:
        number = of = 0
    if not 1 <= number <= of:
        raise argparse.ArgumentTypeError(
            f"must be I/N, shard I of N, with 1 <= I <= N, as 3/10, not {text!r}"
        )
    return Shard(number, of)


def run(args: argparse.Namespace) -> int:
    """Read, compare, write."""
    _check_options(args)
    averages = _read(args)
    if args.shard is not None:
        return _write_shard(args, averages)
    path = affinity_path(args.output, args.overwrite)
    aff = _extended(args, averages) if args.extend else _compared(args, averages)
    with whole_file(path) as file:
        results.write_affinity(aff, results.mark_of(averages), file)
    print(f"Affinity of {len(averages)} class averages in {path}.")
    return 0


def _compared(args: argparse.Namespace, averages: ClassAverages) -> Affinity:
    settings = dataclasses.asdict(search.settings(args, averages))
    with ProgressBar("comparing class averages") as progress:
        return affinity(
            averages.images, top=None, **settings, threads=args.threads, progress=progress
        )


def _extended(args: argparse.Namespace, averages: ClassAverages) -> Affinity:
    aff, said = extend.rows_of(args.extend, averages, as_threads(args.threads))
    print(said)
    return aff


def affinity_path(output: Path, overwrite: bool) -> Path:
    """The file to write, where `output` is that or a directory for it."""
    path = output if output.suffix == ".npz" else output / FILE
    if path.exists() and not overwrite:
        raise RebalanceError(f"{path} is there: choose another output, or add --overwrite")
    make_directory(path.parent)
    return path


def make_directory(directory: Path) -> None:
    """Have a directory; others may make it at the same time."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RebalanceError(
            f"the directory {directory} cannot be made ({error.strerror}): choose another output"
        ) from None


def _check_options(args: argparse.Namespace) -> None:
    if args.extend is None:
        return
    search.refuse_options(args, f"--extend {args.extend}")
    if args.shard is not None:
        raise RebalanceError(
            f"--shard {args.shard} is for all pairs, and --extend {args.extend} for rows of new "
            "averages: leave one of the two out"
        )


def _read(args: argparse.Namespace) -> ClassAverages:
    if args.particles is not None:
        return open_job(args.particles, args.classes, args.model, args.project).averages
    if args.classes is None:
        raise RebalanceError(
            "the class averages must be named: give --classes, or --particles to have them found"
        )
    return read_averages(args.classes, args.project)


def _write_shard(args: argparse.Namespace, averages: ClassAverages) -> int:
    threads = as_threads(args.threads)
    tiles, n_tiles = tiles_of(args.shard, len(averages))
    prepared = prepare_asked(averages.images, search.settings(args, averages), threads)
    mark = results.mark_of(averages)
    origin = Origin(
        __version__,
        mark.sha256,
        results.as_plain(prepared.settings),
        args.shard.of,
        n_tiles,
        _core.instruction_set(),
    )
    make_directory(args.output)
    made = 0
    with ProgressBar(f"shard {args.shard}") as progress:
        for done, (number, tile) in enumerate(tiles.items(), start=1):
            path = tile_path(args.output, args.shard, number)
            if not is_done(path, origin):
                found = search_tile(prepared, tile, threads)
                write_tile(found, origin, mark, path)
                made += 1
            progress(done, len(tiles))
    there = len(tiles) - made
    print(f"Shard {args.shard}: {made} tiles made, {there} were there, in {args.output}.")
    return 0


def warn(sentences: tuple[str, ...]) -> None:
    """Print what the user should know."""
    for sentence in sentences:
        print(f"rebalance: warning: {sentence}.", file=sys.stderr)
