"""Particle tables of RELION: rows are read while streaming, and copied byte for byte."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from .. import _core
from ..checks import as_threads
from ..errors import RebalanceError
from .output import whole_file
from .star_parts import PartWriter
from .star_rows import (
    CLASS,
    NAME,
    PREFERRED_BLOCKS,
    ParticleScanner,
    line_chunks,
    may_hold_particles,
)
from .star_tables import Rows, StarTable, as_string, listing, open_input, read_star

SUPERCLASS = "rebalanceSuperclass"  # not RELION's: it warns of an unknown label, and keeps it


@dataclass(frozen=True)
class FileState:
    """What tells that a file has not changed since it was read."""

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, file: BinaryIO) -> FileState:
        stat = os.fstat(file.fileno())
        return cls(stat.st_size, stat.st_mtime_ns)


@dataclass(frozen=True, eq=False)
class StarParticles:
    """Particles of a STAR file; a :class:`~rebalance.io.tables.ParticleTable`.

    Attributes
    ----------
    path : Path
        The file; its rows are read again when they are written.
    table : StarTable
        Block, labels and place of the particle rows.
    class_number : (P,) int32 array
        ``rlnClassNumber`` of each row; -1 where the file says 0 (no class).
    identity : (P,) uint64 array
        Hash of ``rlnImageName``; of the whole row where the name is absent or repeated.
    n_repeated : int
        Rows whose identity stands in an earlier row: byte-identical rows.
    image_size : int or None
        Box of the particle images in px, of the first optics group; None when the file has none.
    pixel_sizes : tuple of float
        The different pixel sizes of the particle images in A; empty when the file has none.
    superclass : (P,) int32 array or None
        Written as a last column when given; -1: none.
    """

    path: Path
    table: StarTable
    state: FileState
    class_number: NDArray[np.int32]
    identity: NDArray[np.uint64]
    n_repeated: int
    image_size: int | None
    pixel_sizes: tuple[float, ...]
    superclass: NDArray[np.int32] | None = None

    @property
    def suffix(self) -> str:
        """File ending of this format."""
        return ".star"

    @property
    def n_unclassified(self) -> int:
        """Rows that belong to no class (``rlnClassNumber`` 0)."""
        return int(np.count_nonzero(self.class_number < 0))

    def __len__(self) -> int:
        return len(self.class_number)

    def column(self, name: str) -> NDArray[np.str_] | NDArray[np.float64] | None:
        """Return one column: numbers where all values are numbers, else text.

        Parameters
        ----------
        name : str
            Label without the leading underscore.

        Returns
        -------
        (P,) array or None
            None where the table has no such column.
        """
        if name not in self.table:
            return None
        index = self.table.labels.index(name)
        with self._reopened() as file:
            texts = [_core.column_text(chunk, index) for chunk in self._chunks(file)]
        values = [as_string(value) for text in texts for value in text.split(b"\n")[:-1]]
        try:
            return np.array(values, dtype=np.float64)
        except ValueError:
            return np.array(values, dtype=np.str_)

    def line_of_row(self, row: int) -> int:
        """Return the line number (from 1) of a row (from 0)."""
        rows = _place(self.table)
        with self._reopened() as file:
            file.seek(rows.start)
            for line in range(rows.line, rows.next_line):
                row -= _is_row(file.readline())
                if row < 0:
                    return line
        raise IndexError("the table has fewer rows")

    def with_superclass(self, superclass: NDArray[np.int32]) -> StarParticles:
        """The same particles, written with a last column ``rebalanceSuperclass``, (P,)."""
        if SUPERCLASS in self.table:
            raise RebalanceError(
                f"{self.path} has a column {SUPERCLASS} already; run without superclass column, or "
                "on the particles that it was made of."
            )
        return replace(self, superclass=superclass)

    def write(self, mask: NDArray[np.bool_], path: Path) -> None:
        """Write the file with only the rows where `mask` is true; nothing else is changed.

        Parameters
        ----------
        mask : (P,) bool array
            Rows to keep.
        path : Path
            File to write; it appears whole or not at all.

        Raises
        ------
        RebalanceError
            If the file changed since it was read, or `path` is that file or cannot be written.
        """
        if mask.shape != (len(self),) or mask.dtype != np.bool_:
            raise RebalanceError(
                f"mask must be a bool array of shape ({len(self)},), one entry per particle, not "
                f"{mask.dtype} of shape {mask.shape}."
            )
        self.write_parts(np.ascontiguousarray(mask).view(np.uint8), [path])

    def write_parts(self, part: NDArray[np.uint8], paths: Sequence[Path]) -> None:
        """Write several files with some of the rows each, reading the rows once.

        Parameters
        ----------
        part : (P,) uint8 array
            0 for a row that goes to no file, n for one that goes to ``paths[n - 1]``.
        paths : sequence of at most 255 Path
            Files to write; they appear whole or not at all.

        Raises
        ------
        RebalanceError
            As :meth:`write`.
        """
        if part.shape != (len(self),) or part.dtype != np.uint8 or part.max(initial=0) > len(paths):
            raise RebalanceError(
                f"part must be a uint8 array of shape ({len(self)},) with values up to the number "
                f"of files ({len(paths)}), not {part.dtype} of shape {part.shape}."
            )
        for path in paths:
            if path.exists() and path.samefile(self.path):
                raise RebalanceError(f"{path} is the input; write the particles to another file.")
        with ExitStack() as files:
            source = files.enter_context(self._reopened())
            targets = [files.enter_context(whole_file(path)) for path in paths]
            self._copy(source, targets, part)
            self._check_unchanged(source)

    def _copy(self, source: BinaryIO, targets: list[BinaryIO], part: NDArray[np.uint8]) -> None:
        rows = _place(self.table)
        copied = self._add_label(source, targets) if self.superclass is not None else 0
        _copy_to_all(source, targets, copied, rows.start)
        with PartWriter(targets) as writer:
            row = 0
            for chunk in self._chunks(source):
                if self.superclass is None:
                    row = writer.write(chunk, part, row)
                else:
                    n_columns = len(self.table.labels)
                    longer, _ = _core.with_values(chunk, n_columns, self.superclass, row)
                    row = writer.write(memoryview(longer), part, row)
        _copy_to_all(source, targets, max(copied, rows.end), self.state.size)

    def _add_label(self, source: BinaryIO, targets: list[BinaryIO]) -> int:
        """Copy all up to the last label and write one more, in its manner; return how far."""
        end = self.table.labels_end
        _copy_to_all(source, targets, 0, end)
        source.seek(0)
        last = source.read(end).rsplit(b"\n_", 1)[-1]
        number = b" #%d " % (len(self.table.labels) + 1) if b"#" in last else b" "
        ending = b"\r\n" if last.endswith(b"\r\n") else b"\n"
        for target in targets:
            target.write(b"" if last.endswith(b"\n") else b"\n")
            target.write(b"_" + SUPERCLASS.encode() + number + ending)
        return end

    def _chunks(self, file: BinaryIO) -> Iterator[memoryview]:
        rows = _place(self.table)
        return line_chunks(file, rows.start, rows.end)

    def _reopened(self) -> BinaryIO:
        file = open_input(self.path)
        try:
            self._check_unchanged(file)
        except RebalanceError:
            file.close()
            raise
        return file

    def _check_unchanged(self, file: BinaryIO) -> None:
        if FileState.of(file) != self.state:
            raise RebalanceError(
                f"{self.path} has changed since it was read; run again once nothing writes to it."
            )


def read_particles(path: Path, threads: int | None = None) -> StarParticles:
    """Read the class and identity of every particle row of a STAR file.

    The particle table is the block ``particles``, else ``images``, else the unnamed one (RELION
    3.0 and older), else the only one with ``rlnClassNumber``.

    Parameters
    ----------
    path : Path
        The file.
    threads : int, optional
        Default: all processors that this process may use.

    Raises
    ------
    RebalanceError
        If the file is missing or no STAR file, holds no particle table or no class column, or a
        row has too few or too many values or a class that is no whole number from 0 up.
    """
    path = Path(path)
    scanner = ParticleScanner(path, as_threads(threads))
    with open_input(path) as file:
        before = FileState.of(file)
    tables = read_star(path, scanner.read_rows)
    table = _particle_table(path, tables, scanner)
    if CLASS not in table:
        raise RebalanceError(
            f"The particle table data_{table.block} of {path} has no column {CLASS}; give the "
            "particles of a 2D classification."
        )
    classes, identities = scanner.results.get(id(table), (bytearray(), bytearray()))
    class_number = np.frombuffer(classes, np.int32)
    class_number[class_number == 0] = -1
    identity = np.frombuffer(identities, np.uint64)
    n_repeated = _tell_repeats_apart(table, identity)
    image_size, pixel_sizes = _image_geometry(table, tables)
    particles = StarParticles(
        path, table, before, class_number, identity, n_repeated, image_size, pixel_sizes
    )
    with particles._reopened():  # nothing wrote to the file meanwhile
        return particles


def _particle_table(path: Path, tables: list[StarTable], scanner: ParticleScanner) -> StarTable:
    candidates = [table for table in tables if may_hold_particles(table)]
    for block in PREFERRED_BLOCKS:
        named = [table for table in candidates if table.block == block]
        if named:
            candidates = [table for table in named if CLASS in table] or named
            break
    if not candidates:
        _refuse_pairs(path, tables)
        blocks = listing([f"data_{table.block}" for table in tables])
        raise RebalanceError(
            f"{path} holds no particle table (tables found: {blocks}); give the data file of a "
            "2D classification, such as run_it025_data.star."
        )
    if len(candidates) > 1:
        raise RebalanceError(
            f"{path} holds {len(candidates)} particle tables "
            f"({listing([f'data_{table.block}' for table in candidates])}); it must hold one."
        )
    return candidates[0]


def _refuse_pairs(path: Path, tables: list[StarTable]) -> None:
    """Some programs write a table of one row as pairs of label and value."""
    for table in tables:
        if not table.is_loop and CLASS in table:
            raise RebalanceError(
                f"Line {table.lines[0][0]} of {path}: the table data_{table.block} is a list of "
                "labels and values, and particles must be rows behind loop_; one particle cannot "
                "be balanced, so give the whole data file of a 2D classification."
            )


def _copy_to_all(source: BinaryIO, targets: list[BinaryIO], start: int, end: int) -> None:
    for chunk in line_chunks(source, start, end):
        for target in targets:
            target.write(chunk)


def _place(table: StarTable) -> Rows:
    """Where the rows stand; a table without rows is empty at the start of the file."""
    return table.rows or Rows(0, 0, 1, 1)


def _is_row(line: bytes) -> bool:
    return not line.strip().startswith(b"#") and bool(line.strip())


def _tell_repeats_apart(table: StarTable, identity: NDArray[np.uint64]) -> int:
    """Give rows with one image name the identity of their bytes; return how many still repeat."""
    repeated, n_repeated = _core.find_repeats(identity)
    if n_repeated == 0 or NAME not in table:
        return n_repeated
    is_repeated = np.frombuffer(repeated, np.bool_)
    rows = _place(table)
    scan = _core.RowScan(len(table.labels), -1, -1)
    first = 0
    with open_input(table.path) as file:
        for chunk in line_chunks(file, rows.start, rows.end):
            scan.read(chunk)
            row_hash = np.frombuffer(scan.identity, np.uint64)
            part = slice(first, first + len(row_hash))
            np.copyto(identity[part], row_hash, where=is_repeated[part])
            first += len(row_hash)
    return _core.find_repeats(identity)[1]


def _image_geometry(
    table: StarTable, tables: list[StarTable]
) -> tuple[int | None, tuple[float, ...]]:
    """Box (px) and different pixel sizes (A) of the particle images, from optics or RELION 3.0."""
    optics = next((other for other in tables if other.block == "optics"), None)
    size = None
    if optics is not None and "rlnImageSize" in optics and optics.lines:
        size = optics.whole_numbers("rlnImageSize")[0]
    if optics is not None and "rlnImagePixelSize" in optics and optics.lines:
        return size, tuple(dict.fromkeys(optics.numbers("rlnImagePixelSize")))
    if table.lines and "rlnDetectorPixelSize" in table and "rlnMagnification" in table:
        detector = table.numbers("rlnDetectorPixelSize")[0]
        magnification = table.numbers("rlnMagnification")[0]
        return size, (detector * 10000 / magnification,) if magnification > 0 else ()
    return size, ()
