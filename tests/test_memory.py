"""Memory is estimated before it is taken, and a run that would not fit says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from faults import Run, memory_limit
from test_cli import DATA, JOB, status_of

from rebalance._memory import memory_needed
from rebalance._simulate import SimulationSettings, simulate
from rebalance.errors import RebalanceError
from rebalance.io import memory, read_stack, write_stack
from rebalance.io.memory import available_memory
from rebalance.io.simulated import write_relion_job

GB = 10**9


@pytest.fixture(scope="module")
def particles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("memory") / "project"
    write_relion_job(
        simulate(SimulationSettings(averages=12, views=4, box=32, particles=200)), project
    )
    return project / JOB / DATA


def test_more_of_anything_needs_more() -> None:
    needed = memory_needed(100, 64, 10_000)
    assert memory_needed(200, 64, 10_000) > needed
    assert memory_needed(100, 128, 10_000) > needed
    assert memory_needed(100, 64, 20_000) > needed


def test_a_run_that_does_not_fit_says_so_at_once(particles, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("rebalance.cli.memory.available_memory", lambda: 50_000_000)
    assert status_of("run", "--particles", particles, "--output", tmp_path / "out") == 2
    assert capsys.readouterr().err == (
        "rebalance: error: This run needs about 0.1 GB of memory for 12 class averages of 32 px "
        "and 200 particles, and 0.1 GB are available; run where there is more, or give fewer or "
        "smaller averages with --classes.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_a_limited_address_space_is_heeded(particles, tmp_path):
    words = ["run", "--particles", particles, "--output", tmp_path / "out", "-k", 2]
    ended = Run(words, tmp_path / "logs", limit=(memory_limit, 60_000_000)).wait()
    assert ended.status == 2
    assert "memory" in ended.sentence
    assert not (tmp_path / "out").exists()


def test_a_stack_that_does_not_fit_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "stack.mrcs"
    write_stack(np.zeros((4, 8, 8), np.float32), 1.0, path)
    monkeypatch.setattr("rebalance.io.mrc.available_memory", lambda: 1000)
    with pytest.raises(RebalanceError, match=r"4 images of 8 x 8 px needs 0.0 GB of memory, and"):
        read_stack(path)


def test_this_machine_has_some() -> None:
    found = available_memory()
    assert found is None or found > 0


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system of files that we write."""
    monkeypatch.setattr(memory, "PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path / "cgroup")
    write(tmp_path / "proc/meminfo", f"MemTotal: 1 kB\nMemAvailable: {8 * GB // 1024} kB\n")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_what_the_machine_has(system):
    assert available_memory() == 8 * GB // 1024 * 1024


def test_a_system_that_tells_nothing(system):
    (system / "proc/meminfo").unlink()
    assert available_memory() is None


@pytest.mark.parametrize("folder", ["cgroup/job", "cgroup/job/step"])
def test_limits_of_control_groups(system, folder):
    write(system / "proc/self/cgroup", "0::/job/step\n")
    write(system / folder / "memory.max", f"{2 * GB}\n")
    write(system / folder / "memory.current", f"{GB}\n")
    write(system / folder / "memory.stat", f"anon 5\ninactive_file {GB // 2}\n")
    assert available_memory() == 2 * GB - GB + GB // 2


def test_limits_of_old_control_groups(system):
    write(system / "proc/self/cgroup", "3:cpu:/job\n4:memory:/job\n")
    write(system / "cgroup/memory/job/memory.limit_in_bytes", f"{GB}\n")
    write(system / "cgroup/memory/job/memory.usage_in_bytes", f"{GB // 4}\n")
    assert available_memory() == GB - GB // 4


def test_groups_without_limit(system):
    write(system / "proc/self/cgroup", "0::/job\n")
    write(system / "cgroup/job/memory.max", "max\n")
    write(system / "cgroup/job/memory.current", "5\n")
    assert available_memory() == 8 * GB // 1024 * 1024
