"""CryoSPARC jobs through the command line, beside the same job as RELION would leave it."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from rebalance import SimulationSettings, simulate
from rebalance._balance import balance
from rebalance._simulate import Simulation
from rebalance.cli import main
from rebalance.io import open_cryosparc_directory
from rebalance.io.csg import read_csg
from rebalance.io.simulated import write_relion_job
from rebalance.io.simulated_cryosparc import ROOT, write_cryosparc_job

# Every average keeps particles, so that the same ones take part when results are an input again.
SMALL = SimulationSettings(
    averages=24, views=4, box=32, particles=900, junk=0.15, empty=1, particle_ratio=4
)
PARTICLES = f"{ROOT}_particles.cs"
OPTIONS = ("-k", "4", "--factor", "0.6", "-j", "1")
RESULTS = {
    *("particles.cs", "particles.csg", "particles_passthrough.cs"),
    *("particles_excluded.cs", "particles_excluded.csg", "particles_excluded_passthrough.cs"),
    *("class_averages.cs", "class_averages.csg", "superclasses.csv", "affinity.npz"),
    *("report.html", "settings.json", "affinity.png", "class_averages.png", "particles.png"),
    "number.png",
}


def load(path: Path) -> np.ndarray:
    return np.load(path, allow_pickle=False)


def status_of(*words: object) -> int:
    try:
        return main([str(word) for word in words])
    except SystemExit as stop:
        return int(str(stop.code))


def run(output: Path, *words: object) -> Path:
    assert status_of("run", "--output", output, *words, *OPTIONS) == 0
    return output


def superclasses(output: Path, first: int) -> dict[int, tuple[int, int]]:
    """Superclass and particles by average, counted from 0, for those that took part."""
    with (output / "superclasses.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {
        int(row["class_number"]) - first: (int(row["superclass"]), int(row["particles"]))
        for row in rows
        if int(row["superclass"]) >= 0
    }


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(SMALL)


@pytest.fixture(scope="module")
def project(simulation, tmp_path_factory) -> Path:
    return write_cryosparc_job(simulation, tmp_path_factory.mktemp("cli") / "project")


@pytest.fixture(scope="module")
def twin(simulation, tmp_path_factory) -> Path:
    """The particles that a Select job of RELION would leave of the same classification."""
    data = write_relion_job(simulation, tmp_path_factory.mktemp("cli") / "relion")
    select = data.parents[2] / "Select" / "job002"
    select.mkdir(parents=True)
    chosen = ~simulation.junk & (simulation.particles > 0)
    text = data.read_text().splitlines(keepends=True)
    lines = [line for line in text if "@" not in line or chosen[int(line.split()[5]) - 1]]
    (select / "particles.star").write_text("".join(lines))
    stack = "Class2D/job001/run_it025_classes.mrcs"
    names = "".join(f"{k + 1:06d}@{stack}\n" for k in np.flatnonzero(chosen))
    (select / "class_averages.star").write_text(f"data_\n\nloop_\n_rlnReferenceImage #1\n{names}")
    return select / "particles.star"


@pytest.fixture(scope="module")
def selected(project, tmp_path_factory) -> Path:
    """Results of the selection."""
    group = project / "J2" / "P1_J2_particles_selected.csg"
    return run(tmp_path_factory.mktemp("cli") / "selected", "--particles", group)


def test_every_file_is_there_and_nothing_is_lost(project, selected):
    assert {path.name for path in selected.iterdir()} == RESULTS
    for ending, name in (
        ("", "particles_selected.cs"),
        ("_passthrough", "P1_J2_passthrough_particles_selected.cs"),
    ):
        given = load(project / "J2" / name)
        kept, excluded = (
            load(selected / f"{part}{ending}.cs") for part in ("particles", "particles_excluded")
        )
        assert kept.dtype == excluded.dtype == given.dtype
        stays = np.isin(given["uid"], kept["uid"])
        assert kept.tobytes() == given[stays].tobytes()
        assert excluded.tobytes() == given[~stays].tobytes()
    templates = load(project / "J2" / "templates_selected.cs")
    assert load(selected / "class_averages.cs").tobytes() == templates.tobytes()


def test_groups_say_what_their_files_hold(project, selected):
    given = read_csg(project / "J2" / "P1_J2_particles_selected.csg")
    for name in ("particles", "particles_excluded"):
        group = read_csg(selected / f"{name}.csg")
        assert (group.name, group.type, group.version) == (name, "particle", given.version)
        assert group.slots.keys() == given.slots.keys()
        for slot, entry in group.slots.items():
            assert entry.type == given.slots[slot].type
            assert entry.num_items == len(load(entry.file))
            assert any(field.startswith(f"{slot}/") for field in load(entry.file).dtype.names)
    assert read_csg(selected / "class_averages.csg").type == "template"


def test_the_draw_is_that_of_the_library_on_uids(project, selected):
    given = load(project / "J2" / "particles_selected.cs")
    label = {number: row[0] for number, row in superclasses(selected, 0).items()}
    groups = [label[number] for number in given["alignments2D/class"].tolist()]
    keep = balance(groups, ids=given["uid"], factor="0.6").keep
    assert load(selected / "particles.cs")["uid"].tolist() == given["uid"][keep].tolist()


def test_the_twin_in_relion_has_the_same_superclasses_and_sizes(selected, twin, tmp_path):
    relion = run(tmp_path / "relion", "--particles", twin)
    assert superclasses(selected, 0) == superclasses(relion, 1)
    ours, theirs = (np.load(out / "affinity.npz", allow_pickle=False) for out in (selected, relion))
    assert np.array_equal(ours["values"], theirs["values"])


def test_the_order_of_rows_does_not_matter(project, selected, tmp_path):
    moved = shutil.copytree(project, tmp_path / "project")
    rng = np.random.default_rng(0)
    for name in ("particles_selected.cs", "templates_selected.cs"):
        path = moved / "J2" / name
        rows = rng.permutation(load(path))
        with path.open("wb") as file:
            np.save(file, rows)
    again = run(tmp_path / "again", "--particles", moved / "J2" / "particles_selected.cs")
    assert (again / "superclasses.csv").read_bytes() == (selected / "superclasses.csv").read_bytes()
    kept = (set(load(out / "particles.cs")["uid"].tolist()) for out in (selected, again))
    assert next(kept) == next(kept)


def test_a_whole_classification_and_its_results_again(project, tmp_path):
    first = run(tmp_path / "first", "--particles", project / "J1" / PARTICLES)
    shutil.copytree(first, project / "J5")
    again = run(tmp_path / "again", "--particles", project / "J5" / "particles.cs")
    assert len(load(again / "particles_excluded.cs")) == 0
    shutil.rmtree(project / "J5")


def test_refusals_leave_nothing(project, tmp_path, capsys):
    given = ("--particles", project / "J1" / PARTICLES)
    templates = project / "J2" / "templates_selected.cs"
    assert status_of("run", *given, "--classes", templates, "--output", tmp_path / "o") == 2
    error = capsys.readouterr().err
    assert error.startswith("rebalance: error: ")
    assert "classes without a template" in error
    assert not (tmp_path / "o").exists()


# ---------------------------------------------------------------------------- options


def test_a_project_and_a_job_in_place_of_particles(project, selected, tmp_path, capsys):
    out = run(tmp_path / "out", "--cryosparc", project, "J2")
    for name in ("particles.cs", "particles_passthrough.cs", "superclasses.csv", "particles.csg"):
        assert (out / name).read_bytes() == (selected / name).read_bytes()
    printed = capsys.readouterr().out
    group = project / "J2" / "P1_J2_particles_selected.csg"
    assert f"particles, group: {group} (group particles_selected)\n" in printed
    assert f"class averages, group: {project / 'J2' / 'P1_J2_templates_selected.csg'} (" in printed


def test_passthrough_option(project, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    for path in sorted((project / "J1").glob("cryosparc*")):
        shutil.copy(path, alone)
    given = ("--particles", alone / PARTICLES)
    passed = project / "J1" / "P1_J1_passthrough_particles.cs"
    out = run(tmp_path / "with", *given, "--passthrough", passed)
    kept = load(out / "particles_passthrough.cs")
    assert set(kept["uid"].tolist()) == set(load(out / "particles.cs")["uid"].tolist())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--cryosparc P J1 --particles a.cs", "--cryosparc P J1 finds all files of a job, so --pa"),
        ("--cryosparc P J1 --passthrough a.cs", "so --passthrough must not be given too: leave on"),
        ("--cryosparc P J1 J2", "takes a directory and a job, not 3 words (P J1 J2): write --cryo"),
        ("--cryosparc nowhere J1", "nowhere is no directory; give a CryoSPARC project or job"),
        ("--particles a.star --passthrough a.cs", "--passthrough is for particles of CryoSPARC ("),
        ("--cryosparc", "argument --cryosparc: expected at least one argument"),
        ("", "the following arguments are required: --particles"),
    ],
)
def test_options_that_are_refused(words, sentence, capsys):
    assert status_of("run", *words.split(), "--output", "o") == 2
    assert sentence in capsys.readouterr().err


def test_simulate_writes_both_worlds(tmp_path, capsys):
    small = ["--averages", "8", "--views", "2", "--box", "32", "--particles", "90"]
    assert status_of("simulate", "--output", tmp_path / "p", *small) == 0
    printed = capsys.readouterr().out
    project = tmp_path / "p" / "CS-simulated"
    assert f"CryoSPARC:      {project}, jobs J1 (2D classification) and J2 (selection)" in printed
    assert len(open_cryosparc_directory(project, "J1").particles) == 90


def test_superclass_column(project, selected, tmp_path):
    given = ("--particles", project / "J2" / "particles_selected.cs")
    out = run(tmp_path / "out", *given, "--superclass-column")
    label = {number: row[0] for number, row in superclasses(out, 0).items()}
    for name in ("particles.cs", "particles_excluded.cs"):
        rows = load(out / name)
        field = rows["rebalance/superclass"].tolist()
        assert field == [label[number] for number in rows["alignments2D/class"].tolist()]
        assert rows["uid"].tolist() == load(selected / name)["uid"].tolist()
    assert "rebalance" not in read_csg(out / "particles.csg").slots
