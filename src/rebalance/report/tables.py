"""The tables of the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from .markup import Column, table
from .summary import (
    affinity_inside,
    averages_per_superclass,
    percent,
    qualities,
    shares,
)

if TYPE_CHECKING:
    from ..pipeline import Result

NONE = "–"


def superclass_table(result: Result) -> str:
    """Make the table of superclasses."""
    columns = [
        Column("Superclass"),
        Column("Averages"),
        Column("Particles"),
        Column("Share"),
        Column("Kept"),
        Column("Mean affinity inside"),
        Column("Note", number=False),
    ]
    rows = _superclass_rows(result)
    return table("Superclasses, by falling number of averages", columns, rows, "superclasses")


def _superclass_rows(result: Result) -> Iterator[list[str]]:
    balance, superclasses = result.balance, result.superclasses
    n_averages, share = averages_per_superclass(result), shares(balance.sizes)
    inside = affinity_inside(
        result.affinity.values, superclasses.labels, superclasses.n_superclasses
    )
    for k, (size, kept) in enumerate(zip(balance.sizes, balance.kept, strict=True)):
        yield [
            str(k),
            f"{n_averages[k]:,}",
            f"{size:,}",
            percent(share[k], 1),
            f"{kept:,}",
            _number(inside[k], 2),
            _note(k, size > kept, result),
        ]


def _note(k: int, loses: bool, result: Result) -> str:
    marks = [
        "sets the cap" if k == result.balance.limiting else "",
        "capped" if loses else "",
    ]
    return ", ".join(mark for mark in marks if mark)


def averages_table(result: Result) -> str:
    """Make the table of class averages, in superclass order."""
    columns = [
        Column("Class"),
        Column("Superclass"),
        Column("Particles"),
        Column("Resolution (Å)"),
        Column("Confidence"),
        Column("Note", number=False),
    ]
    rows = _average_rows(result)
    return table("Class averages, by superclass", columns, rows, "averages-table")


def _average_rows(result: Result) -> Iterator[list[str]]:
    labels = result.superclasses.labels
    for index in result.superclasses.order:
        inside = labels[index] >= 0
        yield [
            str(result.averages.class_number[index]),
            str(labels[index]) if inside else "left out",
            f"{result.particles[index]:,}",
            _number(result.averages.resolution[index], 1),
            _number(result.superclasses.confidence[index], 2) if inside else NONE,
            _remark(result, index),
        ]


def curve_table(result: Result) -> str:
    """Make the table of the qualities of every number of superclasses."""
    lines = qualities(result)
    columns = [Column("Superclasses"), *(Column(name.capitalize()) for name in lines)]
    rows = (
        [f"{k:.0f}", *(_number(values[at], 3) for values in lines.values())]
        for at, k in enumerate(result.superclasses.curve["n_superclasses"])
    )
    return table("Quality of every number of superclasses", columns, rows)


def _remark(result: Result, index: int) -> str:
    """Why an average takes no part, or that it looks like junk all the same."""
    reason, shows = result.left_out[index], result.junk[index]
    return reason or (f"looks like junk ({shows})" if shows else "")


def settings_table(result: Result) -> str:
    """Make the table of settings: asked for, and used."""
    columns = [Column(name, number=False) for name in ("Setting", "Asked for", "Used")]
    return table("Settings (lengths in px, frequencies in cycles/px)", columns, _settings(result))


def _settings(result: Result) -> Iterator[list[str]]:
    for part in fields(result.settings):
        asked = getattr(result.settings, part.name)
        used = result.affinity.settings if part.name == "affinity" else asked
        for setting in fields(asked):
            yield [
                f"{part.name}.{setting.name}",
                _setting(getattr(asked, setting.name)),
                _setting(getattr(used, setting.name)),
            ]


def pairs_table(caption: str, names: tuple[str, str], values: Mapping[str, str]) -> str:
    """Make a table of two columns of text."""
    columns = [Column(name, number=False) for name in names]
    return table(caption, columns, ([key, value] for key, value in values.items()))


def _setting(value: object) -> str:
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        limits = len(value) == 2 and all(isinstance(part, float) for part in value)
        pairs = all(isinstance(part, tuple) for part in value)
        parts = [" ".join(map(str, part)) if pairs else _setting(part) for part in value]
        return (" to " if limits else ", ").join(parts) or NONE
    return str(value)


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else NONE
