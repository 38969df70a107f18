"""What is special to CryoSPARC on the command line: where the job lies."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import RebalanceError
from ..io import CRYOSPARC, Job, open_cryosparc_directory, open_job


NOT_ASKED = dict.fromkeys(("cryosparc", "passthrough", "cryosparc_url", "cryosparc_workspace"))


class InPlaceOfParticles(argparse.Action):
    """An option that stands in for ``--particles``, which is required without it."""

    def __init__(self, *args: Any, particles: argparse.Action, **words: Any) -> None:
        super().__init__(*args, **words)
        self.particles = particles

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option: str | None = None,
    ) -> None:
        """Keep the words given."""
        self.particles.required = False
        setattr(namespace, self.dest, values)


def add_arguments(parser: argparse.ArgumentParser, particles: argparse.Action) -> None:
    """Declare the options; `particles` is the one that ``--cryosparc`` stands in for."""
    group = parser.add_argument_group("CryoSPARC")
    group.add_argument(
        "--cryosparc",
        metavar=("DIR", "JOB"),
        nargs="+",
        action=InPlaceOfParticles,
        particles=particles,
        help="in place of --particles: project directory and job (J42), or the directory of a job "
        "or of an exported one; the latest iteration is taken",
    )
    group.add_argument(
        "--passthrough",
        metavar="FILE",
        type=Path,
        action="append",
        help="more columns of the particles, joined on uid; may be repeated (default: found)",
    )


def open_input(args: argparse.Namespace, threads: int) -> Job:
    """Open the job that the options name, of whatever format."""
    if args.cryosparc:
        _check_alone(args)
        return open_cryosparc_directory(*_place_of(args.cryosparc), args.classes, args.project)
    _check_is_cryosparc(args)
    files = (args.particles, args.classes, args.model, args.project)
    return open_job(*files, threads=threads, passthrough=args.passthrough or ())


def _check_alone(args: argparse.Namespace) -> None:
    others = {name: getattr(args, name) for name in ("particles", "passthrough", "model")}
    given = [f"--{name}" for name, value in others.items() if value]
    if given:
        raise RebalanceError(
            f"--cryosparc {' '.join(args.cryosparc)} finds all files of a job, so {given[0]} must "
            "not be given too: leave one of the two out"
        )


def _place_of(words: list[str]) -> tuple[Path, str | None]:
    if len(words) > 2:
        raise RebalanceError(
            f"--cryosparc takes a directory and a job, not {len(words)} words ({' '.join(words)}): "
            "write --cryosparc DIR J42"
        )
    return Path(words[0]), words[1] if len(words) == 2 else None


def _check_is_cryosparc(args: argparse.Namespace) -> None:
    if args.passthrough and args.particles.suffix not in CRYOSPARC:
        raise RebalanceError(
            f"--passthrough is for particles of CryoSPARC (.cs, .csg), and {args.particles} is "
            "none: leave it out"
        )
