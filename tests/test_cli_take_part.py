"""Options about averages that take part: where every particle goes, and what is said."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from rebalance._simulate import Simulation, SimulationSettings, simulate
from rebalance.cli import main
from rebalance.io.csg import read_csg
from rebalance.io.simulated import write_relion_job
from rebalance.io.simulated_cryosparc import ROOT, write_cryosparc_job

DATA = "Class2D/job001/run_it025_data.star"
SIMULATION = SimulationSettings(
    averages=30, views=4, box=40, particles=1500, junk=0.3, empty=1, seed=2, particle_ratio=10
)
FIRST_COLUMNS = ["class_number", "superclass", "particles", "kept"]


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(SIMULATION)


@pytest.fixture(scope="module")
def data(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("junk") / "project"
    write_relion_job(simulation, folder)
    return folder / DATA


@pytest.fixture(scope="module")
def affinity(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("first") / "out"
    assert run(data, output, "-k", "4") == 0
    return output / "affinity.npz"


def run(data: Path, output: Path, *options: str, affinity: Path | None = None) -> int:
    # Views of so few are sought in vain, for long; nothing here hangs on them.
    words = ["run", "--particles", str(data), "--output", str(output), "--no-view-sphere", *options]
    return main([*words, "--affinity", str(affinity)] if affinity else words)


def rows(star: Path) -> list[bytes]:
    return [line for line in star.read_bytes().splitlines() if b"@" in line]


def parts(output: Path) -> dict[str, list[bytes]]:
    return {path.stem: rows(path) for path in output.glob("particles*.star")}


def table(output: Path) -> dict[int, dict[str, str]]:
    with (output / "superclasses.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0])[:4] == FIRST_COLUMNS
    return {int(line["class_number"]): line for line in lines}


def assert_all_there(data: Path, output: Path) -> None:
    """Every row of the input stands in exactly one output."""
    found = [row for part in parts(output).values() for row in part]
    assert sorted(found) == sorted(rows(data))


def junk_classes(output: Path) -> list[int]:
    return [number for number, line in table(output).items() if line["junk"]]


def particles_of(simulation: Simulation, classes: list[int]) -> int:
    return int(simulation.particles[np.array(classes, dtype=int) - 1].sum())


def text(html: Path) -> str:
    return re.sub(r"<[^>]*>", " ", html.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def reported(data: Path, affinity: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("reported") / "out"
    assert run(data, output, "-k", "4", "--factor", "0.5", affinity=affinity) == 0
    return output


def test_junk_is_reported_and_kept(simulation, data, affinity, tmp_path, capsys):
    reported = tmp_path / "out"
    assert run(data, reported, "-k", "4", "--factor", "0.5", affinity=affinity) == 0
    lines = table(reported)
    junk = junk_classes(reported)
    truly = {i + 1 for i in np.flatnonzero(simulation.junk | (simulation.particles == 0))}
    assert set(junk) == truly
    for number in junk:
        line = lines[number]
        assert line["superclass"] == "-1"
        assert line["kept"] == line["particles"]
        assert line["left_out"] in (f"junk ({line['junk']})", "blank")
    assert set(parts(reported)) == {"particles", "particles_excluded"}
    assert_all_there(data, reported)
    said = capsys.readouterr().out
    sentence = rf"junk: {len(junk)} averages \(.*\) with {particles_of(simulation, junk):,} partic"
    assert re.search(sentence + "les, in no superclass", said)
    assert f"Junk: {len(junk)} averages" in text(reported / "report.html")
    assert f"junk ({lines[junk[0]]['junk']})" in text(reported / "report.html")


def test_junk_is_set_aside(simulation, data, affinity, reported, tmp_path, capsys):
    output = tmp_path / "aside"
    options = ("-k", "4", "--factor", "0.5", "--junk", "set-aside")
    assert run(data, output, *options, affinity=affinity) == 0
    assert_all_there(data, output)
    found = parts(output)
    junk = junk_classes(output)
    assert junk == junk_classes(reported)
    assert len(found["particles_set_aside"]) == particles_of(simulation, junk)
    assert found["particles_excluded"] == parts(reported)["particles_excluded"]
    assert {table(output)[number]["kept"] for number in junk} == {"0"}
    assert re.search(rf"set aside +{particles_of(simulation, junk)} ", capsys.readouterr().out)


def test_junk_is_kept_as_any_other(data, affinity, tmp_path, capsys):
    output = tmp_path / "out"
    assert run(data, output, "-k", "4", "--junk", "keep", affinity=affinity) == 0
    assert junk_classes(output) == []
    outside = [line for line in table(output).values() if line["superclass"] == "-1"]
    assert [line["left_out"] for line in outside] == ["blank"]
    assert not re.search("^junk:|junk [(]", capsys.readouterr().out, re.MULTILINE)


def test_without_superclassification_junk_is_named_only(data, affinity, reported, tmp_path, capsys):
    output = tmp_path / "single"
    options = ("--no-superclassification", "--junk", "set-aside")
    assert run(data, output, *options, affinity=affinity) == 0
    assert junk_classes(output) == junk_classes(reported)
    assert parts(output)["particles_set_aside"] == []
    lines = [line for line in table(output).values() if line["junk"] not in ("", "blank")]
    assert all(int(line["superclass"]) >= 0 for line in lines)
    said = capsys.readouterr().out
    assert ", named only" in said
    assert "warning: without superclassification junk is only named, and not set aside" in said
    assert f"looks like junk ({lines[0]['junk']})" in text(output / "report.html")


def test_classes_left_out_by_every_way(simulation, data, affinity, tmp_path, capsys):
    views = [i + 1 for i in np.flatnonzero(simulation.label >= 0)]
    (tmp_path / "list.txt").write_text(f"{views[2]}  # by eye\n")
    lines = f"class_number,action,value\n{views[3]},leave_out,\n"
    (tmp_path / "constraints.csv").write_text(lines)
    smallest = sorted(simulation.particles[simulation.particles > 0])[:4][-1]
    options = ["-k", "3", "--leave-out", f"{views[0]},{views[1]}"]
    options += ["--leave-out-file", str(tmp_path / "list.txt")]
    options += ["--constraints", str(tmp_path / "constraints.csv")]
    options += ["--min-particles", str(smallest)]
    output = tmp_path / "out"
    assert run(data, output, *options, affinity=affinity) == 0
    assert_all_there(data, output)
    few = [
        i + 1 for i in np.flatnonzero(simulation.particles < smallest) if simulation.particles[i]
    ]
    gone = sorted({*views[:4], *few})
    left_out = parts(output)["particles_left_out"]
    assert len(left_out) == particles_of(simulation, gone)
    found = table(output)
    assert {found[number]["left_out"] for number in views[:4]} == {"as asked"}
    assert all(found[number]["superclass"] == "-1" for number in gone)
    assert re.search(rf"left out +{len(left_out)} ", capsys.readouterr().out)
    assert "as asked" in text(output / "report.html")


def test_moves_are_done_after_grouping(data, affinity, reported, tmp_path):
    before = table(reported)
    number = next(n for n, line in before.items() if line["superclass"] == "0")
    junk = junk_classes(reported)
    junk = [n for n in junk if before[n]["left_out"].startswith("junk")][:1]
    constraints = tmp_path / "constraints.csv"
    text = "".join(f"{n},move,2\n" for n in (number, *junk))
    constraints.write_text("class_number,action,value\n" + text)
    output = tmp_path / "moved"
    options = ("-k", "4", "--constraints", str(constraints))
    assert run(data, output, *options, affinity=affinity) == 0
    after = table(output)
    changed = {n for n in after if after[n]["superclass"] != before[n]["superclass"]}
    assert changed == {number, *junk}
    assert {after[n]["superclass"] for n in changed} == {"2"}


def test_groups_are_forced_together_and_apart(data, affinity, reported, tmp_path):
    before = table(reported)
    members = {k: [n for n, line in before.items() if line["superclass"] == k] for k in "012"}
    one, other = members["1"][0], members["2"][0]
    split = members["0"][:2]
    junk = next(n for n, line in before.items() if line["left_out"].startswith("junk"))
    names = {one: "a", other: "a", junk: "a", split[0]: "b", split[1]: "c"}
    lines = "".join(f"{number},group,{name}\n" for number, name in names.items())
    constraints = tmp_path / "constraints.csv"
    constraints.write_text("class_number,action,value\n" + lines)
    output = tmp_path / "grouped"
    options = ("-k", "4", "--constraints", str(constraints))
    assert run(data, output, *options, affinity=affinity) == 0
    after = {n: line["superclass"] for n, line in table(output).items()}
    assert after[one] == after[other] == after[junk] != "-1"
    assert len({after[one], after[split[0]], after[split[1]]}) == 3


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--leave-out", "99"], "class 99 has no average (class numbers go from 1 to 30): name"),
        (["--leave-out", "a"], "classes in --leave-out must be numbers and ranges such as 3,7,12"),
        (["--min-particles", "-2"], "--min-particles must be a whole number from 0, not -2"),
        (["--leave-out-file", "none.txt"], "none.txt does not exist: check the path"),
        (["--leave-out", "1-30"], "takes part"),
    ],
)
def test_refusals(data, tmp_path, capsys, options, sentence):
    assert run(data, tmp_path / "out", *options) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("lines", "options", "sentence"),
    [
        ("2,group,a\n2,leave_out,\n", [], "class 2 is to be both left out and grouped: keep one"),
        ("2,move,1\n2,move,0\n", [], "class 2 must be moved to one superclass, not both 1 and 0"),
        (
            "{view},move,9\n",
            ["-k", "4"],
            "class {view} cannot move to superclass 9: there are 4, n",
        ),
        (
            "{view},move,1\n",
            ["--no-superclassification"],
            "without superclassification every average is its own superclass, so that class {view} "
            "can be neither grouped nor moved: drop one of the two",
        ),
    ],
)
def test_constraints_that_contradict(
    simulation, data, affinity, tmp_path, capsys, lines, options, sentence
):
    view = int(np.flatnonzero(simulation.label >= 0)[0]) + 1
    path = tmp_path / "constraints.csv"
    path.write_text("class_number,action,value\n" + lines.replace("{view}", str(view)))
    status = run(data, tmp_path / "out", "--constraints", str(path), *options, affinity=affinity)
    assert status == 2
    assert sentence.replace("{view}", str(view)) in capsys.readouterr().err


def test_more_superclasses_than_averages_besides_junk(data, affinity, tmp_path, capsys):
    assert run(data, tmp_path / "out", "-k", "25", affinity=affinity) == 2
    sentence = "averages that take part besides junk (20), not 25: ask for fewer, or leave it out"
    assert sentence in capsys.readouterr().err


def test_settings_and_inputs_are_recorded(data, affinity, tmp_path):
    path = tmp_path / "constraints.csv"
    path.write_text("class_number,action,value\n")
    output = tmp_path / "out"
    options = ("-k", "4", "--constraints", str(path), "--min-particles", "2")
    assert run(data, output, *options, affinity=affinity) == 0
    settings = (output / "settings.json").read_text()
    assert '"min_particles": 2' in settings
    assert str(path) in settings


def test_particles_of_cryosparc_are_set_aside_as_a_group(simulation, tmp_path):
    project = write_cryosparc_job(simulation, tmp_path / "project")
    given = project / "J1" / f"{ROOT}_particles.cs"
    output = tmp_path / "out"
    assert run(given, output, "-k", "4", "--junk", "set-aside") == 0
    junk = [number + 1 for number in junk_classes(output)]  # CryoSPARC counts from 0
    group = read_csg(output / "particles_set_aside.csg")
    assert {entry.num_items for entry in group.slots.values()} == {particles_of(simulation, junk)}
    total = sum(
        len(np.load(output / f"particles{end}.cs", allow_pickle=False))
        for end in ("", "_excluded", "_set_aside")
    )
    assert total == SIMULATION.particles
