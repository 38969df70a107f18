"""The same bits for any number of threads, and the same superclasses on every instruction set.

REBALANCE_ALL_SETS=1 compares the instruction sets on all test data, instead of the smallest sets.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
from numpy.typing import NDArray

import rebalance
from rebalance import _core
from rebalance._simulate import SimulationSettings, simulate
from rebalance.io import read_particles
from rebalance.io.simulated import DATA, write_relion_job

THREADS = (1, 2, 3, 7)
SETS = ("baseline", "avx2", "avx512")


@functools.cache
def averages(seed: int = 3) -> NDArray[np.float32]:
    asked = SimulationSettings(
        averages=23, views=5, box=32, pixel_size=6, particles=300, snr=1.0, seed=seed
    )
    return simulate(asked).images


def affinity(threads: int, **more: Any) -> Any:
    return rebalance.affinity(averages(), threads=threads, **more)


def between(threads: int) -> Any:
    return rebalance.affinity_between(averages(), averages(4)[:11], threads=threads)


CORE: dict[str, Callable[[int], object]] = {
    "affinity": affinity,
    "affinity, whole grid": functools.partial(affinity, exhaustive=True, max_shift=2.0),
    "affinity, no mirror": functools.partial(affinity, mirror=False),
    "nearest neighbours": functools.partial(affinity, top=4),
    "affinity between stacks": between,
}


def parts(value: object) -> dict[str, bytes]:
    """Every array of a result, as bytes."""
    assert dataclasses.is_dataclass(value)
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {k: v.tobytes() for k, v in fields.items() if isinstance(v, np.ndarray)}


@pytest.mark.parametrize("name", CORE)
def test_threads_change_no_bit(name):
    one, *others = (parts(CORE[name](threads)) for threads in THREADS)
    assert one
    assert all(other == one for other in others)


def test_threads_change_no_bit_of_directions(monkeypatch):
    monkeypatch.setattr("rebalance._view_sphere.STARTS", 1)  # quicker, as is what follows
    monkeypatch.setattr("rebalance._view_solver.DIRECTIONS", 150)
    monkeypatch.setattr("rebalance._view_sphere.GROUPS_TRIED", ("C2",))
    asked = SimulationSettings(
        averages=30, views=0, box=32, pixel_size=6, particles=300, snr=4.0, seed=5
    )
    images = simulate(asked).images
    aff = rebalance.affinity(images, threads=1)
    one, *others = (parts(rebalance.view_sphere(images, aff, threads=n)) for n in THREADS)
    assert all(other == one for other in others)


def test_threads_change_no_bit_of_particle_tables(tmp_path, monkeypatch):
    monkeypatch.setattr("rebalance.io.star_rows.SEGMENT", 4096)
    project = tmp_path / "project"
    write_relion_job(
        simulate(SimulationSettings(averages=12, views=4, box=16, particles=500)), project
    )
    tables = [read_particles(project / DATA, threads) for threads in THREADS]
    for table in tables[1:]:
        np.testing.assert_array_equal(table.class_number, tables[0].class_number)
        np.testing.assert_array_equal(table.identity, tables[0].identity)


# ------------------------------------------------------------------------------ instruction sets


def here() -> list[str]:
    """Instruction sets that this processor runs."""
    found = []
    before = os.environ.get("REBALANCE_ISA")
    for name in SETS:
        os.environ["REBALANCE_ISA"] = name
        try:
            _core.instruction_set()
            found.append(name)
        except ValueError:
            pass
    os.environ.pop("REBALANCE_ISA")
    if before is not None:
        os.environ["REBALANCE_ISA"] = before
    return found


def stacks(folder: Path) -> dict[str, tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Images and particles of every set of class averages, smallest first."""
    found = {}
    for path in sorted(folder.glob("truth/*.npz")):
        with np.load(path) as data:
            found[path.stem] = data["images"].astype(np.float32), data["particles"].astype(np.int64)
    names = [*folder.glob("classes/*.mrcs"), *folder.glob("relion_project/Class2D/*/*classes.mrcs")]
    for path in sorted(names):
        images = np.asarray(mrcfile.read(path), np.float32)
        shown = images[images.std(axis=(1, 2)) > 0]
        found[path.stem] = shown, np.arange(1, len(shown) + 1) * 7 % 200 + 20
    return dict(sorted(found.items(), key=lambda item: len(item[1][0]) ** 2 * item[1][0].shape[1]))


def outcome(images: NDArray[np.float32], particles: NDArray[np.int64]) -> tuple[bytes, bytes, int]:
    """Labels, particles kept and number of superclasses."""
    sup = rebalance.superclassify(rebalance.affinity(images, threads=1), particles=particles)
    of_particle = np.repeat(sup.labels, particles)
    kept = rebalance.balance(of_particle, factor=0.5, seed=1).keep
    return sup.labels.tobytes(), kept.tobytes(), sup.n_superclasses


def same_on_every_set(
    images: NDArray[np.float32], particles: NDArray[np.int64], monkeypatch: pytest.MonkeyPatch
) -> bool:
    outcomes = set()
    for name in here():
        monkeypatch.setenv("REBALANCE_ISA", name)
        outcomes.add(outcome(images, particles))
    return len(outcomes) == 1


def test_superclasses_are_the_same_on_every_instruction_set(monkeypatch):
    assert same_on_every_set(averages(), np.arange(20, 20 + len(averages())), monkeypatch)


def test_instruction_sets_agree_on_real_data(test_data, monkeypatch):
    every = stacks(test_data)
    chosen = every if os.environ.get("REBALANCE_ALL_SETS") else dict(list(every.items())[:3])
    for name, (images, particles) in chosen.items():
        print(f"\n{name}: {len(images)} averages, {', '.join(here())}")
        assert same_on_every_set(images, particles, monkeypatch), name
