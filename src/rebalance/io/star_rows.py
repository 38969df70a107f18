"""The rows of particle tables, read by the core in pieces of whole lines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .. import _core
from ..errors import RebalanceError
from .star_tables import LONGEST_LINE, Rows, StarTable, as_string

CLASS = "rlnClassNumber"
NAME = "rlnImageName"
PREFERRED_BLOCKS = ("particles", "images", "")


def line_chunks(file: BinaryIO, start: int, end: int) -> Iterator[memoryview]:
    """Give the bytes [start, end) of a file as writable pieces of whole lines.

    A piece is valid until the next is asked for; the last line may lack its line ending.
    """
    buffer = bytearray(LONGEST_LINE)
    view = memoryview(buffer)
    file.seek(start)
    left = end - start
    held = 0
    while left > 0:
        n_read = file.readinto(view[held : held + left])  # type: ignore[attr-defined]
        filled = held + n_read
        left -= n_read
        whole = buffer.rfind(b"\n", 0, filled) + 1 if left > 0 else filled
        if n_read == 0 or whole == 0:
            raise RebalanceError(
                f"{file.name} was cut short while it was read, or has a line of more than "
                f"{LONGEST_LINE} bytes; give a STAR file of RELION that nothing writes to."
            )
        yield view[:whole]
        held = filled - whole
        view[:held] = view[whole:filled]


class ParticleScanner:
    """Reads the rows of every table that may be the particle table.

    `results` holds, by the id of a table, its classes (int32) and identities (uint64) as bytes:
    a bytearray grows in place, so that memory stays near 12 bytes a row.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results: dict[int, tuple[bytearray, bytearray]] = {}

    def read_rows(self, file: BinaryIO, table: StarTable, line: int) -> Rows | None:
        """Read the rows that begin where `file` stands, in line `line`; None for other tables."""
        if not may_hold_particles(table):
            return None
        self._check_labels(table)
        scan = _core.RowScan(len(table.labels), _index(table, CLASS), _index(table, NAME))
        classes, identities = bytearray(), bytearray()
        start = end = file.tell()
        for chunk in line_chunks(file, start, os.fstat(file.fileno()).st_size):
            end += scan.read(chunk)
            self._check_rows(scan, table, line)
            classes += scan.class_number
            identities += scan.identity
            if scan.ended:
                break
        self.results[id(table)] = (classes, identities)
        return Rows(start, end, line, line + scan.n_lines)

    def _check_labels(self, table: StarTable) -> None:
        for label in (CLASS, NAME):
            if table.labels.count(label) > 1:
                raise RebalanceError(
                    f"Table data_{table.block} of {self.path} has the column {label} "
                    f"{table.labels.count(label)} times; it must stand there once."
                )

    def _check_rows(self, scan: _core.RowScan, table: StarTable, first_line: int) -> None:
        if scan.fault != _core.RowFault.none:
            where = f"Line {first_line + scan.n_lines} of {self.path}"
            raise RebalanceError(f"{where} {_fault_sentence(scan, table)}")


def may_hold_particles(table: StarTable) -> bool:
    """Whether a table can be a particle table by its name and columns."""
    if not (table.is_loop and table.labels) or "rlnReferenceImage" in table:
        return False
    return table.block in PREFERRED_BLOCKS or CLASS in table


def _index(table: StarTable, label: str) -> int:
    return table.labels.index(label) if label in table else -1


def _fault_sentence(scan: _core.RowScan, table: StarTable) -> str:
    fault = _core.RowFault
    label = table.labels[scan.fault_column]
    value = as_string(scan.fault_value)[:80]
    there = f"where the particle table data_{table.block} has {len(table.labels)} columns"
    sentences = {
        fault.short_row: f"has only {scan.fault_column} values {there}: the value of {label} is "
        "missing; repair or remove the line.",
        fault.long_row: f"has too many values {there}: '{value}' stands behind the last column, "
        f"{label}; repair or remove the line.",
        fault.open_quote: f"has a value of {label} that opens a quote and does not close it: "
        f"{value}; repair the line.",
        fault.bad_class: f"has {label} '{value}'; a class number must be a whole number from 0 "
        "up; repair the line.",
        fault.nul_byte: "holds a byte of value 0, which is no text; the file is damaged or no STAR "
        "file.",
    }
    return sentences[scan.fault]
