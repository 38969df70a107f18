"""Particles of one program with class averages of the other.

Image k of a stack, counted from 1, is class k of RELION and class k - 1 of CryoSPARC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .cryosparc import CryosparcJob, open_particles, open_templates
from .cryosparc_averages import (
    INDEX,
    PATH,
    PIXEL_SIZE,
    RESOLUTION,
    check_classes,
)
from .cryosparc_fields import check_mask
from .cryosparc_find import particle_source, template_source
from .cryosparc_plain import save_rows
from .csg import Slot, our_group, write_csg
from .relion import RelionJob, follow_optimiser, read_rows
from .relion_averages import FoundAverages, Search, find_averages
from .tables import ClassAverages


def open_star_with_templates(
    particles: Path, classes: Path, project: Path | None = None, threads: int | None = None
) -> RelionJob:
    """Open particles of a STAR file with templates of CryoSPARC.

    Raises
    ------
    RebalanceError
        If a file is missing or damaged, or the two do not belong together.
    """
    search = Search(project)
    data, _ = follow_optimiser(Path(particles), None, search)
    rows = read_rows(data, search, threads)
    templates = open_templates(template_source(Path(classes)), search)
    class_number = np.where(rows.class_number > 0, rows.class_number - 1, np.int32(-1))
    check_classes(class_number, templates.known, rows.path, templates.table.files[0].path)
    averages, stack = templates.averages, templates.stack.removeprefix(">")
    numbered = replace(
        averages,
        class_number=averages.class_number + np.int32(1),
        name=tuple(f"{k + 1:06d}@{stack}" for k in range(len(averages))),
    )
    return RelionJob(
        rows, numbered, tuple(search.found), tuple(search.warnings), tuple(search.inputs), None
    )


def open_cs_with_stack(
    particles: Path,
    classes: Path | None = None,
    model: Path | None = None,
    project: Path | None = None,
    passthrough: Sequence[Path] = (),
) -> CryosparcJob:
    """Open particles of CryoSPARC with a stack of averages, or with RELION's model file.

    Raises
    ------
    RebalanceError
        If a file is missing or damaged, or the two do not belong together.
    """
    search = Search(project)
    rows = open_particles(particle_source(Path(particles), tuple(passthrough)), search)
    table = search.find_model(rows.path, model)
    found = find_averages(rows.path, classes, table, None, search)
    averages = _counted_from_0(found, search)
    known = averages.class_number.astype(np.int64)
    check_classes(rows.class_number, known, rows.path, Path(found.source))
    newest = max(path.stat().st_mtime for path in search.inputs)
    listed = StackList(averages, found, rows.table.version, newest)
    return CryosparcJob(
        rows, listed, tuple(search.found), tuple(search.warnings), tuple(search.inputs)
    )


@dataclass(frozen=True, eq=False)
class StackList:
    """Class averages that no ``.cs`` file lists; rows for them are made when they are written.

    Attributes
    ----------
    averages : ClassAverages
        Counted from 0.
    found : FoundAverages
        Says which image of which stack each is.
    version : str
        Of CryoSPARC.
    time : float
        Of the newest input, seconds since 1970.
    """

    averages: ClassAverages
    found: FoundAverages
    version: str
    time: float

    def write(self, mask: NDArray[np.bool_], path: Path) -> None:
        """Write templates for the averages where `mask` (N,) is true, and their group."""
        check_mask(mask, len(self.averages))
        rows = self._rows()[mask]
        save_rows(rows, path)
        slots = {"blob": Slot("template.blob", path, len(rows))}
        group = our_group(path.stem, "template", slots, self.version, self.time)
        write_csg(group, path.with_suffix(".csg"))

    def _rows(self) -> NDArray[np.void]:
        references = self.found.references
        stacks = np.array([reference.stack.encode() for reference in references])
        form = [("uid", "<u8"), (PATH, stacks.dtype), (INDEX, "<u4"), ("blob/shape", "<u4", (2,))]
        rows = np.zeros(len(references), [*form, (PIXEL_SIZE, "<f4"), (RESOLUTION, "<f4")])
        rows["uid"] = _core.identities_of([name.encode() for name in self.averages.name])
        rows[PATH], rows[INDEX] = stacks, [reference.image - 1 for reference in references]
        rows["blob/shape"] = self.averages.images.shape[1:]
        rows[PIXEL_SIZE] = self.averages.pixel_size or 0
        rows[RESOLUTION] = np.nan_to_num(self.averages.resolution)
        return rows


def _counted_from_0(found: FoundAverages, search: Search) -> ClassAverages:
    references = found.references
    size = found.header_pixel_size if found.model is None else found.model.pixel_size
    size = size or found.header_pixel_size
    search.found.append("pixel size: " + (f"{size:g} A" if size else "unknown"))
    return ClassAverages(
        images=found.images,
        class_number=np.array([r.class_number - 1 for r in references], dtype=np.int32),
        name=tuple(f"{r.stack}[{r.image - 1}]" for r in references),
        selected=np.ones(len(references), dtype=np.bool_),
        pixel_size=size,
        resolution=np.array([r.resolution for r in references], dtype=np.float64),
    )
