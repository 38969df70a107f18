"""Any reader under a coverage-guided fuzzer, by hand; it needs ``pip install atheris``.

    python tests/fuzz.py particles.star -max_total_time=3600 [FOLDER_OF_FILES]

The first word is one of the names in hostile.py, or ``all``: then the first byte of an input says
which reader gets the rest. A finding is written to a file ``crash-...``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["rebalance"]):
    from hostile import Reader, readers, refusal

WORDS = [
    *("data_", "data_particles", "data_images", "data_optics", "loop_", "_rlnClassNumber", "#1"),
    *("_rlnImageName", "_rlnImageSize", "_rlnImagePixelSize", "_rlnReferenceImage", "# version "),
    *("\\x0d\\x0a", "\\x0a", "\\x09", " ", "'", "\\x22", "#", "1", "2.000000", "3e0", "\\x00"),
    *("nan", "inf", "-1", "1e999", "99999999999999999999", "@", "../", "\\xff\\xff\\xff\\x7f"),
    *("{'descr': ", "'shape': (", "'|O'", "<u8", "PK\\x03\\x04", "metafile: ", "move", "group"),
]


def fuzz(chosen: list[Reader], folder: Path) -> None:
    """Read files whose bytes are made up."""

    def one(data: bytes) -> None:
        reader = chosen[data[0] % len(chosen)] if data else chosen[0]
        path = folder / reader.name
        path.write_bytes(data[1:])
        refusal(reader.read, path)

    dictionary = folder / "words"
    dictionary.write_text("".join(f'"{word}"\n' for word in WORDS))
    seeds = folder / "seeds"
    seeds.mkdir()
    for number, reader in enumerate(chosen):
        (seeds / reader.name).write_bytes(bytes([number]) + reader.good)
    options = [f"-dict={dictionary}", "-timeout=60", "-rss_limit_mb=2048", "-malloc_limit_mb=512"]
    atheris.Setup([sys.argv[0], *sys.argv[2:], *options, str(seeds)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    place = Path(tempfile.mkdtemp())
    found = readers(place)
    fuzz(list(found.values()) if sys.argv[1] == "all" else [found[sys.argv[1]]], place)
