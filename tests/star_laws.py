"""What holds for every file that is read as a particle table, whatever its bytes."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np

from rebalance.errors import RebalanceError
from rebalance.io import StarParticles, read_particles

LINE = re.compile(rb"[^\n]*\n|[^\n]+")


def check_file(path: Path, seed: int = 0) -> StarParticles | None:
    """Read a file and write it in parts; None when it is refused, in one sentence."""
    particles, refusal = _read(path, 1 + seed % 2)
    if particles is None:
        assert "\n" not in refusal
        assert refusal.endswith(".")
    else:
        _check_parts(particles, random.Random(seed))
    return particles


def _read(path: Path, threads: int) -> tuple[StarParticles | None, str]:
    try:
        return read_particles(path, threads), ""
    except RebalanceError as error:
        return None, str(error)


def _check_parts(particles: StarParticles, rng: random.Random) -> None:
    """Every part is the file without the other rows, byte for byte."""
    part = np.array([rng.randrange(4) for _ in range(len(particles))], dtype=np.uint8)
    outputs = [particles.path.with_name(f"part{number}.star") for number in (1, 2, 3)]
    particles.write_parts(part, outputs)
    lines = LINE.findall(particles.path.read_bytes())
    file_of_line = [0] * len(lines)  # 0: no row, which stands in every part
    for row, number in enumerate(part.tolist()):
        file_of_line[particles.line_of_row(row) - 1] = number or -1
    for number, output in enumerate(outputs, start=1):
        expected = [
            line for line, file in zip(lines, file_of_line, strict=True) if file in (0, number)
        ]
        assert output.read_bytes() == b"".join(expected)
    particles.write(np.ones(len(particles), dtype=bool), outputs[0])
    assert outputs[0].read_bytes() == particles.path.read_bytes()
