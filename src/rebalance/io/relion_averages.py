"""Finding RELION's class averages: which stack, and which image is which class."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import RebalanceError
from .mrc import ImageStack, read_stack
from .project import find_in_project
from .relion_tables import (
    Reference,
    ReferenceTable,
    iteration_of,
    read_class_averages,
    read_model,
)

DATA, MODEL, CLASSES = "_data.star", "_model.star", "_classes.mrcs"  # behind run_itNNN


@dataclass
class Search:
    """What was found so far, for the user and for the check that no output falls on an input."""

    project: Path | None
    found: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    inputs: list[Path] = field(default_factory=list)

    def note(self, what: str, path: Path, how: str) -> None:
        """Note one file that was read."""
        self.found.append(f"{what}: {path} ({how})")
        self.inputs.append(path)

    def find_model(self, particles: Path, model: Path | None) -> ReferenceTable | None:
        """Read the model file that was given, or that stands beside the particles."""
        how = "given"
        if model is None:
            model, how = model_beside(particles), "beside the particles"
        return None if model is None else self.read_model_of(particles, Path(model), how)

    def read_model_of(self, particles: Path, model: Path, how: str) -> ReferenceTable:
        """Read a model file and check that it is of the particles' iteration."""
        table = read_model(model)
        iterations = iteration_of(particles), iteration_of(model)
        if None not in iterations and iterations[0] != iterations[1]:
            raise RebalanceError(
                f"{particles} is of iteration {iterations[0]} and {model} of iteration "
                f"{iterations[1]}; give data and model of one iteration."
            )
        self.note("model", model, f"{how}, {len(table.references)} classes")
        return table

    def find_selection(self, particles: Path) -> ReferenceTable | None:
        """Read the ``class_averages.star`` that a Select job leaves beside its particles."""
        path = particles.parent / "class_averages.star"
        if particles.name.endswith(DATA) or not path.is_file():
            return None
        table = read_class_averages(path)
        self.note("selection", path, f"{len(table.references)} class averages")
        if table.numbered_by is not None:
            self.note("class numbers", table.numbered_by, "the classes that were ticked, in order")
        return table

    def read_stack(self, path: Path, how: str) -> ImageStack:
        """Read a stack of class averages."""
        stack = read_stack(path)
        n_images, length, _ = stack.images.shape
        self.note("class averages", path, f"{how}, {n_images} of {length} x {length} px")
        self.warnings.extend(stack.warnings)
        return stack


@dataclass(frozen=True, eq=False)
class FoundAverages:
    """Images and what they are.

    Attributes
    ----------
    images : (N, L, L) float32 array
        The averages.
    references : tuple of N Reference
        What each is.
    source : str
        Where they come from, for messages.
    header_pixel_size : float or None
        A per pixel as the stack's header says.
    model : ReferenceTable or None
        The model file that goes with them.
    """

    images: NDArray[np.float32]
    references: tuple[Reference, ...]
    source: str
    header_pixel_size: float | None
    model: ReferenceTable | None


def sibling(path: Path, ending: str, other_ending: str) -> Path | None:
    """Return the file of the same iteration with another ending, where it exists."""
    if not path.name.endswith(ending):
        return None
    other = path.with_name(path.name[: -len(ending)] + other_ending)
    return other if other.is_file() else None


def model_beside(particles: Path) -> Path | None:
    """The model file of the same iteration; for a data file of no iteration, the only one."""
    exact = sibling(particles, DATA, MODEL)
    if exact is not None or not particles.name.endswith(DATA) or iteration_of(particles):
        return exact
    models = sorted(particles.parent.glob(f"*_it*{MODEL}"))
    if len(models) > 1:
        raise RebalanceError(
            f"The name of {particles} tells no iteration, and beside it are the models of "
            f"{len(models)}, {models[0].name} to {models[-1].name}; say which belongs to it "
            "(--model)."
        )
    return models[0] if models else None


def find_averages(
    particles: Path,
    classes: Path | None,
    model: ReferenceTable | None,
    selection: ReferenceTable | None,
    search: Search,
) -> FoundAverages:
    """Find the averages: the stack given, else by model, by selection, or beside the particles.

    Raises
    ------
    RebalanceError
        If there are none, or the stack does not fit the table that names it.
    """
    how = "given"
    if classes is None and model is None and selection is None:
        classes, how = sibling(particles, DATA, CLASSES), "beside the particles"
    if classes is not None and selection is not None and _names_only(selection, classes, search):
        return _listed(selection, search, None)
    if classes is not None:
        return _whole_stack(particles, Path(classes), how, model, search)
    if model is not None:
        return _listed(model, search, model)
    if selection is not None:
        return _selected_from(particles, selection, search)
    raise RebalanceError(
        f"No class averages were found for {particles}: beside it are neither a model file "
        "(run_itNNN_model.star) nor class_averages.star; give the stack (--classes) or the model "
        "file (--model)."
    )


def _whole_stack(
    particles: Path, path: Path, how: str, model: ReferenceTable | None, search: Search
) -> FoundAverages:
    """Take a stack in its own order: image k is class k."""
    stack = search.read_stack(path, how)
    iterations = iteration_of(particles), iteration_of(path)
    if None not in iterations and iterations[0] != iterations[1]:
        search.warnings.append(
            f"{particles} is of iteration {iterations[0]} and {path} of iteration "
            f"{iterations[1]}; check that they belong together."
        )
    beside = sibling(path, CLASSES, MODEL)
    if model is None and beside is not None:
        model = search.read_model_of(particles, beside, "beside the stack")
    references = _numbered(stack, str(path))
    if model is not None:
        _check_count(model, path, stack)
        references = model.references
    return FoundAverages(stack.images, references, str(path), stack.pixel_size, model)


def _names_only(selection: ReferenceTable, stack: Path, search: Search) -> bool:
    """Whether a selection has a stack of its own, this one, in which it counts anew."""
    if len(selection.stacks) > 1 or selection.in_place or not stack.is_file():
        return False
    return find_in_project(selection.stacks[0], selection.path, search.project).samefile(stack)


def _selected_from(particles: Path, selection: ReferenceTable, search: Search) -> FoundAverages:
    """Take the original stack of a selection, whose classes keep their numbers."""
    if len(selection.stacks) > 1 or not selection.in_place:
        return _listed(selection, search, None)
    name = selection.stacks[0]
    path = find_in_project(name, selection.path, search.project)
    stack = search.read_stack(path, f"named in {selection.path}")
    _check_images(selection, {name: stack})
    references = list(_numbered(stack, name))
    beside = sibling(path, CLASSES, MODEL)
    model = None
    if beside is not None:
        model = search.read_model_of(particles, beside, "beside the stack")
        _check_count(model, path, stack)
        references = list(model.references)
    for reference in selection.references:
        references[reference.class_number - 1] = reference
    return FoundAverages(stack.images, tuple(references), str(path), stack.pixel_size, model)


def _listed(table: ReferenceTable, search: Search, model: ReferenceTable | None) -> FoundAverages:
    """Take the averages that a table lists, from all stacks that it names."""
    stacks = {}
    for name in table.stacks:
        path = find_in_project(name, table.path, search.project)
        stacks[name] = search.read_stack(path, f"named in {table.path}")
        if model is not None and len(table.stacks) == 1:
            _check_count(table, path, stacks[name])
    _check_images(table, stacks)
    _check_one_size(table, stacks)
    images = np.stack([stacks[r.stack].images[r.image - 1] for r in table.references])
    sizes = {stack.pixel_size for stack in stacks.values()}
    pixel_size = sizes.pop() if len(sizes) == 1 else None
    return FoundAverages(images, table.references, str(table.path), pixel_size, model)


def _numbered(stack: ImageStack, name: str) -> tuple[Reference, ...]:
    count = len(stack.images)
    return tuple(Reference(k, k, name, math.nan, b"") for k in range(1, count + 1))


def _check_count(model: ReferenceTable, path: Path, stack: ImageStack) -> None:
    if len(model.references) != len(stack.images):
        raise RebalanceError(
            f"{model.path} describes {len(model.references)} classes and the stack {path} holds "
            f"{len(stack.images)} class averages; give model and stack of one 2D classification."
        )


def _check_images(table: ReferenceTable, stacks: dict[str, ImageStack]) -> None:
    for reference in table.references:
        count = len(stacks[reference.stack].images)
        if reference.image > count:
            raise RebalanceError(
                f"{table.path} names {reference.name}, but that stack holds {count} class "
                "averages; give the stack of the same 2D classification."
            )


def _check_one_size(table: ReferenceTable, stacks: dict[str, ImageStack]) -> None:
    boxes = sorted({stack.images.shape[1] for stack in stacks.values()})
    if len(boxes) > 1:
        raise RebalanceError(
            f"{table.path} names stacks of {boxes[0]} px and of {boxes[-1]} px; class averages of "
            "one run must be of one size."
        )
