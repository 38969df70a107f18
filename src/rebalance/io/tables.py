"""The types that the rest of the package sees of RELION and CryoSPARC data.

Nothing after :mod:`rebalance.io` knows a file format: it sees a particle table, a set of class
averages, and a job that holds both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class ParticleTable(Protocol):
    """2D-classified particles, one per row; rows are only ever chosen, never changed."""

    @property
    def path(self) -> Path:
        """File that the rows were read from."""

    @property
    def suffix(self) -> str:
        """File ending of this format, with the dot: ``.star`` or ``.cs``."""

    @property
    def class_number(self) -> NDArray[np.int32]:
        """(P,) class of each row, counted as in :attr:`ClassAverages.class_number`.

        -1 where a row belongs to no class.
        """

    @property
    def identity(self) -> NDArray[np.uint64]:
        """(P,) 64-bit identity of each row, on which the draw depends."""

    @property
    def n_repeated(self) -> int:
        """Number of rows whose identity stands in an earlier row too."""

    def __len__(self) -> int: ...

    def column(self, name: str) -> NDArray[np.str_] | NDArray[np.float64] | None:
        """(P,) values of one column, or None where the table has no such column."""

    def write(self, mask: NDArray[np.bool_], path: Path) -> None:
        """Write the rows where `mask` (P,) is true, in order, with nothing else changed."""

    def write_parts(self, part: NDArray[np.uint8], paths: Sequence[Path]) -> None:
        """Write several files at once: rows of `part` (P,) n to ``paths[n - 1]``, of 0 to none."""


@dataclass(frozen=True)
class ClassAverages:
    """Class averages of one 2D classification.

    Attributes
    ----------
    images : (N, L, L) float32 array
        Axis order (average, y, x).
    class_number : (N,) int32 array
        The number that particle rows use for the average (RELION: from 1, in the original
        stack; CryoSPARC: from 0).
    name : tuple of N str
        How the format names the average, ``000001@Class2D/job013/run_it025_classes.mrcs``.
    selected : (N,) bool array
        False where an earlier selection left the average out.
    pixel_size : float or None
        A per pixel of `images`; None when unknown.
    resolution : (N,) float64 array
        Estimated resolution in A; nan where unknown.
    """

    images: NDArray[np.float32]
    class_number: NDArray[np.int32]
    name: tuple[str, ...]
    selected: NDArray[np.bool_]
    pixel_size: float | None
    resolution: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.class_number)


@dataclass(frozen=True)
class ParticleColumns:
    """What else is known of the P particles of a table; None: not known, or not asked for.

    Attributes
    ----------
    quality : (P,) float64 array or None
        The larger, the better.
    half_sets : (P,) int8 array or None
        1 or 2; 0 = neither.
    micrographs : (P,) int32 array or None
        Code of the micrograph that each was picked from.
    directions : (P, 3) float64 array or None
        Viewing direction of each 3D pose, a unit vector; nan where a particle has none.
    """

    quality: NDArray[np.float64] | None = None
    half_sets: NDArray[np.int8] | None = None
    micrographs: NDArray[np.int32] | None = None
    directions: NDArray[np.float64] | None = None


class Job(Protocol):
    """A 2D classification that was found on disk."""

    @property
    def particles(self) -> ParticleTable: ...

    @property
    def averages(self) -> ClassAverages: ...

    @property
    def found(self) -> tuple[str, ...]:
        """What was found and how, a line each, for the user."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd but does not stop a run, a sentence each."""

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Every file that was read; no output may fall on one of them."""

    def with_superclasses(self, superclass: NDArray[np.int32]) -> Job:
        """The same job, its particles written with a column of superclasses, (P,)."""

    def write_averages(self, mask: NDArray[np.bool_], path: Path) -> None:
        """Write the list of averages where `mask` (N,) is true, for the format's next job."""

    def write_selection(self, mask: NDArray[np.bool_], directory: Path) -> None:
        """Write what else the format says of a selection of averages, `mask` (N,), if anything."""
