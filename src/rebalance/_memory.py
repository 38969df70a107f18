"""How much memory a run needs beyond what it has when its input is open."""

from __future__ import annotations

# Measured as the peak of whole runs, and rounded up (docs/benchmarks.md).
WORK = 80e6  # bytes: report and pictures of any run
PER_AVERAGE = 120e3  # rings, pictures
PER_PIXEL = 20  # of all averages: images, their transforms and rings
PER_PAIR = 120  # affinity, transforms, grouping
PER_PARTICLE = 60  # class, identity, columns, draw


def memory_needed(n_averages: int, box: int, n_particles: int) -> int:
    """Estimate what the peak of a run takes more, bytes.

    Parameters
    ----------
    n_averages : int
        Class averages.
    box : int
        Their size, px.
    n_particles : int
        Rows of the particle table.
    """
    return round(
        WORK
        + n_averages * (PER_AVERAGE + PER_PIXEL * box**2)
        + n_averages**2 * PER_PAIR
        + n_particles * PER_PARTICLE
    )
