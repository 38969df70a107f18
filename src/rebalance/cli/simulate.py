"""Class averages with a known answer, as 2D classification would leave them.

Examples:

    rebalance simulate --output project --averages 60 --views 10
    rebalance run --particles project/Class2D/job001/run_it025_data.star --output project/balanced
    rebalance simulate --output biased --map map.mrc --symmetry D2 --views 0 --bumps 2
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from .._junk_averages import JUNK_KINDS
from .._simulate import simulate
from .._simulation_settings import SimulationSettings
from ..io import OutputDirectory, read_map
from ..io.output import make_parent
from ..io.simulated import refuse_used, write_relion_job
from ..io.simulated_cryosparc import write_cryosparc_job

NAME = "simulate"
HELP = "make class averages with a known answer, as a RELION and a CryoSPARC project"
CRYOSPARC_PROJECT = "CS-simulated"  # below the RELION project

OPTIONS: dict[str, tuple[type, str | tuple[str, str], str]] = {  # setting: type, value, help
    "averages": (int, "N", "class averages, junk and empty ones included"),
    "views": (int, "K", "separate viewing directions; 0: a continuous distribution"),
    "box": (int, "L", "box size in px"),
    "pixel_size": (float, "A", "pixel size in A; without it 3, or what holds all of the map"),
    "particles": (int, "P", "particles in all"),
    "symmetry": (str, "G", "point group: C1, D7, T, O, I, ..., imposed on the particle"),
    "view_ratio": (float, "R", "averages of the commonest view over those of the rarest"),
    "particle_ratio": (float, "R", "particles of the fullest average over the emptiest, at most"),
    "bumps": (int, "N", "preferred directions of a continuous distribution; 0: uniform"),
    "bump_share": (float, "F", "share of the averages round the preferred directions, 0 to 1"),
    "bump_width_deg": (float, "DEG", "spread round a preferred direction, degrees"),
    "jitter_deg": (float, "DEG", "spread of the direction round its view, degrees"),
    "shift_sd": (float, "PX", "spread of the shift along each axis, px"),
    "mirrored": (float, "F", "share of the averages that are mirrored, 0 to 1"),
    "resolution": (float, ("BEST", "WORST"), "resolution of the averages, A"),
    "snr": (float, "S", "signal to noise: variance of the particle over variance of the noise"),
    "junk": (float, "F", "share of the averages that show no single particle, 0 to 1"),
    "junk_kinds": (str, "KIND", "kinds of junk, some of " + ", ".join(JUNK_KINDS)),
    "empty": (int, "N", "blank averages without particles"),
    "elongation": (float, "R", "length of the phantom over its width"),
    "seed": (int, "S", "seed of everything random"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options; their defaults are those of :class:`SimulationSettings`."""
    parser.add_argument(
        "--output", metavar="DIR", type=Path, required=True, help="new or empty directory"
    )
    parser.add_argument(
        "--map", metavar="FILE", type=Path, help="density map (MRC) in place of a phantom"
    )
    parser.add_argument(
        "--map-pixel-size", metavar="A", type=float, help="pixel size of the map, if not its own"
    )
    for setting, (kind, value, text) in OPTIONS.items():
        default = getattr(SimulationSettings, setting)
        more: dict[str, Any] = {}
        if isinstance(default, tuple):
            more["nargs"] = 2 if setting == "resolution" else "+"
        shown = " ".join(str(part) for part in default) if more else default
        parser.add_argument(
            "--" + setting.replace("_", "-"),
            metavar=value,
            type=kind,
            default=default,
            help=text if default is None else f"{text} (default: {shown})",
            **more,
        )


def settings_of(args: argparse.Namespace) -> SimulationSettings:
    """What the command line asks for."""
    asked = {setting: getattr(args, setting) for setting in OPTIONS}
    lists = {name: tuple(value) for name, value in asked.items() if isinstance(value, list)}
    return SimulationSettings(**(asked | lists))


def run(args: argparse.Namespace) -> int:
    """Simulate, write, and say what to do next."""
    density_map = None
    if args.map is not None:
        density_map, warnings = read_map(args.map, args.map_pixel_size)
        for warning in warnings:
            print(f"Warning: {warning}", file=sys.stderr)
    settings = settings_of(args)
    simulation = simulate(settings, density_map=density_map)
    project = args.output.resolve()
    refuse_used(project)
    make_parent(project)
    with OutputDirectory(project) as hidden:
        data = project / write_relion_job(simulation, hidden).relative_to(hidden)
        write_cryosparc_job(simulation, hidden / CRYOSPARC_PROJECT)
    again = project / CRYOSPARC_PROJECT
    command = ["rebalance", "run", "--particles", str(data), "--output", f"{project}/balanced"]
    print(f"Simulated {settings.averages} class averages of {settings.particles} particles.")
    print(f"Particles:      {data}")
    print(f"Class averages: {str(data).replace('_data.star', '_classes.mrcs')}")
    print(f"CryoSPARC:      {again}, jobs J1 (2D classification) and J2 (selection)")
    print(f"Truth:          {project / 'truth.csv'}")
    print(f"Next:           {shlex.join(command)}")
    return 0
