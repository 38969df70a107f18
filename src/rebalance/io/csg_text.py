"""The part of YAML that ``.csg`` files are written in: nested tables of names and single values."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TypeAlias

from ..errors import RebalanceError

Tree: TypeAlias = "dict[str, str | Tree]"

IN_QUOTES = r"'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\""
QUOTED = re.compile(IN_QUOTES, re.DOTALL)
ENTRY = re.compile(rf"( *)({IN_QUOTES}|[^\s'\"#:](?:[^:#]*[^\s:#])?) *:(?: +(.*))?$")
SAFE = re.compile(r"[A-Za-z][A-Za-z0-9_. ()/-]*[A-Za-z0-9_.()/-]|[A-Za-z]")
WORDS_OF_YAML = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
LARGEST_FILE = 1 << 20  # bytes; those of CryoSPARC have about 5,000
LONGEST_VALUE = 1 << 13
UNREAD = ("|", ">", "[", "{", "&", "*", "!", "- ")  # other kinds of YAML values


def check_size(path: Path) -> None:
    """Refuse a file that is far too long for a result group."""
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise RebalanceError(
            f"{path} is no result group: it has {size} bytes, and a group has at most "
            f"{LARGEST_FILE}; give a .csg file as CryoSPARC exports it."
        )


def parse(text: str, path: Path) -> Tree:
    """Read nested tables; all values as text.

    Raises
    ------
    RebalanceError
        For a line that is no ``name: value`` or ``name:``, or stands at an odd depth.
    """
    root: Tree = {}
    open_tables: list[tuple[int, Tree]] = [(-1, root)]  # indentation of the owner, its table
    for line, indent, name, value in _entries(text, path):
        while indent <= open_tables[-1][0]:
            open_tables.pop()
        table = open_tables[-1][1]
        if name in table:
            raise RebalanceError(
                f"Line {line} of {path} has {name} for the second time; remove one of the two."
            )
        if value is None:
            inner: Tree = {}
            table[name] = inner
            open_tables.append((indent, inner))
        else:
            table[name] = value
    return root


def _entries(text: str, path: Path) -> list[tuple[int, int, str, str | None]]:
    """Line number, indentation, name and value of each entry; None: a table follows."""
    entries = []
    lines = text.replace("\r\n", "\n").split("\n")
    k = 0
    while k < len(lines):
        first = k
        k += 1
        if not lines[first].strip() or lines[first].lstrip().startswith("#"):
            continue
        match = ENTRY.fullmatch(lines[first].rstrip())
        if match is None:
            raise _not_read(path, first, lines[first])
        indent, value = len(match[1]), (match[3] or "").strip()
        if value:  # a long value goes on in deeper lines
            while (
                k < len(lines) and _goes_on(lines[k], indent, value) and len(value) < LONGEST_VALUE
            ):
                value = f"{value} {lines[k].strip()}" if lines[k].strip() else f"{value}\n"
                k += 1
        if value.startswith(UNREAD) or len(value) >= LONGEST_VALUE:
            raise _not_read(path, first, lines[first])
        entries.append(
            (first + 1, indent, _unquoted(match[2]), _unquoted(value) if value else None)
        )
    return entries


def _goes_on(line: str, indent: int, value: str) -> bool:
    if value[0] in "'\"" and not _is_closed(value):
        return True
    return bool(line.strip()) and len(line) - len(line.lstrip(" ")) > indent


def _is_closed(value: str) -> bool:
    return QUOTED.fullmatch(value) is not None


def _unquoted(value: str) -> str:
    if value.startswith("'"):
        return value[1:-1].replace("''", "'")
    if value.startswith('"'):
        try:
            return str(json.loads(value, strict=False))
        except ValueError:
            return value[1:-1]
    return value.split(" #")[0].rstrip()


def _not_read(path: Path, index: int, line: str) -> RebalanceError:
    return RebalanceError(
        f"Line {index + 1} of {path} is no 'name: value' of a result group: {line.strip()[:60]!r}; "
        "give a .csg file as CryoSPARC exports it."
    )


def dump(tree: Tree, indent: int = 0) -> str:
    """Write nested tables so that any YAML reader finds them again."""
    text = ""
    for name, value in tree.items():
        start = " " * indent + _quoted(name) + ":"
        if isinstance(value, dict):
            text += f"{start}\n{dump(value, indent + 2)}"
        else:
            text += f"{start} {_quoted(value)}\n"
    return text


def _quoted(value: str) -> str:
    if SAFE.fullmatch(value) and value.lower() not in WORDS_OF_YAML:
        return value
    if re.fullmatch(r"[1-9][0-9]*|0|[0-9-]{10} [0-9:.]{8,15}", value):
        return value  # a count or a time
    if value.isprintable() and "\\" not in value:
        return "'" + value.replace("'", "''") + "'"
    return json.dumps(value)
