"""`rebalance figures` and the summary for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rebalance._simulate import SimulationSettings, simulate
from rebalance.cli import main
from rebalance.errors import RebalanceError
from rebalance.io.simulated import write_relion_job


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    small = SimulationSettings(averages=14, views=4, box=32, particles=500)
    write_relion_job(simulate(small), folder)
    return folder


@pytest.fixture(scope="module")
def data(project: Path) -> Path:
    return next(project.rglob("*_data.star"))


@pytest.fixture(scope="module")
def balanced(project: Path, data: Path) -> Path:
    output = project / "balanced"
    words = ["run", "--particles", str(data), "--output", str(output), "-k", "4", "--factor", "0.5"]
    assert main(words) == 0
    return output


def test_the_pictures_of_a_run_are_drawn_again(balanced: Path, tmp_path: Path) -> None:
    words = ["figures", str(balanced), "--output", str(tmp_path / "f"), "--format", "png", "pdf"]
    assert main(words) == 0
    for name in ("affinity", "class_averages", "particles", "number"):
        again = (tmp_path / "f" / f"{name}.png").read_bytes()
        assert again == (balanced / f"{name}.png").read_bytes()
        assert (tmp_path / "f" / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_pictures_appear_all_or_not_at_all(
    balanced: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(result: object, folder: Path, **settings: object) -> list[Path]:
        (folder / "affinity.pdf").write_bytes(b"%PDF")
        raise RebalanceError("the disk is full")

    monkeypatch.setattr("rebalance.cli.figures.save_figures", fail)
    assert main(["figures", str(balanced), "--output", str(tmp_path / "f")]) == 2
    assert list(tmp_path.iterdir()) == []


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["figures", *words]) == 2
    return capsys.readouterr().err


def test_what_holds_no_results_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(capsys, str(tmp_path))
    assert said == (
        f"rebalance: error: {tmp_path / 'settings.json'} must be the settings.json of a finished "
        "run, and it is not: give the directory that rebalance run wrote.\n"
    )


def test_a_directory_that_is_there_is_refused(
    balanced: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(capsys, str(balanced), "--output", str(balanced))
    assert said == (
        f"rebalance: error: {balanced} must be a new directory, and it is there: name another.\n"
    )


def test_they_are_drawn_where_the_run_was_started(
    project: Path,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(project)
    words = ["run", "--particles", str(data.relative_to(project)), "--output", str(tmp_path / "o")]
    assert main([*words, "-k", "3"]) == 0
    assert main(["figures", str(tmp_path / "o"), "--width", "column"]) == 0
    assert (tmp_path / "o/figures/affinity.pdf").is_file()
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert "it is missing: go there, or run it again" in refusal(capsys, "o", "--output", "f")


def test_changed_inputs_are_refused(
    balanced: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = data.read_bytes()
    try:
        data.write_bytes(before + b"\n")
        said = refusal(capsys, str(balanced), "--output", str(tmp_path / "f"))
    finally:
        data.write_bytes(before)
    assert said == (
        f"rebalance: error: input {data} must be there, from the directory where the run was "
        "started, and as the run read it, and it is not: go there, or run it again.\n"
    )
    assert not (tmp_path / "f").exists()


def test_the_summary_for_scripts(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "o"
    words = ["run", "--particles", str(data), "--output", str(output), "-k", "4", "--factor", "0.5"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["number"]["superclasses"] == 4
    assert found["particles"]["kept"] + found["particles"]["excluded"] == 500
    sizes = [row["particles"] for row in found["superclasses"]]
    kept = [row["kept"] for row in found["superclasses"]]
    assert sum(sizes) == 500
    assert found["balance"]["cap"] == min(sizes) * 2
    assert kept == [min(size, min(sizes) * 2) for size in sizes]
    assert found["evenness"]["after"]["ratio"] >= 0.5
