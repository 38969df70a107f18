"""Particle tables: read class and identity, write the rows kept and the rows excluded.

Side by side with shutil.copyfile, starfile and gemmi (``pip install 'rebalance2d[bench]'``), on a
table of 28 columns as RELION 3.1 writes it, after a warm-up, taking turns, each output a new file.

Command: ``python benchmarks/tables.py [--rows N] [--rounds N] [--only ours copy starfile gemmi]``
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import starfile

from rebalance.io import read_particles

LABELS = (
    *("rlnCoordinateX", "rlnCoordinateY", "rlnClassNumber", "rlnAutopickFigureOfMerit"),
    *("rlnAnglePsi", "rlnImageName", "rlnMicrographName", "rlnOpticsGroup", "rlnCtfMaxResolution"),
    *("rlnCtfFigureOfMerit", "rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle", "rlnCtfBfactor"),
    *("rlnCtfScalefactor", "rlnPhaseShift", "rlnAngleRot", "rlnAngleTilt", "rlnOriginXAngst"),
    *("rlnOriginYAngst", "rlnGroupNumber", "rlnNormCorrection", "rlnLogLikeliContribution"),
    *("rlnMaxValueProbDistribution", "rlnNrOfSignificantSamples", "rlnRandomSubset"),
    *("rlnHelicalTubeID", "rlnParticleSelectZScore"),
)
TEXT = {
    "rlnImageName": "{:06d}@Extract/job012/Movies/2017062{}_{:05d}_frameImage.mrcs",
    "rlnMicrographName": "MotionCorr/job002/Movies/20170629_{2:05d}_frameImage.mrc",
}
WHOLE = ("rlnClassNumber", "rlnOpticsGroup", "rlnGroupNumber", "rlnRandomSubset")
BLOCK = 10_000  # rows written at once; all but their names repeat
HEAD = (
    "\n# version 30001\n\ndata_optics\n\nloop_ \n_rlnOpticsGroup #1 \n_rlnImageSize #2 \n"
    "           1           64 \n \n\n# version 30001\n\ndata_particles\n\nloop_ \n"
)
N_CLASSES = 100
HEADER = """\
| way | best, s | over copy | processor, s | memory, MB | bytes a row above 40 MB |
|---|---|---|---|---|---|"""


def write_table(path: Path, n_rows: int) -> None:
    """A table of so many rows with names of their own."""
    rng = np.random.default_rng(1)
    numbers = rng.uniform(-200, 20_000, (BLOCK, len(LABELS)))
    classes = rng.integers(1, N_CLASSES + 1, BLOCK)
    with path.open("w") as file:
        file.write(HEAD + "".join(f"_{label} #{i} \n" for i, label in enumerate(LABELS, start=1)))
        for first in range(0, n_rows, BLOCK):
            for row in range(min(BLOCK, n_rows - first)):
                file.write(_row(numbers[row], int(classes[row]), first // BLOCK, row))
        file.write(" \n")


def _row(numbers: np.ndarray, class_number: int, block: int, row: int) -> str:
    values = []
    for label, number in zip(LABELS, numbers.tolist(), strict=True):
        if label in TEXT:
            values.append(TEXT[label].format(row % 300 + 1, block % 10, block * 34 + row // 300))
        elif label in WHOLE:
            values.append(f"{class_number if label == WHOLE[0] else 1:12d}")
        else:
            values.append(f"{number:12.6f}")
    return " ".join(values) + " \n"


def ours(path: Path, outputs: list[Path]) -> None:
    """Read, and write both parts at once."""
    particles = read_particles(path)
    keep = particles.class_number % 2 == 0
    particles.write_parts(np.where(keep, np.uint8(1), np.uint8(2)), outputs)


def ours_one_by_one(path: Path, outputs: list[Path]) -> None:
    """Read, and write one part after the other."""
    particles = read_particles(path)
    keep = particles.class_number % 2 == 0
    for part, output in zip((keep, ~keep), outputs, strict=True):
        particles.write(part, output)


def copy(path: Path, outputs: list[Path]) -> None:
    """Copy the file once."""
    shutil.copyfile(path, outputs[0])


def with_starfile(path: Path, outputs: list[Path]) -> None:
    """The same by starfile."""
    tables = starfile.read(path)
    particles = tables["particles"]
    keep = particles["rlnClassNumber"] % 2 == 0
    for part, output in zip((keep, ~keep), outputs, strict=True):
        starfile.write({"optics": tables["optics"], "particles": particles[part]}, output)


def with_gemmi(path: Path, outputs: list[Path]) -> None:
    """The same by gemmi."""
    from gemmi import cif

    document = cif.read(str(path))
    column = document.find_block("particles").find_loop("_rlnClassNumber")
    keep = np.array([int(value) for value in column]) % 2 == 0
    loop = column.get_loop()
    values = np.array(loop.values, dtype=object).reshape(-1, loop.width())
    for part, output in zip((keep, ~keep), outputs, strict=True):
        loop.set_all_values(values[part].T.tolist())
        document.write_file(str(output))


WAYS: dict[str, Callable[[Path, list[Path]], None]] = {
    "copy": copy,
    "ours": ours,
    "ours, one by one": ours_one_by_one,
    "gemmi": with_gemmi,
    "starfile": with_starfile,
}


def timed(way: Callable[[Path, list[Path]], None], path: Path) -> tuple[float, float]:
    """Seconds on the clock and of all processors, writing new files."""
    outputs = [path.with_name(f"{name}.star") for name in ("kept", "excluded")]
    for output in outputs:
        output.unlink(missing_ok=True)
    start, processor = time.perf_counter(), time.process_time()
    way(path, outputs)
    return time.perf_counter() - start, time.process_time() - processor


MEMORY = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import tables
def most():
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
path, before = Path(sys.argv[2]), most()
tables.WAYS[sys.argv[3]](path, [path.with_name("kept.star"), path.with_name("excluded.star")])
print(json.dumps(most() - before))
"""


def memory(name: str, path: Path) -> int:
    """Bytes that a way takes at most, above the imported packages; in a process of its own."""
    words = [sys.executable, "-c", MEMORY, str(Path(__file__).parent), str(path), name]
    return int(json.loads(subprocess.run(words, check=True, capture_output=True).stdout))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run_it025_data.star"
        write_table(path, args.rows)
        print(f"{args.rows:,} rows of {len(LABELS)} columns, {path.stat().st_size / 1e6:.0f} MB\n")
        print(HEADER)
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in args.only}
        for _ in range(args.rounds + 1):
            for name in args.only:  # the slow ones once: their time does not hang on the cache
                if not times[name] or name not in ("gemmi", "starfile"):
                    times[name].append(timed(WAYS[name], path))
        for name, taken in times.items():
            best, processor = map(min, zip(*(taken[1:] or taken), strict=True))
            over = best / min(times["copy"][1:])[0] if "copy" in times else float("nan")
            bytes_used = memory(name, path)
            beyond = (bytes_used - 40e6) / args.rows
            print(
                f"| {name} | {best:.2f} | {over:.1f} | {processor:.2f} | {bytes_used / 1e6:.0f} | "
                f"{beyond:.1f} |"
            )


if __name__ == "__main__":
    main()
