"""Reading and writing: everything that knows a file format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import RebalanceError
from .cryosparc import CryosparcJob, open_cryosparc_directory, open_cryosparc_job
from .cryosparc_particles import CryosparcParticles
from .cryosparc_server import ServerJob, open_server_job, save_to_server
from .density_map import read_map
from .earlier import took_part_before
from .job_directory import JobDirectory
from .mixed import open_cs_with_stack, open_star_with_templates
from .mrc import ImageStack, read_stack, write_stack
from .output import OutputDirectory, whole_file
from .particle_columns import read_columns
from .relion import RelionJob, open_relion_job
from .star import StarParticles, read_particles
from .tables import ClassAverages, Job, ParticleColumns, ParticleTable

__all__ = [
    "ClassAverages",
    "CryosparcJob",
    "CryosparcParticles",
    "ImageStack",
    "Job",
    "JobDirectory",
    "OutputDirectory",
    "ParticleColumns",
    "ParticleTable",
    "RelionJob",
    "ServerJob",
    "StarParticles",
    "open_cryosparc_directory",
    "open_cryosparc_job",
    "open_job",
    "open_relion_job",
    "open_server_job",
    "read_columns",
    "read_map",
    "read_particles",
    "read_stack",
    "save_to_server",
    "took_part_before",
    "whole_file",
    "write_stack",
]

CRYOSPARC = (".cs", ".csg")  # endings of its files


def open_job(
    particles: Path,
    classes: Path | None = None,
    model: Path | None = None,
    project: Path | None = None,
    threads: int | None = None,
    passthrough: Sequence[Path] = (),
) -> Job:
    """Open a 2D classification by the endings of its files, particles and class averages.

    Particles of one program go with averages of the other: image k of a stack, counted from 1, is
    class k of a STAR file and class k - 1 of a ``.cs`` file.

    Raises
    ------
    RebalanceError
        If an ending is unknown, or what :func:`open_relion_job` and :func:`open_cryosparc_job`
        refuse.
    """
    particles = Path(particles)
    templates = classes is not None and Path(classes).suffix in CRYOSPARC
    if particles.suffix in CRYOSPARC:
        if model is None and (classes is None or templates):
            return open_cryosparc_job(particles, classes, project, passthrough)
        return open_cs_with_stack(particles, classes, model, project, passthrough)
    if particles.suffix != ".star":
        raise RebalanceError(
            f"The particles {particles} end in '{particles.suffix}'; particles are read from .star "
            "files of RELION, and from .cs and .csg files of CryoSPARC."
        )
    if classes is not None and templates:
        return open_star_with_templates(particles, classes, project, threads)
    return open_relion_job(particles, classes, model, project, threads)
