"""Shards of an affinity, and the file that they join to."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from rebalance import _core
from rebalance._simulate import SimulationSettings, simulate
from rebalance.cli import main
from rebalance.io import write_stack
from rebalance.io.results import read_affinity

N = 50


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Averages, their affinity in one go, and all three shards of it."""
    folder = tmp_path_factory.mktemp("shards")
    asked = SimulationSettings(
        averages=N, views=5, box=32, pixel_size=6.0, particles=N, snr=1.0, seed=3
    )
    images = simulate(asked).images
    write_stack(images, 6.0, folder / "classes.mrcs")
    write_stack(images[::-1], 6.0, folder / "others.mrcs")
    assert main(["affinity", *given(folder), "--output", str(folder / "affinity.npz")]) == 0
    for number in (1, 2, 3):
        assert shard(folder, f"{number}/3") == 0
    return folder


def given(folder: Path, classes: str = "classes.mrcs") -> list[str]:
    return ["--classes", str(folder / classes)]


def shard(folder: Path, which: str, *more: str, shards: str = "shards", of: str = "classes.mrcs"):
    output = ["--output", str(folder / shards)]
    return main(["affinity", *given(folder, of), "--shard", which, *output, *more])


@pytest.fixture
def work(folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    shutil.copytree(folder, tmp_path / "work")
    return tmp_path / "work"


def merge(work: Path, *more: str) -> int:
    return main(["merge", str(work / "shards"), "--output", str(work / "merged.npz"), *more])


def refused(work: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The sentence with which merging is refused."""
    capsys.readouterr()
    assert merge(work) == 2
    assert not (work / "merged.npz").exists()
    return capsys.readouterr().err


def of_shard(work: Path, number: int) -> list[Path]:
    return sorted((work / "shards").glob(f"shard_{number:04d}_of_0003_*"))


def test_shards_join_to_the_plain_file(folder: Path, tmp_path: Path) -> None:
    joined = tmp_path / "merged.npz"
    assert main(["merge", str(folder / "shards"), "--output", str(joined)]) == 0
    assert joined.read_bytes() == (folder / "affinity.npz").read_bytes()


def test_shards_of_several_directories(folder: Path, tmp_path: Path) -> None:
    parts = [tmp_path / f"part{number}" for number in (1, 2, 3)]
    for number, part in enumerate(parts, start=1):
        part.mkdir()
        for path in of_shard(folder, number):
            shutil.copy(path, part)
    joined = tmp_path / "out"
    assert main(["merge", *map(str, parts), "--output", str(joined)]) == 0
    whole = (folder / "affinity.npz").read_bytes()
    assert (joined / "affinity.npz").read_bytes() == whole


def test_shards_named_one_by_one(folder: Path, tmp_path: Path) -> None:
    joined = tmp_path / "merged.npz"
    files = [str(path) for path in (folder / "shards").iterdir()]
    assert main(["merge", *files, "--output", str(joined)]) == 0
    assert joined.read_bytes() == (folder / "affinity.npz").read_bytes()


def test_a_run_takes_the_joined_file_up(folder: Path) -> None:
    with np.load(folder / "affinity.npz") as archive:
        sha256 = str(archive["input_sha256"])
        np.testing.assert_array_equal(archive["class_number"], np.arange(1, N + 1))
    assert read_affinity(folder / "affinity.npz", sha256)["values"].shape == (N, N)


def test_an_interrupted_shard_makes_only_what_is_missing(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = of_shard(work, 2)
    assert len(paths) > 2
    before = {path: path.stat().st_mtime_ns for path in paths}
    paths[0].unlink()
    paths[1].write_bytes(paths[1].read_bytes()[:-100])
    assert shard(work, "2/3") == 0
    assert f"2 tiles made, {len(paths) - 2} were there" in capsys.readouterr().out
    after = {path: path.stat().st_mtime_ns for path in paths}
    assert {path for path in paths if after[path] == before[path]} == set(paths[2:])
    assert merge(work) == 0
    assert (work / "merged.npz").read_bytes() == (work / "affinity.npz").read_bytes()


def test_a_missing_shard_is_named(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in of_shard(work, 2):
        path.unlink()
    of_shard(work, 3)[0].unlink()
    sentence = refused(work, capsys)
    assert "tiles are missing, those of shard 2/3, 3/3: run rebalance affinity --shard 2/3" in (
        sentence
    )


@pytest.mark.parametrize("how", ["short", "flipped", "empty"])
def test_a_torn_shard_is_named(work: Path, capsys: pytest.CaptureFixture[str], how: str) -> None:
    path = of_shard(work, 3)[1]
    content = bytearray(path.read_bytes())
    content[400] ^= 255
    torn = {"short": content[: len(content) // 2], "flipped": content, "empty": b""}
    path.write_bytes(torn[how])
    sentence = refused(work, capsys)
    assert f"{path} is torn: run rebalance affinity --shard 3/3 again" in sentence


@pytest.mark.parametrize(
    ("more", "of", "words"),
    [
        (["--no-mirror"], "classes.mrcs", "settings"),
        ([], "others.mrcs", r"class averages (checksum)"),
    ],
)
def test_shards_that_do_not_belong_together_are_refused(
    work: Path, capsys: pytest.CaptureFixture[str], more: list[str], of: str, words: str
) -> None:
    assert shard(work, "2/3", *more, of=of) == 2
    assert f"was made with another {words} than this run has" in capsys.readouterr().err
    assert shard(work, "2/3", *more, shards="elsewhere", of=of) == 0
    for path in (work / "elsewhere").iterdir():
        shutil.copy(path, work / "shards" / path.name)
    assert f"was made with another {words} than" in refused(work, capsys)


def with_origin(path: Path, **changed: object) -> None:
    with np.load(path) as archive:
        arrays = dict(archive)
    origin = json.loads(str(arrays["origin"])) | changed
    arrays["origin"] = np.array(json.dumps(origin))
    with path.open("wb") as file:
        np.savez(file, **arrays)


def test_another_version_is_refused(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_origin(of_shard(work, 2)[0], version="0.0.1")
    assert "was made with another version of rebalance than" in refused(work, capsys)


def test_another_instruction_set_is_named(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in of_shard(work, 2):
        with_origin(path, instruction_set="vector64")
    assert merge(work) == 0
    told = capsys.readouterr().err
    assert f"shard 2/3 was computed with vector64, the first with {_core.instruction_set()}" in told


def test_two_numbers_of_shards_are_refused(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shard(work, "1/2") == 0
    assert "belong to different numbers of shards: keep those of one" in refused(work, capsys)


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", "1/2/3"])
def test_what_is_no_shard_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        shard(folder, text)
    assert "must be I/N, shard I of N, with 1 <= I <= N" in capsys.readouterr().err


def test_too_many_shards_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shard(folder, "1/11", shards="many") == 2
    assert "50 averages make at most 10 tiles, too few for 11 shards: ask for 10 or fewer" in (
        capsys.readouterr().err
    )


def test_nothing_to_merge_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = ["--output", str(tmp_path / "a.npz")]
    assert main(["merge", str(tmp_path), *output]) == 2
    assert "holds no shards: run rebalance affinity --shard 1/N" in capsys.readouterr().err
    assert main(["merge", str(tmp_path / "none"), *output]) == 2
    assert "must be a directory that rebalance affinity --shard wrote" in capsys.readouterr().err
    other = tmp_path / "affinity.npz"
    other.touch()
    assert main(["merge", str(other), *output]) == 2
    assert "must be a file that rebalance affinity --shard wrote, as" in capsys.readouterr().err


def test_what_is_there_is_not_replaced(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert merge(work) == 0
    capsys.readouterr()
    assert merge(work) == 2
    assert "merged.npz is there: choose another output, or add --overwrite" in (
        capsys.readouterr().err
    )
    assert merge(work, "--overwrite") == 0


def test_averages_must_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["affinity", "--output", str(tmp_path / "a.npz")]) == 2
    assert "the class averages must be named: give --classes" in capsys.readouterr().err
