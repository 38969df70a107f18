"""Make the golden files of this version: a small job, and what `rebalance run` makes of it.

    python tests/golden/make.py

writes tests/golden/VERSION, once for each release, and refuses to change one that is there. Later
versions must read it and make the same superclasses and particles of it (test_golden.py).
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from rebalance import SimulationSettings, __version__, simulate
from rebalance.cli import main
from rebalance.io.simulated import DATA, MODEL, STACK, write_relion_job

HERE = Path(__file__).parent
JOB = SimulationSettings(
    averages=24, views=5, box=32, pixel_size=6, particles=400, snr=2.0, junk=0.1, empty=1, seed=7
)
OPTIONS = ["--factor", "0.6", "--seed", "3"]
KEPT = ("affinity.npz", "superclasses.csv", "particles.star")


def make(folder: Path) -> None:
    """Simulate, run, and keep what tells whether a later version does the same."""
    with tempfile.TemporaryDirectory() as place:
        project, output = Path(place, "project"), Path(place, "out")
        write_relion_job(simulate(JOB), project)
        words = ["run", "--particles", str(project / DATA), "--output", str(output), *OPTIONS]
        if main(words):
            sys.exit("the run failed: no golden files are made")
        for name in (DATA, MODEL, STACK):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(project / name, folder / name)
        for name in KEPT:
            shutil.copy(output / name, folder / name)
    (folder / "options.json").write_text(json.dumps(OPTIONS) + "\n", encoding="utf-8")


if __name__ == "__main__":
    target = HERE / __version__
    if target.exists():
        sys.exit(f"{target} is there, and golden files never change")
    make(target)
