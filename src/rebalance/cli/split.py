"""A particle set and a list of averages for each superclass, to mix by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..io import Job
from ..pipeline import Result

FOLDER = "split"
MOST_AT_ONCE = 255  # files that are written while the rows are read once


def write_split(job: Job, result: Result, superclass: NDArray[np.int32], directory: Path) -> None:
    """Write ``split/superclass_000/particles.star`` and ``class_averages.star``, and so on.

    Parameters
    ----------
    job : Job
        Particles and class averages.
    result : Result
        Superclasses, and which particles stay: others stand in none of the sets.
    superclass : (P,) int32 array
        Superclass of each particle; -1 = none.
    directory : Path
        The directory of the results.
    """
    suffix, n = job.particles.suffix, result.superclasses.n_superclasses
    folders = [directory / FOLDER / f"superclass_{k:03d}" for k in range(n)]
    for k, folder in enumerate(folders):
        folder.mkdir(parents=True)
        job.write_averages(result.superclasses.labels == k, folder / f"class_averages{suffix}")
    stays = np.where(result.balance.keep, superclass, np.int32(-1))
    for first in range(0, n, MOST_AT_ONCE):
        some = folders[first : first + MOST_AT_ONCE]
        inside = (stays >= first) & (stays < first + len(some))
        part = np.where(inside, stays - first + 1, 0).astype(np.uint8)
        job.particles.write_parts(part, [folder / f"particles{suffix}" for folder in some])
