"""Write a simulation as the files that CryoSPARC's 2D classification and selection would leave."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import RebalanceError
from .cryosparc_plain import save_rows
from .csg import ResultGroup, Slot, write_csg
from .mrc import write_stack
from .output import OutputDirectory, make_parent

if TYPE_CHECKING:
    from .._simulate import Simulation

CLASSIFICATION, SELECTION = "J1", "J2"
ROOT = "cryosparc_P1_J1_020"  # CryoSPARC's name for iteration 20
STACK = f"{CLASSIFICATION}/{ROOT}_class_averages.mrc"  # relative to the project directory
PARTICLES_PER_MICROGRAPH = 100
MICROGRAPH = (4096, 4096)
CREATED, VERSION = "2000-01-01 00:00:00.000000", "v4.7.0"  # the same seed gives the same files

Rows = NDArray[np.void]
Columns = dict[str, tuple[str, Any]]  # type and values by name


def write_cryosparc_job(simulation: Simulation, directory: Path) -> Path:
    """Write a CryoSPARC project: job J1 classified in 2D, job J2 selected what is no junk.

    Classes count from 0. Columns and types are those of real files. What is passed through stands
    in another order, and so do the selected templates. The directory appears whole or not at all.

    Parameters
    ----------
    simulation : Simulation
        What to write.
    directory : Path
        Project directory; it must not exist.

    Returns
    -------
    Path
        The project directory.

    Raises
    ------
    RebalanceError
        When `directory` exists or cannot be written.
    """
    directory = directory.resolve()
    if directory.exists():
        raise RebalanceError(f"The CryoSPARC project {directory} exists: name another directory.")
    try:
        make_parent(directory)
        with OutputDirectory(directory) as hidden:
            for job in (CLASSIFICATION, SELECTION):
                (hidden / job).mkdir(parents=True)
            _write_jobs(simulation, hidden)
    except OSError as error:
        raise RebalanceError(
            f"The CryoSPARC project {directory} cannot be written ({error.strerror}): name another "
            "directory."
        ) from error
    return directory


def _write_jobs(simulation: Simulation, project: Path) -> None:
    rng = np.random.Generator(np.random.PCG64([simulation.settings.seed, 2]))
    particles, passed = _particles(simulation, rng)
    passed = passed[rng.permutation(len(passed))]
    templates = _templates(simulation)
    write_stack(simulation.images, simulation.pixel_size, project / STACK)
    job = project / CLASSIFICATION
    main = {f"{ROOT}_particles.cs": particles, "P1_J1_passthrough_particles.cs": passed}
    _write_group(job, "P1_J1_particles.csg", "particles", "particle", main)
    averages = {f"{ROOT}_class_averages.cs": templates}
    _write_group(job, "P1_J1_class_averages.csg", "class_averages", "template", averages)

    shuffled = templates[rng.permutation(len(templates))]
    good = ~simulation.junk & (simulation.particles > 0)
    for name, chosen in (("selected", good), ("excluded", ~good)):
        _write_selection(project / SELECTION, name, chosen, particles, passed, shuffled)


def _write_selection(
    job: Path, name: str, chosen: NDArray[np.bool_], particles: Rows, passed: Rows, templates: Rows
) -> None:
    kept = particles[chosen[particles["alignments2D/class"]]]
    kept_passed = passed[np.isin(passed["uid"], kept["uid"])]
    main = {
        f"particles_{name}.cs": kept,
        f"P1_J2_passthrough_particles_{name}.cs": kept_passed,
    }
    _write_group(job, f"P1_J2_particles_{name}.csg", f"particles_{name}", "particle", main)
    averages = {f"templates_{name}.cs": templates[chosen[templates["blob/idx"]]]}
    _write_group(job, f"P1_J2_templates_{name}.csg", f"templates_{name}", "template", averages)


def _write_group(job: Path, csg: str, name: str, kind: str, files: Mapping[str, Rows]) -> None:
    """Write ``.cs`` files and the group that names them."""
    slots = {}
    for file, rows in files.items():
        save_rows(rows, job / file)
        for field in rows.dtype.names or ():
            slot = field.split("/")[0]
            if slot != "uid":
                slots[slot] = Slot(f"{kind}.{slot}", job / file, len(rows))
    title = name.replace("_", " ").capitalize()
    write_csg(ResultGroup(name, kind, title, "", slots, CREATED, VERSION), job / csg)


def _particles(simulation: Simulation, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Particles in the order of the micrographs, and what is passed through."""
    n = len(simulation.particle_average)
    uid: Columns = {"uid": ("<u8", _uids(n, 0, rng))}
    main = _blob(simulation, n) | _alignments(simulation, n, rng)
    passed = _ctf(simulation, n, rng) | _location(n, rng) | _pick_stats(n, rng)
    return _rows(n, uid | main), _rows(n, uid | passed)


def _blob(simulation: Simulation, n: int) -> Columns:
    micrograph, place = np.divmod(np.arange(n), PARTICLES_PER_MICROGRAPH)
    box = simulation.settings.box
    return {
        "blob/path": ("S", _numbered("J0/extract/mic_%04d_particles.mrc", micrograph + 1)),
        "blob/idx": ("<u4", place),
        "blob/shape": ("<u4", (box, box)),
        "blob/psize_A": ("<f4", simulation.pixel_size),
        "blob/sign": ("<f4", -1),
        "blob/import_sig": ("<u8", 0),
    }


def _alignments(simulation: Simulation, n: int, rng: np.random.Generator) -> Columns:
    names = ("error", "error_min", "resid_pow", "slice_pow", "image_pow", "cross_cor")
    powers: Columns = {f"alignments2D/{name}": ("<f4", rng.uniform(50, 9000, n)) for name in names}
    return {
        "alignments2D/split": ("<u4", rng.integers(0, 2, n)),
        "alignments2D/shift": ("<f4", 2 * rng.standard_normal((n, 2))),
        "alignments2D/pose": ("<f4", rng.uniform(0, 2 * np.pi, n)),
        "alignments2D/psize_A": ("<f4", simulation.pixel_size),
        **powers,
        "alignments2D/alpha": ("<f4", 1),
        "alignments2D/alpha_min": ("<f4", rng.uniform(0.8, 1.2, n)),
        "alignments2D/weight": ("<f4", 0),
        "alignments2D/pose_ess": ("<f4", 0),
        "alignments2D/shift_ess": ("<f4", 0),
        "alignments2D/class_posterior": ("<f4", rng.uniform(0.05, 1, n)),
        "alignments2D/class": ("<u4", simulation.particle_average),
        "alignments2D/class_ess": ("<f4", rng.uniform(1, 3, n)),
    }


def _ctf(simulation: Simulation, n: int, rng: np.random.Generator) -> Columns:
    zeros = {"shift_A": 2, "tilt_A": 2, "trefoil_A": 2, "tetra_A": 4, "anisomag": 4}
    defocus = rng.uniform(8000, 25000, n)
    return {
        "ctf/type": ("S", b"imported"),
        "ctf/exp_group_id": ("<u4", 0),
        "ctf/accel_kv": ("<f4", 300),
        "ctf/cs_mm": ("<f4", 2.7),
        "ctf/amp_contrast": ("<f4", 0.1),
        "ctf/df1_A": ("<f4", defocus),
        "ctf/df2_A": ("<f4", defocus - rng.uniform(0, 500, n)),
        "ctf/df_angle_rad": ("<f4", rng.uniform(0, np.pi, n)),
        "ctf/phase_shift_rad": ("<f4", 0),
        "ctf/scale": ("<f4", 1),
        "ctf/scale_const": ("<f4", 0),
        **{f"ctf/{name}": ("<f4", np.zeros((n, size))) for name, size in zeros.items()},
        "ctf/bfactor": ("<f4", 0),
    }


def _location(n: int, rng: np.random.Generator) -> Columns:
    micrograph = np.arange(n) // PARTICLES_PER_MICROGRAPH
    return {
        "location/micrograph_uid": ("<u8", _uids(int(micrograph.max()) + 1, 1, rng)[micrograph]),
        "location/exp_group_id": ("<u4", 0),
        "location/micrograph_path": ("S", _numbered("J0/motioncorrected/mic_%04d.mrc", micrograph)),
        "location/micrograph_shape": ("<u4", MICROGRAPH),
        "location/center_x_frac": ("<f4", rng.uniform(0, 1, n)),
        "location/center_y_frac": ("<f4", rng.uniform(0, 1, n)),
        "location/min_dist_A": ("<f4", 0),
        "location/micrograph_psize_A": ("<f4", 1),
    }


def _pick_stats(n: int, rng: np.random.Generator) -> Columns:
    return {
        "pick_stats/ncc_score": ("<f4", rng.uniform(0.1, 0.6, n)),
        "pick_stats/power": ("<f4", rng.uniform(100, 900, n)),
        "pick_stats/template_idx": ("<u4", rng.integers(0, 8, n)),
        "pick_stats/angle_rad": ("<f4", rng.uniform(0, 2 * np.pi, n)),
    }


def _templates(simulation: Simulation) -> Rows:
    n, box = len(simulation.images), simulation.settings.box
    rng = np.random.Generator(np.random.PCG64([simulation.settings.seed, 3]))
    columns: Columns = {
        "uid": ("<u8", _uids(n, 2, rng)),
        "blob/path": ("S", STACK.encode()),
        "blob/idx": ("<u4", np.arange(n)),
        "blob/shape": ("<u4", (box, box)),
        "blob/psize_A": ("<f4", simulation.pixel_size),
        "blob/res_A": ("<f4", simulation.resolution),
        "blob/sign": ("<f4", 1),
        "blob/import_sig": ("<u8", 0),
    }
    return _rows(n, columns)


def _rows(n: int, columns: Columns) -> Rows:
    """A structured array of n rows; a number, text or tuple stands for all rows."""
    form = [
        (name, np.asarray(value).dtype if kind == "S" else kind, _shape_of_each(value))
        for name, (kind, value) in columns.items()
    ]
    rows = np.zeros(n, np.dtype(form))
    for name, (_, value) in columns.items():
        rows[name] = value
    return rows


def _shape_of_each(value: Any) -> tuple[int, ...]:
    return (len(value),) if isinstance(value, tuple) else np.shape(value)[1:]


def _numbered(form: str, numbers: NDArray[np.int64]) -> NDArray[np.bytes_]:
    """Names with a number in them, as fixed bytes; each different one is made once."""
    different, place = np.unique(numbers, return_inverse=True)
    return np.array([(form % number).encode() for number in different], np.bytes_)[place]


def _uids(n: int, kind: int, rng: np.random.Generator) -> NDArray[np.uint64]:
    """Different random numbers: the top bits count, so that none can repeat."""
    low = rng.integers(0, 1 << 32, n, dtype=np.uint64)
    high = rng.permutation(n).astype(np.uint64) + np.uint64(kind << 28)
    return (high << np.uint64(32)) | low
