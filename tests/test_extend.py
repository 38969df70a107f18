"""New averages added to a stored affinity, and superclasses that keep their numbers."""

from __future__ import annotations

import csv
import functools
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import rebalance
from rebalance import Affinity, RebalanceError
from rebalance._simulate import SimulationSettings, simulate
from rebalance._stable_numbers import number_before
from rebalance.cli import main
from rebalance.io import write_stack
from rebalance.io.simulated import write_relion_job

FIELDS = ("values", "angle", "shift", "mirror")
SMALL = SimulationSettings(
    averages=36, views=4, box=32, pixel_size=6, resolution=(14, 24), particles=600, seed=3
)


@functools.cache
def averages() -> NDArray[np.float32]:
    return simulate(SMALL).images


@functools.cache
def known() -> Affinity:
    return rebalance.affinity(averages()[:20])


# The rows of new averages.


def test_what_is_known_stays_and_the_rest_is_what_a_search_finds() -> None:
    found = rebalance.extend_affinity(known(), averages()[:20], averages()[20:], threads=2)
    assert found.settings == known().settings
    asked = {
        name: getattr(known().settings, name) for name in known().settings.__dataclass_fields__
    }
    between = rebalance.affinity_between(averages()[:20], averages()[20:], **asked)
    among = rebalance.affinity(averages()[20:], **asked)
    for name in FIELDS:
        whole = getattr(found, name)
        np.testing.assert_array_equal(whole[:20, :20], getattr(known(), name))
        np.testing.assert_array_equal(whole[:20, 20:], getattr(between, name))
        np.testing.assert_array_equal(whole[20:, 20:], getattr(among, name))
    np.testing.assert_array_equal(found.values, found.values.T)
    np.testing.assert_array_equal(found.mirror, found.mirror.T)


def test_the_rows_added_are_near_those_of_all_at_once() -> None:
    found = rebalance.extend_affinity(known(), averages()[:20], averages()[20:])
    asked = {
        name: getattr(known().settings, name) for name in known().settings.__dataclass_fields__
    }
    whole = rebalance.affinity(averages(), **asked)
    near = np.abs(found.values - whole.values) < 1e-3
    assert near.mean() > 0.99


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (slice(0, 19), slice(20, 30), "affinity is of 20 averages, and 19 images are given with"),
        (slice(0, 20), None, "one width, not 32 px and 16 px: rescale one"),
    ],
)
def test_averages_that_do_not_fit_are_refused(old: slice, new: slice | None, sentence: str) -> None:
    added = averages()[:3, :16, :16] if new is None else averages()[new]
    with pytest.raises(RebalanceError, match=sentence):
        rebalance.extend_affinity(known(), averages()[old], added)


# Numbers.


@functools.cache
def grouped() -> rebalance.Superclasses:
    return rebalance.superclassify(rebalance.affinity(averages()), 4)


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(4)), st.integers(0, 10))
def test_numbers_follow_those_of_before(order: list[int], n_new: int) -> None:
    found = grouped()
    before = np.array(order)[found.labels]
    before[:n_new] = -1
    kept = rebalance.keep_numbers(found, before)
    known_there = before >= 0
    if len(np.unique(before[known_there])) == 4:
        np.testing.assert_array_equal(kept.labels[known_there], before[known_there])
    np.testing.assert_array_equal(np.unique(kept.labels), range(4))
    np.testing.assert_array_equal(kept.labels_by_k[4], kept.labels)
    number = {old: new for old, new in zip(found.labels, kept.labels, strict=True)}
    for old, new in number.items():
        assert kept.superclass_confidence[new] == found.superclass_confidence[old]
    np.testing.assert_array_equal(kept.runner_up, [number[old] for old in found.runner_up])


def test_superclasses_that_come_and_go_leave_the_others_their_numbers() -> None:
    labels = grouped().labels
    fewer = np.where(labels == 3, 0, labels)  # one has split since
    kept = rebalance.keep_numbers(grouped(), fewer)
    for number in (1, 2):
        np.testing.assert_array_equal(kept.labels == number, labels == number)
    more = np.where((labels == 0) & (np.arange(36) % 5 == 0), 4, labels)  # two have joined since
    np.testing.assert_array_equal(rebalance.keep_numbers(grouped(), more).labels, labels)


def test_the_number_of_before_stays_while_it_is_plausible() -> None:
    assert number_before([0, 1, 2, 2, -1], (2, 4)) == 3
    assert number_before([0, 1, 2, 2, -1], (4, 6)) is None


@pytest.mark.parametrize("earlier", [[0, 1], np.zeros(36)])
def test_numbers_that_do_not_fit_are_refused(earlier: list[int]) -> None:
    with pytest.raises(RebalanceError, match="earlier must be one whole number per average"):
        rebalance.keep_numbers(grouped(), earlier)


# On the command line.


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extend")
    write_stack(averages()[:20], 6.0, folder / "few.mrcs")
    write_stack(averages()[::-1], 6.0, folder / "all.mrcs")
    few = ["--classes", str(folder / "few.mrcs"), "--output", str(folder / "few.npz")]
    assert main(["affinity", *few]) == 0
    return folder


def extend(folder: Path, *more: str, output: str = "all.npz") -> int:
    given = ["--classes", str(folder / "all.mrcs"), "--extend", str(folder / "few.npz")]
    return main(["affinity", *given, "--output", str(folder / output), *more])


def test_averages_are_known_by_their_pixels(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert extend(folder) == 0
    assert "20 of 36 class averages were in" in capsys.readouterr().out
    with np.load(folder / "few.npz") as few, np.load(folder / "all.npz") as whole:
        at = np.arange(36)[::-1][:20]
        for name in FIELDS:
            np.testing.assert_array_equal(whole[name][np.ix_(at, at)], few[name])
        np.testing.assert_array_equal(whole["class_number"], np.arange(1, 37))


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--no-mirror"], "--no-mirror says how averages are compared, and --extend"),
        (["--shard", "1/2"], "--shard 1/2 is for all pairs, and --extend"),
    ],
)
def test_options_at_odds_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], more: list[str], sentence: str
) -> None:
    assert extend(folder, *more, output="none.npz") == 2
    assert sentence in capsys.readouterr().err


def test_a_file_without_checksums_of_averages_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with np.load(folder / "few.npz") as few:
        arrays = dict(few)
    del arrays["image_sha256"]
    np.savez(tmp_path / "few.npz", **arrays)
    shutil.copy(folder / "all.mrcs", tmp_path)
    assert extend(tmp_path) == 2
    assert "must hold a checksum of each average, which files of before" in capsys.readouterr().err


def superclasses(path: Path) -> list[int]:
    with (path / "superclasses.csv").open(newline="") as file:
        return [int(row["superclass"]) for row in csv.DictReader(file)]


def test_a_run_keeps_the_numbers_of_the_run_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    particles = str(write_relion_job(simulate(SMALL), tmp_path))
    first, second = tmp_path / "first", tmp_path / "second"
    shutil.copytree(tmp_path / "Class2D", tmp_path / "elsewhere")
    assert main(["run", "--particles", particles, "--output", str(first)]) == 0
    table = first / "superclasses.csv"
    swapped = {0: 1, 1: 0}
    rows = [row.split(",") for row in table.read_text().splitlines()]
    for row in rows[1:]:
        row[1] = str(swapped.get(int(row[1]), int(row[1])))
    table.write_text("\n".join(map(",".join, rows)) + "\n")
    wanted = superclasses(first)
    again = ["--extend", str(first / "affinity.npz"), "--output", str(second)]
    assert main(["run", "--particles", particles, *again]) == 0
    assert "36 of 36 class averages were in" in capsys.readouterr().out
    assert superclasses(second) == wanted
    assert (first / "affinity.npz").read_bytes() == (second / "affinity.npz").read_bytes()
    both = [*again, "--affinity", str(first / "affinity.npz"), "--overwrite"]
    assert main(["run", "--particles", particles, *both]) == 2
    assert "is of all averages, and --extend" in capsys.readouterr().err
