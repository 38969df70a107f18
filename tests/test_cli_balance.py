"""The options of the balance on the command line, without the pictures of a run."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rebalance
from rebalance._simulate import SimulationSettings, simulate
from rebalance._viewing import direction_bins, directions_of_angles
from rebalance.cli import main
from rebalance.io import read_particles
from rebalance.io.simulated import write_relion_job
from rebalance.sampling import sampling_compensation_factor

DATA = "Class2D/job001/run_it025_data.star"
SMALL = SimulationSettings(averages=14, views=4, box=32, particles=500, junk=0.1, empty=2)
QUALITY = "rlnMaxValueProbDistribution"


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated project; nobody changes it."""
    folder = tmp_path_factory.mktemp("balance") / "project"
    write_relion_job(simulate(SMALL), folder)
    return folder


@pytest.fixture
def project(original: Path, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return Path(shutil.copytree(original, tmp_path / "project"))


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rebalance.cli.run.save_figures", lambda *_: [])
    monkeypatch.setattr("rebalance.cli.run.write_report", lambda *_, **__: None)


def run(particles: Path, output: Path, *options: object) -> Path:
    """The main job, which must end well; junk counts as any other, so that all are balanced."""
    words = ["run", "--particles", particles, "--output", output, "--junk", "keep", *options]
    assert main([str(word) for word in words]) == 0
    return output


def refused(capsys: pytest.CaptureFixture[str], particles: Path, *options: object) -> str:
    """The one sentence of a job that is refused."""
    output = particles.parent / "out"
    words = ["run", "--particles", particles, "--output", output, *options]
    try:
        status = main([str(word) for word in words])
    except SystemExit as stop:
        status = int(str(stop.code))
    assert status == 2
    assert not output.exists()
    sentence = capsys.readouterr().err
    assert sentence.count("\n") == 1
    return sentence


def superclass_of(output: Path) -> dict[int, int]:
    with (output / "superclasses.csv").open(newline="") as file:
        return {int(r["class_number"]): int(r["superclass"]) for r in csv.DictReader(file)}


def column(star: Path, name: str) -> np.ndarray:
    values = read_particles(star).column(name)
    assert values is not None
    return values


def by_superclass(output: Path, star: Path) -> dict[int, np.ndarray]:
    """Rows of a table, as a mask, of each superclass of a run."""
    superclass = superclass_of(output)
    of_row = np.array([superclass.get(int(n), -1) for n in read_particles(star).class_number])
    return {k: of_row == k for k in sorted(set(superclass.values()) - {-1})}


def set_column(star: Path, name: str, values: list[str]) -> None:
    """Write other values into the first rows."""
    index = read_particles(star).table.labels.index(name)
    lines = star.read_text().splitlines(keepends=True)
    rows = [i for i, line in enumerate(lines) if "@" in line]
    for i, value in zip(rows, values, strict=False):
        words = lines[i].split()
        words[index] = value
        lines[i] = " ".join(words) + "\n"
    star.write_text("".join(lines))


# Rules.


def test_percentile(original, tmp_path, capsys):
    out = run(original / DATA, tmp_path / "o", "-k", 4, "--cap-percentile", 50)
    before = by_superclass(out, original / DATA)
    sizes = sorted(int(rows.sum()) for rows in before.values())
    kept = [int(rows.sum()) for rows in by_superclass(out, out / "particles.star").values()]
    assert kept == [min(int(rows.sum()), sizes[1]) for rows in before.values()]
    factor = f"amounts to a rebalance factor of {sizes[0] / sizes[1]:.4g}"
    assert factor in capsys.readouterr().out
    assert json.loads((out / "settings.json").read_text())["factor"] == pytest.approx(
        sizes[0] / sizes[1]
    )


def test_target_counts_the_rows_that_are_written(project, tmp_path):
    set_column(project / DATA, "rlnClassNumber", ["0"] * 7)
    out = run(project / DATA, tmp_path / "o", "-k", 4, "--target", 123)
    assert len(read_particles(out / "particles.star")) == 123
    kept = [int(rows.sum()) for rows in by_superclass(out, out / "particles.star").values()]
    sizes = [int(rows.sum()) for rows in by_superclass(out, project / DATA).values()]
    losing = [k for k, size in zip(kept, sizes, strict=True) if k < size]
    assert max(kept) - min(losing) <= 1


# Which go.


def test_half_sets_stay_alike_unless_ignored(original, tmp_path, capsys):
    out = run(original / DATA, tmp_path / "o", "-k", 4, "--factor", 1)
    printed = capsys.readouterr().out
    assert re.search(r"half sets +\d+ +and \d+; in a superclass they differ by at most 1", printed)
    kept = out / "particles.star"
    half = column(kept, "rlnRandomSubset")
    for rows in by_superclass(out, kept).values():
        assert abs(int((half[rows] == 1).sum()) - int((half[rows] == 2).sum())) <= 1
    options = ["-k", 4, "--factor", 1, "--ignore-half-sets"]
    other = run(original / DATA, tmp_path / "other", *options)
    assert "half sets" not in capsys.readouterr().out
    assert (other / "particles.star").read_bytes() != kept.read_bytes()


@pytest.mark.parametrize(
    ("name", "good"),
    [(QUALITY, 1), ("rlnLogLikeliContribution", 1), ("rlnNrOfSignificantSamples", -1)],
)
@pytest.mark.parametrize("given", ["", ":high", ":low"])
def test_the_worst_go(original, tmp_path, name, good, given):
    options = ["-k", 4, "--factor", 1, "--ignore-half-sets", "--drop", "worst"]
    out = run(original / DATA, tmp_path / "o", *options, "--quality-column", name + given)
    sign = {"": good, ":high": 1, ":low": -1}[given]
    kept, gone = (out / f"particles{end}.star" for end in ("", "_excluded"))
    of_kept, of_gone = by_superclass(out, kept), by_superclass(out, gone)
    for k in of_kept:
        left = sign * column(kept, name)[of_kept[k]]
        lost = sign * column(gone, name)[of_gone[k]]
        assert lost.max(initial=-np.inf) <= left.min()


def test_even_spreads_over_averages_and_micrographs(original, tmp_path):
    options = ["-k", 4, "--target", 200, "--ignore-half-sets"]
    spread: dict[str, Any] = {}
    for drop in ("random", "even"):
        out = run(original / DATA, tmp_path / drop, *options, "--drop", drop)
        kept = out / "particles.star"
        for k, rows in by_superclass(out, kept).items():
            number = read_particles(kept).class_number[rows]
            micrograph = np.unique(column(kept, "rlnMicrographName")[rows], return_counts=True)[1]
            spread[drop, k] = np.bincount(number).max(), micrograph.max()
    for k in superclass_of(out).values():
        if k >= 0:
            assert spread["even", k][0] <= spread["random", k][0]
            assert spread["even", k][1] <= spread["random", k][1] + 1


# Density.


def per_average(star: Path) -> np.ndarray:
    """Particles of each class, from class 1."""
    return np.bincount(read_particles(star).class_number, minlength=SMALL.averages + 1)[1:]


def test_by_density_keeps_the_fractions_of_the_affinity(original, tmp_path, capsys):
    data = original / DATA
    options = ["-k", 4, "--by", "density", "--project", original]
    out = run(data, tmp_path / "o", *options, "--factor", "0.6")
    assert re.search(r"\d+ class averages in crowded views lose particles", capsys.readouterr().out)
    sizes, kept = per_average(data), per_average(out / "particles.star")
    part = np.flatnonzero(sizes)
    with np.load(out / "affinity.npz", allow_pickle=False) as stored:
        values = stored["values"][np.ix_(part, part)]
    share = rebalance.keep_fractions(values, sizes[part], factor="0.6")
    np.testing.assert_array_equal(kept[part], np.ceil(share * sizes[part]))
    assert 0 < kept.sum() < sizes.sum()
    again = run(out / "particles.star", tmp_path / "again", *options, "--factor", "0.6")
    assert (kept - per_average(again / "particles.star")).max() <= 1


def test_by_density_keeps_the_target(original, tmp_path):
    options = ["-k", 4, "--by", "density", "--target", 201, "--project", original]
    out = run(original / DATA, tmp_path / "o", *options, "--drop", "even")
    kept = out / "particles.star"
    assert len(read_particles(kept)) == 201
    again = run(kept, tmp_path / "again", *options)
    assert (again / "particles.star").read_bytes() == kept.read_bytes()


@pytest.mark.parametrize("rule", [[], ["--factor", 0]])
def test_by_density_without_a_rule_drops_nothing(original, tmp_path, rule):
    out = run(original / DATA, tmp_path / "o", "-k", 4, "--by", "density", *rule)
    assert (out / "particles.star").read_bytes() == (original / DATA).read_bytes()


# Directions.


def with_poses(star: Path, rot: np.ndarray, tilt: np.ndarray) -> None:
    """Add the columns of 3D poses behind the last one."""
    lines = star.read_text().splitlines()
    rows = [i for i, line in enumerate(lines) if "@" in line]
    n_columns = len(read_particles(star).table.labels)
    for i, a, b in zip(rows, rot, tilt, strict=True):
        lines[i] += f" {a:.6f} {b:.6f} "
    labels = [f"_rlnAngleRot #{n_columns + 1}", f"_rlnAngleTilt #{n_columns + 2}"]
    lines[rows[0] : rows[0]] = labels
    star.write_text("\n".join(lines) + "\n")


@pytest.fixture
def posed(project: Path) -> Path:
    """Particles with 3D poses, three in four of which look down one axis."""
    rng = np.random.default_rng(3)
    tilt = np.degrees(np.arccos(rng.uniform(-1, 1, 500)))
    tilt = np.where(rng.random(500) < 0.75, 12 * rng.random(500), tilt)
    with_poses(project / DATA, rng.uniform(-180, 180, 500), tilt)
    return project / DATA


def measure(printed: str, name: str) -> tuple[float, float]:
    match = re.search(rf"^{name} +([\d.,]+) +([\d.,]+)$", printed, re.M)
    assert match
    return float(match[1].replace(",", "")), float(match[2].replace(",", ""))


@pytest.mark.parametrize("symmetry", ["C1", "C3"])
def test_by_directions(posed, tmp_path, capsys, symmetry):
    options = ["--by", "directions", "--direction-bins", 40, "--symmetry", symmetry]
    out = run(posed, tmp_path / "o", "-k", 4, "--max-size", 6, *options)
    printed = capsys.readouterr().out
    assert re.search(r"A bin of viewing directions \(\d+ of \d+ with particles\) keeps at", printed)
    kept = out / "particles.star"
    angles = [column(kept, name) for name in ("rlnAngleRot", "rlnAngleTilt")]
    bins = direction_bins(40, symmetry).of(directions_of_angles(*angles))
    assert np.bincount(bins).max() == 6
    before, after = measure(printed, "SCF")
    assert after > before
    assert "symmetry " + symmetry in printed
    angles = [column(posed, name) for name in ("rlnAngleRot", "rlnAngleTilt")]
    if symmetry == "C1":
        scf = sampling_compensation_factor(directions_of_angles(*angles))
        assert before == pytest.approx(scf, abs=1e-3)
    options += ["--project", posed.parents[2]]
    again = run(kept, tmp_path / "again", "-k", 4, "--max-size", 6, *options)
    assert (again / "particles.star").read_bytes() == kept.read_bytes()


def test_directions_are_shown_whatever_is_balanced(posed, tmp_path, capsys):
    run(posed, tmp_path / "o", "-k", 4)
    before, after = measure(capsys.readouterr().out, "E_od")
    assert before == after


def test_poses_that_are_none(original, project, capsys):
    options = ["--by", "directions", "--factor", "0.5", "--no-view-sphere"]
    sentence = "--by directions needs the 3D pose of each particle, and .* has none"
    assert re.search(sentence, refused(capsys, original / DATA, *options))
    with_poses(project / DATA, np.zeros(500), np.full(500, 90.0))
    sentence = "gives all particles the same, as a 2D classification does: give particles after"
    assert sentence in refused(capsys, project / DATA, *options)
    run(project / DATA, project / "out", "-k", 3)
    assert "SCF" not in capsys.readouterr().out


# Before anything is written.


@pytest.mark.parametrize("output", [["--output", "out"], []])
def test_dry_run(original, tmp_path, monkeypatch, capsys, output):
    monkeypatch.chdir(tmp_path)
    words = ["run", "--particles", original / DATA, *output, "--junk", "keep"]
    words += ["-k", 4, "--factor", "0.5"]
    assert main([*map(str, words), "--dry-run"]) == 0
    assert list(tmp_path.iterdir()) == []
    printed = capsys.readouterr().out
    assert "Nothing was written" in printed
    table = printed[printed.index("Particles that each superclass would keep") :].splitlines()
    heading, rows = table[1].split(), [line.replace(",", "").split() for line in table[2:7]]
    assert heading[:3] == ["superclass", "particles", "1"]
    sizes = [int(row[1]) for row in rows[:4]]
    assert [int(row[heading.index("0.5")]) for row in rows[:4]] == [
        min(size, 2 * min(sizes)) for size in sizes
    ]
    assert int(rows[4][heading.index("1")]) == 4 * min(sizes)
    would_keep = re.search(r"^ +kept +(\d+)", printed, re.M)[1]
    out = run(original / DATA, tmp_path / "really", *words[-4:])
    assert len(read_particles(out / "particles.star")) == int(would_keep)


def test_evenness_before_and_after(original, tmp_path, capsys):
    out = run(original / DATA, tmp_path / "o", "-k", 4, "--factor", "0.5")
    printed = capsys.readouterr().out
    sizes = [int(rows.sum()) for rows in by_superclass(out, original / DATA).values()]
    kept = [int(rows.sum()) for rows in by_superclass(out, out / "particles.star").values()]
    assert measure(printed, "largest superclass") == (max(sizes), max(kept))
    before, after = measure(printed, "Gini coefficient of sizes")
    assert after < before
    assert measure(printed, "smallest / largest")[1] == pytest.approx(
        min(kept) / max(kept), abs=6e-4
    )


# A set for each superclass.


def test_split(original, tmp_path):
    out = run(original / DATA, tmp_path / "o", "-k", 4, "--factor", "0.5", "--split")
    kept = read_particles(out / "particles.star")
    superclass = superclass_of(out)
    folders = sorted((out / "split").iterdir())
    assert [folder.name for folder in folders] == [f"superclass_00{k}" for k in range(4)]
    rows: list[int] = []
    for k, folder in enumerate(folders):
        part = read_particles(folder / "particles.star")
        assert {superclass[int(n)] for n in part.class_number} == {k}
        names = re.findall(r"(\d{6})@", (folder / "class_averages.star").read_text())
        assert [int(name) for name in names] == [n for n, own in superclass.items() if own == k]
        rows.extend(part.identity.tolist())
    assert sorted(rows) == sorted(kept.identity.tolist())


# Refusals.


def test_options_that_are_refused(original, capsys):
    sentences = {
        "--factor 1 --target 5": "rebalance factor and target cannot be given together",
        "--factor 1 --cap-percentile 5": "rebalance factor and cap percentile cannot be given",
        "--cap-percentile 5 --target 5": "cap percentile and target cannot be given together",
        "--by nothing": "argument --by: invalid choice: 'nothing'",
        "--by density --max-size 5": "--by density takes --factor, which bounds smallest / largest",
        "--by density --cap-percentile 5": "--by density takes --factor, which bounds",
        "--symmetry X": "symmetry must be C1 to C100, D1 to D100, T, O, I, I1 or I2, not 'X'",
        "--direction-bins 0": "direction bins must be a whole number from 1 to 100000, not 0",
        "--target 501": "target must be at most the 500 particles that can stay, not 501",
        "--target 0": "target must be a whole number from 1, not 0",
        "--cap-percentile 101": "cap percentile must be a number from 0 to 100, not '101'",
        "--drop best": "argument --drop: invalid choice: 'best'",
        "--drop worst": "--drop worst needs to know which particles are good: give --quality-col",
        "--factor 1 --quality-column rlnX": "--drop random does not ask: leave it out, or add",
        "--factor 1 --drop worst --quality-column rlnX": "quality column rlnX is not in ",
        "--factor 1 --drop worst --quality-column rlnAnglePsi": "whether high or low values of "
        "quality column rlnAnglePsi are good is not known: write --quality-column rlnAnglePsi:hi",
        "--factor 1 --drop worst --quality-column rlnImageName:low": "quality column rlnImageName "
        f"of {original / DATA} must be a number for every particle, but in 500 of 500 rows it is",
    }
    for options, sentence in sentences.items():
        assert sentence in refused(capsys, original / DATA, *options.split())


def test_quality_that_is_no_number_in_some_rows(project, capsys):
    set_column(project / DATA, QUALITY, ["0.5", "nan", "0.1", "none", "inf", "1"])
    sentence = (
        f"quality column {QUALITY} of {project / DATA} must be a number for every particle, but in "
        "3 of 500 rows it is not, first in row 2 ('nan'): repair or remove them, or choose"
    )
    options = ["--factor", 1, "--drop", "worst", "--quality-column", QUALITY]
    assert sentence in refused(capsys, project / DATA, *options)
    run(project / DATA, project / "other", "-k", 4, "--factor", 1)  # random does not ask
