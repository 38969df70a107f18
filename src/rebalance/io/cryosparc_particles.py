"""Particles of a 2D classification of CryoSPARC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import RebalanceError
from .cryosparc_fields import check_mask
from .cryosparc_table import CsTable

CLASS = "alignments2D/class"
LARGEST_CLASS = 2**31 - 2


@dataclass(frozen=True, eq=False)
class CryosparcParticles:
    """Particles of CryoSPARC; a :class:`~rebalance.io.tables.ParticleTable`.

    Attributes
    ----------
    table : CsTable
        The rows, and the files that are passed through.
    class_number : (P,) int32 array
        ``alignments2D/class``, from 0.
    superclass : (P,) int32 array or None
        Written as a field of its own when given; -1: none.
    """

    table: CsTable
    class_number: NDArray[np.int32]
    superclass: NDArray[np.int32] | None = None

    @property
    def path(self) -> Path:
        """File that gives the order of the particles."""
        return self.table.files[0].path

    @property
    def suffix(self) -> str:
        """File ending of this format."""
        return ".cs"

    @property
    def identity(self) -> NDArray[np.uint64]:
        """(P,) ``uid`` of each particle."""
        return self.table.uid

    @property
    def n_repeated(self) -> int:
        """No uid stands in two rows: such a file is refused."""
        return 0

    def __len__(self) -> int:
        return len(self.table)

    def column(self, name: str) -> NDArray[np.str_] | NDArray[np.float64] | None:
        """Return one column by its name, as ``alignments2D/class_posterior``.

        Returns
        -------
        (P,) array, (P, ...) where each value is an array itself, or None
            Numbers as float64, else text; None where no file has the column.
        """
        return self.table.column(name)

    def write(self, mask: NDArray[np.bool_], path: Path) -> None:
        """Write the particles where `mask` (P,) is true, and the group that tells of them.

        Parameters
        ----------
        mask : (P,) bool array
            Particles to keep.
        path : Path
            ``NAME.cs``; beside it come ``NAME_passthrough.cs``, where something is passed through,
            and the group ``NAME.csg``.

        Raises
        ------
        RebalanceError
            If an input changed since it was read, or a file cannot be written.
        """
        check_mask(mask, len(self))
        self.write_parts(mask.astype(np.uint8), [path])

    def write_parts(self, part: NDArray[np.uint8], paths: Sequence[Path]) -> None:
        """Write particles of `part` (P,) n to ``paths[n - 1]``, all at once; of 0 to none."""
        self.table.write_parts(part, paths, self.superclass)


def as_particles(table: CsTable) -> CryosparcParticles:
    """Particles with their classes; refuses items that were not classified."""
    if CLASS not in table:
        names = " and ".join(str(file.path) for file in table.files)
        raise RebalanceError(
            f"{names} must have the column {CLASS}, and there is none; give the particles of a 2D "
            "classification."
        )
    classes = table.values(CLASS)
    if classes.dtype.kind not in "iu" or classes.ndim != 1:
        raise RebalanceError(
            f"The column {CLASS} of {table.files[0].path} must hold whole numbers, not "
            f"{classes.dtype}; give the particles of a 2D classification."
        )
    limited = np.clip(classes.astype(np.int64), -1, LARGEST_CLASS)
    return CryosparcParticles(table, limited.astype(np.int32))
