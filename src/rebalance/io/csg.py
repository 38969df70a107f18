"""Result groups of CryoSPARC: a ``.csg`` file says which ``.cs`` file holds which slot."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ..errors import RebalanceError
from .csg_text import Tree, check_size, dump, parse
from .output import whole_file

OUR_DESCRIPTION = "Written by rebalance"
UNKNOWN_VERSION = "v4.0.0"  # of CryoSPARC, where no group of the input tells
RESULTS = "results"
LONGEST_COUNT = 18  # digits


@dataclass(frozen=True)
class Slot:
    """One slot of a group.

    Attributes
    ----------
    type : str
        ``particle.alignments2D``.
    file : Path
        The ``.cs`` file that holds its columns.
    num_items : int
        Rows of that file.
    """

    type: str
    file: Path
    num_items: int


@dataclass(frozen=True)
class ResultGroup:
    """One result group.

    Attributes
    ----------
    name : str
        ``particles``.
    type : str
        ``particle`` or ``template``.
    title, description : str
        For people.
    slots : dict of str to Slot
        By name, as in the columns ``NAME/...``.
    created : str
        Date and time.
    version : str
        Of CryoSPARC.
    """

    name: str
    type: str
    title: str
    description: str
    slots: dict[str, Slot]
    created: str
    version: str = UNKNOWN_VERSION

    @property
    def is_ours(self) -> bool:
        """Whether this package wrote it."""
        return self.description == OUR_DESCRIPTION

    @property
    def files(self) -> tuple[Path, ...]:
        """The different ``.cs`` files, in order of appearance."""
        return tuple(dict.fromkeys(slot.file for slot in self.slots.values()))


def our_group(
    name: str, kind: str, slots: dict[str, Slot], version: str, time: float
) -> ResultGroup:
    """A group that this package writes.

    `time` (seconds since 1970) is that of its input, so that the same input gives the same bytes.
    """
    created = datetime.fromtimestamp(time, timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
    title = name.replace("_", " ").capitalize()
    return ResultGroup(name, kind, title, OUR_DESCRIPTION, slots, created, version)


def read_csg(path: Path) -> ResultGroup:
    """Read a result group.

    Raises
    ------
    RebalanceError
        If it is missing or no group, or names a file that does not exist.
    """
    tree, group, results = _parts(path)
    return ResultGroup(
        name=_word(group, "name"),
        type=_word(group, "type"),
        title=_word(group, "title"),
        description=_word(group, "description"),
        slots={name: _read_slot(name, entry, path) for name, entry in results.items()},
        created=_word(tree, "created"),
        version=_word(tree, "version") or UNKNOWN_VERSION,
    )


def name_and_slots(path: Path) -> tuple[str, tuple[str, ...]]:
    """Name of a group and of its slots, without looking for the files."""
    _, group, results = _parts(path)
    return _word(group, "name"), tuple(results)


def _parts(path: Path) -> tuple[Tree, Tree, Tree]:
    """The whole file, what it says of the group, and its slots."""
    try:
        check_size(path)
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RebalanceError(f"The group {path} does not exist; check the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RebalanceError(f"The group {path} cannot be read: {error}.") from error
    tree = parse(text, path)
    group, results = tree.get("group"), tree.get(RESULTS)
    if not isinstance(group, dict) or not isinstance(results, dict) or not results:
        raise RebalanceError(
            f"{path} is no result group: it must hold 'group', and 'results' with at least one "
            "slot; give a .csg file as CryoSPARC exports it."
        )
    return tree, group, results


def write_csg(group: ResultGroup, path: Path) -> None:
    """Write a group whose files stand beside it; the file appears whole or not at all."""
    results: Tree = {
        name: {
            "metafile": ">" + slot.file.name,
            "num_items": str(slot.num_items),
            "type": slot.type,
        }
        for name, slot in group.slots.items()
    }
    words: Tree = {key: getattr(group, key) for key in ("description", "name", "title", "type")}
    tree: Tree = {
        "created": group.created,
        "group": words,
        RESULTS: results,
        "version": group.version,
    }
    with whole_file(path) as file:
        file.write(dump(tree).encode())


def _read_slot(name: str, entry: str | Tree, path: Path) -> Slot:
    if not isinstance(entry, dict):
        raise RebalanceError(f"The slot {name} of {path} must have a metafile, and has none.")
    metafile, count = _word(entry, "metafile"), _word(entry, "num_items")
    if not (count.isdecimal() and len(count) <= LONGEST_COUNT):
        raise RebalanceError(
            f"The slot {name} of {path} must have num_items, a number of rows, not '{count[:40]}'."
        )
    return Slot(_word(entry, "type"), find_metafile(metafile, path, name), int(count))


def find_metafile(metafile: str, path: Path, slot: str) -> Path:
    """The file that a slot names: beside the group, or below a directory above it."""
    name = metafile.removeprefix(">")
    if name:
        places = [path.parent, *path.resolve().parents]
        found = next((place / name for place in places if os.path.isfile(place / name)), None)
        if found is not None:
            return found
    raise RebalanceError(
        f"{path} says that its slot {slot[:80]} stands in '{metafile[:200]}', and there is no "
        f"such file beside it ({path.parent}); put it there, or give the .cs files themselves."
    )


def _word(table: Tree, name: str) -> str:
    value = table.get(name, "")
    return value if isinstance(value, str) else ""
