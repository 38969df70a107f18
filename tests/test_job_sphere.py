"""The sphere of views in a run: what it writes, says, draws, and balances by."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

import rebalance
from rebalance import ViewSphere
from rebalance._job_sphere import AFFINITY, POSES, SPHERE, fallback_warnings, in_bins, views_from
from rebalance._sphere_sampling import compensation, foretell_sampling, unseen_share
from rebalance._symmetry import rotations
from rebalance.cli import main
from rebalance.sampling import half_sphere, sampling_compensation_factor

DATA = "Class2D/job001/run_it025_data.star"


def made_sphere(
    direction: np.ndarray, verdict: str = "trusted", symmetry: str = "C1"
) -> ViewSphere:
    told = np.isfinite(direction[:, 0])
    return ViewSphere(
        direction=direction,
        uncertainty=np.where(told, 2.0, np.nan),
        verdict=verdict,
        reasons=("halves agree",),
        left_out=tuple("" if known else "blank" for known in told),
        agreement_of_halves=0.99,
        symmetry=symmetry,
    )


# ---------------------------------------------------------------------- what it foretells


def test_even_views_are_foretold_to_be_even() -> None:
    foretold = foretell_sampling(made_sphere(half_sphere(300)), np.full(300, 10), np.full(300, 10))
    assert foretold is not None
    assert foretold.scf[0] == foretold.scf[1] > 0.98
    assert foretold.unseen == 0
    assert foretold.covered == 1


def test_the_prediction_is_that_of_particles_which_scatter_about_their_average() -> None:
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(60, 3)) * [1, 1, 3]
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    particles = rng.integers(100, 400, 60)
    foretold = foretell_sampling(made_sphere(direction), particles, particles)
    views = np.repeat(direction, particles, axis=0)
    views += np.radians(5) * rng.normal(size=views.shape)  # along the view it changes nothing
    assert foretold is not None
    assert foretold.scf[0] == pytest.approx(sampling_compensation_factor(views), abs=0.02)
    assert 0 < foretold.error[0] < 0.1


def test_particles_without_a_direction_are_not_covered() -> None:
    direction = half_sphere(40)
    direction[:10] = np.nan
    foretold = foretell_sampling(made_sphere(direction), np.full(40, 5), np.full(40, 3))
    assert foretold is not None
    assert foretold.covered == 0.75
    assert foretell_sampling(made_sphere(direction), np.full(40, 5), np.zeros(40, int)) is None
    unknown = made_sphere(np.full((40, 3), np.nan))
    assert foretell_sampling(unknown, np.full(40, 5), np.full(40, 5)) is None


def test_a_view_along_an_axis_of_symmetry_is_seen_along_all_of_them() -> None:
    one = np.array([[1.0, 0.0, 0.0]])
    assert unseen_share(one, rotations("C1")) == pytest.approx(1 - 0.034, abs=0.003)
    assert unseen_share(one, rotations("O")) == pytest.approx(1 - 3 * 0.034, abs=0.005)


def test_nothing_sampled_is_nothing() -> None:
    assert compensation(np.zeros(4)) == 0


# ------------------------------------------------------------------ where views come from


def test_views_come_from_poses_the_sphere_or_the_affinity() -> None:
    trusted, doubted = made_sphere(half_sphere(5)), made_sphere(half_sphere(5), "partly")
    assert views_from("superclasses", True, trusted) == ""
    assert views_from("directions", True, trusted) == POSES
    assert views_from("directions", False, trusted) == SPHERE
    assert views_from("density", True, trusted) == SPHERE
    for sphere in (doubted, None):
        assert views_from("density", True, sphere) == AFFINITY
    assert in_bins("directions", SPHERE)
    assert not in_bins("directions", AFFINITY)


def test_the_affinity_is_never_taken_silently() -> None:
    doubted = made_sphere(half_sphere(5), "cannot be told")
    assert fallback_warnings("density", AFFINITY, doubted) == (
        "the balance by density estimates how crowded views are from the affinity, as the sphere "
        "of views cannot be told: halves agree",
    )
    assert (
        "is trusted in part only"
        in fallback_warnings("directions", AFFINITY, made_sphere(half_sphere(5), "partly"))[0]
    )
    assert fallback_warnings("density", SPHERE, doubted) == ()
    assert fallback_warnings("density", AFFINITY, None) == ()


# ---------------------------------------------------------------------------- a whole run


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("views") / "job"
    words = "--averages 60 --views 0 --snr 10 --seed 1 --particles 3000 --bump-share 0.8"
    assert main(["simulate", "--output", str(folder), *words.split()]) == 0
    run = ["run", "-j", "1", "--particles", str(folder / DATA)]
    assert main([*run, "--output", str(folder / "one")]) == 0
    return folder


def again(job: Path, output: Path, *options: object) -> None:
    """The same averages, not compared again."""
    words = ["run", "-j", 1, "--particles", job / DATA, "--output", output]
    words += ["--affinity", job / "one" / "affinity.npz", *options]
    assert main([str(word) for word in words]) == 0


def views_of(output: Path) -> list[dict[str, str]]:
    with (output / "views.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_writes_the_views(job: Path) -> None:
    rows, record = views_of(job / "one"), json.loads((job / "one/settings.json").read_text())
    assert len(rows) == 60
    direction = np.array([[float(row[axis]) for axis in "xyz"] for row in rows])
    assert np.allclose(np.linalg.norm(direction, axis=1), 1, atol=1e-5)
    assert {row["left_out"] for row in rows} == {""}
    assert sum(int(row["particles"]) for row in rows) == 3000
    assert record["view_sphere"]["verdict"] == "trusted"
    assert record["settings"]["views"] == {"sphere": True}
    assert record["settings"]["balance"]["symmetry"] == "C1"
    assert (job / "one/views.png").stat().st_size > 10_000


def test_directions_of_the_averages_are_balanced(
    job: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    again(job, tmp_path / "o", "--by", "directions", "--factor", "0.5")
    out = capsys.readouterr().out
    assert "A bin of viewing directions of the averages (" in out
    scf = r"predicted SCF is ([0-9.]+) \+- [0-9.]+ .*, ([0-9.]+) \+- [0-9.]+ after the balance\."
    found = re.search(r"Do I have preferred orientation\? .*" + scf, out)
    assert found is not None
    assert float(found[2]) > float(found[1])


def test_a_balance_by_density_is_that_of_the_directions(
    job: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again(job, tmp_path / "o", "--by", "density", "--target", "1000")
    told = "class averages in crowded views lose particles, as the sphere of views tells."
    assert told in capsys.readouterr().out
    rows = views_of(tmp_path / "o")
    direction = np.array([[float(row[axis]) for axis in "xyz"] for row in rows])
    particles, kept = (np.array([int(row[c]) for row in rows]) for c in ("particles", "kept"))
    told = made_sphere(direction)
    told.uncertainty[:] = [float(row["uncertainty_deg"]) for row in rows]
    nothing = np.eye(len(rows))  # every average has a direction
    wanted = rebalance.keep_fractions(nothing, particles, keep=1 / 3, sphere=told) * particles
    assert kept.sum() == 1000
    assert np.abs(kept - wanted).max() < 1.01


def test_without_the_sphere(job: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    again(job, tmp_path / "o", "--no-view-sphere", "--by", "density", "--factor", "0.5")
    out = capsys.readouterr().out
    assert "crowded views lose particles, as the affinity tells." in out
    assert "preferred orientation" not in out
    assert not (tmp_path / "o/views.csv").exists()
    assert json.loads((tmp_path / "o/settings.json").read_text())["view_sphere"] is None


def test_what_cannot_be_told_is_said_and_the_affinity_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "--averages 24 --views 6 --seed 2 --particles 600 --snr 0.3"
    assert main(["simulate", "--output", str(tmp_path / "job"), *words.split()]) == 0
    capsys.readouterr()
    run = ["run", "-j", "1", "--particles", str(tmp_path / "job" / DATA), "--by", "directions"]
    assert main([*run, "--output", str(tmp_path / "o"), "--factor", "0.5"]) == 0
    out = capsys.readouterr().out
    assert "Do I have preferred orientation? The class averages cannot tell: " in out
    assert "warning: the balance by directions estimates how crowded views are from the " in out
    assert not (tmp_path / "o/views.png").exists()
    assert main([*run, "--output", str(tmp_path / "p"), "--max-size", "5"]) == 2
    assert "takes a rebalance factor or a target, and no maximum size" in capsys.readouterr().err
