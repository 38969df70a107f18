"""The External job of RELION: its call, its files, its marks, and what a stop leaves."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import starfile

from rebalance._simulate import SimulationSettings, simulate
from rebalance.cli import main, parse
from rebalance.cli.stop import Stopped, signals_as_exceptions
from rebalance.io import read_particles
from rebalance.io.relion_nodes import write_output_nodes
from rebalance.io.simulated import write_relion_job

DATA = "Class2D/job001/run_it025_data.star"
OPTIMISER = "Class2D/job001/run_it025_optimiser.star"
JOB = "External/job002/"
SUCCESS, FAILURE, ABORTED = (f"RELION_JOB_EXIT_{end}" for end in ("SUCCESS", "FAILURE", "ABORTED"))
ABORT_NOW = "RELION_JOB_ABORT_NOW"
OF_RELION = {"job.star", "note.txt", "run.out", "run.err"}
OURS = {
    *("affinity.npz", "affinity.png", "backup_selection.star", "class_averages.png"),
    *("class_averages.star", "logfile.pdf", "particles.png", "particles.star"),
    *("particles_excluded.star", "report.html", "settings.json", "superclasses.csv"),
    *("RELION_OUTPUT_NODES.star", "number.png"),
}
TABLES = {name for name in OURS if name.endswith(".star")}


def project_at(folder: Path, **settings: int) -> Path:
    """A simulated project with the directory that RELION makes for the External job."""
    small = {"averages": 14, "views": 4, "box": 32, "particles": 500} | settings
    write_relion_job(simulate(SimulationSettings(**small)), folder)
    (folder / JOB).mkdir(parents=True)
    for name in OF_RELION:
        (folder / JOB / name).write_text(f"{name} of RELION\n")
    return folder


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project_at(tmp_path_factory.mktemp("external") / "project")


@pytest.fixture
def project(pristine, tmp_path, monkeypatch) -> Path:
    shutil.copytree(pristine, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture(scope="session")
def long_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("external_long") / "project"
    return project_at(folder, averages=120, views=10, box=64, particles=5000)


def external(*words: object, parts: str = DATA) -> int:
    """Exit status of RELION's call."""
    call = ["external", "--o", JOB, "--in_parts", parts, *map(str, words), "--j", "1"]
    try:
        return main(call)
    except SystemExit as stop:
        return int(str(stop.code))


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def nodes(project: Path) -> list[list[str]]:
    table = starfile.read(
        project / JOB / "RELION_OUTPUT_NODES.star", parse_as_string=["rlnPipeLineNodeType"]
    )
    return table.to_numpy().tolist()


# ------------------------------------------------------------------------------ a good end


def test_files_marks_and_nodes(project):
    before = content(project / "Class2D")
    assert external("--factor", "0.5", "--k", 4) == 0
    job = project / JOB
    assert files(job) == OF_RELION | OURS | {SUCCESS}
    assert (job / SUCCESS).read_bytes() == b""
    assert [node[0] for node in nodes(project)] == [
        f"External/job002/{name}"
        for name in ("particles.star", "class_averages.star", "logfile.pdf")
    ]
    for name in OF_RELION - {"note.txt"}:
        assert (job / name).read_text() == f"{name} of RELION\n"
    note = (job / "note.txt").read_text()
    assert note.startswith("note.txt of RELION\n")
    assert "\nrebalance external --o External/job002/ --in_parts Class2D/job001/run" in note
    assert (job / "logfile.pdf").read_bytes().startswith(b"%PDF")
    assert content(project / "Class2D") == before
    record = json.loads((job / "settings.json").read_text())
    assert set(record["files"]) == OURS - {"settings.json"}
    assert record["settings"]["superclasses"]["n_superclasses"] == 4
    assert record["settings"]["balance"]["factor"] == "0.5"


def test_tables_are_those_of_run(project, tmp_path):
    assert external("--factor", "0.5", "--k", 4, parts=OPTIMISER) == 0
    words = ["run", "--particles", DATA, "--output", str(tmp_path / "out")]
    assert main([*words, "--factor", "0.5", "-k", "4", "-j", "1"]) == 0
    for name in TABLES - {"RELION_OUTPUT_NODES.star"} | {"superclasses.csv"}:
        assert (project / JOB / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


RELION_3_1 = "# version 30001\n\ndata_pipeline_nodes\n\nloop_\n_rlnPipeLineNodeName #1\n"
RELION_3_1 += "_rlnPipeLineNodeType #2\nImport/job001/movies.star 0\n"
RELION_4 = RELION_3_1.replace("NodeType ", "NodeTypeLabel ").replace(
    " 0\n", " MicrographsData.star\n"
)
NEW_4 = "# version 30001\n\ndata_pipeline_processes\n\nloop_\n_rlnPipeLineProcessTypeLabel #1\nx\n"
LABELS_OF_5 = RELION_4.replace("MicrographsData", "MicrographGroupMetadata")
OLD = ("ParticlesData.star.relion", "ImagesData.star.relion.classaverages")
NEW = ("ParticleGroupMetadata.star.relion", "Image2DGroupMetadata.star.relion.classaverages")


@pytest.mark.parametrize(
    ("pipeline", "labels"),
    [
        (RELION_3_1, OLD),
        (RELION_4, OLD),
        (NEW_4, OLD),
        (LABELS_OF_5, NEW),
        (RELION_4.replace("30001", "50001"), NEW),
        ("# version 50001\n\ndata_pipeline_general\n\n_rlnPipeLineJobCounter 2\n", NEW),
        ("no STAR file", NEW),
        (None, NEW),
    ],
)
def test_nodes_of_every_version(tmp_path, pipeline, labels):
    if pipeline is not None:
        (tmp_path / "default_pipeline.star").write_text(pipeline)
    (tmp_path / JOB).mkdir(parents=True)
    write_output_nodes(tmp_path / JOB / "RELION_OUTPUT_NODES.star", Path(JOB), tmp_path)
    assert [node[1] for node in nodes(tmp_path)] == ["3", "5", "13"]
    assert [node[2] for node in nodes(tmp_path)] == [*labels, "LogFile.pdf.relion"]


@pytest.mark.parametrize("way", ["External/job002", "./External/job002/", "absolute"])
def test_nodes_are_relative_to_the_project(tmp_path, way):
    (tmp_path / JOB).mkdir(parents=True)
    folder = tmp_path / JOB if way == "absolute" else Path(way)
    write_output_nodes(tmp_path / JOB / "RELION_OUTPUT_NODES.star", folder, tmp_path)
    assert nodes(tmp_path)[0][0] == "External/job002/particles.star"


def test_real_project(test_data, tmp_path, monkeypatch):
    shutil.copytree(
        test_data / "relion_project", tmp_path / "project", copy_function=shutil.copyfile
    )
    (tmp_path / "project").chmod(0o755)
    for folder in (tmp_path / "project").rglob("*/"):
        folder.chmod(0o755)
    monkeypatch.chdir(tmp_path / "project")
    data = "Class2D/job013/run_it100_data.star"
    options = ("--k", 16, "--max_size", 100, "--junk", "keep")
    assert external(*options, parts=data) == 0
    assert files(Path(JOB)) == OURS | {SUCCESS, "note.txt"}
    assert [node[2] for node in nodes(Path())] == [*OLD, "LogFile.pdf.relion"]  # a 3.1 project
    before = read_particles(Path(data))
    kept, excluded = (
        read_particles(Path(JOB) / f"particles{end}.star") for end in ("", "_excluded")
    )
    assert len(kept) + len(excluded) == len(before)
    selected = starfile.read(Path(JOB) / "backup_selection.star")["rlnSelected"]
    assert len(selected) == 100
    assert set(kept.class_number) <= set(np.flatnonzero(selected) + 1)


# ------------------------------------------------------------------------------ continue


def test_continue_replaces_our_own_files_only(project):
    assert external("--k", 4, "--max-size", 5) == 0
    job = project / JOB
    (job / "thesis.tex").write_text("mine")
    (job / ".rebalance-dead").mkdir()  # of a run that was killed
    (job / "superclasses").mkdir()
    record = json.loads((job / "settings.json").read_text())
    (job / "of_earlier_options.star").write_text("x")
    record["files"] += ["of_earlier_options.star", "superclasses", "../../../Class2D", ".."]
    (job / "settings.json").write_text(json.dumps(record))
    first = read_particles(job / "particles.star")
    assert external("--k", 4, "--max_size", 9) == 0
    assert files(job) == OF_RELION | OURS | {SUCCESS, "thesis.tex"}
    assert len(read_particles(job / "particles.star")) > len(first)
    assert (job / "note.txt").read_text().count("rebalance external") == 2
    assert (project / DATA).is_file()


@pytest.mark.parametrize("mark", [SUCCESS, FAILURE, ABORTED])
def test_marks_of_an_earlier_run_go(project, mark):
    (project / JOB / mark).touch()
    assert external("--factor", "2") == 2
    assert {name for name in files(project / JOB) if "EXIT" in name} == {FAILURE}
    assert external("--k", 2) == 0
    assert {name for name in files(project / JOB) if "EXIT" in name} == {SUCCESS}


def test_a_failure_leaves_earlier_results(project):
    assert external("--k", 4) == 0
    before = content(project / JOB)
    assert external("--k", 400) == 2
    after = content(project / JOB)
    for path in before:
        if not path.endswith((SUCCESS, "note.txt")):
            assert after[path] == before[path]
    assert files(project / JOB) == OF_RELION | OURS | {FAILURE}


# ------------------------------------------------------------------------------ the call


def test_odd_labels_are_warned_about(project, capsys):
    words = ["--k", 2, "--threshold", "0.1", "0.2", "--denoise", "no", "--pipeline_control", JOB]
    assert external(*words, "--in_mics", "CtfFind/job003/micrographs_ctf.star") == 0
    assert SUCCESS in files(project / JOB)
    error = capsys.readouterr().err
    assert (
        "rebalance: warning: --threshold 0.1 0.2 is no parameter of rebalance and is ignored; see "
        "rebalance external --help.\n" in error
    )
    assert "warning: --denoise no is no parameter" in error
    assert "warning: --in_mics CtfFind/job003/micrographs_ctf.star is not used: the part" in error
    assert "pipeline_control" not in error


@pytest.mark.parametrize(
    ("words", "no_mirror", "seed"),
    [
        (["--no_mirror", "--random_seed", "7"], True, 7),
        (["--no-mirror", "Yes", "--seed", "8"], True, 8),
        (["--no_mirror", "true", "--seed=9"], True, 9),
        (["--no_mirror", "No"], False, 0),
    ],
)
def test_labels_as_people_write_them(words, no_mirror, seed):
    args = parse(["external", "--o", JOB, "--i", DATA, "--k", "2", *words, "--j", "3"])
    assert (args.no_mirror, args.seed, args.n_superclasses) == (no_mirror, seed, 2)
    assert (args.particles, args.threads, args.unknown) == (Path(DATA), 3, [])


REFUSALS = {
    "no particles": (["--o", JOB, "--j", "1"], r"needs particles .* \(--in_parts\), and there are"),
    "missing file": (["--o", JOB, "--in_parts", "no.star"], "no.star does not exist; check the pa"),
    "no STAR file": (["--o", JOB, "--in_parts", "J5_p.cs"], "takes particles of RELION (.star), n"),
    "bad value": (["--o", JOB, "--in_parts", DATA, "--factor", "2"], "rebalance factor must be a"),
    "no value": (["--o", JOB, "--in_parts", DATA, "--factor", "--j", "1"], "expected one argument"),
    "no integer": (["--o", JOB, "--in_parts", DATA, "--j", "x"], "must be a whole number, not 'x'"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_leave_the_failure_mark(project, capsys, name):
    words, sentence = REFUSALS[name]
    try:
        status = main(["external", *words])
    except SystemExit as stop:
        status = int(str(stop.code))
    assert status == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert sentence.split(".*")[0].replace("\\", "") in error
    assert files(project / JOB) == OF_RELION | {FAILURE}


def test_particles_of_the_job_itself_are_refused(project, capsys):
    assert external("--k", 4) == 0
    assert external("--k", 4, parts=f"{JOB}particles.star") == 2
    assert "holds the input External/job002/particles.star; give the par" in capsys.readouterr().err


def test_without_a_directory_nothing_is_marked(project, capsys):
    for words in (["external", "--in_parts", DATA], ["external", "--help"]):
        with pytest.raises(SystemExit):
            main(words)
    assert "the following arguments are required: --o" in capsys.readouterr().err
    assert files(project / JOB) == OF_RELION


def test_a_directory_that_cannot_be_made_is_one_sentence(project, capsys):
    words = ["external", "--o", f"{DATA}/x/", "--in_parts", DATA]
    assert main(words) == 2
    assert "cannot be written: Not a directory; check --o" in capsys.readouterr().err


# ------------------------------------------------------------------------------ stopped


MOMENTS = {  # what has appeared in the job's directory, options
    "loading": ("note.txt", []),
    "comparing": (".rebalance-*", ["--exhaustive", "--max_shift", "32px"]),
    "writing": (".rebalance-*/particles_excluded.star", []),
    "drawing": (".rebalance-*/affinity.npz", []),
}


def start(project: Path, job: Path, *options: str) -> subprocess.Popen[str]:
    words = ["external", "--o", str(job), "--in_parts", DATA, "--k", "10", *options, "--j", "1"]
    return subprocess.Popen(
        [sys.executable, "-m", "rebalance", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=project,
        # A test run in the background of a shell has SIGINT ignored, and hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def started_until(project: Path, job: Path, moment: str) -> subprocess.Popen[str]:
    """A job that has come to a moment."""
    pattern, options = MOMENTS[moment]
    process = start(project, job, *options)
    end = time.monotonic() + 30
    while not list(job.glob(pattern)):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.005)
    if moment == "comparing":
        time.sleep(0.2)
    return process


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, error = process.communicate(timeout=60)
    return process.returncode, error


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_leave_the_failure_mark(long_project, tmp_path, moment, number, status):
    process = started_until(long_project, tmp_path, moment)
    process.send_signal(number)
    sentence = "rebalance: stopped; an output directory appears only when whole\n"
    assert finish(process) == (status, sentence)
    assert files(tmp_path) == {FAILURE, "note.txt"}


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_abort_file_is_obeyed_within_a_second(long_project, tmp_path, moment):
    process = started_until(long_project, tmp_path, moment)
    (tmp_path / ABORT_NOW).touch()
    asked = time.monotonic()
    assert finish(process) == (1, "rebalance: aborted by RELION\n")
    assert time.monotonic() - asked < 5  # a loaded machine; a second is measured by hand
    assert files(tmp_path) == {ABORTED, "note.txt"}


@pytest.mark.parametrize("moment", ["comparing", "drawing"])
def test_kill_leaves_no_mark_and_continue_works(long_project, project, moment):
    job = project / JOB
    process = started_until(long_project, job, moment)
    process.kill()
    process.communicate(timeout=60)
    left = files(job) - OF_RELION
    assert len(left) == 1  # the hidden directory
    assert left.pop().startswith(".rebalance-")
    assert external("--k", 2) == 0
    assert files(job) == OF_RELION | OURS | {SUCCESS}


def test_a_stop_that_python_drops_is_raised_a_little_later(capsys):
    class Finalised:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)
            time.sleep(0)

    def drop() -> None:
        with signals_as_exceptions():
            Finalised()
            end = time.monotonic() + 10
            while time.monotonic() < end:
                time.sleep(0.001)

    before = sys.unraisablehook
    with pytest.raises(Stopped):
        drop()
    assert sys.unraisablehook is before
    assert capsys.readouterr().err == ""


def test_an_unforeseen_error_leaves_the_failure_mark(project, monkeypatch):
    def fail(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("rebalance.cli.run.run_pipeline", fail)
    with pytest.raises(ZeroDivisionError):
        external("--k", 2)
    assert files(project / JOB) == OF_RELION | {FAILURE}


def test_tables_are_never_half_written(project, monkeypatch):
    """Each file that has its name is whole, whenever the job stops while renaming."""
    rename, left = Path.rename, [0]

    def counted(self: Path, target: Path) -> Path:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", counted)
    left[0] = len(OURS)
    assert external("--k", 2, "--max_size", 3) == 0
    whole = content(project / JOB)
    for count in (0, 5, len(OURS) - 1):
        shutil.rmtree(project / JOB)
        os.mkdir(project / JOB)
        left[0] = count
        with pytest.raises(KeyboardInterrupt):
            external("--k", 2, "--max_size", 3)
        found = content(project / JOB)
        assert len(found) == count + 2  # the mark and the note
        for path in set(found) & set(whole):
            if path.endswith(".star"):
                assert found[path] == whole[path]
        assert FAILURE in files(project / JOB)


# ------------------------------------------------------------------------------ documentation


def test_the_page_shows_what_works():
    docs = Path(__file__).parents[1] / "docs"
    script = runpy.run_path(str(docs / "pictures" / "relion_fields.py"))
    assert script["PICTURE"].read_text() == script["draw"]()
    call = script["call"]()
    assert " ".join(call) in (docs / "relion.md").read_text()
    args = parse(call[1:])
    assert args.unknown == []
    assert (args.factor, args.n_superclasses, str(args.mask_diameter)) == ("0.5", "auto", "180A")


def test_nothing_heavy_is_loaded_before_signals_are_heeded():
    code = "import sys, rebalance.cli; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
