"""The rows of particle tables, read by the core in pieces of whole lines."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from .. import _core
from ..errors import RebalanceError
from .star_tables import LONGEST_LINE, Rows, StarTable, as_string, open_input

CLASS = "rlnClassNumber"
NAME = "rlnImageName"
PREFERRED_BLOCKS = ("particles", "images", "")
SEGMENT = 1 << 24  # bytes of a table that one thread reads
PIECE = 1 << 19  # bytes read at once: they stay in the processor's cache until they are used
LOOK_AHEAD = 1 << 12


def line_chunks(file: BinaryIO, start: int, end: int) -> Iterator[memoryview]:
    """Give the bytes [start, end) of a file as writable pieces of whole lines.

    A piece is valid until the next is asked for; the last line may lack its line ending.
    """
    buffer = bytearray(LONGEST_LINE + PIECE)
    view = memoryview(buffer)
    file.seek(start)
    left = end - start
    held = 0
    while left > 0:
        n_read = file.readinto(view[held : held + min(left, PIECE)])  # type: ignore[attr-defined]
        filled = held + n_read
        left -= n_read
        whole = buffer.rfind(b"\n", 0, filled) + 1 if left > 0 else filled
        if n_read == 0 or (whole == 0 and filled > LONGEST_LINE):
            raise RebalanceError(
                f"{file.name} was cut short while it was read, or has a line of more than "
                f"{LONGEST_LINE} bytes; give a STAR file of RELION that nothing writes to."
            )
        if whole:
            yield view[:whole]
        held = filled - whole
        view[:held] = view[whole:filled]


def line_end(file: BinaryIO, place: int, end: int) -> int:
    """The end of the line that the byte at `place` belongs to, at most `end`."""
    file.seek(place)
    while place < end:
        piece = file.read(min(LOOK_AHEAD, end - place))
        found = piece.find(b"\n")
        if found >= 0:
            return place + found + 1
        if not piece:
            break
        place += len(piece)
    return end


@dataclass(frozen=True)
class Segment:
    """What was read of one part of a table."""

    end: int  # of the bytes that belong to the table
    scan: _core.RowScan
    class_number: bytearray  # of int32
    identity: bytearray  # of uint64

    @property
    def is_last(self) -> bool:
        """Whether the table ends here, or a row is at fault."""
        return self.scan.ended or self.scan.fault != _core.RowFault.none


class ParticleScanner:
    """Reads the rows of every table that may be the particle table, in segments side by side.

    `results` holds, by the id of a table, its classes (int32) and identities (uint64) as bytes:
    a bytearray grows in place, so that memory stays near 12 bytes a row.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self.path = path
        self.threads = threads
        self.results: dict[int, tuple[bytearray, bytearray]] = {}

    def read_rows(self, file: BinaryIO, table: StarTable, line: int) -> Rows | None:
        """Read the rows that begin where `file` stands, in line `line`; None for other tables."""
        if not may_hold_particles(table):
            return None
        self._check_labels(table)
        classes, identities = bytearray(), bytearray()
        start, next_line = file.tell(), line
        end = start
        with closing(self._segments(file, table)) as segments:
            for segment in segments:
                self._check_rows(segment.scan, table, next_line)
                classes += segment.class_number
                identities += segment.identity
                next_line += segment.scan.n_lines
                end = segment.end
                if segment.is_last:
                    break
        self.results[id(table)] = (classes, identities)
        return Rows(start, end, line, next_line)

    def _segments(self, file: BinaryIO, table: StarTable) -> Generator[Segment, None, None]:
        """The segments from where `file` stands to its end, in order."""
        places = self._places(file)
        if self.threads == 1:
            yield from (self._read_segment(table, *place) for place in places)
            return
        ahead: deque[Future[Segment]] = deque()
        with ThreadPoolExecutor(self.threads) as pool:
            try:
                for place in places:
                    ahead.append(pool.submit(self._read_segment, table, *place))
                    if len(ahead) > self.threads:
                        yield ahead.popleft().result()
                while ahead:
                    yield ahead.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _places(self, file: BinaryIO) -> Iterator[tuple[int, int]]:
        start, size = file.tell(), os.fstat(file.fileno()).st_size
        while start < size:
            end = line_end(file, min(start + SEGMENT, size) - 1, size)
            yield start, end
            start = end

    def _read_segment(self, table: StarTable, start: int, end: int) -> Segment:
        scan = _core.RowScan(len(table.labels), _index(table, CLASS), _index(table, NAME))
        read = Segment(start, scan, bytearray(), bytearray())
        place = start
        with open_input(self.path) as file:
            for chunk in line_chunks(file, start, end):
                place += scan.read(chunk)
                read.class_number.extend(scan.class_number)
                read.identity.extend(scan.identity)
                if read.is_last:
                    break
        return replace(read, end=place)

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
