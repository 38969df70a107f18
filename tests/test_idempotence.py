"""A second run on the particles that a first one kept, with the same settings, changes nothing."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_pipeline import Job, make_job

from rebalance import Affinity
from rebalance._simulate import SimulationSettings, simulate
from rebalance.cli import main
from rebalance.config import (
    AffinitySettings,
    BalanceSettings,
    RunSettings,
    SuperclassSettings,
    TakePartSettings,
)
from rebalance.io import read_particles
from rebalance.io.simulated import write_relion_job
from rebalance.io.simulated_cryosparc import write_cryosparc_job
from rebalance.io.tables import ParticleColumns
from rebalance.pipeline import Result
from rebalance.pipeline import run as run_pipeline

DATA = "Class2D/job001/run_it025_data.star"
# Many averages of few particles, so that the draw leaves some without any.
SMALL = SimulationSettings(averages=16, views=3, box=24, particles=150, empty=2, seed=5)
QUALITY = ["--drop", "worst", "--quality-column", "rlnLogLikeliContribution"]
CASES = {
    "factor": ["-k", 3, "--factor", "1"],
    "number found": ["--factor", "0.9"],
    "worst": ["-k", 4, "--factor", "0.7", *QUALITY],
    "even": ["--max-size", 4, "--drop", "even"],
    "percentile": ["-k", 5, "--cap-percentile", 30, "--ignore-half-sets"],
    "target": ["-k", 3, "--target", 20, "--drop", "even"],
    "target, worst": ["-k", 3, "--target", 2, *QUALITY],
    "each its own": ["--no-superclassification", "--target", 9],
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated project of RELION."""
    folder = tmp_path_factory.mktemp("idempotence") / "project"
    write_relion_job(simulate(SMALL), folder)
    return folder


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rebalance.cli.run.save_figures", lambda *_: [])
    monkeypatch.setattr("rebalance.cli.run.write_report", lambda *_, **__: None)


def run(particles: Path, output: Path, *options: object) -> Path:
    words = ["run", "--particles", particles, "--output", output, *options]
    assert main([str(word) for word in words]) == 0
    return output


def superclasses(output: Path) -> list[tuple[str, str, str]]:
    """Class number, superclass and particles kept of every average."""
    with (output / "superclasses.csv").open(newline="") as file:
        return [(r["class_number"], r["superclass"], r["kept"]) for r in csv.DictReader(file)]


def assert_same(first: Path, again: Path, suffix: str) -> None:
    for name in ("particles", "class_averages"):
        assert (first / (name + suffix)).read_bytes() == (again / (name + suffix)).read_bytes()
    assert superclasses(first) == superclasses(again)


@pytest.mark.parametrize("case", CASES)
def test_relion(project: Path, tmp_path: Path, case: str) -> None:
    first = run(project / DATA, tmp_path / "first", "--project", project, *CASES[case])
    emptied = [row for row in superclasses(first) if row[1] != "-1" and row[2] == "0"]
    assert emptied or case in ("factor", "number found", "even", "percentile", "worst")
    kept = first / "particles.star"
    again = run(kept, tmp_path / "again", "--project", project, *CASES[case])
    assert len(read_particles(again / "particles_excluded.star")) == 0
    assert_same(first, again, ".star")
    third = run(again / "particles.star", tmp_path / "third", "--project", project, *CASES[case])
    assert_same(first, third, ".star")


def test_cases_leave_averages_without_particles(project: Path, tmp_path: Path) -> None:
    first = run(project / DATA, tmp_path / "o", *CASES["factor"])
    assert any(row[1] != "-1" and row[2] == "0" for row in superclasses(first))
    # Without what stands beside them, the particles lead to another grouping.
    elsewhere = project / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(first / "particles.star", elsewhere / "run_it025_data.star")
    model = ["--model", project / DATA.replace("data", "model")]
    again = run(elsewhere / "run_it025_data.star", tmp_path / "again", *model, *CASES["factor"])
    assert superclasses(first) != superclasses(again)


@pytest.mark.parametrize("options", [["--model"], ["--classes"]])
def test_averages_given_again(project: Path, tmp_path: Path, options: list[str]) -> None:
    ending = {"--model": "_model.star", "--classes": "_classes.mrcs"}[options[0]]
    options = [*options, str(project / DATA.replace("_data.star", ending)), "--factor", "1"]
    first = run(project / DATA, tmp_path / "first", *options)
    again = run(first / "particles.star", tmp_path / "again", *options)
    assert_same(first, again, ".star")


def test_cryosparc(tmp_path: Path) -> None:
    folder = write_cryosparc_job(simulate(SMALL), tmp_path / "project")
    particles = folder / "J1/cryosparc_P1_J1_020_particles.cs"
    options = ["-k", 3, "--target", 12, "--drop", "even"]
    first = run(particles, folder / "first", *options)
    assert any(row[1] != "-1" and row[2] == "0" for row in superclasses(first))
    again = run(first / "particles.cs", folder / "again", *options)
    assert superclasses(first) == superclasses(again)


def test_a_damaged_table_of_the_earlier_run_is_refused(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(project / DATA, tmp_path / "first", "--project", project)
    (first / "superclasses.csv").write_text("class_number,superclass\n1,none\n")
    words = ["--particles", first / "particles.star", "--output", tmp_path / "o"]
    assert main(["run", *map(str, words), "--project", str(project)]) == 2
    assert (
        f"{first / 'superclasses.csv'} must be the whole table that an earlier run wrote"
        in capsys.readouterr().err
    )


def test_what_stands_beside_other_particles_does_not_matter(project: Path, tmp_path: Path) -> None:
    first = run(project / DATA, tmp_path / "first", "--project", project, "-k", 2, "--factor", 1)
    (first / "settings.json").unlink()
    again = run(first / "particles.star", tmp_path / "again", "--project", project)
    left_out = [row[1] for row in superclasses(again) if row[2] == "0"]
    assert set(left_out) == {"-1"}
    assert json.loads((again / "settings.json").read_text())["n_superclasses"] >= 1


# The same without files, in many more cases.

RULES: list[dict[str, Any]] = [
    {"factor": Decimal(1)},
    {"factor": Decimal("0.37")},
    {"factor": Decimal(0), "max_size": 3},
    {"max_size": 2},
    {"cap_percentile": Decimal(40)},
    {"target": 7},
    {},
]


def random_affinity(rng: np.random.Generator, n: int) -> Affinity:
    values = rng.random((n, n)).astype(np.float32)
    values = (values + values.T) / 2
    np.fill_diagonal(values, 1)
    zero = np.zeros((n, n), np.float32)
    return Affinity(values, zero, np.zeros((n, n, 2), np.float32), zero > 1, AffinitySettings())


def columns_of(job: Job) -> ParticleColumns:
    """What is known of particles, by their identity, so that the same is known of those kept."""
    number = job.particles.identity.astype(np.int64)
    return ParticleColumns(
        quality=np.sin(number.astype(float)),
        half_sets=(number * number % 3).astype(np.int8),
        micrographs=(number % 5).astype(np.int32),
    )


def kept_job(job: Job, result: Result) -> Job:
    """What is found beside the particles that a run kept."""
    keep, took_part = result.balance.keep, result.superclasses.labels >= 0
    particles = dataclasses.replace(
        job.particles,
        class_number=job.particles.class_number[keep],
        given_identity=job.particles.identity[keep],
    )
    return Job(particles, dataclasses.replace(job.averages, selected=took_part))


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    rule=st.sampled_from(RULES),
    drop=st.sampled_from(["random", "worst", "even"]),
    k=st.sampled_from([None, 1, 2, 4]),
    each=st.booleans(),
)
def test_in_many_cases(seed: int, rule: dict[str, Any], drop: str, k: int | None, each: bool):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 9))
    sizes = [int(size) for size in rng.geometric(0.15, n) - 1]
    if sum(size > 0 for size in sizes) < 4 or sum(sizes) < 7:
        return
    job = make_job(sizes, n_classless=int(rng.integers(0, 3)))
    job.averages.images[rng.integers(0, n)] = 0
    if (np.array(sizes) * (job.averages.images.std(axis=(1, 2)) > 0) > 0).sum() < 4:
        return
    aff = random_affinity(rng, n)
    asked = RunSettings(
        take_part=TakePartSettings(junk="keep"),
        superclasses=SuperclassSettings(None if each else k, superclassification=not each),
        balance=BalanceSettings(**rule, drop=drop, seed=int(seed)),
    )
    blank = job.averages.images.std(axis=(1, 2)) == 0
    n_others = int((np.array(sizes) * blank).sum())
    if rule.get("target", n_others) < n_others:
        return
    first = run_pipeline(job, asked, given=aff, columns=columns_of(job))
    left = kept_job(job, first)
    took_part = first.superclasses.labels >= 0
    again = run_pipeline(left, asked, given=aff, columns=columns_of(left), took_part=took_part)
    assert again.superclasses.labels.tolist() == first.superclasses.labels.tolist()
    assert again.balance.keep.all()
    assert again.kept.tolist() == first.kept.tolist()
    if first.balance.factor is not None:  # no superclass was left without particles
        assert again.balance.factor == first.balance.factor
