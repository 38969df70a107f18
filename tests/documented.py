"""Commands and snippets as the documentation shows them, and the files that they name."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np

from rebalance import SimulationSettings, simulate
from rebalance.io.simulated import write_relion_job
from rebalance.io.simulated_cryosparc import write_cryosparc_job

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SMALL = SimulationSettings(
    averages=20, views=4, box=32, pixel_size=6, resolution=(14, 24), particles=600, seed=3
)
FENCE = re.compile(
    r"(?:^<!-- not run: (?P<why>[^\n]+) -->\n)?^ *```(?P<language>\w*)\n(?P<text>.*?)^ *```$",
    re.M | re.S,
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; `why` says why it is not run, where it is not."""

    language: str
    text: str
    why: str | None

    @property
    def commands(self) -> list[str]:
        """The lines of a shell block, continued ones joined, parted at ``&&``."""
        whole = self.text.replace("\\\n", " ").splitlines()
        lines = [line.strip() for line in whole if line.strip() and not line.startswith("#")]
        return [part.strip() for line in lines for part in line.split(" && ")]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found = FENCE.finditer(page.read_text())
    return [Block(match["language"], match["text"], match["why"]) for match in found]


def make_world(place: Path) -> Path:
    """Every input that the documentation names, small and simulated."""
    data = write_relion_job(simulate(SMALL), place)
    job = data.parent
    for number in ("job011", "job012"):
        _copy_named(job, job.with_name(number), "job001", number)
    _write_cryosparc_project(place / "data" / "CS-ribosome")
    (place / "External" / "job012").mkdir(parents=True)
    with mrcfile.new(place / "map.mrc") as file:
        file.set_data(_lumps(24))
        file.voxel_size = 4.0
    return place


def _write_cryosparc_project(project: Path) -> None:
    project.parent.mkdir()
    write_cryosparc_job(simulate(SMALL), project)
    _copy_named(project / "J1", project / "J42", "J1", "J42")
    for place in ("groups", "jobs/J42_class_2D_new"):
        _export(project / "J42", project / "exports" / place)


def _export(job: Path, to: Path) -> None:
    """The outputs of a job as CryoSPARC exports them: all slots of a group in one file."""
    for name in ("particles", "class_averages"):
        place = to / f"J42_{name}"
        place.mkdir(parents=True)
        shutil.copy(job / f"cryosparc_P1_J42_020_{name}.cs", place / f"J42_{name}_exported.cs")
        text = (job / f"P1_J42_{name}.csg").read_text()
        (place / f"J42_{name}_exported.csg").write_text(
            re.sub(r"[\w.]+\.cs\b", f"J42_{name}_exported.cs", text)
        )


def _copy_named(source: Path, target: Path, old: str, new: str) -> None:
    """Copy a job under another number, in the names of its files and in what text they hold."""
    target.mkdir()
    for path in source.iterdir():
        copy = target / path.name.replace(old, new)
        if path.suffix in (".star", ".csg"):
            copy.write_text(path.read_text().replace(old, new))
        else:
            shutil.copy(path, copy)


def _lumps(size: int) -> np.ndarray:
    """A density map of three lumps of unequal size."""
    axis = np.arange(size) - size / 2
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    volume = np.zeros((size,) * 3, np.float32)
    for at, width in (((0, 0, 0), 2.5), ((4, 1, 0), 1.8), ((-1, 3, 4), 1.4)):
        squared = (z - at[0]) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2
        volume += np.exp(-squared / (2 * width**2)).astype(np.float32)
    return volume
