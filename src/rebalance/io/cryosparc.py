"""A 2D classification of CryoSPARC, or a selection from one, found on disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import RebalanceError
from .cryosparc_averages import TemplateList, Templates, check_classes, read_templates
from .cryosparc_find import (
    Source,
    job_sources,
    particle_source,
    template_source,
    templates_beside,
)
from .cryosparc_join import UID
from .cryosparc_particles import CLASS, CryosparcParticles, as_particles
from .cryosparc_table import CsTable, open_table
from .relion_averages import Search
from .tables import ClassAverages


@dataclass(frozen=True, eq=False)
class CryosparcJob:
    """A 2D classification of CryoSPARC; a :class:`~rebalance.io.tables.Job`.

    Attributes
    ----------
    particles : CryosparcParticles
        The particle table.
    templates : TemplateList
        The class averages and the rows that list them.
    found : tuple of str
        What was found and how, a line each.
    warnings : tuple of str
        What is odd but does not stop a run, a sentence each.
    inputs : tuple of Path
        Every file that was read.
    """

    particles: CryosparcParticles
    templates: TemplateList
    found: tuple[str, ...]
    warnings: tuple[str, ...]
    inputs: tuple[Path, ...]

    @property
    def averages(self) -> ClassAverages:
        """All averages of the stack."""
        return self.templates.averages

    def with_superclasses(self, superclass: NDArray[np.int32]) -> CryosparcJob:
        """The same job, its particles written with the field ``rebalance/superclass``, (P,)."""
        particles = dataclasses.replace(self.particles, superclass=superclass.astype(np.int32))
        return dataclasses.replace(self, particles=particles)

    def write_averages(self, mask: NDArray[np.bool_], path: Path) -> None:
        """Write the templates of the averages where `mask` (N,) is true, and their group."""
        self.templates.write(mask, path)

    def write_selection(self, mask: NDArray[np.bool_], directory: Path) -> None:
        """Write nothing: the templates say all."""


def open_cryosparc_job(
    particles: Path,
    classes: Path | None = None,
    project: Path | None = None,
    passthrough: Sequence[Path] = (),
) -> CryosparcJob:
    """Open particles with the templates of their classes.

    Parameters
    ----------
    particles : Path
        A ``.cs`` file, or a ``.csg`` group that names some.
    classes : Path, optional
        Templates, ``.cs`` or ``.csg``; found beside the particles when not given.
    project : Path, optional
        Project directory, below which the stack of templates is looked for first.
    passthrough : sequence of Path
        Files with further columns of the same particles; found beside when none is given.

    Raises
    ------
    RebalanceError
        If a file is missing or damaged, or particles and templates do not belong together.
    """
    source = particle_source(Path(particles), tuple(Path(path) for path in passthrough))
    templates = template_source(Path(classes)) if classes else templates_beside(source)
    return open_sources(source, templates, Search(project))


def open_cryosparc_directory(
    directory: Path,
    job: str | None = None,
    classes: Path | None = None,
    project: Path | None = None,
) -> CryosparcJob:
    """Open the latest iteration of a job.

    Parameters
    ----------
    directory : Path
        Project directory when `job` is given, else the directory of a job, or of an exported one.
    job : str, optional
        ``J42``.
    classes : Path, optional
        Templates, ``.cs`` or ``.csg``, in place of the job's own.
    project : Path, optional
        Project directory, below which the stack of templates is looked for first.

    Raises
    ------
    RebalanceError
        If there is no such job, or what :func:`open_cryosparc_job` refuses.
    """
    particles, templates = job_sources(
        directory, job, template_source(classes) if classes else None
    )
    return open_sources(particles, templates, Search(project))


def open_sources(source: Source, templates: Source, search: Search) -> CryosparcJob:
    """Open a job whose files are known."""
    rows = open_particles(source, search)
    found = open_templates(templates, search)
    check_classes(rows.class_number, found.known, rows.path, found.table.files[0].path)
    return CryosparcJob(
        rows, found, tuple(search.found), tuple(search.warnings), tuple(search.inputs)
    )


def open_particles(source: Source, search: Search) -> CryosparcParticles:
    """Open classified particles; refuses a table without rows."""
    rows = as_particles(open_noted("particles", "particle", source, search, CLASS))
    if len(rows) == 0:
        raise RebalanceError(f"{rows.path} holds no particles; give a file with particle rows.")
    n_none = int(np.count_nonzero(rows.class_number < 0))
    if n_none:
        search.warnings.append(
            f"{n_none:,} of {len(rows):,} particles in {rows.path} have a class below 0: they "
            "belong to no superclass."
        )
    return rows


def open_templates(source: Source, search: Search) -> Templates:
    """Open templates and their stack."""
    table = open_noted("class averages", "template", source, search)
    return read_templates(table, search, source.group is not None and source.group.is_ours)


def open_noted(what: str, kind: str, source: Source, search: Search, wanted: str = UID) -> CsTable:
    """Open the files of a source, and note them; `wanted` is read in the same pass as the uids."""
    if source.csg is not None:
        search.note(f"{what}, group", source.csg, source.how)
    table, warnings = open_table(kind, list(source.paths), source.group, wanted)
    search.warnings.extend(warnings)
    for number, file in enumerate(table.files):
        role = what if number == 0 else f"{what}, passed through"
        how = "joined on uid" if number else "named in the group" if source.group else source.how
        search.note(role, file.path, f"{how}, {len(file):,} rows, {file.form}")
    return table
