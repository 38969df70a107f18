"""``--extend``: an affinity of before, to which new averages are added."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import Affinity
from .._extend import rows_added
from ..errors import RebalanceError
from ..io import ClassAverages, results


def add_argument(files: argparse._ArgumentGroup) -> None:
    """Declare the option."""
    files.add_argument(
        "--extend",
        metavar="FILE",
        type=Path,
        help="affinity.npz of before: averages in it are known by their pixels, and only the rows "
        "of new ones are computed, as those were; superclasses.csv beside it gives the numbers "
        "that superclasses keep",
    )


def rows_of(path: Path, averages: ClassAverages, threads: int) -> tuple[Affinity, str]:
    """The affinity of all averages, from a file that holds that of some, and what to say."""
    found, mark = results.read_affinity_of_any(path)
    at = _places(path, mark, averages)
    known = int((at >= 0).sum())
    aff = rows_added(Affinity(**found), averages.images, at, threads)
    return aff, f"{known} of {len(at)} class averages were in {path}, {len(at) - known} are new."


def earlier_labels(path: Path, averages: ClassAverages) -> NDArray[np.int32] | None:
    """(N,) superclass of each average in the results that the file is of; -1: none, or new."""
    table = superclasses_beside(path)
    if table is None:
        return None
    mark = results.read_affinity_of_any(path)[1]
    superclass = results.read_superclasses(table)
    of_known = [superclass.get(int(number), -1) for number in mark.class_number]
    at = _places(path, mark, averages)
    return np.where(at >= 0, np.array(of_known, np.int32)[at], np.int32(-1))


def superclasses_beside(path: Path) -> Path | None:
    """``superclasses.csv`` of the same results, if it is there."""
    table = path.parent / "superclasses.csv"
    return table if table.is_file() else None


def _places(path: Path, mark: results.Mark, averages: ClassAverages) -> NDArray[np.intp]:
    """(N,) where the file holds each average; -1: nowhere. Each place is taken once."""
    if len(mark.image_sha256) != len(mark.class_number):
        raise RebalanceError(
            f"affinity file {path} must hold a checksum of each average, which files of before "
            "--extend do not: make it again"
        )
    there: dict[bytes, list[int]] = {}
    for place, digest in reversed(list(enumerate(mark.image_sha256))):
        there.setdefault(digest.tobytes(), []).append(place)
    digests = (digest.tobytes() for digest in results.mark_of(averages).image_sha256)
    places = (there.get(digest) for digest in digests)
    return np.array([place.pop() if place else -1 for place in places], np.intp)
