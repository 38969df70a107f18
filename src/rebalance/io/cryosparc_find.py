"""Finding the files of a CryoSPARC job: groups, iterations, and what is passed through."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import RebalanceError
from .csg import ResultGroup, name_and_slots, read_csg
from .star_tables import listing

ITERATION = re.compile(r"(?:.*_)?(?P<number>\d{3,})_(?P<group>particles|class_averages)\.cs")
PARTICLES = ("particles_selected", "particles")
TEMPLATES = ("templates_selected", "class_averages", "templates", "class_averages_selected")
JOB = re.compile(r"J\d+")
CLASS_SLOT, IMAGE_SLOT = "alignments2D", "blob"
EXPORT_DEPTH = 2  # directories below an exported job in which its groups may stand


@dataclass(frozen=True)
class Source:
    """Files that together hold particles or templates.

    Attributes
    ----------
    paths : tuple of Path
        ``.cs`` files; the first gives the order of the rows.
    how : str
        How they were found.
    group : ResultGroup or None
        Says which slot stands in which of them.
    csg : Path or None
        File of the group.
    """

    paths: tuple[Path, ...]
    how: str
    group: ResultGroup | None = None
    csg: Path | None = None


def particle_source(path: Path, passthrough: tuple[Path, ...] = ()) -> Source:
    """Particles given as a ``.cs`` file or a ``.csg`` group."""
    if not path.is_file():
        raise RebalanceError(f"{path} does not exist; check the path.")
    if path.suffix == ".csg" or passthrough:
        return _given(path, CLASS_SLOT, passthrough)
    beside = _group_beside(path)
    if beside is not None:
        return from_group(beside, CLASS_SLOT, "beside the particles")
    return Source((path, *_passthrough_beside(path)), "given")


def template_source(path: Path) -> Source:
    """Templates given as a ``.cs`` file or a ``.csg`` group."""
    beside = _group_beside(path) if path.suffix == ".cs" else None
    if beside is not None:
        return from_group(beside, IMAGE_SLOT, "beside the class averages")
    return _given(path, IMAGE_SLOT, ())


def _given(path: Path, slot: str, passthrough: tuple[Path, ...]) -> Source:
    if path.suffix == ".csg":
        if passthrough:
            raise RebalanceError(
                f"{path} names all files of its particles, so --passthrough {passthrough[0]} adds "
                "nothing: leave it out, or give the .cs file of the particles."
            )
        return from_group(path, slot, "given")
    return Source((path, *passthrough), "given")


def from_group(csg: Path, slot: str, how: str) -> Source:
    """Files of a group; the one that holds `slot` gives the order of the rows."""
    group = read_csg(csg)
    first = [group.slots[slot].file] if slot in group.slots else []
    return Source(tuple(dict.fromkeys([*first, *group.files])), how, group, csg)


def _group_beside(path: Path) -> Path | None:
    """The group of the same name that names a ``.cs`` file, as this package writes them."""
    csg = path.with_suffix(".csg")
    return csg if csg.is_file() and path in read_csg(csg).files else None


def _passthrough_beside(path: Path) -> list[Path]:
    """What CryoSPARC passes through for a group: ``J42_passthrough_particles.cs``."""
    match = ITERATION.fullmatch(path.name)
    group = match["group"] if match else path.stem
    others = path.parent.glob(f"*passthrough_{group}.cs")
    return sorted(other for other in others if other != path)


def templates_beside(source: Source) -> Source:
    """Templates of the job that particles come from."""
    path = source.paths[0]
    match = ITERATION.fullmatch(path.name)
    if match is not None:
        averages = path.with_name(path.name.removesuffix("particles.cs") + "class_averages.cs")
        if averages.is_file():
            return Source((averages,), "beside the particles")
    directory = (source.csg or path).parent
    places = [directory, directory.parent] if source.csg else [directory]
    for place in places:
        found = _best_group(place, TEMPLATES, IMAGE_SLOT) or _best_file(place, TEMPLATES)
        if found is not None:
            return found
    raise RebalanceError(
        f"No class averages were found for {path}: beside it are none of "
        f"{', '.join(f'{name}.cs' for name in TEMPLATES)} or their .csg groups; give them "
        "(--classes)."
    )


def job_sources(
    directory: Path, job: str | None = None, templates: Source | None = None
) -> tuple[Source, Source]:
    """Particles and templates of a job directory, of a job in a project, or of an exported job.

    Parameters
    ----------
    directory : Path
        Project directory when `job` is given, else the directory of a job.
    job : str, optional
        ``J42``.
    templates : Source, optional
        Given, so that they are not looked for.

    Raises
    ------
    RebalanceError
        If there is no such directory, or no particles or templates in it.
    """
    place = _job_directory(Path(directory), job)
    particles = _particles_in(place)
    templates = templates or _templates_in(place, particles)
    missing = "particles" if particles is None else "class averages"
    if particles is None or templates is None:
        raise RebalanceError(
            f"{place} holds no {missing} of a 2D classification (found: "
            f"{listing([path.name for path in _files(place)])}); give the job that classified or "
            "selected them, or the files themselves (--particles, --classes)."
        )
    return particles, templates


def _job_directory(directory: Path, job: str | None) -> Path:
    if not directory.is_dir():
        raise RebalanceError(f"{directory} is no directory; give a CryoSPARC project or job.")
    if job is None:
        folders = (path.name for path in directory.glob("J*") if path.is_dir())
        jobs = sorted(name for name in folders if JOB.fullmatch(name))
        if jobs and not any(directory.glob("*.cs*")):
            raise RebalanceError(
                f"{directory} is a project with {len(jobs)} jobs ({listing(jobs)}); name one "
                f"behind it, as in --cryosparc {directory} {jobs[0]}."
            )
        return directory
    if not JOB.fullmatch(job):
        raise RebalanceError(f"The job must be named as in CryoSPARC, J42, not '{job}'.")
    if not (directory / job).is_dir():
        raise RebalanceError(
            f"{directory} has no job {job}; give the project directory that holds {job}."
        )
    return directory / job


def _particles_in(place: Path) -> Source | None:
    """The particles of the latest iteration; a group, where one names them."""
    group = _best_group(place, PARTICLES, CLASS_SLOT)
    latest = _latest(place)
    if latest is None:
        return group or _best_file(place, PARTICLES)
    number, path = latest
    of_group = None if group is None else _iteration(group)
    if group is not None and (of_group is None or of_group >= number):
        return group
    others = tuple(_passthrough_beside(path))
    return Source((path, *others), f"latest iteration, {number}")


def _templates_in(place: Path, particles: Source | None) -> Source | None:
    number = None if particles is None else _iteration(particles)
    found = _best_group(place, TEMPLATES, IMAGE_SLOT)
    if number is not None and (found is None or _iteration(found) != number):
        for path in _files(place):
            match = ITERATION.fullmatch(path.name)
            if match and match["group"] == "class_averages" and int(match["number"]) == number:
                return Source((path,), f"latest iteration, {number}")
    return found or _best_file(place, TEMPLATES)


def _latest(place: Path) -> tuple[int, Path] | None:
    """Number and particles of the last iteration that left particles and averages."""
    found: dict[str, dict[int, Path]] = {"particles": {}, "class_averages": {}}
    for path in _files(place):
        match = ITERATION.fullmatch(path.name)
        if match:
            found[match["group"]][int(match["number"])] = path
    whole = found["particles"].keys() & found["class_averages"].keys()
    return (max(whole), found["particles"][max(whole)]) if whole else None


def _iteration(source: Source) -> int | None:
    matches = (ITERATION.fullmatch(path.name) for path in source.paths)
    return next((int(match["number"]) for match in matches if match), None)


def _best_group(place: Path, names: Iterable[str], slot: str) -> Source | None:
    """The group of the first of these names that has a slot."""
    groups = {path: name_and_slots(path) for path in _files(place) if path.suffix == ".csg"}
    for wanted in names:
        for path, (name, slots) in groups.items():
            if name == wanted and slot in slots:
                return from_group(path, slot, f"group {name}")
    return None


def _best_file(place: Path, names: Iterable[str]) -> Source | None:
    for name in names:
        for path in _files(place):
            exported = re.fullmatch(rf"(?:.*_)?{name}(?:_exported)?\.cs", path.name)
            if exported and "passthrough" not in path.name:
                return Source((path, *_passthrough_beside(path)), f"named {name}")
    return None


def _files(place: Path) -> list[Path]:
    """The ``.cs`` and ``.csg`` files of a directory; where it has none, of those below it."""
    for depth in range(EXPORT_DEPTH + 1):
        below = place.glob("*/" * depth + "*.cs*")
        found = sorted(path for path in below if path.suffix in (".cs", ".csg"))
        if found:
            return found
    return []
