"""The job of ccpem-pipeliner: found by its entry point, and run by that package."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from rebalance._simulate import simulate
from rebalance._simulation_settings import SimulationSettings
from rebalance.io.simulated import write_relion_job

NAME = "rebalance.select.particles"
DATA = "Class2D/job001/run_it025_data.star"

needs_pipeliner = pytest.mark.skipif(
    importlib.util.find_spec("pipeliner") is None,
    reason="ccpem-pipeliner is not installed: pip install 'rebalance2d[pipeliner]'",
)
# What a user of the package writes, run in a process of its own: it imports a great deal.
LOOK = """
import json, sys
from pipeliner.job_factory import new_job_of_type
found = []
for options in json.load(sys.stdin):
    job = new_job_of_type("rebalance.select.particles")
    for name, value in options.items():
        job.joboptions[name].value = value
    job.output_dir = "Select/job005/"
    job.create_output_nodes()
    errors = [error.message for error in job.validate_joboptions() if error.type == "error"]
    nodes = {node.name: node.type for node in job.output_nodes}
    found.append([job.get_commands()[0].cmd, errors, nodes])
print(json.dumps(found))
"""
RUN = """
from pathlib import Path
from pipeliner.api.manage_project import PipelinerProject
project = PipelinerProject(make_new_project=True)
job = project.run_job(
    {"_rlnJobTypeLabel": "rebalance.select.particles", "in_parts": "DATA", "factor": "0.5",
     "n_superclasses": "4", "nr_threads": 1},
    run_in_foreground=True,
)
shown = [type(shown).__name__ for shown in job.create_results_display()]
print(job.output_dir, *shown)
"""


def python(code: str, folder: Path, given: str = "") -> str:
    """What a program prints."""
    end = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert end.returncode == 0, end.stderr
    return end.stdout


PLAIN = {"nr_threads": "3"}
ALL = {"factor": "0.07", "max_size": "50", "n_superclasses": "16", "mask_diameter": "60px"}
ALL |= {"max_shift": "12.5", "seed": "7", "model": "m.star", "no_superclassification": "Yes"}
ALL |= {"other_args": "--angpix '1 2'"}
GOOD = [{"factor": ""}, {"factor": "0"}, {"factor": ".5"}, {"factor": "1.0"}, {"max_shift": ""}]
WRONG = [{"factor": "1.5"}, {"n_superclasses": "few"}, {"n_superclasses": "0"}, {"max_size": "0"}]
WRONG += [{"mask_diameter": "wide"}]
Looked = tuple[list[str], list[str], dict[str, str]]


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> list[Looked]:
    """Command, errors and result nodes of the job for the options above, in order."""
    folder = tmp_path_factory.mktemp("looked")
    (folder / "p.star").touch()
    options = [{"in_parts": "p.star"} | given for given in (PLAIN, ALL, *GOOD, *WRONG)]
    found: list[Looked] = json.loads(python(LOOK, folder, json.dumps(options)).splitlines()[-1])
    return found


def test_entry_point_is_declared():
    [point] = entry_points(group="ccpem_pipeliner.jobs", name=NAME)
    assert point.value == "rebalance._pipeliner:RebalanceJob"


@needs_pipeliner
def test_command_and_nodes(looked):
    command, errors, nodes = looked[0]
    call = "python3 -m rebalance external --o Select/job005/ --in_parts p.star --k auto --seed 0"
    assert command == [*call.split(), "--j", "3"]
    assert errors == []
    assert nodes == {
        "Select/job005/particles.star": "ParticleGroupMetadata.star.relion",
        "Select/job005/class_averages.star": "Image2DGroupMetadata.star.relion.classaverages",
        "Select/job005/logfile.pdf": "LogFile.pdf.relion",
    }


@needs_pipeliner
def test_every_option_reaches_the_command(looked):
    command, errors, _ = looked[1]
    assert errors == []
    words = " ".join(command)
    for part in ("--factor 0.07", "--max-size 50", "--k 16", "--mask-diameter 60px", "--seed 7"):
        assert f" {part} " in words
    for part in ("--max-shift 12.5", "--model m.star", "--no-superclassification"):
        assert f" {part} " in words
    assert command[-2:] == ["--angpix", "1 2"]


@needs_pipeliner
def test_wrong_values_are_refused_by_the_form(looked):
    counts = [len(errors) for _, errors, _ in looked[2:]]
    assert counts == [0] * len(GOOD) + [1] * len(WRONG)


@needs_pipeliner
def test_the_package_runs_the_job(tmp_path):
    project = tmp_path / "project"
    small = SimulationSettings(averages=14, views=4, box=32, particles=500)
    write_relion_job(simulate(small), project)
    (project / "default_pipeline.star").unlink()
    words = python(RUN.replace("DATA", DATA), project).splitlines()[-1].split()
    assert words[1:] == ["ResultsDisplayImage"] * 4 + ["ResultsDisplayHtml"]
    job = project / words[0]
    names = {path.name for path in job.iterdir()}
    assert {"particles.star", "class_averages.star", "logfile.pdf", "report.html"} <= names
    assert {"RELION_JOB_EXIT_SUCCESS", "PIPELINER_JOB_EXIT_SUCCESS"} <= names
    pipeline = (project / "default_pipeline.star").read_text()
    assert f"{words[0]}particles.star" in pipeline
    assert "Succeeded" in pipeline
