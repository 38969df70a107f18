"""Reading and writing: everything that knows a file format."""

from __future__ import annotations

from pathlib import Path

from ..errors import RebalanceError
from .cryosparc import CryosparcJob, open_cryosparc_job
from .cryosparc_particles import CryosparcParticles
from .density_map import read_map
from .job_directory import JobDirectory
from .mrc import ImageStack, read_stack, write_stack
from .output import OutputDirectory, whole_file
from .relion import RelionJob, open_relion_job
from .star import StarParticles, read_particles
from .tables import ClassAverages, Job, ParticleTable

__all__ = [
    "ClassAverages",
    "CryosparcJob",
    "CryosparcParticles",
    "ImageStack",
    "Job",
    "JobDirectory",
    "OutputDirectory",
    "ParticleTable",
    "RelionJob",
    "StarParticles",
    "open_cryosparc_job",
    "open_job",
    "open_relion_job",
    "read_map",
    "read_particles",
    "read_stack",
    "whole_file",
    "write_stack",
]


def open_job(
    particles: Path,
    classes: Path | None = None,
    model: Path | None = None,
    project: Path | None = None,
    threads: int | None = None,
) -> Job:
    """Open a 2D classification by the ending of its particle file.

    Raises
    ------
    RebalanceError
        If the ending is unknown, or what :func:`open_relion_job` and :func:`open_cryosparc_job`
        refuse.
    """
    particles = Path(particles)
    if particles.suffix in (".cs", ".csg"):
        return open_cryosparc_job(particles, classes, project)
    if particles.suffix != ".star":
        raise RebalanceError(
            f"The particles {particles} end in '{particles.suffix}'; particles are read from .star "
            "files of RELION, and from .cs and .csg files of CryoSPARC."
        )
    return open_relion_job(particles, classes, model, project, threads)
