"""Superclasses, pictures and a balanced particle set of a 2D classification.

Example:

    rebalance run --particles Class2D/job012/run_it025_data.star --output balanced --factor 0.5
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import Affinity, _core
from .._version import __version__
from ..checks import as_threads, as_whole
from ..config import RunSettings, SuperclassSettings, ViewSettings
from ..errors import RebalanceError
from ..io import Job, OutputDirectory, read_columns, results, took_part_before
from ..io.output import RESULTS_MARK
from ..io.unchanged import Unchanged
from ..pipeline import Result, average_of_particle
from ..pipeline import run as run_pipeline
from ..report import (
    Provenance,
    factor_lines,
    orientation_data,
    proof_lines,
    save_figures,
    summary_data,
    summary_lines,
    write_report,
)
from . import cryosparc, extend, search, take_part
from .balance_options import add_balance_options, add_dry_run, balance_settings
from .command_line import without_options
from .memory import check_memory
from .numbers import as_int
from .progress import ProgressBar
from .split import write_split
from .stopwatch import Stopwatch

NAME = "run"
HELP = "superclasses, pictures and a balanced particle set of a 2D classification"
# What the report's controls set: its command has them in its own words.
PAGE_OPTIONS = (
    *("-k", "--n-superclasses", "--factor", "--max-size", "--cap-percentile", "--target"),
    *("--seed", "--output", "--constraints", "--leave-out", "--leave-out-file"),
    "--overwrite!",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    _add_files(parser)
    add_settings(parser)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say how to compute."""
    _add_method(parser)
    add_balance_options(parser)
    take_part.add_arguments(parser)
    search.add_arguments(parser)


def _add_files(parser: argparse.ArgumentParser) -> None:
    files = parser.add_argument_group("input and output")
    particles = files.add_argument(
        "--particles",
        metavar="FILE",
        type=Path,
        required=True,
        help="particles after 2D classification: run_itNNN_data.star, particles.star of a Select "
        "job, or run_itNNN_optimiser.star of RELION; .cs or .csg of CryoSPARC",
    )
    add_sources(files)
    output = files.add_argument(
        "--output", metavar="DIR", type=Path, required=True, help="new directory for the results"
    )
    files.add_argument(
        "--overwrite", action="store_true", help="replace earlier results in the output directory"
    )
    cryosparc.add_arguments(parser, particles)
    files.add_argument(
        "--json", action="store_true", help="print the summary as JSON, and nothing else"
    )
    add_dry_run(files, output)


def add_sources(files: argparse._ArgumentGroup) -> None:
    """Declare the options of files that an External job has too."""
    files.add_argument(
        "--classes",
        metavar="FILE",
        type=Path,
        help="stack of class averages, or .cs or .csg templates (default: found)",
    )
    files.add_argument(
        "--model", metavar="FILE", type=Path, help="run_itNNN_model.star (default: found)"
    )
    files.add_argument(
        "--project", metavar="DIR", type=Path, help="RELION project directory (default: found)"
    )
    files.add_argument(
        "--affinity",
        metavar="FILE",
        type=Path,
        help="affinity.npz of an earlier run of the same averages, which are not compared again",
    )
    extend.add_argument(files)
    files.add_argument(
        "--superclass-column",
        action="store_true",
        help="write the superclass of each particle into the particle tables, as a column",
    )
    files.add_argument(
        "--split",
        action="store_true",
        help="also write one particle set and one list of averages for each superclass",
    )


def _add_method(parser: argparse.ArgumentParser) -> None:
    method = parser.add_argument_group("superclasses")
    method.add_argument(
        "-k",
        "--n-superclasses",
        metavar="N|auto",
        type=_as_number,
        default="auto",
        help="number of superclasses (default: auto, found from the data)",
    )
    method.add_argument(
        "--no-superclassification",
        action="store_true",
        help="every class average is its own superclass",
    )
    method.add_argument(
        "--no-view-sphere",
        action="store_true",
        help="do not find the viewing directions of the class averages",
    )


def _as_number(text: str) -> int | str:
    return text if text == "auto" else as_int(text)


def run(args: argparse.Namespace) -> int:
    """Read, compute, write all results or none, and sum up."""
    run_job(args, args.command_line)
    return 0


def run_job(
    args: argparse.Namespace,
    command: str,
    open_output: Callable[[list[Path]], AbstractContextManager[Path]] | None = None,
    add_files: Callable[[Result, Path], None] | None = None,
) -> Result:
    """The main job, for the options of this command.

    Parameters
    ----------
    args : Namespace
        Options.
    command : str
        What the record says was typed.
    open_output : callable, optional
        Gives the directory to write into, for the inputs it must spare; default: a new directory.
    add_files : callable, optional
        Writes more into it.
    """
    _check_options(args)
    settings = _method_settings(args)
    threads = as_threads(args.threads)
    watch = Stopwatch()
    with watch.part("reading"):
        job = cryosparc.open_input(args, threads)
    check_memory(job)
    as_json = getattr(args, "json", False)
    if not as_json:
        print("\n".join(job.found), flush=True)
    settings = dataclasses.replace(settings, affinity=search.settings(args, job.averages))
    inputs = [*job.inputs, *take_part.inputs(args), *_affinity_inputs(args)]
    unchanged = Unchanged(inputs)
    if getattr(args, "dry_run", False):
        result = _compute(args, job, settings, threads)
        print("\n".join([*_summary(result), "", *factor_lines(result)]))
        print("\nNothing was written (--dry-run).")
        return result
    with open_output(inputs) if open_output else _new_directory(args, inputs) as directory:
        with watch.part("comparing, grouping, balancing"):
            result = _compute(args, job, settings, threads)
        unchanged.check()
        record = _record(result, job, inputs, command)
        superclass = _superclass_of_particle(job, result)
        if args.superclass_column:
            job = job.with_superclasses(superclass)
        with watch.part("writing tables"):
            _write_tables(result, job, directory)
            if args.split:
                write_split(job, result, superclass, directory)
        with watch.part("drawing figures"):
            save_figures(result, directory)
        provenance = _provenance(record, args, watch.seconds)
        write_report(result, directory / "report.html", provenance)
        if add_files:
            add_files(result, directory)
        record["files"] = sorted(path.name for path in directory.iterdir())
        results.write_settings(record, directory / RESULTS_MARK)
        unchanged.check()
        args.check_stopped()  # before the results appear
    if as_json:
        print(json.dumps(summary_data(result), indent=2))
    else:
        print("\n".join(_summary(result)))
        print(f"\nResults in {args.output}; open {args.output / 'report.html'} in a browser.")
    cryosparc.save_results(args, job)
    return result


def _affinity_inputs(args: argparse.Namespace) -> list[Path]:
    paths = [args.affinity, args.extend]
    if args.extend is not None:
        paths.append(extend.superclasses_beside(args.extend))
    return [path for path in paths if path is not None]


def recompute(args: argparse.Namespace, affinity: Path) -> Result:
    """What these options gave before, with the affinity that was found then; writes nothing."""
    threads = as_threads(args.threads)
    settings, job = _method_settings(args), cryosparc.open_input(args, threads)
    settings = dataclasses.replace(settings, affinity=search.settings(args, job.averages))
    args.affinity = affinity
    return _compute(args, job, settings, threads)


def _compute(args: argparse.Namespace, job: Job, settings: RunSettings, threads: int) -> Result:
    """Everything but the files."""
    columns = read_columns(job.particles, settings.balance, settings.views.sphere)
    took_part = took_part_before(job.particles.path, job.averages.class_number)
    given = None
    if args.affinity is not None:
        checksum = results.images_sha256(job.averages.images)
        given = Affinity(**results.read_affinity(args.affinity, checksum))
    elif args.extend is not None:
        given, said = extend.rows_of(args.extend, job.averages, threads)
        if not getattr(args, "json", False):
            print(said, flush=True)
    earlier = extend.earlier_labels(args.extend, job.averages) if args.extend else None
    with ProgressBar("comparing class averages") as progress:
        result = run_pipeline(
            job,
            settings,
            given=given,
            columns=columns,
            took_part=took_part,
            earlier=earlier,
            threads=threads,
            progress=progress,
        )
    return _with_pixel_size(result, args.angpix)


def _summary(result: Result) -> list[str]:
    return [*summary_lines(result, ()), "", *proof_lines(result)]


def _superclass_of_particle(job: Job, result: Result) -> NDArray[np.int32]:
    """(P,) superclass of each particle; -1: none."""
    average = average_of_particle(job)
    return np.where(average >= 0, result.superclasses.labels[average], np.int32(-1))


def _new_directory(args: argparse.Namespace, inputs: list[Path]) -> OutputDirectory:
    return OutputDirectory(args.output, args.overwrite, inputs)


def _check_options(args: argparse.Namespace) -> None:
    """Refuse options that an affinity given would leave without effect."""
    if args.affinity is not None and args.extend is not None:
        raise RebalanceError(
            f"--affinity {args.affinity} is of all averages, and --extend {args.extend} of some: "
            "leave one of the two out"
        )
    for option in ("affinity", "extend"):
        if (path := getattr(args, option)) is not None:
            search.refuse_options(args, f"--{option} {path}")


def _method_settings(args: argparse.Namespace) -> RunSettings:
    """The settings that need no input files, so that they are refused before any is read."""
    number = None
    if args.n_superclasses != "auto":
        number = as_whole("number of superclasses (-k)", args.n_superclasses, 1)
    balance = balance_settings(args)
    return RunSettings(
        take_part=take_part.settings(args),
        superclasses=SuperclassSettings(number, not args.no_superclassification, balance.seed),
        balance=balance,
        views=ViewSettings(sphere=not args.no_view_sphere),
    )


def _with_pixel_size(result: Result, angpix: float | None) -> Result:
    """The result, its averages with the pixel size that was given."""
    if angpix is None:
        return result
    return dataclasses.replace(
        result, averages=dataclasses.replace(result.averages, pixel_size=angpix)
    )


def _record(result: Result, job: Job, inputs: list[Path], command: str) -> dict[str, Any]:
    """What ``settings.json`` says: enough to make the result again."""
    return {
        "format_version": results.FORMAT_VERSION,
        "command": command,
        "settings": results.as_plain(result.settings),
        "chosen_from_data": results.as_plain(result.affinity.settings),
        "n_superclasses": result.superclasses.n_superclasses,
        "seed": result.settings.balance.seed,
        "factor": result.balance.factor,
        "found": list(job.found),
        "view_sphere": orientation_data(result),
        "warnings": list(result.warnings),
        "input_sha256": {str(path): results.file_sha256(path) for path in inputs},
        "versions": {
            "rebalance": __version__,
            **{name: version(name) for name in ("numpy", "scipy", "matplotlib")},
            "python": sys.version.split()[0],
            "instruction set": _core.instruction_set(),
        },
    }


def _write_tables(result: Result, job: Job, directory: Path) -> None:
    suffix = job.particles.suffix
    parts = {"": result.balance.keep, "_excluded": result.excluded}
    parts |= {f"_{name}": particles for name, particles in result.apart.items()}
    part = np.zeros(len(job.particles), dtype=np.uint8)
    for number, particles in enumerate(parts.values(), start=1):
        part[particles] = number
    job.particles.write_parts(part, [directory / f"particles{end}{suffix}" for end in parts])
    takes_part = result.superclasses.labels >= 0
    job.write_averages(takes_part, directory / f"class_averages{suffix}")
    job.write_selection(takes_part, directory)
    results.write_superclasses(result, directory / "superclasses.csv")
    results.write_views(result, directory / "views.csv")
    mark = results.mark_of(result.averages)
    results.write_affinity(result.affinity, mark, directory / "affinity.npz")


def _provenance(
    record: dict[str, Any], args: argparse.Namespace, seconds: dict[str, float]
) -> Provenance:
    words = shlex.split(record["command"])
    if words[1:2] != ["run"]:  # a job of a project, which cannot be typed again elsewhere
        words = ["rebalance", "run", "--particles", str(args.particles)]
    return Provenance(
        command=record["command"],
        words=without_options(words, PAGE_OPTIONS),
        constraints=take_part.words(args),
        output=str(args.output),
        found=record["found"],
        inputs=record["input_sha256"],
        versions=record["versions"],
        seconds=seconds,
    )
