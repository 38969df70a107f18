"""Memory is estimated before it is taken."""

from __future__ import annotations

from .._memory import memory_needed
from ..errors import RebalanceError
from ..io import Job
from ..io.memory import available_memory

GB = 1e9


def check_memory(job: Job) -> None:
    """Refuse a run that would not fit.

    Raises
    ------
    RebalanceError
        If it needs more memory than this process may take.
    """
    n_averages, box = job.averages.images.shape[:2]
    needed = memory_needed(n_averages, box, len(job.particles))
    available = available_memory()
    if available is None or needed <= available:
        return
    raise RebalanceError(
        f"This run needs about {needed / GB:.1f} GB of memory for {n_averages:,} class averages of "
        f"{box} px and {len(job.particles):,} particles, and {available / GB:.1f} GB are "
        "available; run where there is more, or give fewer or smaller averages with --classes."
    )
