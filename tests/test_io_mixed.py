"""Particles of one program with class averages of the other."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import starfile

from rebalance import RebalanceError, SimulationSettings, simulate
from rebalance._simulate import Simulation
from rebalance.cli import main
from rebalance.config import BalanceSettings, RunSettings, SuperclassSettings
from rebalance.io import open_cryosparc_directory, open_job
from rebalance.io.csg import read_csg
from rebalance.io.simulated import write_relion_job
from rebalance.io.simulated_cryosparc import ROOT, write_cryosparc_job
from rebalance.pipeline import run

SMALL = SimulationSettings(averages=14, views=3, box=32, particles=400, junk=0.2, empty=1)
RELION = "Class2D/job001/run_it025_"


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(SMALL)


@pytest.fixture(scope="module")
def relion(simulation, tmp_path_factory) -> Path:
    return write_relion_job(simulation, tmp_path_factory.mktemp("mixed") / "relion").parents[2]


@pytest.fixture(scope="module")
def cryosparc(simulation, tmp_path_factory) -> Path:
    return write_cryosparc_job(simulation, tmp_path_factory.mktemp("mixed") / "cryosparc")


def test_the_same_superclasses_whatever_the_files(relion, cryosparc):
    star, cs = Path(f"{relion / RELION}data.star"), cryosparc / "J1" / f"{ROOT}_particles.cs"
    stack, model = Path(f"{relion / RELION}classes.mrcs"), Path(f"{relion / RELION}model.star")
    templates = cryosparc / "J1" / f"{ROOT}_class_averages.cs"
    group = cryosparc / "J1" / "P1_J1_class_averages.csg"
    jobs = {
        "relion": open_job(star),
        "cryosparc": open_job(cs),
        "star with .cs": open_job(star, templates),
        "star with .csg": open_job(star, group),
        "cs with stack": open_job(cs, stack),
        "cs with model": open_job(cs, model=model),
        "csg with stack": open_job(cryosparc / "J1" / "P1_J1_particles.csg", stack),
        "job with .cs": open_cryosparc_directory(cryosparc, "J1", templates),
    }
    asked = RunSettings(superclasses=SuperclassSettings(3), balance=BalanceSettings(Decimal("0.5")))
    results = {name: run(job, asked, threads=1) for name, job in jobs.items()}
    expected = results["relion"]
    for name, result in results.items():
        first = 1 if name in ("relion", "star with .cs", "star with .csg") else 0
        assert result.averages.class_number.tolist() == list(range(first, 14 + first)), name
        assert np.array_equal(result.affinity.values, expected.affinity.values), name
        assert np.array_equal(result.superclasses.labels, expected.superclasses.labels), name
        assert np.array_equal(result.balance.sizes, expected.balance.sizes), name
        assert np.array_equal(result.balance.kept, expected.balance.kept), name
        assert result.averages.pixel_size == expected.averages.pixel_size, name


def test_star_rows_with_templates_on_the_command_line(relion, cryosparc, tmp_path):
    words = ["run", "--particles", f"{relion / RELION}data.star", "--output", tmp_path / "out"]
    words += ["--classes", cryosparc / "J1" / "P1_J1_class_averages.csg", "-k", "3", "-j", "1"]
    assert main([str(word) for word in words]) == 0
    assert (tmp_path / "out" / "class_averages.star").exists()


def test_star_rows_with_templates(simulation, relion, cryosparc, tmp_path):
    averages = cryosparc / "J2" / "templates_selected.cs"
    with pytest.raises(RebalanceError, match=r"of .*data.star are of classes without a temp"):
        open_job(Path(f"{relion / RELION}data.star"), averages)
    job = open_job(
        Path(f"{relion / RELION}optimiser.star"), cryosparc / "J1" / f"{ROOT}_class_averages.cs"
    )
    assert job.averages.class_number.tolist() == list(range(1, 15))
    assert np.array_equal(job.averages.images, simulation.images)
    job.write_averages(np.arange(14) < 2, tmp_path / "class_averages.star")
    written = starfile.read(tmp_path / "class_averages.star")
    stack = f"J1/{ROOT}_class_averages.mrc"
    assert written["rlnReferenceImage"].tolist() == [f"000001@{stack}", f"000002@{stack}"]


def test_cs_rows_with_a_model_write_templates_of_their_own(relion, cryosparc, tmp_path):
    job = open_job(
        cryosparc / "J1" / f"{ROOT}_particles.cs", model=Path(f"{relion / RELION}model.star")
    )
    job.write_averages(np.arange(14) % 2 == 1, tmp_path / "class_averages.cs")
    rows = np.load(tmp_path / "class_averages.cs", allow_pickle=False)
    assert rows["blob/idx"].tolist() == [1, 3, 5, 7, 9, 11, 13]
    assert set(rows["blob/path"].tolist()) == {f"{RELION}classes.mrcs".encode()}
    assert rows["blob/shape"].tolist() == [[32, 32]] * 7
    assert np.allclose(rows["blob/psize_A"], 3)
    assert len(set(rows["uid"].tolist())) == 7
    slot = read_csg(tmp_path / "class_averages.csg").slots["blob"]
    assert (slot.type, slot.num_items, slot.file.name) == ("template.blob", 7, "class_averages.cs")


def test_cs_rows_of_more_classes_than_the_stack(cryosparc, tmp_path):
    other = simulate(SimulationSettings(averages=9, views=3, box=32, particles=90))
    stack = f"{write_relion_job(other, tmp_path / 'other').parents[2] / RELION}classes.mrcs"
    with pytest.raises(RebalanceError, match=r"without a template in .*classes.mrcs \(9, 10, 11"):
        open_job(cryosparc / "J1" / f"{ROOT}_particles.cs", Path(stack))
