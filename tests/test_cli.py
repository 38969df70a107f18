"""The commands as a user meets them: files in, files out, one sentence when refused."""

from __future__ import annotations

import csv
import json
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from rebalance import __version__
from rebalance._simulate import Simulation, SimulationSettings, simulate
from rebalance.cli import build_parser, main, progress
from rebalance.io import read_particles, write_stack
from rebalance.io.simulated import write_relion_job

JOB = "Class2D/job001"
DATA, MODEL, OPTIMISER, STACK = (
    f"run_it025_{end}" for end in ("data.star", "model.star", "optimiser.star", "classes.mrcs")
)
SMALL = SimulationSettings(averages=14, views=4, box=32, particles=500, junk=0.1, empty=2)
COUNTED = ("class_number", "superclass", "particles", "kept")
RESULTS = {
    "affinity.npz",
    "affinity.png",
    "backup_selection.star",
    "class_averages.png",
    "class_averages.star",
    "number.png",
    "particles.png",
    "particles.star",
    "particles_excluded.star",
    "report.html",
    "settings.json",
    "superclasses.csv",
}


# ------------------------------------------------------------------------------ helpers


def status_of(*argv: object) -> int:
    """Exit status of a command, also where the parser ends the program."""
    try:
        return main([str(word) for word in argv])
    except SystemExit as stop:
        return int(str(stop.code))


def run(particles: Path, output: Path, *options: object) -> Path:
    """The main job, which must end well."""
    assert status_of("run", "--particles", particles, "--output", output, *options) == 0
    return output


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file and directory below a folder, hidden ones too; without how long it took."""
    found = sorted(folder.rglob("*"))
    return {str(p.relative_to(folder)): timeless(p) if p.is_file() else b"/" for p in found}


def timeless(path: Path) -> bytes:
    """Content of a file, a report without the times that its parts took."""
    if path.name != "report.html":
        return path.read_bytes()
    text, found = re.subn(
        rb"<caption>Timing</caption>.*?</table>", b"", path.read_bytes(), flags=re.DOTALL
    )
    assert found == 1
    return text


def split_rows(star: Path) -> tuple[list[bytes], bytes]:
    """Particle rows, which alone hold an '@', and all the rest."""
    lines = star.read_bytes().splitlines(keepends=True)
    rest = b"".join(line for line in lines if b"@" not in line)
    return [line for line in lines if b"@" in line], rest


def superclass_table(output: Path) -> list[dict[str, int]]:
    with (output / "superclasses.csv").open(newline="") as file:
        return [{name: int(row[name]) for name in COUNTED} for row in csv.DictReader(file)]


def per_superclass(output: Path, column: str) -> dict[int, int]:
    totals: dict[int, int] = {}
    for row in superclass_table(output):
        if row["superclass"] >= 0:
            totals[row["superclass"]] = totals.get(row["superclass"], 0) + row[column]
    return totals


def assert_partition(particles: Path, output: Path) -> None:
    """Kept and excluded rows are the input's, byte for byte and in order; so is all the rest."""
    rows, rest = split_rows(particles)
    kept, kept_rest = split_rows(output / "particles.star")
    excluded, excluded_rest = split_rows(output / "particles_excluded.star")
    assert kept_rest == excluded_rest == rest
    assert len(kept) + len(excluded) == len(rows)
    merged = [kept.pop(0) if kept and kept[0] == row else excluded.pop(0) for row in rows]
    assert merged == rows


def edit(path: Path, old: str, new: str, count: int = -1) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, count))


def set_class(data: Path, value: str, n_rows: int = 1) -> None:
    """Give the first rows another class number."""
    lines, column = data.read_text().splitlines(keepends=True), 5
    rows = [i for i, line in enumerate(lines) if "@" in line][:n_rows]
    for i in rows:
        words = lines[i].split()
        words[column] = value
        lines[i] = " ".join(words) + "\n"
    data.write_text("".join(lines))


def set_image(stack: Path, index: int, value: float) -> None:
    with mrcfile.open(stack, "r+") as mrc:
        mrc.data[index] = value


def set_header(stack: Path, offset: int, *values: int) -> None:
    with stack.open("r+b") as file:
        file.seek(offset)
        file.write(np.array(values, "<i4").tobytes())


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    return simulate(SMALL)


@pytest.fixture(scope="session")
def original(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated project; nobody changes it."""
    folder = tmp_path_factory.mktemp("simulated") / "project"
    write_relion_job(simulation, folder)
    return folder


@pytest.fixture(scope="session")
def first_run(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = original / JOB / DATA
    output = tmp_path_factory.mktemp("first") / "out"
    return run(data, output, "-k", 4, "--factor", "0.5")


@pytest.fixture
def project(original: Path, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return Path(shutil.copytree(original, tmp_path / "project"))


@pytest.fixture
def job(project: Path) -> Path:
    return project / JOB


# ------------------------------------------------------------------------------ the main job


def test_real_job(test_data, tmp_path, monkeypatch, capsys):
    particles = test_data / "relion_project/Class2D/job013/run_it100_data.star"
    outputs = []
    for name, seed in (("first", 0), ("second", 0), ("other", 1)):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        options = ["-k", 12, "--factor", "0.5", "--seed", seed, "--no-view-sphere"]
        outputs.append(tmp_path / name / run(particles, Path("out"), *options))
    first, second, other = outputs
    assert "9,482" in capsys.readouterr().out
    assert set(snapshot(first)) == RESULTS
    assert snapshot(first) == snapshot(second)
    assert len(split_rows(particles)[0]) == 9482
    assert_partition(particles, first)
    kept = per_superclass(first, "kept")
    assert len(kept) == 12
    assert min(kept.values()) / max(kept.values()) >= 0.5
    assert per_superclass(other, "kept") == kept
    assert (first / "particles.star").read_bytes() != (other / "particles.star").read_bytes()
    assert_partition(particles, other)


def test_simulated_job_from_anywhere(original, first_run, tmp_path, monkeypatch):
    data = original / JOB / DATA
    assert_partition(data, first_run)
    kept = per_superclass(first_run, "kept")
    assert len(kept) == 4
    assert min(kept.values()) / max(kept.values()) >= 0.5
    monkeypatch.chdir(data.parent)
    calls = {tmp_path / "optimiser": Path(OPTIMISER), tmp_path / "data": Path(DATA)}
    same = RESULTS - {"report.html", "settings.json"}
    for output, particles in calls.items():
        run(particles, output, "-k", 4, "--factor", "0.5")
        for name in same:
            assert (output / name).read_bytes() == (first_run / name).read_bytes(), name


def test_only_the_output_path_tells_two_runs_apart(original, first_run, tmp_path):
    again = run(original / JOB / DATA, tmp_path / "again", "-k", 4, "--factor", "0.5")
    for name in RESULTS:
        text = timeless(again / name)
        assert text.replace(bytes(again), bytes(first_run)) == timeless(first_run / name)


def test_another_seed_draws_others(original, first_run, tmp_path):
    other = run(original / JOB / DATA, tmp_path / "o", "-k", 4, "--factor", "0.5", "--seed", 7)
    assert per_superclass(other, "kept") == per_superclass(first_run, "kept")
    rows, others = (set(split_rows(d / "particles.star")[0]) for d in (first_run, other))
    assert rows != others


def test_running_again_on_the_kept_changes_nothing(original, tmp_path):
    # As long as every average keeps a particle: one without takes no part in the grouping.
    project = Path(shutil.copytree(original, tmp_path / "project"))
    options = ["-k", 4, "--factor", "0.2"]
    first = run(project / JOB / DATA, project / "balanced", *options)
    assert all(int(row["kept"]) for row in superclass_table(first) if int(row["superclass"]) >= 0)
    assert any(row["kept"] != row["particles"] for row in superclass_table(first))
    again = run(first / "particles.star", project / "again", *options)
    assert (again / "particles.star").read_bytes() == (first / "particles.star").read_bytes()


def test_threads_change_nothing(original, first_run, tmp_path):
    out = run(original / JOB / DATA, tmp_path / "o", "-k", 4, "--factor", "0.5", "-j", 3)
    assert (out / "affinity.npz").read_bytes() == (first_run / "affinity.npz").read_bytes()


# ------------------------------------------------------------------------------ the results


def test_summary_table_and_files_agree(original, tmp_path, capsys):
    output = run(original / JOB / DATA, tmp_path / "out", "-k", 4, "--factor", "0.5")
    printed = capsys.readouterr().out
    rows = re.findall(r"^ +(\d+) +([\d,]+) +([\d,]+) +([\d,]+)(  sets the cap)?$", printed, re.M)
    shown = [[int(cell.replace(",", "")) for cell in row[:4]] for row in rows]
    averages = [row["superclass"] for row in superclass_table(output)]
    sizes, kept = per_superclass(output, "particles"), per_superclass(output, "kept")
    assert shown == [[k, averages.count(k), sizes[k], kept[k]] for k in sorted(sizes)]
    totals = {
        name: int(re.search(rf"^ *{name} +([\d,]+)", printed, re.M)[1].replace(",", ""))
        for name in ("class averages", "superclasses", "particles", "kept", "excluded")
    }
    assert totals == {
        "class averages": 14,
        "superclasses": 4,
        "particles": 500,
        "kept": len(split_rows(output / "particles.star")[0]),
        "excluded": len(split_rows(output / "particles_excluded.star")[0]),
    }
    assert "left out: 2 blank" in printed
    marked = [int(row[0]) for row in rows if row[4]]
    smallest = min(sizes, key=lambda k: (sizes[k], k))
    assert marked == [smallest]
    cap = 2 * sizes[smallest]
    assert f"keeps at most {cap} particles, set by superclass {smallest} with its" in printed
    assert kept == {k: min(size, cap) for k, size in sizes.items()}


def test_superclasses_csv(original, first_run, simulation):
    first_line = (first_run / "superclasses.csv").read_bytes().split(b"\n")[0]
    assert first_line.startswith(b"class_number,superclass,particles,kept,")
    table = superclass_table(first_run)
    assert [row["class_number"] for row in table] == list(range(1, 15))
    counts = np.bincount(read_particles(original / JOB / DATA).class_number, minlength=15)[1:]
    assert [row["particles"] for row in table] == counts.tolist()
    kept = np.bincount(read_particles(first_run / "particles.star").class_number, minlength=15)
    assert [row["kept"] for row in table] == kept[1:].tolist()
    outside = simulation.junk | (simulation.particles == 0)
    assert [row["superclass"] == -1 for row in table] == outside.tolist()


def test_affinity_npz(first_run):
    with np.load(first_run / "affinity.npz", allow_pickle=False) as stored:
        keys = "values angle shift mirror class_number settings input_sha256 format_version"
        assert set(stored.files) == {*keys.split(), "image_sha256"}
        assert stored["values"].shape == stored["angle"].shape == stored["mirror"].shape == (14, 14)
        assert stored["shift"].shape == (14, 14, 2)
        assert stored["class_number"].tolist() == list(range(1, 15))
        assert json.loads(str(stored["settings"]))["mirror"] is True
        assert re.fullmatch("[0-9a-f]{64}", str(stored["input_sha256"]))
        assert int(stored["format_version"]) == 1


def test_settings_json(original, first_run):
    record = json.loads((first_run / "settings.json").read_text())
    assert record["seed"] == 0
    asked = record["settings"]["balance"]
    assert (asked["factor"], asked["max_size"], asked["seed"]) == ("0.5", None, 0)
    assert record["settings"]["superclasses"]["n_superclasses"] == 4
    assert record["chosen_from_data"]["band"][0] > 0
    assert record["versions"]["rebalance"] == __version__
    assert {"numpy", "scipy", "python"} <= set(record["versions"])
    assert record["command"].startswith(f"rebalance run --particles {original / JOB / DATA} ")
    assert sorted(Path(name).name for name in record["input_sha256"]) == [STACK, DATA, MODEL]
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in record["input_sha256"].values())


def test_report_is_self_contained(first_run):
    page = (first_run / "report.html").read_text()
    assert '<script type="application/json" id="data">' in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)


# ------------------------------------------------------------------------------ options


def test_affinity_again(original, first_run, tmp_path, capsys):
    reuse = ["--affinity", first_run / "affinity.npz"]
    again = run(original / JOB / DATA, tmp_path / "o", "-k", 4, "--factor", "0.5", *reuse)
    for name in RESULTS - {"report.html", "settings.json"}:
        assert (again / name).read_bytes() == (first_run / name).read_bytes(), name
    auto = run(original / JOB / DATA, tmp_path / "auto", *reuse)
    assert (auto / "superclasses.csv").exists()


def test_overwrite_swaps_earlier_results_only(original, tmp_path, capsys):
    words = ["run", "--particles", original / JOB / DATA, "--output", tmp_path / "out", "-k", 2]
    assert status_of(*words) == 0
    (tmp_path / "out/notes.txt").write_text("of the earlier run")
    before = snapshot(tmp_path)
    assert status_of(*words) == 2
    assert "is not empty; choose another one, or add --overwrite" in capsys.readouterr().err
    assert snapshot(tmp_path) == before
    assert status_of(*words[:-1], 3, "--overwrite") == 0
    assert set(snapshot(tmp_path / "out")) == RESULTS
    assert len(per_superclass(tmp_path / "out", "kept")) == 3
    (tmp_path / "out/settings.json").unlink()
    before = snapshot(tmp_path)
    assert status_of(*words, "--overwrite") == 2
    assert "holds files that are no earlier results" in capsys.readouterr().err
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("options", [[], ["-k", 12]])
def test_no_superclassification(original, tmp_path, options, capsys):
    output = run(original / JOB / DATA, tmp_path / "o", "--no-superclassification", *options)
    labels = [row["superclass"] for row in superclass_table(output)]
    assert sorted(labels) == [-1, -1, *range(12)]
    excluded, _ = split_rows(output / "particles_excluded.star")
    assert not excluded  # nothing is dropped unless asked for
    assert "There is no cap" in capsys.readouterr().out


def test_max_size_alone(original, tmp_path, capsys):
    output = run(original / JOB / DATA, tmp_path / "o", "-k", 3, "--max-size", 40)
    sizes, kept = per_superclass(output, "particles"), per_superclass(output, "kept")
    assert kept == {k: min(size, 40) for k, size in sizes.items()}
    assert "keeps at most 40 particles, the maximum size given" in capsys.readouterr().out


def test_factor_0_drops_nothing_and_says_so(original, tmp_path, capsys):
    data = original / JOB / DATA
    output = run(data, tmp_path / "o", "-k", 3, "--max-size", 40, "--factor", 0)
    sentence = "warning: rebalance factor 0 drops nothing: the maximum of 40 is ignored"
    assert sentence in capsys.readouterr().out
    assert (output / "particles.star").read_bytes() == data.read_bytes()


@pytest.mark.parametrize("option", [("--factor", "1e-30"), ("--max-size", 10**20)])
def test_a_cap_beyond_all_numbers_drops_nothing(original, tmp_path, option):
    data = original / JOB / DATA
    output = run(data, tmp_path / "o", "-k", 3, *option)
    assert (output / "particles.star").read_bytes() == data.read_bytes()


def test_a_tiny_superclass_that_costs_most_is_warned_about(job, simulation, tmp_path, capsys):
    some = np.flatnonzero(simulation.particles)[:2] + 1
    set_class(job / DATA, str(some[0]), 500)
    set_class(job / DATA, str(some[1]), 1)
    run(job / DATA, tmp_path / "o", "-k", 2, "--factor", 1)
    sentence = (
        r"warning: superclass . has 1 of 500 particles \(0.20 %\), and yet its size costs 498 of "
        "them: look at its averages"
    )
    assert re.search(sentence, capsys.readouterr().out)


def test_lengths_in_angstrom_and_px(original, tmp_path):
    data = original / JOB / DATA
    in_a = ["--mask-diameter", "84", "--max-shift", "6A", "--resolution", "12A"]
    in_px = ["--mask-diameter", "28px", "--max-shift", "2px", "--resolution", "4px"]
    first, second = run(data, tmp_path / "a", *in_a), run(data, tmp_path / "b", *in_px)
    assert (first / "affinity.npz").read_bytes() == (second / "affinity.npz").read_bytes()
    chosen = json.loads((first / "settings.json").read_text())["chosen_from_data"]
    assert chosen["mask_diameter"] == 28
    assert chosen["max_shift"] == 2
    assert chosen["band"] == [1 / 28, 0.25]


def test_what_was_compared_is_told_in_the_pixel_size_given(original, tmp_path, capsys):
    options = ["--angpix", 2, "--mask-diameter", "28px", "--max-shift", "2px", "--resolution", "8A"]
    run(original / JOB / DATA, tmp_path / "o", *options)
    sentence = "compared: circle of 56 A (28 px), detail of 8 to 56 A (4 to 28 px), shifts to 4 A"
    assert sentence in capsys.readouterr().out


# ------------------------------------------------------------------------------ refusals

Change = Callable[[Path], object]


def one_image(job: Path) -> None:
    with mrcfile.new(job / STACK, overwrite=True) as mrc:
        mrc.set_data(np.zeros((32, 32), np.float32))


def oblong(job: Path) -> None:
    with mrcfile.new(job / STACK, overwrite=True) as mrc:
        mrc.set_data(np.zeros((14, 32, 30), np.float32))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def fewer_averages(job: Path) -> None:
    write_stack(np.ones((10, 32, 32), np.float32), 3.0, job / STACK)


FILES: dict[str, tuple[Change, str]] = {
    "no particles file": (lambda job: (job / DATA).unlink(), rf"{DATA} does not exist; check"),
    "particles are no STAR file": (
        lambda job: (job / DATA).write_bytes((job / STACK).read_bytes()),
        rf"{DATA}.* no ",
    ),
    "no stack": (
        lambda job: (job / STACK).unlink(),
        rf"{JOB}/{STACK}, which .*{MODEL} names, was not found .looked for below .*; put it there, "
        r"or give the project directory \(--project\) or the stack of class averages \(--classes\)",
    ),
    "no class column": (
        lambda job: edit(job / DATA, "_rlnClassNumber", "_rlnOtherNumber"),
        rf"{DATA} has no column rlnClassNumber; give the particles of a 2D classification",
    ),
    "class beyond the stack": (
        lambda job: set_class(job / DATA, "15"),
        rf"Line \d+ of .*{DATA} has rlnClassNumber 15, but .* has 14 class averages",
    ),
    "class is no integer": (
        lambda job: set_class(job / DATA, "3.5"),
        rf"Line \d+ of .*{DATA} has rlnClassNumber '3.5'; a class number must be a whole number",
    ),
    "class is no number": (
        lambda job: set_class(job / DATA, "three"),
        "has rlnClassNumber 'three'; a class number must be a whole number from 0 up",
    ),
    "class below 0": (lambda job: set_class(job / DATA, "-1"), "has rlnClassNumber '-1'; a class"),
    "short row": (
        lambda job: edit(job / DATA, " 000001@Extract/job000/Movies/mic_0001.mrcs", "", 1),
        rf"Line \d+ of .*{DATA} has only 12 values where the particle table data_particles has 13",
    ),
    "stack of another job": (
        fewer_averages,
        rf"{MODEL} describes 14 classes and the stack .*{STACK} holds 10 class averages",
    ),
    "not square": (oblong, r"has images of 32 x 30 px .*; class averages must be square"),
    "truncated": (lambda job: cut(job / STACK), rf"The stack .*{STACK} is truncated: 14 images"),
    "unknown mode": (
        lambda job: set_header(job / STACK, 12, 99),
        rf"The stack .*{STACK} has mode 99; class averages are read from mode",
    ),
    "one image": (one_image, "holds one 2D image; a stack of at least 2 class averages is needed"),
    "NaN": (
        lambda job: set_image(job / STACK, 3, np.nan),
        rf"Image 4 of the stack .*{STACK} has pixels that are NaN or infinite \(1 of 14 images",
    ),
    "infinite": (
        lambda job: set_image(job / STACK, 0, -np.inf),
        r"Image 1 of the stack .* NaN or infinite",
    ),
}


def assert_refused(
    capsys: pytest.CaptureFixture[str], folder: Path, words: list[object], sentence: str
) -> None:
    """One sentence, status 2, and not a byte changed or left anywhere in the folder."""
    before = snapshot(folder)
    assert status_of(*words) == 2
    error = capsys.readouterr().err
    assert re.fullmatch(rf"rebalance: error: [^\n]*{sentence}[^\n]*\n", error), error
    assert snapshot(folder) == before


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_refused(job, tmp_path, capsys, name):
    change, sentence = FILES[name]
    change(job)
    words = ["run", "--particles", job / DATA, "--output", tmp_path / "out", "-k", 3]
    assert_refused(capsys, tmp_path, words, sentence)


OPTIONS: dict[str, str] = {
    "-k 0": r"number of superclasses \(-k\) must be a whole number from 1, not 0",
    "-k -2": r"number of superclasses \(-k\) must be a whole number from 1, not -2",
    "-k 13": r"at most the number of averages that take part \(12\), not 13: ask for fewer",
    "-k 2.5": "argument -k/--n-superclasses: must be a whole number, not '2.5'",
    "-k few": "argument -k/--n-superclasses: must be a whole number, not 'few'",
    "-k 11 --no-superclassification": "the number of superclasses must be 12, not 11: leave it out",
    "--factor half": "rebalance factor must be a number from 0 to 1, not 'half'",
    "--factor nan": "rebalance factor must be a number from 0 to 1, not 'nan'",
    "--factor inf": "rebalance factor must be a number from 0 to 1, not 'inf'",
    "--factor 1.01": "rebalance factor must be a number from 0 to 1, not '1.01'",
    "--factor -0.1": "rebalance factor must be a number from 0 to 1, not '-0.1'",
    "--max-size 0": "maximum superclass size must be a whole number from 1, not 0",
    "--max-size -5": "maximum superclass size must be a whole number from 1, not -5",
    "--max-size 1.5": "argument --max-size: must be a whole number, not '1.5'",
    "--seed -1": "seed must be a whole number from 0 to 9223372036854775807, not -1",
    "--threads 0": "threads must be a whole number from 1 to 1024, not 0",
    "--angpix 0": r"pixel size \(--angpix\) must be a number of A above 0, not 0.0",
    "--mask-diameter 33px": r"mask diameter must be from 4 px to .*\(32 px\), not 33 px",
    "--mask-diameter 1px": "mask diameter must be from 4 px to .* not 1 px",
    "--mask-diameter wide": "argument --mask-diameter: must be a number of A, or of pixels",
    "--max-shift 50px": r"maximum shift must be .* from 0 to half the box \(16\), not 50",
    "--resolution 1A": "--resolution must lie between 2 px .* not 0.333333 px",
    "--factr 0.5": "unknown arguments: --factr 0.5; see rebalance run --help",
    "--fact 0.5": "unknown arguments: --fact 0.5; see rebalance run --help",
    "more words": "unknown arguments: more words; see rebalance run --help",
    "--classes none.mrcs": "The stack none.mrcs does not exist; check the path",
    "--model none.star": "none.star does not exist; check the path",
    "--affinity none.npz": "affinity file none.npz does not exist: check the path",
    "--affinity a.npz --no-mirror": "--no-mirror says how averages are compared, and --affinity",
}


@pytest.mark.parametrize("options", OPTIONS)
def test_options_that_are_refused(original, tmp_path, capsys, options):
    words = ["run", "--particles", original / JOB / DATA, "--output", tmp_path / "out"]
    assert_refused(capsys, tmp_path, [*words, *options.split()], OPTIONS[options])


def test_model_of_another_iteration(job, tmp_path, capsys):
    (job / MODEL).rename(job / "run_it024_model.star")
    words = ["run", "--particles", job / DATA, "--output", tmp_path / "out"]
    words += ["--model", job / "run_it024_model.star"]
    sentence = f"{DATA} is of iteration 25 and .*run_it024_model.star of iteration 24; give"
    assert_refused(capsys, tmp_path, words, sentence)


def test_outputs_that_are_refused(job, tmp_path, capsys, monkeypatch):
    words = ["run", "--particles", job / DATA, "--overwrite", "--output"]
    refused = {
        job: f"The output directory .*{JOB} holds the input .*{DATA}; choose another output",
        tmp_path / "project": f"project holds the input .*{DATA}; choose another output directory",
        job / MODEL: f"{MODEL} holds the input .*{MODEL}; choose",
        job / OPTIMISER: f"{OPTIMISER} is a file; choose another output directory",
        tmp_path / "none/out": "out cannot be made: .*none is no directory; make it first",
    }
    for output, sentence in refused.items():
        assert_refused(capsys, tmp_path, [*words, output], sentence)
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write anywhere
    sentence = "out cannot be made: .* is not writable; choose another output directory"
    assert_refused(capsys, tmp_path, [*words, tmp_path / "out"], sentence)


def test_affinity_files_that_are_refused(job, first_run, tmp_path, capsys):
    words = ["run", "--particles", job / DATA, "--output", tmp_path / "out", "--affinity"]
    (tmp_path / "empty.npz").touch()
    whole = (first_run / "affinity.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[:-300])
    (tmp_path / "damaged.npz").write_bytes(whole[:200] + b"\xff" * 40 + whole[240:])
    np.savez(tmp_path / "foreign.npz", values=np.eye(14))
    sentence = "must be a whole affinity.npz that rebalance wrote, and it is not: run without it"
    for name in ("empty.npz", "cut.npz", "damaged.npz", "foreign.npz", f"project/{JOB}/{DATA}"):
        assert_refused(capsys, tmp_path, [*words, tmp_path / name], sentence)
    set_image(job / STACK, 0, 1.0)
    sentence = "belongs to other class averages .checksum [0-9a-f]{12}..., these have"
    assert_refused(capsys, tmp_path, [*words, first_run / "affinity.npz"], sentence)


def test_lengths_in_angstrom_need_a_pixel_size(job, tmp_path, capsys):
    edit(job / MODEL, "_rlnPixelSize", "_rlnOtherSize")
    edit(job / DATA, "_rlnImagePixelSize", "_rlnOtherSize")
    set_header(job / STACK, 40, 0, 0, 0)  # the cell
    words = ["run", "--particles", job / DATA, "--output", tmp_path / "out", "--max-shift", "6"]
    sentence = r"--max-shift was given in A \(6A\), but the pixel size of the averages is unknown"
    assert_refused(capsys, tmp_path, words, sentence)
    assert status_of(*words, "--angpix", 3) == 0


# ------------------------------------------------------------------------------ odd, but carried on


def test_averages_that_take_no_part(job, simulation, tmp_path, capsys):
    filled = np.flatnonzero(simulation.particles)
    set_image(job / STACK, filled[0], 0.0)  # blank, with particles
    n_blank = int(simulation.particles[filled[0]])
    with mrcfile.open(job / STACK, "r+") as mrc:
        for index in np.flatnonzero(simulation.particles == 0)[:1]:
            mrc.data[index] = mrc.data[filled[1]]  # an image, without particles
    output = run(job / DATA, tmp_path / "o", "-k", 3, "--factor", 1, "--junk", "keep")
    printed = capsys.readouterr().out
    assert "left out: 2 blank, 1 no particles" in printed
    assert re.search(rf"^  left out +3 +{n_blank} +{n_blank}$", printed, re.M)
    table = superclass_table(output)
    assert [row["superclass"] for row in table].count(-1) == 3
    assert table[filled[0]]["superclass"] == -1
    assert table[filled[0]]["kept"] == n_blank  # no superclass, no cap


def test_particles_without_class_are_excluded(job, tmp_path, capsys):
    set_class(job / DATA, "0", 3)
    output = run(job / DATA, tmp_path / "o", "-k", 3)
    printed = capsys.readouterr().out
    assert "3 in no class" in printed
    assert re.search(rf"warning: 3 of 500 particles in .*{DATA} have rlnClassNumber 0", printed)
    assert_partition(job / DATA, output)
    excluded, _ = split_rows(output / "particles_excluded.star")
    assert excluded == split_rows(job / DATA)[0][:3]


def test_a_superclass_column_on_request(original, tmp_path):
    data = original / JOB / DATA
    output = run(data, tmp_path / "out", "-k", 3, "--max-size", 9, "--superclass-column")
    superclass = {row["class_number"]: row["superclass"] for row in superclass_table(output)}
    for name in ("particles.star", "particles_excluded.star"):
        written = read_particles(output / name)
        expected = [superclass[number] for number in written.class_number]
        assert written.column("rebalanceSuperclass").tolist() == expected


def test_image_size_and_repeated_rows_are_warned_about(job, tmp_path, capsys):
    text = (job / DATA).read_text()
    row = next(line for line in text.splitlines(keepends=True) if "@" in line)
    (job / DATA).write_text(text.replace(row, row + row + row, 1))
    edit(job / DATA, "           32            2 \n", "           64            2 \n")
    output = run(job / DATA, tmp_path / "o", "-k", 3, "--factor", 1)
    printed = capsys.readouterr().out
    assert re.search(r"warning: 2 of 502 rows in .* are identical to an earlier row", printed)
    assert re.search(r"warning: .* are 32 px wide and the particles of .* are 64 px", printed)
    assert "warnings" in (output / "report.html").read_text()
    assert len(json.loads((output / "settings.json").read_text())["warnings"]) >= 2


# ------------------------------------------------------------------------------ Select jobs


@pytest.fixture
def selected(simulation: Simulation) -> list[int]:
    """Class numbers that a user selected: every second one with particles."""
    return [int(index) + 1 for index in np.flatnonzero(simulation.particles)[::2]]


@pytest.fixture
def select(project: Path, selected: list[int]) -> Path:
    """A Select job of these classes, which refers to the original stack."""
    folder = project / "Select/job002"
    folder.mkdir(parents=True)
    data, model = (project / JOB / name for name in (DATA, MODEL))
    mask = np.isin(read_particles(data).class_number, selected)
    read_particles(data).write(mask, folder / "particles.star")
    rows = [row for row in split_rows(model)[0] if int(row.split(b"@")[0]) in selected]
    labels = b"_rlnReferenceImage #1\n_rlnClassDistribution #2\n_rlnEstimatedResolution #3\n"
    head = b"\n# version 50001\n\ndata_\n\nloop_\n" + labels
    (folder / "class_averages.star").write_bytes(head + b"".join(rows) + b"\n")
    return folder


def test_select_job(select, selected, tmp_path, capsys):
    particles = select / "particles.star"
    options = ("-k", len(selected), "--factor", 1, "--junk", "keep")
    output = run(particles, tmp_path / "out", *options)
    assert "not selected" in capsys.readouterr().out
    table = superclass_table(output)
    assert len(table) == 14
    assert [row["class_number"] for row in table if row["superclass"] >= 0] == selected
    assert (
        split_rows(output / "class_averages.star")[0]
        == split_rows(select / "class_averages.star")[0]
    )
    names = [row.split()[0] for row in split_rows(output / "class_averages.star")[0]]
    assert names == [f"{number:06d}@{JOB}/{STACK}".encode() for number in selected]
    assert_partition(particles, output)


def test_select_job_counts_only_what_is_selected(select, selected, tmp_path, capsys):
    words = ["run", "--particles", select / "particles.star", "--output", tmp_path / "out"]
    n = len(selected)
    sentence = rf"at most the number of averages that take part \({n}\), not {n + 1}: ask"
    assert_refused(capsys, tmp_path, [*words, "-k", n + 1], sentence)


def test_real_select_job_without_its_stack(test_data, tmp_path, capsys):
    particles = test_data / "relion_project/Select/job014/particles.star"
    sentence = (
        "Class2D/job013/run_it025_classes.mrcs, which .*class_averages.star names, was not found"
    )
    words = ["run", "--particles", particles, "--output", tmp_path / "out"]
    assert_refused(capsys, tmp_path, words, sentence)


# ------------------------------------------------------------------------------ other commands


def test_demo(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert status_of("demo") == 0
    printed = capsys.readouterr().out
    agree = re.search(r"^(\d+) of 10 superclasses agree with the true views", printed, re.M)
    assert agree
    assert int(agree[1]) >= 9
    assert "open rebalance_demo/balanced/report.html in a browser" in printed
    assert (tmp_path / "rebalance_demo/balanced/report.html").is_file()
    sentence = "The output directory must be new or empty, and .*rebalance_demo is not: name"
    assert_refused(capsys, tmp_path, ["demo"], sentence)


def test_the_command_in_the_demo_report_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert status_of("demo", "--output", "a b") == 0
    record = json.loads((tmp_path / "a b/balanced/settings.json").read_text())
    result = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m {record['command']} --overwrite"], capture_output=True
    )
    assert result.returncode == 0, result.stderr


def test_simulate_then_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = ["--averages", 8, "--views", 2, "--box", 32, "--particles", 90]
    assert status_of("simulate", "--output", "project", *small) == 0
    following = re.search("^Next: +rebalance (run .*)$", capsys.readouterr().out, re.M)
    assert following
    assert status_of(*following[1].split()) == 0
    assert set(snapshot(tmp_path / "project/balanced")) == RESULTS


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("", "the following arguments are required: COMMAND; see rebalance --help"),
        ("walk", r"argument COMMAND: invalid choice: 'walk' .*see rebalance --help"),
        ("run", "the following arguments are required: --particles, --output; see rebalance run"),
        ("simulate", "the following arguments are required: --output; see rebalance simulate"),
        ("simulate --output o --junk x", "argument --junk: invalid float value: 'x'"),
        ("simulate --output o --averages 0", "averages must be .*not 0"),
        ("demo --factor 1", "unknown arguments: --factor 1; see rebalance demo --help"),
        ("run --particles a.txt --output o", "end in '.txt'; particles are read from .star files"),
        ("run --particles a.cs --output o", "a.cs does not exist; check the path"),
        ("run --particles . --output o", "end in ''; particles are read from .star files"),
    ],
)
def test_odd_calls(tmp_path, monkeypatch, capsys, words, sentence):
    monkeypatch.chdir(tmp_path)
    assert_refused(capsys, tmp_path, words.split(), sentence)


def test_help_is_for_the_terminal(capsys):
    commands = build_parser().format_help()
    assert all(name in commands for name in ("run", "simulate", "demo"))
    for name in ("run", "simulate", "demo"):
        assert status_of(name, "--help") == 0
        assert "`" not in capsys.readouterr().out
    assert status_of("--version") == 0
    assert capsys.readouterr().out == f"rebalance {__version__}\n"


def test_module_and_console_script_are_the_same():
    script = Path(sysconfig.get_path("scripts")) / "rebalance"
    for call in ([str(script)], [sys.executable, "-m", "rebalance"]):
        end = subprocess.run([*call, "run", "--bogus"], capture_output=True, text=True)
        assert end.returncode == 2
        assert end.stdout == ""
        assert end.stderr.startswith("rebalance: error: the following arguments are required: --p")


# ------------------------------------------------------------------------------ stopped


@pytest.fixture(scope="session")
def long_job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = SimulationSettings(averages=120, views=10, box=64, particles=5000)
    return write_relion_job(simulate(settings), tmp_path_factory.mktemp("long") / "project")


def start(particles: Path, output: Path, *options: str) -> subprocess.Popen[str]:
    words = ["run", "--particles", str(particles), "--output", str(output), *options]
    return subprocess.Popen(
        [sys.executable, "-m", "rebalance", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background of a shell has SIGINT ignored, and hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(folder: Path, pattern: str, process: subprocess.Popen[str]) -> None:
    """Until a file or directory of this name is there."""
    end = time.monotonic() + 30
    while not list(folder.glob(pattern)):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.005)


MOMENTS = {
    "comparing": (".out.*", ["--exhaustive", "-j", "1", "--max-shift", "32px"]),
    "writing": (".out.*/particles_excluded.star", []),
    "drawing": (".out.*/affinity.npz", []),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_runs_leave_nothing(long_job, tmp_path, moment, number, status):
    before = snapshot(long_job.parent)
    pattern, options = MOMENTS[moment]
    process = start(long_job, tmp_path / "out", "-k", "10", *options)
    wait_for(tmp_path, pattern, process)
    if moment == "comparing":
        time.sleep(0.2)
    process.send_signal(number)
    process.send_signal(number)  # an impatient user
    _, error = process.communicate(timeout=20)
    assert process.returncode == status
    assert error == "rebalance: stopped; an output directory appears only when whole\n"
    assert list(tmp_path.iterdir()) == []
    assert snapshot(long_job.parent) == before


def test_earlier_results_survive_a_stopped_run(long_job, first_run, tmp_path):
    shutil.copytree(first_run, tmp_path / "out")
    before = snapshot(tmp_path)
    process = start(long_job, tmp_path / "out", "--overwrite", "-k", "10")
    wait_for(tmp_path, ".out.*/affinity.npz", process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 143
    assert snapshot(tmp_path) == before


def test_nobody_reads_what_is_printed(original, tmp_path):
    process = start(original / JOB / DATA, tmp_path / "out", "-k", "2")
    assert process.stdout
    while not process.stdout.readline().startswith("pixel size"):
        assert process.poll() is None
    process.stdout.close()
    process.stdout = None
    _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (141, "")
    assert set(snapshot(tmp_path / "out")) == RESULTS


def test_the_callers_signal_handlers_come_back(original, tmp_path):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    run(original / JOB / DATA, tmp_path / "out", "-k", 2)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


# ------------------------------------------------------------------------------ progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_progress_in_a_log_is_lines(clock, capsys):
    with progress.ProgressBar("comparing") as show:
        for second in range(0, 41, 2):
            clock[0] = float(second)
            show(second * 5, 200)
    error = capsys.readouterr().err
    assert error == (
        "comparing: 25 %, 00:10 gone, 00:30 left\n"
        "comparing: 50 %, 00:20 gone, 00:20 left\n"
        "comparing: 75 %, 00:30 gone, 00:10 left\n"
        "comparing: 100 %, 00:40 gone, 00:00 left\n"
    )


def test_progress_before_anything_is_done(clock, capsys):
    with progress.ProgressBar("comparing") as show:
        clock[0] = 11.0
        show(0, 0)
    assert capsys.readouterr().err == "comparing: 0 %, 00:11 gone, ? left\n"


def test_short_steps_are_silent(clock, capsys):
    with progress.ProgressBar("comparing") as show:
        clock[0] = 9.9
        show(1, 1)
    assert capsys.readouterr().err == ""


def test_progress_on_a_terminal_is_one_bar_that_is_wiped(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress.ProgressBar("comparing") as show:
        time.sleep(0.6)
        show(50, 200)
    error = capsys.readouterr().err
    assert "comparing:  25 %|" in error
    assert "\n" not in error
    assert error.split("\r")[-1].strip() == ""
