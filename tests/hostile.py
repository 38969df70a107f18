"""Every reader, a small good file for each, and what holds whatever the bytes of a file."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from star_laws import check_file

import rebalance
from rebalance import RebalanceError
from rebalance._simulate import SimulationSettings, simulate
from rebalance.io import read_map, read_particles, read_stack, results, write_stack
from rebalance.io.constraints import read_class_list, read_constraints
from rebalance.io.cryosparc_plain import save_rows
from rebalance.io.cryosparc_table import open_table
from rebalance.io.csg import read_csg
from rebalance.io.relion_tables import read_model, read_optimiser
from rebalance.io.simulated import DATA, MODEL, OPTIMISER, write_relion_job

# Memory that a reader may take: bytes for each byte of the file, and beside that.
MULTIPLE, BASE = 200, 1 << 25
TINY = SimulationSettings(averages=4, views=2, box=16, pixel_size=12, particles=12, empty=0)
CHECKSUM = "0" * 64


@dataclass(frozen=True)
class Reader:
    """A reader, the name of a file for it, and good bytes of one."""

    name: str
    read: Callable[[Path], object]
    good: bytes


def refusal(read: Callable[[Path], object], path: Path) -> str | None:
    """The sentence with which a file is refused; None when it is read."""
    try:
        read(path)
    except RebalanceError as error:
        sentence = str(error)
        assert "\n" not in sentence, sentence
        assert len(sentence) < 2000, sentence
        return sentence
    return None


def check_memory(reader: Reader, path: Path) -> None:
    """Reading takes no more memory than its multiple of the file."""
    tracemalloc.start()
    try:
        refusal(reader.read, path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < BASE + MULTIPLE * path.stat().st_size


def readers(folder: Path) -> dict[str, Reader]:
    """All readers by what they read."""
    simulation = simulate(TINY)
    project = folder / "project"
    write_relion_job(simulation, project)
    good = folder / "good"
    write_stack(simulation.images, 12.0, good)
    stack = good.read_bytes()
    write_stack(simulation.images[0, :, :][None].repeat(16, 0), 12.0, good)
    volume = good.read_bytes()
    save_rows(_rows(12), good)
    rows = good.read_bytes()
    aff = rebalance.affinity(simulation.images, threads=1)
    mark = results.Mark(np.arange(1, 5, dtype=np.int32), CHECKSUM, np.zeros((4, 32), np.uint8))
    results.write_affinity(aff, mark, good.with_suffix(".npz"))
    relion = {end: (project / end).read_bytes() for end in (DATA, MODEL, OPTIMISER)}
    found = [
        Reader("stack.mrcs", read_stack, stack),
        Reader("loose.mrcs", lambda path: read_stack(path, permissive=True), stack),
        Reader("map.mrc", read_map, volume),
        Reader("particles.star", _read_particles, relion[DATA]),
        Reader("model.star", lambda path: read_model(path), relion[MODEL]),
        Reader("optimiser.star", read_optimiser, relion[OPTIMISER]),
        Reader("particles.cs", _read_cs, rows),
        Reader("group.csg", read_csg, GROUP),
        Reader("affinity.npz", _read_affinity, good.with_suffix(".npz").read_bytes()),
        Reader("constraints.csv", read_constraints, CONSTRAINTS),
        Reader("classes.txt", read_class_list, b"# left out\n3,7\n12-15 20\n"),
        Reader("settings.json", results.read_settings, SETTINGS),
    ]
    return {reader.name: reader for reader in found}


GROUP = b"""created: 2024-01-01 10:00:00.000000
group:
  description: 'All particles'
  name: particles
  title: "Particles"
  type: particle
results:
  alignments2D:
    metafile: '>particles.cs'
    num_items: 12
    type: particle.alignments2D
version: v4.4.0
"""
CONSTRAINTS = b"class_number,action,value\n3,leave_out,\n4,move,1\n5,group,side view\n"
SETTINGS = json.dumps({"command": "rebalance run", "input_sha256": {"a": "b"}, "seed": 0}).encode()


def _rows(count: int) -> np.ndarray:
    rows = np.zeros(
        count,
        [
            ("uid", "<u8"),
            ("alignments2D/class", "<u4"),
            ("blob/path", "S24"),
            ("blob/shape", "<u4", 2),
        ],
    )
    rows["uid"] = np.arange(count) * 7 + 1
    return rows


def _read_particles(path: Path) -> None:
    read_particles(path, 1)
    check_file(path)


def _read_cs(path: Path) -> None:
    table, _ = open_table("particle", [path], wanted="alignments2D/class")
    for name in table.files[0].fields:
        table.column(name)
    parts = [path.with_name("part1.cs"), path.with_name("part2.cs")]
    table.write_parts((np.arange(len(table)) % 3).astype(np.uint8), parts)


def _read_affinity(path: Path) -> None:
    found = results.read_affinity(path, CHECKSUM)
    rebalance.superclassify(rebalance.Affinity(**found), 2)
