"""What the user says about class averages: lists of classes, and constraints.csv."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import RebalanceError

COLUMNS = ("class_number", "action", "value")
_RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
_WHOLE = re.compile(r"\d{1,9}")
MOST_CLASSES = 100_000  # in a range or in all: more is a slip of the pen


@dataclass(frozen=True)
class Constraints:
    """The lines of a ``constraints.csv``, by action.

    Attributes
    ----------
    leave_out : tuple of int
        Classes that take no part.
    groups : tuple of (int, str)
        Class and name of its group.
    moves : tuple of (int, int)
        Class and superclass that it moves to.
    """

    leave_out: tuple[int, ...] = ()
    groups: tuple[tuple[int, str], ...] = ()
    moves: tuple[tuple[int, int], ...] = ()


def read_constraints(path: Path) -> Constraints:
    """Read ``class_number,action,value``: leave_out (no value), move (superclass), group (name).

    Raises
    ------
    RebalanceError
        For a file or a line that is no such thing.
    """
    leave_out: list[int] = []
    groups: list[tuple[int, str]] = []
    moves: list[tuple[int, int]] = []
    for line, (number, action, value) in _rows(path):
        place = f"line {line} of {path}"
        class_number = _whole(number, f"class_number in {place}")
        if action == "leave_out":
            _refuse_value(value, place)
            leave_out.append(class_number)
        elif action == "move":
            moves.append((class_number, _whole(value, f"the superclass to move to in {place}")))
        elif action == "group":
            groups.append((class_number, _name(value, place)))
        else:
            raise RebalanceError(
                f"action in {place} must be leave_out, move or group, not {action!r}: correct it"
            )
    return Constraints(tuple(leave_out), tuple(groups), tuple(moves))


def read_class_list(path: Path) -> tuple[int, ...]:
    """Read class numbers from a text file: one or more per line, ranges too, # for a comment."""
    lines = (line.split("#")[0] for line in _text(path).splitlines())
    return class_list(" ".join(lines), str(path))


def class_list(text: str, source: str) -> tuple[int, ...]:
    """Class numbers in a text such as ``3,7 12-15``.

    Raises
    ------
    RebalanceError
        Where a part is no class number or range; it names `source`.
    """
    numbers: list[int] = []
    for part in text.replace(",", " ").split():
        match = _RANGE.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < first + MOST_CLASSES:
            raise RebalanceError(
                f"classes in {source} must be numbers and ranges such as 3,7,12-15, not "
                f"{_short(part)!r}"
            )
        numbers.extend(range(first, last + 1))
        if len(numbers) > MOST_CLASSES:
            raise RebalanceError(
                f"{source} must name at most {MOST_CLASSES:,} classes, and names more: shorten it"
            )
    if not numbers:
        raise RebalanceError(f"{source} names no class: give numbers such as 3,7,12-15")
    return tuple(dict.fromkeys(numbers))


def _short(text: str, most: int = 40) -> str:
    return text if len(text) <= most else text[:most] + "..."


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise RebalanceError(f"{path} does not exist: check the path") from None
    except (OSError, UnicodeDecodeError):
        raise RebalanceError(f"{path} must be a text file that can be read, and is not") from None


def _rows(path: Path) -> Iterator[tuple[int, tuple[str, str, str]]]:
    """Number and three cells of every line below the header that is not empty."""
    reader = csv.reader(_text(path).splitlines())
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise RebalanceError(
            f"line {reader.line_num} of {path} is no line of a table ({error}): correct it"
        ) from None
    filled = [(number, cells) for number, cells in lines if any(cells)]
    if not filled or tuple(filled[0][1]) != COLUMNS:
        found = ",".join(filled[0][1]) if filled else "nothing"
        raise RebalanceError(
            f"the first line of {path} must be {','.join(COLUMNS)}, not {found}: write it there"
        )
    for number, cells in filled[1:]:
        if len(cells) not in (2, 3):
            raise RebalanceError(
                f"line {number} of {path} must have the cells {','.join(COLUMNS)}, but has "
                f"{len(cells)}: correct it"
            )
        yield number, (cells[0], cells[1], cells[2] if len(cells) == 3 else "")


def _whole(text: str, what: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise RebalanceError(f"{what} must be a whole number from 0, not {text!r}")
    return int(text)


def _name(value: str, place: str) -> str:
    if not value:
        raise RebalanceError(f"{place} groups without a name: write one in the third cell")
    return value


def _refuse_value(value: str, place: str) -> None:
    if value:
        raise RebalanceError(
            f"leave_out has no value, but {place} gives {value!r}: leave the third cell empty"
        )
