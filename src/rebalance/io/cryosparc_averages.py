"""Class averages of CryoSPARC: templates in a ``.cs`` file, images in an ``.mrc`` stack."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import RebalanceError
from .cryosparc_fields import check_mask
from .cryosparc_table import CsTable
from .mrc import ImageStack
from .relion_averages import Search
from .star_tables import listing
from .tables import ClassAverages

PATH, INDEX, PIXEL_SIZE, RESOLUTION = "blob/path", "blob/idx", "blob/psize_A", "blob/res_A"


class TemplateList(Protocol):
    """Class averages, and how they are listed for CryoSPARC."""

    @property
    def averages(self) -> ClassAverages: ...

    def write(self, mask: NDArray[np.bool_], path: Path) -> None:
        """Write the list of averages where `mask` (N,) is true, and its group."""


@dataclass(frozen=True, eq=False)
class Templates:
    """The averages of a job, and the rows that list them.

    Attributes
    ----------
    averages : ClassAverages
        All images of the stack, class k being image k, from 0; those without a template are not
        selected.
    table : CsTable
        The templates.
    image : (T,) int64 array
        Place in the stack of each template.
    stack : str
        ``blob/path``.
    is_ours : bool
        Whether this package chose them: then classes without a template took no part.
    """

    averages: ClassAverages
    table: CsTable
    image: NDArray[np.int64]
    stack: str
    is_ours: bool

    @property
    def known(self) -> NDArray[np.int64]:
        """Classes that particles may have."""
        return np.arange(len(self.averages)) if self.is_ours else self.image

    def write(self, mask: NDArray[np.bool_], path: Path) -> None:
        """Write the templates of the averages where `mask` (N,) is true, and their group."""
        check_mask(mask, len(self.averages))
        self.table.write(mask[self.image], path)


def read_templates(table: CsTable, search: Search, is_ours: bool = False) -> Templates:
    """Read the stack that templates name, and match its images by ``blob/idx``.

    A selection leaves templates out and keeps the stack: its other images stay, not selected, so
    that the same averages are compared as before the selection.

    Raises
    ------
    RebalanceError
        If columns or the stack are missing, or the places do not fit the stack.
    """
    path = table.files[0].path
    for name in (PATH, INDEX):
        if name not in table:
            raise RebalanceError(
                f"{path} must have the column {name}, which says where each class average stands; "
                "give the class averages or selected templates of a 2D classification."
            )
    stack_name = _one_stack(table, path)
    stack = search.read_stack(_find_stack(stack_name, path, search.project), f"named in {path}")
    image = table.values(INDEX).astype(np.int64)
    _check_images(image, len(stack.images), path, stack_name)
    return Templates(
        _averages(table, image, stack, stack_name, search), table, image, stack_name, is_ours
    )


def _averages(
    table: CsTable, image: NDArray[np.int64], stack: ImageStack, name: str, search: Search
) -> ClassAverages:
    n = len(stack.images)
    selected = np.zeros(n, np.bool_)
    selected[image] = True
    resolution = np.full(n, np.nan)
    if RESOLUTION in table:
        given = table.values(RESOLUTION).astype(np.float64)
        resolution[image] = np.where(np.isfinite(given) & (given > 0), given, np.nan)
    return ClassAverages(
        images=stack.images,
        class_number=np.arange(n, dtype=np.int32),
        name=tuple(f"{name}[{k}]" for k in range(n)),
        selected=selected,
        pixel_size=_pixel_size(table, stack, search),
        resolution=resolution,
    )


def _one_stack(table: CsTable, path: Path) -> str:
    if len(table) == 0:
        raise RebalanceError(f"{path} lists no class averages; give those of the particles' job.")
    names = table.column(PATH)
    assert names is not None
    different = sorted({str(name) for name in names})
    if len(different) > 1:
        raise RebalanceError(
            f"{path} names {len(different)} stacks ({listing(different)}), so that the classes of "
            "the particles have no one meaning; give the class averages of one job."
        )
    return different[0]


def _find_stack(name: str, named_in: Path, project: Path | None) -> Path:
    """The file of ``blob/path``: below a directory above the ``.cs`` file, or beside it."""
    below = name.removeprefix(">")
    above = [named_in.absolute().parent, *named_in.absolute().parents, *named_in.resolve().parents]
    places = [*([project] if project else []), *above]
    tried = [*(place / below for place in places), named_in.parent / Path(below).name]
    found = next((path for path in tried if os.path.isfile(path)), None)
    if found is None:
        raise RebalanceError(
            f"The stack {name}, which {named_in} names, was not found below the directories above "
            "it; put it there, or give the project directory (--project)."
        )
    return found


def _check_images(image: NDArray[np.int64], n_images: int, path: Path, stack: str) -> None:
    outside = np.flatnonzero((image < 0) | (image >= n_images))
    if len(outside):
        raise RebalanceError(
            f"{path} names image {image[outside[0]]} of {stack}, but that stack holds {n_images} "
            "class averages, counted from 0; give the stack of the same job."
        )
    numbers, counts = np.unique(image, return_counts=True)
    if len(numbers) < len(image):
        raise RebalanceError(
            f"{path} lists image {numbers[counts > 1][0]} of {stack} more than once; give the "
            "class averages of one job."
        )


def _pixel_size(table: CsTable, stack: ImageStack, search: Search) -> float | None:
    """Return A per pixel: the templates first, then the stack's header."""
    size, source = stack.pixel_size, "header of the stack"
    if PIXEL_SIZE in table:
        given = np.unique(table.values(PIXEL_SIZE).astype(np.float64))
        if len(given) == 1 and np.isfinite(given[0]) and given[0] > 0:
            size, source = float(np.float32(given[0]).astype(str)), PIXEL_SIZE
    search.found.append("pixel size: " + (f"{size:g} A ({source})" if size else "unknown"))
    return size


def check_classes(
    classes: NDArray[np.int32], known: NDArray[np.int64], particles: Path, averages: Path
) -> None:
    """Refuse particles of classes, from 0, that have no class average; -1 is none."""
    lost = np.setdiff1d(np.unique(classes), np.append(known, -1))
    if len(lost):
        count = int(np.isin(classes, lost).sum())
        raise RebalanceError(
            f"{count:,} particles of {particles} are of classes without a template in {averages} "
            f"({listing([str(number) for number in lost])}, counted from 0); give particles and "
            "templates of the same job."
        )
