"""``.cs`` files in and out: rows bit for bit, joined on uid, with groups that tell of them."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.lib.recfunctions import repack_fields

from rebalance import RebalanceError
from rebalance.io.cryosparc_fields import SUPERCLASS
from rebalance.io.cryosparc_files import open_cs
from rebalance.io.cryosparc_particles import as_particles
from rebalance.io.cryosparc_table import open_table
from rebalance.io.csg import read_csg

EVERY_TYPE = np.dtype(
    [
        ("uid", "<u8"),
        *[(f"a/{kind}", kind) for kind in ("i1", "<i2", "<i4", "<i8", "u1", "<u2", "<u4")],
        *[(f"b/{kind}", kind) for kind in ("<f2", "<f4", "<f8", "<c8", "<c16", "?", "S7", "<U3")],
        *[("c/vector", "<f4", (3,)), ("c/cube", "<u4", (2, 3, 2)), ("c/big", ">f8", (2,))],
        ("alignments2D/class", "<u4"),
    ]
)
MAIN = np.dtype([("uid", "<u8"), ("alignments2D/class", "<u4"), ("blob/path", "S9")])
PASSED = np.dtype([("uid", "<u8"), ("ctf/df1_A", "<f4"), ("location/micrograph_path", "S5")])


def rows(dtype: np.dtype, n: int, seed: int = 0) -> np.ndarray:
    """Rows of random bytes, with uids that do not repeat."""
    rng = np.random.default_rng(seed)
    made = np.frombuffer(rng.bytes(n * dtype.itemsize), dtype).copy()
    for name in dtype.names:
        if dtype[name].kind in "?U":
            made[name] = np.arange(n) % 2
    made["uid"] = rng.permutation(n) * 7 + 1
    if "alignments2D/class" in dtype.names:
        made["alignments2D/class"] = np.arange(n) % 5
    return made


def save(values: np.ndarray, path: Path, version: tuple[int, int] | None = None) -> Path:
    with path.open("wb") as file:
        np.lib.format.write_array(file, values, version, allow_pickle=False)
    return path


def load(path: Path) -> np.ndarray:
    return np.load(path, allow_pickle=False, max_header_size=1 << 20)


def assert_same(values: np.ndarray, expected: np.ndarray) -> None:
    """The same bits, padding aside, and the same type."""
    assert values.dtype == expected.dtype
    assert values.shape == expected.shape
    for name in expected.dtype.names:
        assert values[name].tobytes() == expected[name].tobytes()


def write_both(path: Path, mask: np.ndarray, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Kept and excluded rows of one file."""
    part = np.where(mask, 1, 2).astype(np.uint8)
    open_cs(path).write_parts(part, [folder / "kept.cs", folder / "excluded.cs"])
    return load(folder / "kept.cs"), load(folder / "excluded.cs")


# -------------------------------------------------------------------------- one file


@pytest.mark.parametrize("n", [0, 1, 2, 1000])
@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_rows_are_kept_bit_for_bit(tmp_path, n, share):
    values = rows(EVERY_TYPE, n)
    mask = np.random.default_rng(1).random(n) < share
    kept, excluded = write_both(save(values, tmp_path / "a.cs"), mask, tmp_path)
    assert_same(kept, values[mask])
    assert_same(excluded, values[~mask])


def test_more_rows_than_are_read_at_once(tmp_path):
    values = rows(EVERY_TYPE, 60_000)
    mask = np.random.default_rng(1).random(60_000) < 0.3
    kept, excluded = write_both(save(values, tmp_path / "a.cs"), mask, tmp_path)
    assert_same(kept, values[mask])
    assert_same(excluded, values[~mask])


def test_the_whole_file_written_again_is_the_file(tmp_path):
    path = save(rows(MAIN, 10), tmp_path / "a.cs")
    open_cs(path).write_parts(np.ones(10, np.uint8), [tmp_path / "b.cs"])
    assert (tmp_path / "b.cs").read_bytes() == path.read_bytes()


def test_padded_rows_stay_padded(tmp_path):
    dtype = np.dtype([("uid", "<u8"), ("a/x", "i1"), ("a/y", "<f4")], align=True)
    values = rows(dtype, 9)
    kept, _ = write_both(save(values, tmp_path / "a.cs"), np.arange(9) < 4, tmp_path)
    assert kept.dtype == np.load(tmp_path / "a.cs", allow_pickle=False).dtype
    assert kept["a/y"].tobytes() == values["a/y"][:4].tobytes()


def test_heads_of_the_second_version_and_very_long_ones(tmp_path):
    many = np.dtype([("uid", "<u8"), *[(f"slot_{k}/{'x' * 80}", "<f4") for k in range(900)]])
    for name, values, version in (
        ("second", rows(MAIN, 3), (2, 0)),
        ("long", rows(many, 3), None),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = save(values, tmp_path / f"{name}.cs", version)
        kept, _ = write_both(path, np.array([True, False, True]), tmp_path)
        assert_same(kept, values[[0, 2]])


simple = st.one_of(
    hnp.integer_dtypes(),
    hnp.floating_dtypes(),
    hnp.unsigned_integer_dtypes(),
    hnp.byte_string_dtypes(),
)


@settings(max_examples=60, deadline=None)
@given(
    kinds=st.lists(st.tuples(simple, hnp.array_shapes(min_dims=0, max_dims=3, max_side=3))),
    n=st.integers(0, 30),
    seed=st.integers(0, 1000),
)
def test_kept_and_excluded_make_up_any_file(tmp_path_factory, kinds, n, seed):
    folder = tmp_path_factory.mktemp("any")
    fields = [(f"s/{k}", kind, shape) for k, (kind, shape) in enumerate(kinds)]
    values = rows(np.dtype([("uid", "<u8"), *fields]), n, seed)
    mask = np.random.default_rng(seed).random(n) < 0.5
    kept, excluded = write_both(save(values, folder / "a.cs"), mask, folder)
    assert_same(kept, values[mask])
    assert_same(excluded, values[~mask])


@pytest.mark.parametrize("n", [0, 1, 7])
def test_superclass_as_a_field_of_its_own(tmp_path, n):
    values, superclass = rows(EVERY_TYPE, n), np.arange(n, dtype=np.int32) - 1
    path, mask = save(values, tmp_path / "a.cs"), np.arange(n) % 2 == 0
    open_cs(path).write_parts(mask.astype(np.uint8), [tmp_path / "b.cs"], superclass)
    written = load(tmp_path / "b.cs")
    assert written.dtype.names == (*EVERY_TYPE.names, SUPERCLASS)
    assert_same(repack_fields(written[list(EVERY_TYPE.names)]), values[mask])
    assert written[SUPERCLASS].tolist() == superclass[mask].tolist()
    part, other = np.ones(mask.sum(), np.uint8), superclass[mask] + 5
    open_cs(tmp_path / "b.cs").write_parts(part, [tmp_path / "c.cs"], other)
    again = load(tmp_path / "c.cs")
    assert again.dtype == written.dtype
    assert again[SUPERCLASS].tolist() == (superclass[mask] + 5).tolist()


def test_a_field_of_that_name_and_another_type(tmp_path):
    path = save(rows(np.dtype([("uid", "<u8"), (SUPERCLASS, "<f4")]), 2), tmp_path / "a.cs")
    with pytest.raises(RebalanceError, match="rebalance/superclass must hold whole numbers of 32"):
        open_cs(path).write_parts(np.ones(2, np.uint8), [tmp_path / "b.cs"], np.zeros(2, np.int32))
    assert not (tmp_path / "b.cs").exists()


def test_real_files(test_data, tmp_path):
    paths = sorted((test_data / "cs").glob("*.cs"))
    assert len(paths) >= 3
    for path in paths:
        values = load(path)
        mask = np.random.default_rng(0).random(len(values)) < 0.5
        kept, excluded = write_both(path, mask, tmp_path)
        assert_same(kept, values[mask])
        assert_same(excluded, values[~mask])


def bad_files():
    """Bytes of a file, and the sentence that follows."""
    good = io.BytesIO()
    np.save(good, rows(MAIN, 10))
    yield good.getvalue()[:-1], r"is cut short: 10 rows need \d+ bytes and the file has \d+; copy"
    yield good.getvalue()[:40], "has a damaged head, or one that no .cs file has; export it again"
    yield b"data_particles\n", r"is no .cs file: it begins with b'data_p' instead of NUMPY or CSD"
    yield b"", "is no .cs file: it begins with b'' instead"
    plain = io.BytesIO()
    np.save(plain, np.zeros((2, 2)))
    yield plain.getvalue(), r"must hold rows with named columns, not float64 of shape \(2, 2\)"


@pytest.mark.parametrize(("content", "sentence"), list(bad_files()))
def test_files_that_are_refused(tmp_path, content, sentence):
    (tmp_path / "a.cs").write_bytes(content)
    with pytest.raises(RebalanceError, match=sentence):
        open_cs(tmp_path / "a.cs")


def test_object_columns_are_refused_and_nothing_is_unpickled(tmp_path):
    values = np.zeros(2, np.dtype([("uid", "<u8"), ("blob/path", "O")]))
    with (tmp_path / "a.cs").open("wb") as file:
        np.save(file, values, allow_pickle=True)
    with pytest.raises(
        RebalanceError, match=r"columns of Python objects \(blob/path\), which only unp"
    ):
        open_cs(tmp_path / "a.cs")


def test_missing_and_changed_files(tmp_path):
    with pytest.raises(RebalanceError, match=r"a.cs does not exist; check the path"):
        open_cs(tmp_path / "a.cs")
    file = open_cs(save(rows(MAIN, 3), tmp_path / "a.cs"))
    save(rows(MAIN, 4), tmp_path / "a.cs")
    with pytest.raises(RebalanceError, match="has changed since it was read; run again once"):
        file.write_parts(np.ones(3, np.uint8), [tmp_path / "b.cs"])
    with pytest.raises(
        RebalanceError, match=r"part must be a uint8 array of shape \(3,\), one entry"
    ):
        file.write_parts(np.ones(4, np.uint8), [tmp_path / "b.cs"])
    with pytest.raises(RebalanceError, match="is the input; write the rows to another file"):
        file.write_parts(np.ones(3, np.uint8), [tmp_path / "a.cs"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.cs"]


# --------------------------------------------------------------------- several files


@pytest.fixture
def two_files(tmp_path):
    """Particles, and what is passed through in another order."""
    main, passed = rows(MAIN, 20), rows(PASSED, 20, 1)
    passed["uid"] = main["uid"][np.random.default_rng(2).permutation(20)]
    passed["ctf/df1_A"] = passed["uid"]
    passed["location/micrograph_path"] = [b"m%d" % (uid % 4) for uid in passed["uid"]]
    return [save(main, tmp_path / "main.cs"), save(passed, tmp_path / "passed.cs")]


def particles(paths):
    return as_particles(open_table("particle", paths)[0])


def test_columns_are_found_by_name_and_joined_on_uid(two_files):
    table = particles(two_files)
    main = load(two_files[0])
    assert table.class_number.tolist() == main["alignments2D/class"].tolist()
    assert table.class_number.dtype == np.int32
    assert table.identity.tolist() == main["uid"].tolist()
    assert table.column("ctf/df1_A").tolist() == main["uid"].tolist()
    names = table.column("location/micrograph_path")
    assert names.dtype.kind == "U"
    assert names.tolist() == [f"m{uid % 4}" for uid in main["uid"]]
    assert table.column("ctf/nothing") is None
    assert table.column("rlnClassNumber") is None
    assert (table.suffix, table.n_repeated, len(table)) == (".cs", 0, 20)


def test_every_kind_of_column(tmp_path):
    values = rows(EVERY_TYPE, 5)
    values["b/<f4"] = values["b/<f2"] = values["b/<f8"] = values["c/vector"][:, 0] = 0.5
    values["b/S7"] = b"abc"
    table = particles([save(values, tmp_path / "a.cs")])
    for name in ("a/i1", "a/<u4", "b/<f2", "b/<f4", "b/?", "c/cube"):
        assert table.column(name).dtype == np.float64
        assert table.column(name).tolist() == values[name].tolist()
    assert table.column("b/S7").tolist() == ["abc"] * 5
    assert table.column("b/<U3").tolist() == values["b/<U3"].tolist()
    assert table.column("c/vector").shape == (5, 3)


def test_written_files_stay_joined_and_the_group_tells_of_them(two_files, tmp_path):
    table, out = particles(two_files), tmp_path / "out"
    out.mkdir()
    mask = np.arange(20) % 3 == 0
    table.write(mask, out / "particles.cs")
    assert sorted(path.name for path in out.iterdir()) == [
        "particles.cs",
        "particles.csg",
        "particles_passthrough.cs",
    ]
    kept, passed = load(out / "particles.cs"), load(out / "particles_passthrough.cs")
    assert_same(kept, load(two_files[0])[mask])
    chosen = np.isin(load(two_files[1])["uid"], kept["uid"])
    assert_same(passed, load(two_files[1])[chosen])
    group = read_csg(out / "particles.csg")
    assert (group.name, group.type) == ("particles", "particle")
    assert {
        name: (slot.type, slot.file.name, slot.num_items) for name, slot in group.slots.items()
    } == {
        "alignments2D": ("particle.alignments2D", "particles.cs", 7),
        "blob": ("particle.blob", "particles.cs", 7),
        "ctf": ("particle.ctf", "particles_passthrough.cs", 7),
        "location": ("particle.location", "particles_passthrough.cs", 7),
    }


def test_superclass_stands_in_the_first_file_and_in_no_slot(two_files, tmp_path):
    table = replace(particles(two_files), superclass=np.arange(20, dtype=np.int32))
    table.write(np.arange(20) < 4, tmp_path / "out.cs")
    assert load(tmp_path / "out.cs")[SUPERCLASS].tolist() == [0, 1, 2, 3]
    assert SUPERCLASS not in load(tmp_path / "out_passthrough.cs").dtype.names
    assert "rebalance" not in read_csg(tmp_path / "out.csg").slots
    assert "rebalance" not in open_table("particle", [tmp_path / "out.cs"])[0].slots


def test_slots_whose_type_has_another_name(tmp_path):
    names = ("alignments_class_0/pose", "components_mode_3/value", "alignments3D/pose")
    dtype = np.dtype([*MAIN.descr, *[(name, "<f4") for name in names]])
    particles([save(rows(dtype, 2), tmp_path / "a.cs")]).write(np.ones(2, bool), tmp_path / "b.cs")
    slots = read_csg(tmp_path / "b.csg").slots
    assert slots["alignments_class_0"].type == "particle.alignments3D"
    assert slots["components_mode_3"].type == "particle.components"
    assert slots["alignments3D"].type == "particle.alignments3D"


def test_more_rows_passed_through_than_particles(two_files, tmp_path):
    main = load(two_files[0])[:15]
    save(main, two_files[0])
    table, warned = open_table("particle", two_files)
    assert warned == [
        f"5 rows of {two_files[1]} belong to no row of {two_files[0]}: they are in no output."
    ]
    assert table.column("ctf/df1_A").tolist() == main["uid"].tolist()


def uid_faults():
    """What is done to the rows passed through, and the sentence that follows."""

    def first_twice(values):
        values["uid"][3] = values["uid"][0]
        return values

    def another(values):
        values["uid"][0] = 12345
        return values

    def renamed(values):
        values.dtype.names = ("id", *values.dtype.names[1:])
        return values

    yield first_twice, "must name each row once, but 1 rows repeat one .uid .* remove duplicates"
    yield another, r"1 of 20 rows of .*main.cs are not in .*passed.cs \(uid \d+, for one\), so that"
    yield lambda values: values[:-2], r"2 of 20 rows of .*main.cs are not in .*passed.cs"
    yield lambda values: values[:0], "20 of 20 rows of .*main.cs are not in .*passed.cs"
    yield renamed, "passed.cs has no column uid, which tells particles apart and joins files"
    yield (
        lambda values: values[["uid"]].astype([("uid", "<f8")]),
        "column uid of .* must hold whole numbers of 64 bits .<u8., not fl",
    )


@pytest.mark.parametrize(("change", "sentence"), list(uid_faults()))
def test_uids_that_are_refused(two_files, change, sentence):
    save(change(load(two_files[1])), two_files[1])
    with pytest.raises(RebalanceError, match=sentence):
        open_table("particle", two_files)


def test_uids_of_the_particles_themselves(tmp_path):
    values = rows(MAIN, 5)
    values["uid"] = 9
    with pytest.raises(RebalanceError, match=r"but 4 rows repeat one \(uid 9, for one\); remove"):
        particles([save(values, tmp_path / "a.cs")])


def test_particles_without_classes(two_files, tmp_path):
    with pytest.raises(
        RebalanceError, match=r"passed.cs must have the column alignments2D/class, and"
    ):
        particles(two_files[1:])
    wrong = rows(np.dtype([("uid", "<u8"), ("alignments2D/class", "<f4")]), 2)
    with pytest.raises(
        RebalanceError, match="must hold whole numbers, not float32; give the partic"
    ):
        particles([save(wrong, tmp_path / "a.cs")])


def test_classes_may_be_passed_through(two_files):
    assert particles(two_files[::-1]).class_number.tolist() == [
        dict(zip(load(two_files[0])["uid"], load(two_files[0])["alignments2D/class"], strict=True))[
            uid
        ]
        for uid in load(two_files[1])["uid"]
    ]
