"""A RELION 2D classification, or a selection from one, found on disk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import RebalanceError
from .output import whole_file
from .project import find_in_project
from .relion_averages import FoundAverages, Search, find_averages
from .relion_tables import (
    BACKUP_SELECTION,
    REFERENCE,
    SELECTED,
    ReferenceTable,
    read_optimiser,
)
from .star import StarParticles, read_particles
from .star_rows import CLASS
from .star_tables import listing
from .tables import ClassAverages


@dataclass(frozen=True, eq=False)
class RelionJob:
    """A 2D classification of RELION; a :class:`~rebalance.io.tables.Job`.

    Attributes
    ----------
    particles : StarParticles
        The particle table.
    averages : ClassAverages
        All averages of the original stack.
    found : tuple of str
        What was found and how, a line each.
    warnings : tuple of str
        What is odd but does not stop a run, a sentence each.
    inputs : tuple of Path
        Every file that was read.
    table : ReferenceTable or None
        The table that lists the averages, whose rows are written again.
    """

    particles: StarParticles
    averages: ClassAverages
    found: tuple[str, ...]
    warnings: tuple[str, ...]
    inputs: tuple[Path, ...]
    table: ReferenceTable | None

    def with_superclasses(self, superclass: NDArray[np.int32]) -> RelionJob:
        """The same job, its particles written with the column ``rebalanceSuperclass``, (P,)."""
        return replace(self, particles=self.particles.with_superclass(superclass))

    def write_averages(self, mask: NDArray[np.bool_], path: Path) -> None:
        """Write ``class_averages.star`` with the averages where `mask` (N,) is true.

        The rows are those of the job's own table, byte for byte, where it lists all of them and
        says their class numbers; else a table of names and class numbers.
        """
        chosen = np.flatnonzero(_checked(mask, len(self.averages)))
        numbers = [int(self.averages.class_number[i]) for i in chosen]
        table = self.table
        rows = {} if table is None else {r.class_number: r.row for r in table.references}
        if table is not None and table.says_numbers and all(number in rows for number in numbers):
            block, labels = table.block, table.labels
            lines = [rows[number] for number in numbers]
        else:
            block, labels = "model_classes", (REFERENCE, CLASS)
            names = [self.averages.name[i] for i in chosen]
            lines = [_name_row(name, n) for name, n in zip(names, numbers, strict=True)]
        _write_table(path, block, labels, lines)

    def write_selection(self, mask: NDArray[np.bool_], directory: Path) -> None:
        """Write ``backup_selection.star``: 1 where `mask` (N,) is true, over all classes."""
        chosen = self.averages.class_number[_checked(mask, len(self.averages))]
        selected = np.zeros(int(self.averages.class_number.max()), dtype=np.int8)
        selected[chosen - 1] = 1
        lines = [b"%12d \n" % value for value in selected]
        _write_table(directory / BACKUP_SELECTION, "", (SELECTED,), lines)


def open_relion_job(
    particles: Path,
    classes: Path | None = None,
    model: Path | None = None,
    project: Path | None = None,
    threads: int | None = None,
) -> RelionJob:
    """Open particles with the class averages that their class numbers count in.

    Parameters
    ----------
    particles : Path
        ``run_itNNN_data.star``, ``particles.star`` of a Select job (the ``class_averages.star``
        beside it says which averages are selected), or ``run_itNNN_optimiser.star``.
    classes : Path, optional
        Stack of class averages, whose order gives class 1 to N; found when not given.
    model : Path, optional
        ``run_itNNN_model.star``; found beside the particles when not given.
    project : Path, optional
        RELION project directory; found by walking up from the files when not given.
    threads : int, optional
        That read the particles; default: all processors that this process may use.

    Raises
    ------
    RebalanceError
        If a file is missing or damaged, or particles and averages do not belong together.
    """
    search = Search(project)
    particles, model = follow_optimiser(Path(particles), model, search)
    rows = read_rows(particles, search, threads)
    table = search.find_model(particles, model)
    selection = search.find_selection(particles)
    found = find_averages(particles, classes, table, selection, search)
    _warn_of_image_size(rows, found.images.shape[1], search)
    averages = ClassAverages(
        images=found.images,
        class_number=np.array([r.class_number for r in found.references], dtype=np.int32),
        name=tuple(r.name for r in found.references),
        selected=_selected(found, selection),
        pixel_size=_pixel_size(found, rows, search),
        resolution=np.array([r.resolution for r in found.references], dtype=np.float64),
    )
    _check_class_numbers(rows, averages, found)
    return RelionJob(
        rows,
        averages,
        tuple(search.found),
        tuple(search.warnings),
        tuple(search.inputs),
        selection or found.model,
    )


def follow_optimiser(
    particles: Path, model: Path | None, search: Search
) -> tuple[Path, Path | None]:
    """Data and model file: those that an ``optimiser.star`` names, else what was given."""
    named = read_optimiser(particles)
    if named is None:
        return particles, model
    search.note("optimiser", particles, "names data and model")
    data = find_in_project(named[0], particles, search.project)
    return data, model or find_in_project(named[1], particles, search.project)


def read_rows(path: Path, search: Search, threads: int | None) -> StarParticles:
    """Read the rows of a STAR file, and note what is odd about them."""
    rows = read_particles(path, threads)
    if len(rows) == 0:
        raise RebalanceError(f"{path} holds no particles; give a table with particle rows.")
    search.note("particles", path, f"{len(rows):,} rows in table data_{rows.table.block}")
    if rows.n_unclassified:
        search.warnings.append(
            f"{rows.n_unclassified:,} of {len(rows):,} particles in {path} have {CLASS} 0, which "
            "means no class: they belong to no superclass."
        )
    if rows.n_repeated:
        search.warnings.append(
            f"{rows.n_repeated:,} of {len(rows):,} rows in {path} are identical to an earlier row; "
            "identical rows are kept or excluded together."
        )
    return rows


def _selected(found: FoundAverages, selection: ReferenceTable | None) -> NDArray[np.bool_]:
    if selection is None:
        return np.ones(len(found.references), dtype=np.bool_)
    chosen = {reference.class_number for reference in selection.references}
    return np.array([r.class_number in chosen for r in found.references], dtype=np.bool_)


def _pixel_size(found: FoundAverages, rows: StarParticles, search: Search) -> float | None:
    """Return A per pixel: model file first, then the particles' images, then the stack's header."""
    size, source = found.header_pixel_size, "header of the stack"
    if found.model is not None and found.model.pixel_size is not None:
        size, source = found.model.pixel_size, "rlnPixelSize of the model"
    elif len(rows.pixel_sizes) == 1:
        size, source = rows.pixel_sizes[0], "images of the particles"
    elif rows.pixel_sizes:
        search.warnings.append(
            f"The optics groups of {rows.path} differ in pixel size "
            f"({listing([f'{size:g} A' for size in rows.pixel_sizes])}), so that of the class "
            "averages is taken from the header of their stack."
        )
    search.found.append("pixel size: " + (f"{size:g} A ({source})" if size else "unknown"))
    return size


def _warn_of_image_size(rows: StarParticles, box: int, search: Search) -> None:
    if rows.image_size is not None and rows.image_size != box:
        search.warnings.append(
            f"The class averages are {box} px wide and the particles of {rows.path} are "
            f"{rows.image_size} px (rlnImageSize); check that they belong together."
        )


def _check_class_numbers(
    rows: StarParticles, averages: ClassAverages, found: FoundAverages
) -> None:
    known = np.append(averages.class_number, np.int32(-1))
    present = np.unique(rows.class_number)
    unknown = np.setdiff1d(present, known)
    if len(unknown):
        row = int(np.argmax(rows.class_number == unknown[0]))
        raise RebalanceError(
            f"Line {rows.line_of_row(row)} of {rows.path} has {CLASS} {unknown[0]}, but "
            f"{found.source} has {len(averages)} class averages; give the class averages of the "
            "same 2D classification."
        )


def _checked(mask: NDArray[np.bool_], n_averages: int) -> NDArray[np.bool_]:
    if mask.shape != (n_averages,) or mask.dtype != np.bool_:
        raise RebalanceError(
            f"mask must be a bool array of shape ({n_averages},), one entry per class average, not "
            f"{mask.dtype} of shape {mask.shape}."
        )
    return mask


def _name_row(name: str, class_number: int) -> bytes:
    value = f'"{name}"' if " " in name else name
    return f"{value} {class_number:12d} \n".encode()


def _write_table(path: Path, block: str, labels: tuple[str, ...], lines: list[bytes]) -> None:
    """Write one table as RELION does; a last line without line ending gets one."""
    header = [f"_{label} #{column} \n" for column, label in enumerate(labels, start=1)]
    with whole_file(path) as file:
        file.write(f"\n# version 30001\n\ndata_{block}\n\nloop_ \n{''.join(header)}".encode())
        for line in lines:
            file.write(line if line.endswith(b"\n") else line + b"\n")
        file.write(b" \n")
