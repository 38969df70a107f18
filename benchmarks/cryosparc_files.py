"""Time and memory of choosing among many CryoSPARC particles, against loading and saving by NumPy.

    python benchmarks/cryosparc_files.py [ROWS] [ROUNDS]

Each measurement is a process of its own. "rebalance" reads the particles, joins what is passed
through, and writes kept and excluded rows with their groups; "numpy" loads the same files whole and
saves them once.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from rebalance import SimulationSettings, simulate
from rebalance.io import open_cryosparc_job
from rebalance.io.simulated_cryosparc import ROOT, write_cryosparc_job

ROWS, ROUNDS = 5_000_000, 3
GOAL_TIME, GOAL_MEMORY = 3, 2
FILES = (f"{ROOT}_particles.cs", "P1_J1_passthrough_particles.cs")


def run_rebalance(job: Path, out: Path, n_files: int) -> None:
    """Read, choose about half of the rows, and write both parts."""
    particles = open_cryosparc_job(job / FILES[0]).particles
    assert len(particles.table.files) == n_files
    part = (particles.identity % np.uint64(2) + 1).astype(np.uint8)
    particles.write_parts(part, [out / "particles.cs", out / "particles_excluded.cs"])


def run_numpy(job: Path, out: Path, n_files: int) -> None:
    """Load and save every file."""
    for name in FILES[:n_files]:
        rows = np.load(job / name, allow_pickle=False)
        with (out / name).open("wb") as file:
            np.save(file, rows, allow_pickle=False)


def measure(what: str, job: Path, n_files: int) -> tuple[float, float]:
    """Seconds, and MB of memory at most, of one run in a process of its own."""
    with tempfile.TemporaryDirectory(dir=job.parent) as out:
        words = [sys.executable, __file__, "--one", what, str(job), out, str(n_files)]
        answer = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
    return float(answer[0]), float(answer[1])


def run_one(what: str, job: Path, out: Path, n_files: int) -> None:
    """Print seconds and MB of one run."""
    start = time.perf_counter()
    {"rebalance": run_rebalance, "numpy": run_numpy}[what](job, out, n_files)
    print(time.perf_counter() - start, highest_resident_mb())


def highest_resident_mb() -> float:
    """MB of memory that this process had at most; ru_maxrss would count its parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM"))


def main(n_rows: int, rounds: int) -> None:
    """Make the files, measure in turn, print a table."""
    with tempfile.TemporaryDirectory() as folder:
        settings = SimulationSettings(averages=100, box=16, particles=n_rows)
        job = write_cryosparc_job(simulate(settings), Path(folder) / "project") / "J1"
        shutil.rmtree(job.parent / "J2")
        os.sync()
        print("| files | MB | numpy, s | rebalance, s | times | rebalance, MB | times the file |")
        print("|---|---|---|---|---|---|---|")
        for n_files, name in ((2, "particles, passed through"), (1, "particles")):
            if n_files == 1:
                (job / FILES[1]).unlink()
                for group in job.glob("*.csg"):
                    group.unlink()
            size = sum((job / file).stat().st_size for file in FILES[:n_files]) / 1e6
            runs = [
                (measure("numpy", job, n_files), measure("rebalance", job, n_files))
                for _ in range(rounds)
            ]
            plain, ours = (statistics.median(run[i][0] for run in runs) for i in (0, 1))
            memory = max(run[1][1] for run in runs)
            print(
                f"| {name} | {size:,.0f} | {plain:.2f} | {ours:.2f} | {ours / plain:.2f} "
                f"(goal {GOAL_TIME}) | {memory:,.0f} | {memory / size:.2f} (goal {GOAL_MEMORY}) |"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        run_one(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), int(sys.argv[5]))
    else:
        given = [int(word) for word in sys.argv[1:]]
        main(*(given + [ROWS, ROUNDS][len(given) :]))
