"""Class averages alone, without particles."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .cryosparc import open_templates
from .cryosparc_find import template_source
from .mrc import read_stack
from .relion_averages import Search
from .tables import ClassAverages

CRYOSPARC = (".cs", ".csg")


def read_averages(path: Path, project: Path | None = None) -> ClassAverages:
    """Class averages of a stack, counted from 1, or of CryoSPARC templates, as these count them.

    Raises
    ------
    RebalanceError
        If a file is missing or damaged.
    """
    path = Path(path)
    if path.suffix in CRYOSPARC:
        return open_templates(template_source(path), Search(project)).averages
    stack = read_stack(path)
    n = len(stack.images)
    return ClassAverages(
        images=stack.images,
        class_number=np.arange(1, n + 1, dtype=np.int32),
        name=tuple(f"{number:06d}@{path}" for number in range(1, n + 1)),
        selected=np.ones(n, dtype=bool),
        pixel_size=stack.pixel_size,
        resolution=np.full(n, np.nan),
    )
