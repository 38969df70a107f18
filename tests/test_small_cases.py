"""Very small and very plain jobs, through the whole command line."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from test_cli import RESULTS, snapshot, status_of

from rebalance._simulate import SimulationSettings, simulate
from rebalance.io import write_stack

Images = NDArray[np.float32]
SOME = SimulationSettings(averages=12, views=12, box=32, pixel_size=6, junk=0, empty=0, seed=1)


def write_job(folder: Path, images: Images, particles: list[int]) -> list[object]:
    """A stack and a particle table with so many particles of each class; the options for them."""
    folder.mkdir()
    write_stack(images, 6.0, folder / "classes.mrcs")
    rows = [
        f"{row:06d}@stack.mrcs {k}\n"
        for k, count in enumerate(particles, start=1)
        for row in range(1000 * k, 1000 * k + count)
    ]
    head = "data_particles\n\nloop_\n_rlnImageName #1\n_rlnClassNumber #2\n"
    (folder / "data.star").write_text(head + "".join(rows) + "\n")
    return ["--particles", folder / "data.star", "--classes", folder / "classes.mrcs"]


def cases() -> dict[str, tuple[Images, list[int]]]:
    views = simulate(SOME).images
    blank = np.zeros((3, 32, 32), np.float32)
    noise = np.random.default_rng(0).normal(size=(6, 32, 32)).astype(np.float32)
    return {
        "two averages": (views[:2], [5, 7]),
        "two alike": (views[[0, 0]], [5, 7]),
        "three averages": (views[:3], [5, 7, 9]),
        "three, one blank": (np.concatenate([views[:2], blank[:1]]), [5, 7, 0]),
        "three, one without particles": (views[:3], [5, 7, 0]),
        "three, one with particles": (views[:3], [5, 0, 0]),
        "all alike": (np.repeat(views[:1], 8, axis=0), [3] * 8),
        "all different": (views, [3] * 12),
        "all blank": (blank, [3] * 3),
        "all constant": (blank + 5, [3] * 3),
        "all noise": (noise, [3] * 6),
        "one particle": (views[:4], [1, 0, 0, 0]),
        "one particle each": (views[:4], [1] * 4),
        "no particle": (views[:4], [0] * 4),
        "tiny images": (views[:4, 12:20, 12:20], [3] * 4),
        "two pixels": (views[:4, 12:14, 12:14], [3] * 4),
        "one pixel": (views[:4, 15:16, 15:16], [3] * 4),
    }


CASES = cases()
REFUSED = {  # and why
    "all blank": "no average takes part, as all that could look like junk: look at them, and give",
    "all constant": "no average takes part, as all that could look like junk: look at them, and",
    "no particle": "holds no particles; give a table with particle rows.",
    "two pixels": "images must be at least 8 px wide, not 2.",
    "one pixel": "images must be at least 8 px wide, not 1.",
}


OTHER_OPTIONS = ["--no-superclassification", "--factor", "1"]
WITH_OTHER_OPTIONS = ("two averages", "all alike", "one particle", "all blank")


@pytest.mark.parametrize(
    ("case", "options"),
    [*((case, []) for case in CASES), *((case, OTHER_OPTIONS) for case in WITH_OTHER_OPTIONS)],
)
def test_small_jobs_end_in_results_or_one_sentence(tmp_path, capsys, case, options):
    images, particles = CASES[case]
    words = write_job(tmp_path / "job", images, particles)
    before = snapshot(tmp_path)
    output = tmp_path / "out"
    status = status_of("run", *words, "--output", output, *options)
    error = capsys.readouterr().err
    if status == 0:
        assert set(RESULTS) - {"number.png", "backup_selection.star"} <= set(snapshot(output))
        assert_all_particles_are_there(output, sum(particles))
    else:
        assert status == 2
        assert error.startswith("rebalance: error: ")
        assert error.count("\n") == 1
        assert snapshot(tmp_path) == before
    assert (status == 2) == (case in REFUSED), error
    assert options or REFUSED.get(case, "") in error


def assert_all_particles_are_there(output: Path, total: int) -> None:
    with (output / "superclasses.csv").open() as file:
        assert sum(int(row["particles"]) for row in csv.DictReader(file)) == total
    rows = [
        line
        for path in output.glob("particles*.star")
        for line in path.read_text().splitlines()
        if "@" in line
    ]
    assert len(rows) == len(set(rows)) == total


def test_one_average_is_refused(tmp_path, capsys):
    words = write_job(tmp_path / "job", CASES["two averages"][0][:1], [5])
    assert status_of("run", *words, "--output", tmp_path / "out") == 2
    assert "a stack of at least 2 class averages is needed" in capsys.readouterr().err
