"""What an earlier run left beside the particles that it kept."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import RebalanceError
from .output import RESULTS_MARK
from .results import SUPERCLASS_COLUMNS

TABLE = "superclasses.csv"


def took_part_before(particles: Path, class_number: NDArray[np.int32]) -> NDArray[np.bool_] | None:
    """(N,) true for the averages that took part in the run that left these particles.

    They take part again, so that the grouping does not hang on which of them the draw left without
    particles.

    Parameters
    ----------
    particles : Path
        The particles of this run.
    class_number : (N,) int32 array
        Number of each average.

    Returns
    -------
    (N,) bool array or None
        None where the particles are not those that an earlier run kept.

    Raises
    ------
    RebalanceError
        If the table of the earlier run is damaged.
    """
    table = particles.parent / TABLE
    is_kept = particles.stem == "particles" and (particles.parent / RESULTS_MARK).is_file()
    if not (is_kept and table.is_file()):
        return None
    return np.isin(class_number, _with_superclass(table))


def _with_superclass(table: Path) -> list[int]:
    """Class numbers that have a superclass."""
    number, superclass = SUPERCLASS_COLUMNS[:2]
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return [int(row[number]) for row in rows if int(row[superclass]) >= 0]
    except (KeyError, ValueError, TypeError, csv.Error):
        raise RebalanceError(
            f"{table} must be the whole table that an earlier run wrote beside its particles, with "
            f"the columns {number} and {superclass}, and it is not: move the particles elsewhere, "
            "or make that run again"
        ) from None
