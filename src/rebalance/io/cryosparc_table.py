"""Rows that stand in one or more ``.cs`` files: a main one, and files that are passed through."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .cryosparc_fields import SUPERCLASS, check_mask
from .cryosparc_files import CsFile, open_cs
from .cryosparc_join import UID, as_uid, check_has_uid, rows_of
from .csg import UNKNOWN_VERSION, ResultGroup, Slot, our_group, write_csg

SLOT_TYPES = (  # slots whose type is not their name, as the documentation of the package lists them
    (re.compile(r"alignments_class_\d+"), "alignments3D"),
    (re.compile(r"components_mode_\d+"), "components"),
)


@dataclass(frozen=True)
class SlotPlace:
    """Where a slot stands: its type, ``particle.ctf``, and the number of its file."""

    type: str
    file: int


@dataclass(frozen=True, eq=False)
class CsTable:
    """Items of CryoSPARC, particles or templates.

    Attributes
    ----------
    kind : str
        ``particle`` or ``template``.
    files : tuple of CsFile
        The first gives the order of the items; the others are passed through.
    rows : tuple
        For each file, the row of each item, (P,) int64; None where it is the item's own number.
    slots : dict of str to SlotPlace
        By name.
    uid : (P,) uint64 array
        Of each item.
    version : str
        Of CryoSPARC, for groups that are written.
    known : dict of str to array
        Columns that were read in advance, in the order of the items.
    """

    kind: str
    files: tuple[CsFile, ...]
    rows: tuple[NDArray[np.int64] | None, ...]
    slots: dict[str, SlotPlace]
    uid: NDArray[np.uint64]
    version: str
    known: dict[str, NDArray[np.generic]]

    def __len__(self) -> int:
        return len(self.uid)

    def __contains__(self, name: str) -> bool:
        return name in self.files[self.file_of(name)].fields

    def values(self, name: str) -> NDArray[np.generic]:
        """(P, ...) values of a column that is there, as they stand in the file."""
        if name in self.known:
            return self.known[name]
        number = self.file_of(name)
        return _in_order(self.files[number].columns([name])[name], self.rows[number])

    def column(self, name: str) -> NDArray[np.str_] | NDArray[np.float64] | None:
        """Return a column as numbers (float64) or text; None where there is none of this name."""
        return _as_text_or_numbers(self.values(name)) if name in self else None

    def write(self, mask: NDArray[np.bool_], path: Path) -> None:
        """Write the items where `mask` (P,) is true; see :meth:`write_parts`."""
        check_mask(mask, len(self))
        self.write_parts(mask.astype(np.uint8), [path])

    def write_parts(
        self,
        part: NDArray[np.uint8],
        paths: Sequence[Path],
        superclass: NDArray[np.int32] | None = None,
    ) -> None:
        """Write items of `part` (P,) n to ``paths[n - 1]``, of 0 to none, and a group for each.

        ``NAME.cs`` comes with ``NAME_passthrough.cs`` for a file that is passed through, and with
        ``NAME.csg``. Rows stand in the order of their input file. `superclass` (P,) becomes a
        field of the first file.
        """
        for number, file in enumerate(self.files):
            targets = [_beside(path, number) for path in paths]
            field = superclass if number == 0 else None
            file.write_parts(_part_of_rows(part, self.rows[number], len(file)), targets, field)
        for number, path in enumerate(paths, start=1):
            self._write_group(path, int(np.count_nonzero(part == number)))

    def _write_group(self, path: Path, count: int) -> None:
        slots = {
            name: Slot(place.type, _beside(path, place.file), count)
            for name, place in self.slots.items()
        }
        newest = max(file.path.stat().st_mtime for file in self.files)
        group = our_group(path.stem, self.kind, slots, self.version, newest)
        write_csg(group, path.with_suffix(".csg"))

    def file_of(self, name: str) -> int:
        """Number of the file in which a column stands, if it is anywhere."""
        slot = self.slots.get(name.split("/")[0])
        return 0 if slot is None else slot.file


def open_table(
    kind: str, paths: list[Path], group: ResultGroup | None = None, wanted: str = UID
) -> tuple[CsTable, list[str]]:
    """Open items and what is passed through; with warnings, a sentence each.

    Parameters
    ----------
    kind : str
        ``particle`` or ``template``.
    paths : list of Path
        The first gives the order of the items.
    group : ResultGroup, optional
        Says which slot stands in which file; else it is the first that has columns of the slot.
    wanted : str
        A column to read in the same pass as the uids, where there is one of this name.

    Raises
    ------
    RebalanceError
        If a file is damaged, or uids are missing, repeated or do not match.
    """
    files = [open_cs(path) for path in paths]
    for file in files:
        check_has_uid(file)
    read = [_read(file, wanted) for file in files]
    uids = [as_uid(columns[UID], file.path) for columns, file in zip(read, files, strict=True)]
    rows = [rows_of(uids[0], paths[0], uid, path) for uid, path in zip(uids, paths, strict=True)]
    slots = _slots_by_columns(files, kind) if group is None else _slots_of_group(files, group)
    version = UNKNOWN_VERSION if group is None else group.version
    table = CsTable(kind, tuple(files), tuple(rows), slots, uids[0], version, {})
    if wanted != UID and wanted in table:
        number = table.file_of(wanted)
        table = replace(table, known={wanted: _in_order(read[number][wanted], rows[number])})
    return table, [*_surplus(files), *_miscounted(files, group)]


def _slots_by_columns(files: list[CsFile], kind: str) -> dict[str, SlotPlace]:
    slots: dict[str, SlotPlace] = {}
    for number, file in enumerate(files):
        for field in file.fields:
            name, slash, _ = field.partition("/")
            if slash and field != SUPERCLASS:
                slots.setdefault(name, SlotPlace(f"{kind}.{_type_of(name)}", number))
    return slots


def _slots_of_group(files: list[CsFile], group: ResultGroup) -> dict[str, SlotPlace]:
    numbers = {file.path: number for number, file in enumerate(files)}
    return {name: SlotPlace(slot.type, numbers[slot.file]) for name, slot in group.slots.items()}


def _type_of(slot: str) -> str:
    return next((kind for form, kind in SLOT_TYPES if form.fullmatch(slot)), slot)


def _surplus(files: list[CsFile]) -> list[str]:
    return [
        f"{len(file) - len(files[0]):,} rows of {file.path} belong to no row of {files[0].path}: "
        "they are in no output."
        for file in files[1:]
        if len(file) > len(files[0])
    ]


def _miscounted(files: list[CsFile], group: ResultGroup | None) -> list[str]:
    counts = {file.path: len(file) for file in files}
    slots = {} if group is None else group.slots
    return [
        f"The group says {slot.num_items:,} items for its slot {name}, and {slot.file} has "
        f"{counts[slot.file]:,} rows: the rows count."
        for name, slot in slots.items()
        if slot.num_items != counts[slot.file]
    ][:1]


def _read(file: CsFile, wanted: str) -> dict[str, NDArray[np.generic]]:
    return file.columns([name for name in dict.fromkeys((UID, wanted)) if name in file.fields])


def _in_order(values: NDArray[np.generic], rows: NDArray[np.int64] | None) -> NDArray[np.generic]:
    return values if rows is None else values[rows]


def _part_of_rows(
    part: NDArray[np.uint8], rows: NDArray[np.int64] | None, n_rows: int
) -> NDArray[np.uint8]:
    if rows is None:
        return part
    of_row = np.zeros(n_rows, np.uint8)
    of_row[rows] = part
    return of_row


def _beside(path: Path, number: int) -> Path:
    ending = ("", "_passthrough")[number] if number < 2 else f"_passthrough_{number}"
    return path.with_name(f"{path.stem}{ending}{path.suffix}")


def _as_text_or_numbers(values: NDArray[np.generic]) -> NDArray[np.str_] | NDArray[np.float64]:
    if values.dtype.kind == "S":
        return np.char.decode(values.astype(np.bytes_, copy=False), "utf-8", "replace")
    if values.dtype.kind in "OU":
        return values.astype(np.str_)
    return values.astype(np.float64)
