"""RELION's lists of class averages: model.star, class_averages.star, optimiser.star."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import RebalanceError
from .star_rows import CLASS
from .star_tables import StarTable, read_star

BACKUP_SELECTION, SELECTED = "backup_selection.star", "rlnSelected"
REFERENCE = "rlnReferenceImage"
RESOLUTION = "rlnEstimatedResolution"
UNKNOWN_RESOLUTION = 999.0  # what RELION writes for a class without signal
LARGEST_CLASS = 1_000_000
IMAGE_NUMBER = re.compile(r"[0-9]{1,9}")
ITERATION = re.compile(r"_it(\d+)_")


@dataclass(frozen=True)
class Reference:
    """One class average as a table names it.

    Attributes
    ----------
    class_number : int
        The number that particle rows use.
    image : int
        Place in the stack, from 1.
    stack : str
        The stack as the table names it.
    resolution : float
        A; nan where unknown.
    row : bytes
        The row as read; empty for an average that no table lists.
    """

    class_number: int
    image: int
    stack: str
    resolution: float
    row: bytes

    @property
    def name(self) -> str:
        """The name in RELION's form, ``000001@stack``."""
        return f"{self.image:06d}@{self.stack}"


@dataclass(frozen=True)
class ReferenceTable:
    """A table of class averages.

    Attributes
    ----------
    path : Path
        The file.
    block : str
        Name of the block without ``data_``.
    labels : tuple of str
        Column names.
    references : tuple of Reference
        In the order of the table.
    pixel_size : float or None
        ``rlnPixelSize`` of model_general, in A.
    numbered_by : Path or None
        The file that gave the class numbers, where it is not this one.
    """

    path: Path
    block: str
    labels: tuple[str, ...]
    references: tuple[Reference, ...]
    pixel_size: float | None
    numbered_by: Path | None = None

    @property
    def in_place(self) -> bool:
        """Whether every average stands in its stack at the place of its class number."""
        return all(reference.class_number == reference.image for reference in self.references)

    @property
    def says_numbers(self) -> bool:
        """Whether the rows alone tell the class numbers."""
        return CLASS in self.labels or self.in_place

    @property
    def stacks(self) -> tuple[str, ...]:
        """The different stacks, in order of appearance."""
        return tuple(dict.fromkeys(reference.stack for reference in self.references))


def read_model(path: Path) -> ReferenceTable:
    """Read the class averages of a ``run_itNNN_model.star``: row k describes class k."""
    return _read_references(path, numbered_by_row=True)


def read_class_averages(path: Path) -> ReferenceTable:
    """Read the ``class_averages.star`` of a Select job: classes keep their original numbers.

    Averages that RELION centred stand in a stack of their own, counted anew; the class numbers are
    then in a column of their own, else the ticks of ``backup_selection.star`` tell them.
    """
    table = _read_references(path, numbered_by_row=False)
    if CLASS in table.labels or not _counts_anew(table):
        return table
    ticks = path.with_name(BACKUP_SELECTION)
    numbers = _ticked(ticks) if ticks.is_file() else []
    if len(numbers) != len(table.references):
        raise RebalanceError(
            f"{path} counts its class averages anew in {table.stacks[0]} and has no column "
            f"{CLASS}, and {ticks} does not tell their numbers ({len(numbers)} classes are ticked "
            "there); give the model file of the 2D classification (--model)."
        )
    pairs = zip(table.references, numbers, strict=True)
    references = tuple(replace(reference, class_number=number) for reference, number in pairs)
    return replace(table, references=references, numbered_by=ticks)


def read_optimiser(path: Path) -> tuple[str, str] | None:
    """Return data and model file that an ``optimiser.star`` names; None for any other file."""
    if not path.name.endswith("optimiser.star"):
        return None
    for table in read_star(path):
        if {"rlnExperimentalDataStarFile", "rlnModelStarFile"} <= set(table.labels) and table.lines:
            data = table.values("rlnExperimentalDataStarFile")[0]
            return data, table.values("rlnModelStarFile")[0]
    raise RebalanceError(
        f"{path} names no data and model file (rlnExperimentalDataStarFile, rlnModelStarFile); "
        "give the data file of the 2D classification instead."
    )


def iteration_of(path: Path) -> int | None:
    """Return the iteration in a file name such as ``run_it025_data.star``."""
    match = ITERATION.search(path.name)
    return int(match.group(1)) if match else None


def _read_references(path: Path, numbered_by_row: bool) -> ReferenceTable:
    tables = read_star(path)
    table = next((t for t in tables if t.is_loop and REFERENCE in t), None)
    if table is None or not table.lines:
        raise RebalanceError(
            f"{path} lists no class averages (no table with rows and the column {REFERENCE}); give "
            "the model file of the 2D classification."
        )
    numbers = _class_numbers(table, numbered_by_row)
    resolutions = [math.nan] * len(numbers)
    if RESOLUTION in table:
        resolutions = [_known(value) for value in table.numbers(RESOLUTION)]
    references = [
        Reference(number, image, stack, resolution, row)
        for number, (image, stack), resolution, (_, row) in zip(
            numbers, _split_names(table), resolutions, table.lines, strict=True
        )
    ]
    return ReferenceTable(
        path, table.block, tuple(table.labels), tuple(references), _pixel_size(tables)
    )


def _counts_anew(table: ReferenceTable) -> bool:
    """Whether the averages are those that a Select job wrote, with RELION's name for them."""
    stack = table.path.with_suffix(".mrcs").name
    in_order = [reference.image for reference in table.references]
    return in_order == list(range(1, len(in_order) + 1)) and all(
        Path(name).name == stack for name in table.stacks
    )


def _ticked(path: Path) -> list[int]:
    """Class numbers that ``backup_selection.star`` has a 1 for."""
    table = next((t for t in read_star(path) if SELECTED in t), None)
    values = table.numbers(SELECTED) if table is not None else []
    return [number for number, value in enumerate(values, start=1) if value == 1]


def _class_numbers(table: StarTable, numbered_by_row: bool) -> list[int]:
    if numbered_by_row:
        return list(range(1, len(table.lines) + 1))
    if CLASS in table:
        numbers = table.whole_numbers(CLASS)
    else:
        numbers = [image for image, _ in _split_names(table)]
    if numbers and max(numbers) > LARGEST_CLASS:
        raise RebalanceError(
            f"{table.path} lists class {max(numbers)}, and classes are numbered up to "
            f"{LARGEST_CLASS:,}; give the model file of the 2D classification."
        )
    repeated = [number for number, count in Counter(numbers).items() if count > 1]
    if repeated:
        raise RebalanceError(
            f"{table.path} lists class {min(repeated)} more than once, so the class numbers of the "
            "particles have no one meaning; give the model file of the 2D classification."
        )
    return numbers


def _split_names(table: StarTable) -> list[tuple[int, str]]:
    split = []
    for (line, _), name in zip(table.lines, table.values(REFERENCE), strict=True):
        number, at, stack = name.partition("@")
        if not (at and stack and IMAGE_NUMBER.fullmatch(number) and int(number) > 0):
            raise RebalanceError(
                f"Line {line} of {table.path} has {REFERENCE} '{name}'; a class average is named "
                "as 000001@stack.mrcs; give the stack by hand (--classes)."
            )
        split.append((int(number), stack))
    return split


def _known(resolution: float) -> float:
    good = math.isfinite(resolution) and 0 < resolution < UNKNOWN_RESOLUTION
    return resolution if good else math.nan


def _pixel_size(tables: list[StarTable]) -> float | None:
    for table in tables:
        if table.block.endswith("model_general") and "rlnPixelSize" in table and table.lines:
            size = table.numbers("rlnPixelSize")[0]
            return size if math.isfinite(size) and size > 0 else None
    return None
