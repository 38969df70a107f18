"""The structure of a STAR file: blocks, labels, and the rows of its small tables.

A file is read line by line. The rows of a large table are handed to a function that reads them
its own way, so that everything here stays small.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ..errors import RebalanceError

LONGEST_LINE = 1 << 20
MOST_TABLES = 10_000  # a file of RELION has about ten
LARGEST_NUMBER = 2**31 - 1
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
VALUE = re.compile(rb"""'(.*?)'(?=\s|$)|"(.*?)"(?=\s|$)|(\S+)""")


@dataclass(frozen=True)
class Rows:
    """Where the rows of a table stand in the file: bytes [start, end), lines from 1."""

    start: int
    end: int
    line: int
    next_line: int  # the line after the last


@dataclass
class StarTable:
    """One table of a STAR file; a block of label and value pairs is a table of one row.

    Attributes
    ----------
    block : str
        Name of the block without ``data_``.
    labels : list of str
        Column names without the leading underscore.
    lines : list of (int, bytes)
        Line number (from 1) and bytes of each row, as read; only the first row of a table whose
        rows were handed over; of pairs, the line of each label.
    is_loop : bool
        False for pairs.
    rows : Rows or None
        Where the rows stand, for a table whose rows were handed over.
    labels_end : int
        Of a loop: the byte behind its last label.
    """

    path: Path
    block: str
    labels: list[str] = field(default_factory=list)
    lines: list[tuple[int, bytes]] = field(default_factory=list)
    is_loop: bool = False
    rows: Rows | None = None
    labels_end: int = 0

    def __contains__(self, label: str) -> bool:
        return label in self.labels

    def values(self, label: str) -> list[str]:
        """Return the values of one column, without quotes.

        Raises
        ------
        RebalanceError
            If the table has no such column, or a row has too few values.
        """
        if label not in self.labels:
            raise RebalanceError(
                f"Table data_{self.block} of {self.path} has no column {label}; its columns are "
                f"{listing(self.labels)}."
            )
        column = self.labels.index(label)
        if not self.is_loop:
            pair = split_values(self.lines[column][1])
            return [as_string(pair[1]) if len(pair) > 1 else ""]
        return [self._value(line, text, column) for line, text in self.lines]

    def numbers(self, label: str) -> list[float]:
        """Return the values of one column as numbers.

        Raises
        ------
        RebalanceError
            If a value is no number.
        """
        values = self.values(label)
        lines = self.lines if self.is_loop else [self.lines[self.labels.index(label)]]
        return [
            self._number(line, label, value) for (line, _), value in zip(lines, values, strict=True)
        ]

    def whole_numbers(self, label: str) -> list[int]:
        """Return the values of one column as whole numbers from 0.

        Raises
        ------
        RebalanceError
            If a value is none.
        """
        numbers = self.numbers(label)
        for number, text in zip(numbers, self.values(label), strict=True):
            if not 0 <= number <= LARGEST_NUMBER:  # neither is nan
                raise RebalanceError(
                    f"Table data_{self.block} of {self.path} has {label} '{text}', which is no "
                    f"whole number from 0 to {LARGEST_NUMBER}; repair the line."
                )
        return [int(number) for number in numbers]

    def _value(self, line: int, text: bytes, column: int) -> str:
        values = split_values(text)
        if len(values) <= column:
            raise RebalanceError(
                f"Line {line} of {self.path} has {len(values)} values where table "
                f"data_{self.block} has {len(self.labels)} columns: the value of "
                f"{self.labels[len(values)]} is missing; repair or remove the line."
            )
        return as_string(values[column])

    def _number(self, line: int, label: str, value: str) -> float:
        try:
            return float(value)
        except ValueError:
            raise RebalanceError(
                f"Line {line} of {self.path} has {label} '{value}', which is no number; repair "
                "the line."
            ) from None


RowReader = Callable[[BinaryIO, StarTable, int], "Rows | None"]


def split_values(line: bytes) -> list[bytes]:
    """Split a line into its values; a value in quotes may hold white space."""
    found = (match.groups() for match in VALUE.finditer(line))
    return [next(value for value in groups if value is not None) for groups in found]


def as_string(text: bytes) -> str:
    """Decode bytes of a STAR file for display or comparison."""
    return text.decode("utf-8", "replace")


def listing(names: Sequence[str], most: int = 8) -> str:
    """Join names with commas; of many, the first few and how many more."""
    shown = ", ".join(names[:most]) or "none"
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def read_star(path: Path, read_rows: RowReader | None = None) -> list[StarTable]:
    """Read every table of a STAR file.

    Parameters
    ----------
    path : Path
        The file.
    read_rows : callable, optional
        Called at the first row of every loop with the open file, standing at that row, the table
        with its labels and first row, and the row's line number. It returns where the rows stand,
        or None: then they are kept as lines.

    Raises
    ------
    RebalanceError
        If the file is missing, unreadable or no STAR file.
    """
    try:
        with open_input(path) as file:
            tables = _StarReader(path, file, read_rows).read()
    except OSError as error:
        raise RebalanceError(f"{path} cannot be read: {error.strerror}.") from error
    if not tables:
        raise RebalanceError(
            f"{path} is not a STAR file: it has no data_ block; give a STAR file of RELION."
        )
    return tables


def open_input(path: Path) -> BinaryIO:
    """Open a file for reading bytes; raise a sentence when it is absent or no regular file."""
    if not path.exists():
        raise RebalanceError(f"{path} does not exist; check the path.")
    if not path.is_file():
        raise RebalanceError(f"{path} is not a regular file; give the path of a file.")
    return path.open("rb")


class _StarReader:
    """Reads line by line and keeps the table that is being read."""

    def __init__(self, path: Path, file: BinaryIO, read_rows: RowReader | None) -> None:
        self.path = path
        self.file = file
        self.read_rows = read_rows
        self.line = 0
        self.tables: list[StarTable] = []
        self.table: StarTable | None = None

    def read(self) -> list[StarTable]:
        if self.file.read(3) != BYTE_ORDER_MARK:
            self.file.seek(0)
        while line := self.file.readline(LONGEST_LINE):
            self.line += 1
            self._check_text(line)
            words = line.split()
            if words and not words[0].startswith(b"#"):
                self._take(line, words)
        return self.tables

    def _check_text(self, line: bytes) -> None:
        if b"\0" in line or len(line) == LONGEST_LINE:
            raise RebalanceError(
                f"{self.path} is not a STAR file: line {self.line} holds bytes that are no text; "
                "give a STAR file of RELION."
            )

    def _take(self, line: bytes, words: list[bytes]) -> None:
        table = self.table
        alone = len(words) == 1 or words[1].startswith(b"#")
        if words[0].startswith(b"data_") and self._opens(words, alone):
            self._begin(as_string(words[0][len(b"data_") :]), is_loop=False)
        elif words[0] == b"loop_" and self._opens(words, alone) and table is not None:
            self._begin_loop(table)
        elif table is None:
            return
        elif table.is_loop and not table.lines and words[0].startswith(b"_") and alone:
            table.labels.append(as_string(words[0][1:]))
            table.labels_end = self.file.tell()
        elif table.is_loop:
            self._take_row(table, line)
        else:
            self._take_pair(table, line)

    def _opens(self, words: list[bytes], alone: bool) -> bool:
        """Whether a line opens a block or loop: a row may begin with a value like data_1.mrc."""
        if self.table is None or not self.table.is_loop or len(words) == 1:
            return alone
        return alone and len(words) != len(self.table.labels)

    def _begin(self, block: str, is_loop: bool) -> None:
        if len(self.tables) == MOST_TABLES:
            raise RebalanceError(
                f"{self.path} is not a STAR file of RELION: it has more than {MOST_TABLES:,} "
                "tables; give the data file of a 2D classification."
            )
        self.table = StarTable(self.path, block, is_loop=is_loop)
        self.tables.append(self.table)

    def _begin_loop(self, table: StarTable) -> None:
        if table.is_loop or table.labels:
            self._begin(table.block, is_loop=True)
        else:
            table.is_loop = True

    def _take_row(self, table: StarTable, line: bytes) -> None:
        first = not table.lines
        table.lines.append((self.line, line))
        if not first or self.read_rows is None:
            return
        after = self.file.tell()
        self.file.seek(after - len(line))
        table.rows = self.read_rows(self.file, table, self.line)
        if table.rows is None:
            self.file.seek(after)
        else:
            self.file.seek(table.rows.end)
            self.line = table.rows.next_line - 1

    def _take_pair(self, table: StarTable, line: bytes) -> None:
        label = line.split()[0]
        if label.startswith(b"_"):
            table.labels.append(as_string(label[1:]))
            table.lines.append((self.line, line))
