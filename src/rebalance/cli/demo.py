"""Simulate a 2D classification with a known answer and run the main job on it.

Example:

    rebalance demo
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from .._simulate import simulate
from .._simulation_settings import SimulationSettings
from ..io.simulated import write_relion_job
from ..metrics import best_overlap
from . import run as main_job

NAME = "demo"
HELP = "simulate a 2D classification, run the main job on it, and compare with the truth"
FACTOR = "0.5"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        default=Path("rebalance_demo"),
        help="new or empty directory (default: rebalance_demo)",
    )


def run(args: argparse.Namespace) -> int:
    """Simulate, run, compare."""
    settings = SimulationSettings()
    simulation = simulate(settings)
    print(
        f"Simulated {settings.averages} class averages of {settings.views} views "
        f"and {settings.particles} particles.\n"
    )
    data = write_relion_job(simulation, args.output)
    words = ["--particles", str(data), "--output", str(args.output / "balanced")]
    words += ["-k", str(settings.views), "--factor", FACTOR]
    parser = argparse.ArgumentParser(allow_abbrev=False)
    main_job.add_arguments(parser)
    options = parser.parse_args(words, argparse.Namespace(check_stopped=args.check_stopped))
    result = main_job.run_job(options, shlex.join(["rebalance", "run", *words]))
    agree, total = best_overlap(result.superclasses.labels, simulation.label)
    print(f"{agree} of {total} superclasses agree with the true views.")
    return 0
