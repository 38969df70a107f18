"""The main job as an External job of RELION, which calls it and reads what it leaves.

RELION's own call, in the project directory:

    rebalance external --o External/job012/ --in_parts Class2D/job011/run_it025_data.star \\
        --factor 0.5 --k auto --mask_diameter 180 --j 8

Every option of rebalance run that says how to compute may be a parameter label, without its
dashes: factor, max_size, k, mask_diameter, ...
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import RebalanceError
from ..io import JobDirectory, relion_nodes
from ..pipeline import Result
from ..report import save_pdf
from . import run as main_job
from .cryosparc import NOT_ASKED

NAME = "external"
HELP = "the main job as an External job of RELION"
OTHER_INPUTS = ("movies", "mics", "coords", "3dref", "mask")
# What people who know RELION may write, and what rebalance calls it.
OTHER_NAMES = {"--i": "--in_parts", "--k": "-k", "--j": "-j", "--random-seed": "--seed"}
YES, NO = {"yes", "true"}, {"no", "false"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    job = parser.add_argument_group("given by RELION")
    job.add_argument(
        "--o", metavar="DIR", dest="output", type=Path, required=True, help="the job's directory"
    )
    job.add_argument(
        "--in_parts",
        metavar="FILE",
        dest="particles",
        type=Path,
        help="particles after 2D classification, or run_itNNN_optimiser.star",
    )
    for name in OTHER_INPUTS:
        job.add_argument(f"--in_{name}", metavar="FILE", help="not used")
    job.add_argument("--pipeline_control", metavar="DIR", help="not used: the directory is --o")
    main_job.add_sources(parser.add_argument_group("files"))
    main_job.add_settings(parser)
    parser.set_defaults(**NOT_ASKED)


def plain_words(words: Sequence[str]) -> list[str]:
    """The words of RELION's call as our parser takes them.

    Labels may have underscores for dashes, and a switch may have the value yes or no.
    """
    switches, plain = _switches(), list[str]()
    for word in words:
        if plain and plain[-1] in switches and word.lower() in YES:
            continue
        if plain and plain[-1] in switches and word.lower() in NO:
            plain.pop()
        else:
            plain.append(_plain_label(word))
    return plain


def _switches() -> set[str]:
    """Labels that stand alone: those that are off without them."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add_arguments(parser)
    unasked = vars(parser.parse_args(["--o", "."]))
    return {"--" + name.replace("_", "-") for name, value in unasked.items() if value is False}


def _plain_label(word: str) -> str:
    if not word.startswith("--") or word.startswith(("--in_", "--pipeline_control")):
        return word
    label, equals, value = word.partition("=")
    label = label.replace("_", "-")
    return OTHER_NAMES.get(label, label) + equals + value


def run(args: argparse.Namespace) -> int:
    """Do the main job in RELION's directory."""
    for sentence in _ignored(args):
        print(f"rebalance: warning: {sentence}", file=sys.stderr)
    if args.particles is None:
        raise RebalanceError(
            "An External job needs particles after 2D classification (--in_parts), and there are "
            "none: fill in the field 'Input particles'."
        )
    if args.particles.suffix != ".star":
        raise RebalanceError(
            f"An External job takes particles of RELION (.star), not {args.particles}: use "
            "rebalance run."
        )
    main_job.run_job(
        args,
        args.command_line,
        open_output=lambda inputs: JobDirectory(args.output, inputs),
        add_files=lambda result, folder: _add_relion_files(result, args.output, folder),
    )
    return 0


def _add_relion_files(result: Result, job: Path, folder: Path) -> None:
    save_pdf(result, folder / relion_nodes.PDF)
    relion_nodes.write_output_nodes(folder / relion_nodes.FILE, job, Path.cwd())


def _ignored(args: argparse.Namespace) -> list[str]:
    """A sentence for everything in the call that has no effect."""
    sentences = [
        f"--in_{name} {given} is not used: the particles say which averages belong to them."
        for name in OTHER_INPUTS
        if (given := getattr(args, f"in_{name}")) is not None
    ]
    return sentences + [
        f"{label} is no parameter of rebalance and is ignored; see rebalance external --help."
        for label in _labels(args.unknown)
    ]


def _labels(unknown: Sequence[str]) -> list[str]:
    """Unknown words, each label together with its values."""
    labels: list[str] = []
    for word in unknown:
        if labels and not word.startswith("-"):
            labels[-1] += f" {word}"
        else:
            labels.append(word)
    return labels
