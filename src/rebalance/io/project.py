"""Paths that RELION writes: relative to the project directory, which has to be found."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import RebalanceError


def find_in_project(name: str, named_in: Path, project: Path | None) -> Path:
    """Return the file that a STAR file names.

    Parameters
    ----------
    name : str
        The path as written: absolute, or relative to the project directory.
    named_in : Path
        The file that names it; the directories above it are tried, nearest first, and last a file
        of the same name beside it, since a job may have been copied out of its project.
    project : Path or None
        The project directory; when given, only that is tried.

    Raises
    ------
    RebalanceError
        If the file is at none of the places.
    """
    places = [project] if project is not None else _directories_above(named_in)
    for place in places:
        if os.path.isfile(place / name):
            return place / name
    beside = named_in.parent / Path(name).name
    if project is None and os.path.isfile(beside):
        return beside
    looked = "" if Path(name).is_absolute() else f" (looked for below {_listing(places)})"
    raise RebalanceError(
        f"{name[:200]}, which {named_in} names, was not found{looked}; put it there, or give the "
        "project directory (--project) or the stack of class averages (--classes)."
    )


def _directories_above(path: Path) -> list[Path]:
    as_given = Path(os.path.abspath(path)).parents
    return list(dict.fromkeys([*as_given, *path.resolve().parents]))


def _listing(places: list[Path]) -> str:
    return ", ".join(str(place) for place in places)
