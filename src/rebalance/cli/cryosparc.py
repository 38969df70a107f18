"""What is special to CryoSPARC on the command line: where the job lies."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import RebalanceError
from ..io import (
    CRYOSPARC,
    Job,
    ServerJob,
    open_cryosparc_directory,
    open_job,
    open_server_job,
    save_to_server,
)

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
    group.add_argument(
        "--cryosparc-url",
        metavar="URL",
        help="server that --cryosparc P3 J42 is loaded from and results are saved to, as "
        "http://host:39000",
    )
    group.add_argument(
        "--cryosparc-workspace",
        metavar="W1",
        help="workspace for results on the server (default: the server chooses)",
    )


def open_input(args: argparse.Namespace, threads: int) -> Job:
    """Open the job that the options name, of whatever format."""
    _check_server(args)
    if args.cryosparc:
        _check_alone(args)
        if args.cryosparc_url:
            return open_server_job(args.cryosparc_url, *_project_and_job(args.cryosparc))
        return open_cryosparc_directory(*_place_of(args.cryosparc), args.classes, args.project)
    _check_is_cryosparc(args)
    files = (args.particles, args.classes, args.model, args.project)
    return open_job(*files, threads=threads, passthrough=args.passthrough or ())


def save_results(args: argparse.Namespace, job: Job) -> None:
    """Save the results on the server that the job came from, if it did."""
    if not isinstance(job, ServerJob):
        return
    try:
        saved = save_to_server(job.server, args.output, args.cryosparc_workspace)
    except RebalanceError as error:
        raise RebalanceError(
            f"The results in {args.output} are whole, but were not saved on the server: {error}"
        ) from error
    places = ", ".join(f"{name} in {uid}" for name, uid in saved.items())
    print(f"Saved in {job.server.project} on {job.server.url}: {places}.")


def _check_server(args: argparse.Namespace) -> None:
    if args.cryosparc_url and not args.cryosparc:
        raise RebalanceError(
            f"--cryosparc-url {args.cryosparc_url} needs a job of that server: add --cryosparc P3 "
            "J42, its project and its number"
        )
    if args.cryosparc_workspace and not args.cryosparc_url:
        raise RebalanceError(
            f"--cryosparc-workspace {args.cryosparc_workspace} is a place on a server: add "
            "--cryosparc-url, or leave it out"
        )
    if args.cryosparc_url and (args.classes or args.project):
        raise RebalanceError(
            "with --cryosparc-url all files come from the server: leave --classes and --project out"
        )


def _project_and_job(words: list[str]) -> tuple[str, str]:
    if len(words) != 2:
        raise RebalanceError(
            f"with --cryosparc-url, --cryosparc takes a project and a job, not {' '.join(words)}: "
            "write --cryosparc P3 J42"
        )
    return words[0], words[1]


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
