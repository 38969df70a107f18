"""The newer form of ``.cs`` files, and what ``cryosparc-tools`` finds in the files written."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from rebalance import RebalanceError, SimulationSettings, simulate
from rebalance.io import open_job
from rebalance.io.cryosparc_files import open_cs
from rebalance.io.simulated_cryosparc import ROOT, write_cryosparc_job

PARTICLES, AVERAGES = f"{ROOT}_particles.cs", f"{ROOT}_class_averages.cs"
PASSED = "P1_J1_passthrough_particles.cs"
SMALL = SimulationSettings(averages=9, views=3, box=32, particles=200)
NUMBERS = ("<i1", "<i2", "<i4", "<i8", "<u1", "<u2", "<u4", "<u8", "<f4", "<f8", "<c8", "<c16")


@pytest.fixture
def dataset():
    return pytest.importorskip("cryosparc.dataset", reason="cryosparc-tools is not installed")


@pytest.fixture
def project(tmp_path) -> Path:
    return write_cryosparc_job(simulate(SMALL), tmp_path / "project")


def every_column(dataset, n: int):
    """A data set of the package with every type that it knows."""
    rng = np.random.default_rng(0)
    columns = {"uid": rng.permutation(n).astype(np.uint64) + np.uint64(5)}
    columns |= {f"a/{kind[1:]}": rng.integers(0, 99, n).astype(kind) for kind in NUMBERS}
    columns |= {"b/vector": rng.random((n, 3), np.float32), "b/matrix": rng.random((n, 2, 4))}
    columns |= {"c/text": np.array([f"name µ {k % 3}" for k in range(n)], dtype=object)}
    columns |= {"alignments2D/class": rng.integers(0, 5, n).astype(np.uint32)}
    return dataset.Dataset(columns)


def save_stream(dataset, rows, path: Path) -> Path:
    rows.save(str(path), format=dataset.CSDAT_FORMAT)
    return path


def assert_same(found, expected) -> None:
    assert found.descr() == expected.descr()
    for name in expected:
        assert np.array_equal(found[name], expected[name]), name


@pytest.mark.parametrize("n", [0, 1, 2, 500])
def test_rows_of_the_newer_form(dataset, tmp_path, n):
    rows = every_column(dataset, n)
    file = open_cs(save_stream(dataset, rows, tmp_path / "a.cs"))
    assert (len(file), file.form, file.fields) == (n, "CSDAT form", tuple(rows))
    mask = np.random.default_rng(1).random(n) < 0.4
    outputs = [tmp_path / "kept.cs", tmp_path / "excluded.cs"]
    file.write_parts(np.where(mask, 1, 2).astype(np.uint8), outputs)
    for path, chosen in zip(outputs, (mask, ~mask), strict=True):
        assert path.read_bytes().startswith(b"\x95CSDAT")
        assert_same(dataset.Dataset.load(str(path)), rows.mask(chosen))
    text = file.columns(["c/text", "a/c8"])
    assert text["c/text"].tolist() == list(rows["c/text"])
    assert text["a/c8"].tolist() == rows["a/c8"].tolist()


def test_superclass_in_the_newer_form(dataset, tmp_path):
    file = open_cs(save_stream(dataset, every_column(dataset, 8), tmp_path / "a.cs"))
    part, superclass = np.arange(8) % 2, np.arange(8) - 1
    for value in (0, 5):
        path = tmp_path / f"b{value}.cs"
        file.write_parts(part.astype(np.uint8), [path], (superclass + value).astype(np.int32))
        written = dataset.Dataset.load(str(path))
        assert written["rebalance/superclass"].tolist() == (superclass + value)[part == 1].tolist()
        assert written.descr()[-1] == ("rebalance/superclass", "<i4")
        file, part, superclass = open_cs(path), np.ones(4), superclass[1::2]


def test_both_forms_of_a_job_give_the_same(dataset, project, tmp_path):
    plain = open_job(project / "J1" / PARTICLES)
    for name in (PARTICLES, PASSED, AVERAGES):
        path = project / "J1" / name
        save_stream(dataset, dataset.Dataset.load(str(path)), path)
    newer = open_job(project / "J1" / PARTICLES)
    assert "CSDAT form" in newer.found[0]
    assert newer.particles.class_number.tolist() == plain.particles.class_number.tolist()
    assert newer.particles.identity.tolist() == plain.particles.identity.tolist()
    assert np.array_equal(newer.averages.images, plain.averages.images)
    mask = newer.particles.class_number < 4
    newer.particles.write(mask, tmp_path / "particles.cs")
    newer.write_averages(newer.averages.class_number < 4, tmp_path / "class_averages.cs")
    for name, given in (("particles", PARTICLES), ("particles_passthrough", PASSED)):
        rows = dataset.Dataset.load(str(project / "J1" / given))
        kept = np.isin(rows["uid"], newer.particles.identity[mask])
        assert_same(dataset.Dataset.load(str(tmp_path / f"{name}.cs")), rows.mask(kept))


def test_columns_of_the_newer_form(dataset, project):
    names = ("ctf/type", "location/micrograph_path", "alignments2D/class_posterior", "ctf/shift_A")
    plain = {name: open_job(project / "J1" / PARTICLES).particles.column(name) for name in names}
    for name in (PARTICLES, PASSED):
        path = project / "J1" / name
        save_stream(dataset, dataset.Dataset.load(str(path)), path)
    for name, expected in plain.items():
        found = open_job(project / "J1" / PARTICLES).particles.column(name)
        assert found.dtype.kind == expected.dtype.kind
        assert np.array_equal(found, expected)


def test_the_package_finds_the_same_fields_in_what_is_written(dataset, project, tmp_path):
    job = open_job(project / "J2" / "P1_J2_particles_selected.csg")
    job.particles.write(np.arange(len(job.particles)) % 2 == 0, tmp_path / "particles.cs")
    job.write_averages(job.averages.selected, tmp_path / "class_averages.cs")
    for name, given in (
        ("particles", "particles_selected.cs"),
        ("particles_passthrough", "P1_J2_passthrough_particles_selected.cs"),
        ("class_averages", "templates_selected.cs"),
    ):
        found = dataset.Dataset.load(str(tmp_path / f"{name}.cs"))
        expected = dataset.Dataset.load(str(project / "J2" / given))
        assert found.descr() == expected.descr()
        assert set(found["uid"].tolist()) <= set(expected["uid"].tolist())


def test_real_files_in_the_newer_form(dataset, test_data, tmp_path):
    for path in sorted((test_data / "cs").glob("*.cs")):
        rows = dataset.Dataset.load(str(path))
        file = open_cs(save_stream(dataset, rows, tmp_path / path.name))
        mask = np.random.default_rng(0).random(len(rows)) < 0.5
        file.write_parts(mask.astype(np.uint8), [tmp_path / "kept.cs"])
        assert_same(dataset.Dataset.load(str(tmp_path / "kept.cs")), rows.mask(mask))


def test_damaged_files_of_the_newer_form(dataset, tmp_path):
    path = save_stream(dataset, every_column(dataset, 300), tmp_path / "a.cs")
    whole = path.read_bytes()
    path.write_bytes(whole[:30])
    with pytest.raises(RebalanceError, match=r"a.cs is damaged or cut short \(CSDAT form\); copy"):
        open_cs(path)
    path.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(RebalanceError, match=r"a.cs is damaged or cut short \(CSDAT form\); copy"):
        open_cs(path).columns(["alignments2D/class"])


def test_the_newer_form_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryosparc.dataset", None)
    (tmp_path / "a.cs").write_bytes(b"\x95CSDAT....")
    with pytest.raises(
        RebalanceError, match=r"install it \(pip install 'rebalance2d\[cryosparc\]'\)"
    ):
        open_cs(tmp_path / "a.cs")
