"""Write a simulation as the files that a RELION 2D classification would leave, and the truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import mrcfile
import numpy as np
from numpy.typing import NDArray

from ..errors import RebalanceError
from .output import OutputDirectory, make_parent

if TYPE_CHECKING:
    from .._simulate import Simulation

JOB = "Class2D/job001/"
ROOT = JOB + "run_it025"  # RELION's name for iteration 25, relative to the project directory
DATA, MODEL, OPTIMISER, STACK = (
    ROOT + end for end in ("_data.star", "_model.star", "_optimiser.star", "_classes.mrcs")
)
PARTICLES_PER_MICROGRAPH = 100


def write_relion_job(simulation: Simulation, directory: Path) -> Path:
    """Write a RELION project that holds one 2D classification.

    Beside the job, ``truth.csv`` says what each class average really shows. The directory
    appears whole or not at all.

    Parameters
    ----------
    simulation : Simulation
        What to write.
    directory : Path
        Project directory; it must not exist or be empty.

    Returns
    -------
    Path
        The particle table, ``Class2D/job001/run_it025_data.star`` in `directory`.

    Raises
    ------
    RebalanceError
        When `directory` holds something or cannot be written.
    """
    directory = directory.resolve()
    refuse_used(directory)
    try:
        make_parent(directory)
        with OutputDirectory(directory) as hidden:
            (hidden / JOB).mkdir(parents=True)
            _write_files(simulation, hidden)
    except OSError as error:
        raise RebalanceError(
            f"The output directory {directory} cannot be written ({error.strerror}): "
            "name another directory."
        ) from error
    return directory / DATA


def refuse_used(directory: Path) -> None:
    """Refuse a directory that holds something."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise RebalanceError(
            f"The output directory must be new or empty, and {directory} is not: "
            "name another directory (--output)."
        )


def _write_files(simulation: Simulation, project: Path) -> None:
    _write_stack(simulation, project / STACK)
    tables = {
        DATA: _optics(simulation) + _particles(simulation),
        MODEL: _model(simulation),
        OPTIMISER: _optimiser(simulation),
        "default_pipeline.star": _pipeline(),
        "truth.csv": _truth(simulation),
    }
    for name, text in tables.items():
        (project / name).write_text(text, encoding="ascii", newline="\n")


def _write_stack(simulation: Simulation, path: Path) -> None:
    with mrcfile.new(path, data=simulation.images) as stack:
        stack.set_image_stack()
        stack.voxel_size = simulation.pixel_size
        # mrcfile's own label holds the time of writing: the same seed must give the same file
        stack.header.label[0] = b"rebalance simulate"


def _optics(simulation: Simulation) -> str:
    return _loop(
        "optics",
        {
            "rlnOpticsGroupName": ["opticsGroup1"],
            "rlnOpticsGroup": ["1"],
            "rlnMicrographOriginalPixelSize": [f"{simulation.pixel_size:.6f}"],
            "rlnVoltage": ["300.000000"],
            "rlnSphericalAberration": ["2.700000"],
            "rlnAmplitudeContrast": ["0.100000"],
            "rlnImagePixelSize": [f"{simulation.pixel_size:.6f}"],
            "rlnImageSize": [f"{simulation.settings.box}"],
            "rlnImageDimensionality": ["2"],
        },
    )


def _particles(simulation: Simulation) -> str:
    """Particle rows in the order of the micrographs; all but the class is drawn at random."""
    n = len(simulation.particle_average)
    rng = np.random.Generator(np.random.PCG64([simulation.settings.seed, 1]))
    micrograph, number = np.divmod(np.arange(n), PARTICLES_PER_MICROGRAPH)
    place = [f"Movies/mic_{index + 1:04d}.mrc" for index in micrograph]
    names = zip(number + 1, place, strict=True)
    return _loop(
        "particles",
        {
            "rlnCoordinateX": _decimals(rng.uniform(0, 4096, n)),
            "rlnCoordinateY": _decimals(rng.uniform(0, 4096, n)),
            "rlnImageName": [f"{index:06d}@Extract/job000/{mic}s" for index, mic in names],
            "rlnMicrographName": [f"MotionCorr/job000/{mic}" for mic in place],
            "rlnOpticsGroup": ["1"] * n,
            "rlnClassNumber": [f"{average + 1}" for average in simulation.particle_average],
            "rlnAnglePsi": _decimals(rng.uniform(-180, 180, n)),
            "rlnOriginXAngst": _decimals(2 * simulation.pixel_size * rng.standard_normal(n)),
            "rlnOriginYAngst": _decimals(2 * simulation.pixel_size * rng.standard_normal(n)),
            "rlnMaxValueProbDistribution": _decimals(rng.uniform(0.05, 1, n)),
            "rlnLogLikeliContribution": _decimals(20_000 + 500 * rng.standard_normal(n)),
            "rlnNrOfSignificantSamples": [f"{samples}" for samples in rng.integers(1, 40, n)],
            "rlnRandomSubset": [f"{half}" for half in rng.integers(1, 3, n)],
        },
    )


def _model(simulation: Simulation) -> str:
    n = len(simulation.images)
    general = {
        "rlnReferenceDimensionality": 2,
        "rlnDataDimensionality": 2,
        "rlnOriginalImageSize": simulation.settings.box,
        "rlnCurrentResolution": f"{simulation.resolution.min():.6f}",
        "rlnPixelSize": f"{simulation.pixel_size:.6f}",
        "rlnNrClasses": n,
    }
    classes = {
        "rlnReferenceImage": [f"{number:06d}@{STACK}" for number in range(1, n + 1)],
        "rlnClassDistribution": _decimals(simulation.particles / simulation.particles.sum()),
        "rlnEstimatedResolution": _decimals(simulation.resolution),
    }
    return _pairs("model_general", general) + _loop("model_classes", classes)


def _optimiser(simulation: Simulation) -> str:
    general = {
        "rlnOutputRootName": JOB + "run",
        "rlnModelStarFile": MODEL,
        "rlnExperimentalDataStarFile": DATA,
        "rlnCurrentIteration": 25,
        "rlnNumberOfIterations": 25,
        "rlnParticleDiameter": f"{0.9 * simulation.settings.box * simulation.pixel_size:.6f}",
        "rlnRandomSeed": simulation.settings.seed,
    }
    return _pairs("optimiser_general", general)


def _pipeline() -> str:
    processes = {
        "rlnPipeLineProcessName": [JOB],
        "rlnPipeLineProcessAlias": ["None"],
        "rlnPipeLineProcessTypeLabel": ["relion.class2d"],
        "rlnPipeLineProcessStatusLabel": ["Succeeded"],
    }
    nodes = {
        "rlnPipeLineNodeName": [DATA, OPTIMISER],
        "rlnPipeLineNodeTypeLabel": [
            "ParticleGroupMetadata.star.relion.class2d",
            "OptimiserData.star.relion.class2d",
        ],
        "rlnPipeLineNodeTypeLabelDepth": ["1", "1"],
    }
    edges = {
        "rlnPipeLineEdgeProcess": [JOB, JOB],
        "rlnPipeLineEdgeToNode": [DATA, OPTIMISER],
    }
    return (
        _pairs("pipeline_general", {"rlnPipeLineJobCounter": 2})
        + _loop("pipeline_processes", processes)
        + _loop("pipeline_nodes", nodes)
        + _loop("pipeline_output_edges", edges)
    )


def _truth(simulation: Simulation) -> str:
    columns = {
        "class_number": [f"{number + 1}" for number in range(len(simulation.images))],
        "view": [f"{view}" for view in simulation.label],
        "direction_x": _decimals(simulation.direction[:, 0]),
        "direction_y": _decimals(simulation.direction[:, 1]),
        "direction_z": _decimals(simulation.direction[:, 2]),
        "angle_deg": _decimals(simulation.angle_deg),
        "shift_y": _decimals(simulation.shift[:, 0]),
        "shift_x": _decimals(simulation.shift[:, 1]),
        "mirror": [f"{mirror:d}" for mirror in simulation.mirror],
        "particles": [f"{count}" for count in simulation.particles],
        "junk": [f"{junk:d}" for junk in simulation.junk],
        "junk_kind": list(simulation.junk_kind),
        "resolution": _decimals(simulation.resolution),
    }
    rows = [",".join(row) for row in zip(*columns.values(), strict=True)]
    return "\n".join([",".join(columns), *rows, ""])


def _decimals(values: NDArray[np.float64]) -> list[str]:
    return [f"{value:.6f}" for value in values]


def _loop(name: str, columns: Mapping[str, Iterable[str]]) -> str:
    """Text of a STAR table with rows, laid out as RELION does."""
    labels = "".join(f"_{label} #{n} \n" for n, label in enumerate(columns, start=1))
    rows = zip(*columns.values(), strict=True)
    body = "".join(" ".join(f"{value:>12}" for value in row) + " \n" for row in rows)
    return f"\n# version 50001\n\ndata_{name}\n\nloop_ \n{labels}{body} \n"


def _pairs(name: str, values: Mapping[str, object]) -> str:
    """Text of a STAR table of single values, laid out as RELION does."""
    body = "".join(f"_{label:<36} {value:>12}\n" for label, value in values.items())
    return f"\n# version 50001\n\ndata_{name}\n\n{body} \n"
