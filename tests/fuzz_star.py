"""Particle tables from a coverage-guided fuzzer, by hand; it needs ``pip install atheris``.

    python tests/fuzz_star.py -max_total_time=3600 FOLDER_OF_STAR_FILES

A finding is written to a file ``crash-...``. Every file is a table with some bytes changed, read
and written in parts as in star_laws.py.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["rebalance"]):
    from star_laws import check_file

FOLDER = Path(tempfile.mkdtemp())
WORDS = [
    *("data_", "data_particles", "data_images", "data_optics", "loop_", "_rlnClassNumber", "#1"),
    *("_rlnImageName", "_rlnImageSize", "_rlnImagePixelSize", "_rlnReferenceImage", "# version "),
    *("\\x0d\\x0a", "\\x0a", "\\x09", " ", "'", "\\x22", "#", "1", "2.000000", "3e0", "\\x00"),
]


def one(data: bytes) -> None:
    """One file."""
    path = FOLDER / "in.star"
    path.write_bytes(data)
    check_file(path, len(data))


if __name__ == "__main__":
    dictionary = FOLDER / "words"
    dictionary.write_text("".join(f'"{word}"\n' for word in WORDS))
    atheris.Setup([*sys.argv, f"-dict={dictionary}"], one)
    atheris.Fuzz()
