"""Nothing is lost and nothing half-done, whatever disturbs a run.

REBALANCE_FAULTS=300 injects that many faults at random moments instead of a few, and prints counts
with ``-s``.
"""

from __future__ import annotations

import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from faults import Ended, Run, file_size_limit
from test_cli import DATA, JOB, MODEL, STACK, snapshot, status_of

from rebalance._simulate import SimulationSettings, simulate
from rebalance.io.simulated import write_relion_job
from rebalance.pipeline import Result
from rebalance.pipeline import run as run_pipeline

FAULTS = int(os.environ.get("REBALANCE_FAULTS", "2"))
SETTINGS = SimulationSettings(averages=14, views=4, box=32, particles=500, junk=0.1, empty=2)
OPTIONS = ("-k", "4", "--factor", "0.5", "-j", "1")


class Place:
    """A project, and what an undisturbed run makes of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.project = folder / "project"
        write_relion_job(simulate(SETTINGS), self.project)
        self.inputs = snapshot(self.project)
        began = time.monotonic()
        assert self.run(folder / "whole").wait().status == 0
        self.seconds = time.monotonic() - began
        self.whole = self.results(folder / "whole")

    def run(self, output: Path, *options: object, **limit: object) -> Run:
        words = ("run", "--particles", self.project / JOB / DATA, "--output", output, *OPTIONS)
        return Run([*words, *options], self.logs, **limit)  # type: ignore[arg-type]

    def results(self, output: Path) -> dict[str, bytes]:
        """The files of a run, without what its command line and output path change."""
        files = snapshot(output)
        record = json.loads(files.pop("settings.json"))
        assert {path.name for path in output.iterdir()} >= set(record["files"])
        del files["report.html"]
        return files

    def check(self, output: Path) -> bool:
        """Inputs are untouched, and results are whole or absent; whether they are there."""
        assert snapshot(self.project) == self.inputs
        if not output.exists():
            return False
        assert self.results(output) == self.whole
        return True


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("faults"))


def moments(place: Place, seed: int) -> Iterator[float]:
    """Random moments of a run, in seconds from its start."""
    rng = random.Random(seed)
    for _ in range(FAULTS):
        yield rng.uniform(0.0, 1.2 * place.seconds)


def tell(counts: collections.Counter[str], name: str) -> None:
    print(f"\n{name}: {dict(counts)}")


# ------------------------------------------------------------------------------ kill, stop


@pytest.mark.parametrize("earlier", [False, True], ids=["new", "overwrite"])
def test_killed_at_random_moments(place, tmp_path, earlier):
    output, counts = tmp_path / "out", collections.Counter[str]()
    options = ["--overwrite"] if earlier else []
    for moment in moments(place, seed=1):
        if earlier and not output.exists():
            shutil.copytree(place.folder / "whole", output)
        run = place.run(output, *options)
        time.sleep(moment)
        run.send(signal.SIGKILL)
        ended = run.wait()
        assert ended.status in (0, -signal.SIGKILL)
        there = place.check(output)
        assert there or not earlier
        counts[f"status {ended.status}, results {'there' if there else 'absent'}"] += 1
        if there and not earlier:
            shutil.rmtree(output)
    assert place.run(output, *options).wait().status == 0
    assert place.check(output)
    assert list(tmp_path.iterdir()) == [output]  # what the dead left behind is cleared away
    tell(counts, "kill -9")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_at_random_moments(place, tmp_path, number):
    output, counts = tmp_path / "out", collections.Counter[str]()
    for moment in moments(place, seed=2):
        run = place.run(output, "--overwrite")
        time.sleep(0.05 + moment)  # before that the process has not begun to heed signals
        run.send(number)
        ended = run.wait()
        assert ended.status in (0, 128 + number), ended
        if ended.status:
            assert ended.sentence.startswith("rebalance: stopped; an output directory appears only")
        place.check(output)
        assert set(tmp_path.iterdir()) <= {output}
        counts[f"status {ended.status}"] += 1
    assert place.run(output, "--overwrite").wait().status == 0
    assert place.check(output)
    tell(counts, number.name)


def test_a_killed_simulation_is_whole_or_absent(place, tmp_path):
    output, rng = tmp_path / "out", random.Random(5)
    words = ["simulate", "--output", output, "--averages", 12, "--views", 4, "--box", 32]
    for _ in range(FAULTS):
        run = Run(words, place.logs)
        time.sleep(rng.uniform(0, place.seconds / 2))
        run.send(signal.SIGKILL)
        run.wait()
        if output.exists():
            assert {path.name for path in output.iterdir()} >= {"truth.csv", "CS-simulated"}
            shutil.rmtree(output)
    assert Run(words, place.logs).wait().status == 0
    assert list(tmp_path.iterdir()) == [output]


def test_two_runs_into_one_directory_at_once(place, tmp_path):
    output, counts = tmp_path / "out", collections.Counter[str]()
    for turn in range(FAULTS):
        options = ["--overwrite"] if turn % 2 else []
        runs = [place.run(output, *options) for _ in range(2)]
        ended = [run.wait() for run in runs]
        assert 0 in [one.status for one in ended]
        for one in ended:
            if one.status:
                assert one.status == 2
                assert (
                    "made by another run meanwhile" in one.sentence or "not empty" in one.sentence
                )
        assert place.check(output)
        assert list(tmp_path.iterdir()) == [output]
        counts[str(sorted(one.status for one in ended))] += 1
        shutil.rmtree(output)
    tell(counts, "two at once")


def test_signals_are_heeded_before_anything_heavy_is_loaded():
    words = "import sys; import rebalance.cli; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-I", "-c", words], capture_output=True, text=True)
    assert "rebalance.cli.stop" in found.stdout.split()
    heavy = {"numpy", "argparse", "pathlib", "shlex", "importlib.metadata", "email", "json"}
    at_start = subprocess.run(
        [sys.executable, "-I", "-c", "import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
    )
    assert not heavy & (set(found.stdout.split()) - set(at_start.stdout.split()))


# ------------------------------------------------------------------------------ disk


def sizes(place: Place) -> list[int]:
    """Sizes at which the disk is full, from nothing to the largest file."""
    largest = max(path.stat().st_size for path in (place.folder / "whole").rglob("*"))
    rng = random.Random(3)
    spread = [round(largest ** rng.random()) for _ in range(FAULTS)]
    return [0, *spread, largest - 1]


def test_full_disk_by_size_of_files(place, tmp_path):
    output = tmp_path / "out"
    for size in sizes(place):
        ended = place.run(output, limit=(file_size_limit, max(size, 1000))).wait()
        check_full(ended, "File too large")
        assert list(tmp_path.iterdir()) == []
        assert not place.check(output)
    assert place.run(output).wait().status == 0
    assert place.check(output)


def test_full_disk_of_a_simulation(place, tmp_path):
    words = ["simulate", "--output", tmp_path / "out", "--averages", 12, "--views", 4, "--box", 32]
    ended = Run(words, place.logs, limit=(file_size_limit, 5000)).wait()
    check_full(ended, "File too large")
    assert list(tmp_path.iterdir()) == []


def check_full(ended: Ended, reason: str) -> None:
    assert ended.status == 2, ended
    assert reason in ended.sentence
    assert ended.error.endswith(".\n")


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A small file system in memory, which root may mount."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk, where the machine allows it")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_full_disk(place, tmp_path):
    whole = sum(path.stat().st_size for path in (place.folder / "whole").rglob("*"))
    rng = random.Random(4)
    for turn in range(FAULTS):
        with mounted(tmp_path / f"disk{turn}", f"size={rng.randrange(8192, whole)}") as disk:
            ended = place.run(disk / "out").wait()
            check_full(ended, "No space left on device")
            assert list(disk.iterdir()) == []
            assert not place.check(disk / "out")


def test_read_only_disk(place, tmp_path):
    with mounted(tmp_path / "disk", "ro,size=1m") as disk:
        ended = place.run(disk / "out").wait()
    assert ended.status == 2
    assert "is not writable; choose another output directory" in ended.sentence


def test_output_of_the_command_on_a_full_disk(place, tmp_path):
    run = ["run", "--particles", place.project / JOB / DATA, "--output", tmp_path / "out", *OPTIONS]
    words = [sys.executable, "-m", "rebalance", *map(str, run)]  # no PATH is needed
    with open("/dev/full", "w") as full:
        ended = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)
    check_full(Ended(ended.returncode, "", ended.stderr), "No space left on device")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------ inputs


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"000001@late.mrcs\n")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def touch(path: Path) -> None:
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        *((DATA, append), (DATA, Path.unlink), (STACK, cut), (MODEL, touch)),
    ],
)
def test_inputs_that_change_while_the_run_goes_on(
    place, tmp_path, monkeypatch, capsys, name, change
):
    path = Path(shutil.copytree(place.project, tmp_path / "project")) / JOB / name

    def compute(*args: Any, **options: Any) -> Result:
        change(path)
        return run_pipeline(*args, **options)

    monkeypatch.setattr("rebalance.cli.run.run_pipeline", compute)
    particles, output = tmp_path / "project" / JOB / DATA, tmp_path / "out"
    assert status_of("run", "--particles", particles, "--output", output, *OPTIONS) == 2
    error = capsys.readouterr().err
    assert error == (
        f"rebalance: error: {path} changed or vanished after it was read; run again when nothing "
        "writes to it.\n"
    )
    assert [each.name for each in tmp_path.iterdir()] == ["project"]
