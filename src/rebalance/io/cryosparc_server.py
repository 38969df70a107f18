"""Jobs on a CryoSPARC server, through the public package ``cryosparc-tools``.

The package finds user and password itself, in its login session or in the environment. What it
loads is put into a directory that goes with the job, and opened like any other job.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import RebalanceError
from .cryosparc import CryosparcJob, open_cryosparc_job
from .cryosparc_averages import PATH
from .cryosparc_find import CLASS_SLOT, IMAGE_SLOT, PARTICLES, TEMPLATES

PROJECT, JOB = re.compile(r"P\d+"), re.compile(r"J\d+")
TITLES = {  # what is saved, by the name of its file, with its title on the server
    "particles": "Particles kept by rebalance",
    "particles_excluded": "Particles excluded by rebalance",
    "particles_set_aside": "Particles of junk, set aside by rebalance",
    "particles_left_out": "Particles of classes that rebalance left out",
    "class_averages": "Class averages that took part in rebalance",
}


class LoadedFiles:
    """A directory that is removed when nothing uses it any more."""

    def __init__(self) -> None:
        self.top = Path(tempfile.mkdtemp(prefix="rebalance_cryosparc_"))
        weakref.finalize(self, shutil.rmtree, self.top, ignore_errors=True)


@dataclass(frozen=True)
class Server:
    """A job on a server, and the outputs of it that are used.

    Attributes
    ----------
    client : cryosparc.tools.CryoSPARC
        The connection.
    url, project, job : str
        Where and which: ``http://host:39000``, ``P3``, ``J42``.
    particles, templates : str
        Names of the outputs.
    files : LoadedFiles
        What was loaded.
    """

    client: Any
    url: str
    project: str
    job: str
    particles: str
    templates: str
    files: LoadedFiles


@dataclass(frozen=True, eq=False)
class ServerJob(CryosparcJob):
    """A CryoSPARC job that was loaded from a server."""

    server: Server


def open_server_job(url: str, project: str, job: str) -> ServerJob:
    """Load particles and class averages of a job.

    Parameters
    ----------
    url : str
        The address that a browser opens.
    project, job : str
        ``P3`` and ``J42``.

    Raises
    ------
    RebalanceError
        If the package is not installed, the server fails, or the job has no such outputs.
    """
    if not PROJECT.fullmatch(project) or not JOB.fullmatch(job):
        raise RebalanceError(
            f"With a server, project and job are named as P3 and J42, not '{project}' and '{job}'."
        )
    with _asking(url):
        client = _client_type()(url, host=None, base_port=None)  # the environment may name others
        found = client.find_job(project, job)
        outputs = found.outputs
    names = [_output(outputs, kind, url, job) for kind in ("particle", "template")]
    server = Server(client, url, project, job, names[0], names[1], LoadedFiles())
    with _asking(url):
        _load(server, found)
    top = server.files.top
    opened = open_cryosparc_job(top / "particles.cs", top / "class_averages.cs", top)
    parts = {field.name: getattr(opened, field.name) for field in fields(opened)}
    told = [line.replace(f"{top}/", "") for line in opened.found]
    parts["found"] = (f"loaded: {project} {job} from {url}", *told)
    return ServerJob(**parts, server=server)


def save_to_server(server: Server, results: Path, workspace: str | None = None) -> dict[str, str]:
    """Save the files of a run as external results; their other slots are passed through.

    Parameters
    ----------
    server : Server
        Where the job came from.
    results : Path
        Directory of results.
    workspace : str, optional
        ``W1``; default: the server chooses.

    Returns
    -------
    dict of str to str
        The external job that holds each result: ``{"particles": "J57", ...}``.

    Raises
    ------
    RebalanceError
        If the server fails.
    """
    saved = {}
    there = {name: title for name, title in TITLES.items() if (results / f"{name}.cs").exists()}
    for name, title in there.items():
        kind, slot, source = "particle", CLASS_SLOT, server.particles
        if name == "class_averages":
            kind, slot, source = "template", IMAGE_SLOT, server.templates
        rows = _dataset_type().load(str(results / f"{name}.cs"), prefixes=[slot])
        if len(rows) == 0:
            continue
        with _asking(server.url):
            saved[name] = server.client.save_external_result(
                server.project,
                workspace,
                rows,
                kind,
                name=name,
                slots=[slot],
                passthrough=(server.job, source),
                title=title,
                desc=f"From {server.job}.{source}",
            )
    return saved


def _load(server: Server, job: Any) -> None:
    """Load both outputs with all their slots, and the stack of class averages."""
    top = server.files.top
    job.load_output(server.particles).save(str(top / "particles.cs"))
    templates = job.load_output(server.templates)
    templates.save(str(top / "class_averages.cs"))
    for name in sorted(set(templates[PATH]))[:1]:  # more than one stack is refused later
        path = str(name).removeprefix(">")
        if not (top / path).resolve().is_relative_to(top.resolve()):
            raise RebalanceError(f"The stack {name} lies outside of the project {server.project}.")
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        server.client.download_file(server.project, path, str(top / path))


def _output(outputs: Mapping[str, Any], kind: str, url: str, job: str) -> str:
    """Name of the output of a job that has particles, or class averages."""
    names = PARTICLES if kind == "particle" else TEMPLATES
    for name in names:
        if name in outputs and outputs[name].type == kind:
            return name
    raise RebalanceError(
        f"{job} on {url} has no output {' or '.join(names)} (it has: "
        f"{', '.join(outputs) or 'none'}); give a job that classified or selected particles in 2D."
    )


@contextmanager
def _asking(url: str) -> Iterator[None]:
    """Turn what the package raises into one sentence."""
    try:
        yield
    except RebalanceError:
        raise
    except Exception as error:  # the package lets errors of several libraries through
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise RebalanceError(
            f"The CryoSPARC server {url} cannot be used: {reason.rstrip('.')}; check the address, "
            "and log in with python -m cryosparc.tools login."
        ) from error


def _client_type() -> Any:
    try:
        from cryosparc.tools import CryoSPARC
    except ImportError:
        raise RebalanceError(
            "A CryoSPARC server is reached through the package cryosparc-tools; install it (pip "
            "install 'rebalance2d[cryosparc]')."
        ) from None
    return CryoSPARC


def _dataset_type() -> Any:
    from cryosparc.dataset import Dataset

    return Dataset
