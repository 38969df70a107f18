"""The list of results that RELION's pipeline takes from an External job."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import RebalanceError
from .output import whole_file
from .star_tables import StarTable, read_star

FILE, PDF = "RELION_OUTPUT_NODES.star", "logfile.pdf"
PIPELINE = "default_pipeline.star"
LABELS = ("rlnPipeLineNodeName", "rlnPipeLineNodeType", "rlnPipeLineNodeTypeLabel")
# Type number of RELION 3.1, label of 4.0, label of 5.0.
NODES = {
    "particles.star": (3, "ParticlesData.star.relion", "ParticleGroupMetadata.star.relion"),
    "class_averages.star": (
        5,
        "ImagesData.star.relion.classaverages",
        "Image2DGroupMetadata.star.relion.classaverages",
    ),
    PDF: (13, "LogFile.pdf.relion", "LogFile.pdf.relion"),
}
FIRST_OF_RELION_5 = 50001


def write_output_nodes(path: Path, job: Path, project: Path) -> None:
    """Write ``RELION_OUTPUT_NODES.star``.

    RELION 3.1 reads the column of type numbers, later versions that of type labels.

    Parameters
    ----------
    path : Path
        File to write.
    job : Path
        The job's directory, relative to `project` or absolute.
    project : Path
        The project directory, whose ``default_pipeline.star`` tells the version of RELION.
    """
    label = 2 if has_labels_of_relion_5(project) else 1
    folder = os.path.relpath(project / job, project)
    lines = [f"{folder}/{name} {node[0]:12d} {node[label]} \n" for name, node in NODES.items()]
    head = "".join(f"_{name} #{column} \n" for column, name in enumerate(LABELS, start=1))
    with whole_file(path) as file:
        file.write(f"\ndata_output_nodes\n\nloop_ \n{head}{''.join(lines)} \n".encode())


def has_labels_of_relion_5(project: Path) -> bool:
    """Whether the pipeline names its results as RELION 5.0 does; True when nothing tells."""
    path = project / PIPELINE
    try:
        tables = read_star(path)
        version = _version(path)
    except (RebalanceError, OSError):
        return True
    labels = {label for table in tables for label in table.labels}
    if version >= FIRST_OF_RELION_5 or "GroupMetadata" in _node_types(tables):
        return True
    return not labels & {
        *("rlnPipeLineNodeType", "rlnPipeLineNodeTypeLabel"),
        *("rlnPipeLineProcessType", "rlnPipeLineProcessTypeLabel"),
    }


def _version(path: Path) -> int:
    """The highest number of a ``# version`` line; 0 without one."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    words = [line.split() for line in lines if line.startswith("# version")]
    return max(
        (int(line[2][:9]) for line in words if len(line) > 2 and line[2][:9].isdecimal()), default=0
    )


def _node_types(tables: list[StarTable]) -> str:
    name = "rlnPipeLineNodeTypeLabel"
    return " ".join(" ".join(table.values(name)) for table in tables if name in table)
