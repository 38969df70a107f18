"""Class averages with a known answer, as a 2D classification of RELION would leave them.

Example:

    rebalance simulate --output project --averages 60 --views 10
    rebalance run --particles project/Class2D/job001/run_it025_data.star --output project/balanced
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from .._simulate import SimulationSettings, simulate
from ..io.simulated import write_relion_job

NAME = "simulate"
HELP = "make class averages with a known answer, as a RELION project"

OPTIONS = {  # setting: (name of the value, help)
    "averages": ("N", "class averages, junk and empty ones included"),
    "views": ("K", "separate viewing directions; 0: a continuous distribution that prefers one"),
    "box": ("L", "box size in px"),
    "pixel_size": ("A", "pixel size in A"),
    "particles": ("P", "particles in all"),
    "junk": ("F", "fraction of the averages that show noise, rings or an edge, 0 to 1"),
    "empty": ("N", "blank averages without particles"),
    "snr": ("S", "signal to noise: variance of the particle over variance of the noise"),
    "seed": ("S", "seed of everything random"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options; their defaults are those of :class:`SimulationSettings`."""
    parser.add_argument(
        "--output", metavar="DIR", type=Path, required=True, help="new or empty directory"
    )
    for setting, (value, text) in OPTIONS.items():
        default = getattr(SimulationSettings, setting)
        parser.add_argument(
            "--" + setting.replace("_", "-"),
            metavar=value,
            type=type(default),
            default=default,
            help=f"{text} (default: {default})",
        )


def run(args: argparse.Namespace) -> int:
    """Simulate, write, and say what to do next."""
    settings = SimulationSettings(**{setting: getattr(args, setting) for setting in OPTIONS})
    data = write_relion_job(simulate(settings), args.output)
    project = args.output.resolve()
    command = ["rebalance", "run", "--particles", str(data), "--output", f"{project}/balanced"]
    print(f"Simulated {settings.averages} class averages of {settings.particles} particles.")
    print(f"Particles:      {data}")
    print(f"Class averages: {str(data).replace('_data.star', '_classes.mrcs')}")
    print(f"Truth:          {project / 'truth.csv'}")
    print(f"Next:           {shlex.join(command)}")
    return 0
