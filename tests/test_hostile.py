"""Whatever the bytes of a file: it is read, or refused in one sentence, in bounded memory."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile import TINY, Reader, check_memory, readers, refusal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_cli import snapshot, status_of

from rebalance import RebalanceError
from rebalance._simulate import simulate
from rebalance.io.cryosparc_files import open_cs
from rebalance.io.simulated import DATA, MODEL, STACK, write_relion_job

EXAMPLES = int(os.environ.get("REBALANCE_HOSTILE", "20"))
NAMES = (
    *("stack.mrcs", "loose.mrcs", "map.mrc", "particles.star", "model.star", "optimiser.star"),
    *("particles.cs", "group.csg", "affinity.npz", "constraints.csv", "classes.txt"),
    "settings.json",
)
ODD = (
    *(b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\x00", b"\n", b"'", b'"'),
    *(b"nan", b"inf", b"-1", b"9" * 30, b"1e999", b"../", b"@", b"\xef\xbb\xbf", b"(" * 300),
    *(b"[" * 3000, b" " * 300, b"|O", b"data_\nloop_\n", b"1-99999,", b":\n "),
)


@pytest.fixture(scope="module")
def all_readers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reader]:
    found = readers(tmp_path_factory.mktemp("readers"))
    assert set(found) == set(NAMES)
    return found


EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),  # where
        st.sampled_from(["put", "insert", "cut", "end", "repeat"]),
        st.integers(0, len(ODD) + 255),  # which bytes: of those above, or one
    ),
    min_size=1,
    max_size=4,
)


def edited(data: bytes, edits: list[tuple[float, str, int]]) -> bytes:
    """A file with some bytes changed."""
    for where, what, which in edits:
        word = ODD[which] if which < len(ODD) else bytes([which - len(ODD)])
        k = int(where * len(data))
        rest = {
            "put": word + data[k + len(word) :],
            "insert": word + data[k:],
            "cut": data[k + len(word) :],
            "end": b"",
            "repeat": data[k // 2 : k] + data[k:],
        }
        data = data[:k] + rest[what]
    return data


@pytest.mark.parametrize("name", NAMES)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(edits=EDITS)
def test_damaged_files_are_read_or_refused(all_readers, tmp_path, name, edits):
    reader = all_readers[name]
    path = tmp_path / name
    path.write_bytes(edited(reader.good, edits))
    refusal(reader.read, path)


@pytest.mark.parametrize("name", NAMES)
def test_good_files_are_read(all_readers, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(all_readers[name].good)
    if name == "group.csg":
        (tmp_path / "particles.cs").write_bytes(all_readers["particles.cs"].good)
    assert refusal(all_readers[name].read, path) is None
    check_memory(all_readers[name], path)


# ------------------------------------------------------------------------------ absurd sizes


def npy(descr: object, shape: tuple[int, ...], data: bytes = b"") -> bytes:
    """An array's file whose head claims anything."""
    head = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}}}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head) + 1) + head + b"\n" + data


def npz(good: bytes, **changed: bytes) -> bytes:
    """The affinity file with some of its arrays replaced."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(good)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, changed.get(name.removesuffix(".npy"), source.read(name)))
    return out.getvalue()


def mrc(good: bytes, **fields: int) -> bytes:
    places = {"nx": 0, "ny": 4, "nz": 8, "mode": 12, "nsymbt": 92}
    head = bytearray(good)
    for name, value in fields.items():
        head[places[name] : places[name] + 4] = struct.pack("<i", value)
    return bytes(head)


BIG = 2_000_000_000
ROW = [("uid", "<u8"), ("alignments2D/class", "<u4")]
ABSURD: dict[str, tuple[str, Any]] = {
    "stack of 2e9 images": ("stack.mrcs", lambda good: mrc(good, nz=BIG)),
    "stack of 2e9 px": ("stack.mrcs", lambda good: mrc(good, nx=BIG, ny=BIG)),
    "stack with a long header": ("stack.mrcs", lambda good: mrc(good, nsymbt=BIG)),
    "stack with a negative header": ("stack.mrcs", lambda good: mrc(good, nsymbt=-BIG)),
    "map of 2e9 sections": ("map.mrc", lambda good: mrc(good, nz=BIG)),
    "map of 8e27 px": ("map.mrc", lambda good: mrc(good, nx=BIG, ny=BIG, nz=BIG)),
    "map with a long header": ("map.mrc", lambda good: mrc(good, nsymbt=BIG)),
    "rows": ("particles.cs", lambda _: npy(ROW, (10**15,))),
    "rows less than none": ("particles.cs", lambda _: npy(ROW, (-5,))),
    "a wide row": (
        "particles.cs",
        lambda _: npy([("uid", "<u8"), ("a", "<f8", (10**6, 10**6))], (1,)),
    ),
    "a head of brackets": ("particles.cs", lambda _: npy("x", (1,)).replace(b"'x'", b"(" * 50000)),
    "nested brackets": (
        "particles.cs",
        lambda _: npy("x", (1,)).replace(b"'x'", b"[" * 9000 + b"]" * 9000),
    ),
    "values": ("affinity.npz", lambda good: npz(good, values=npy("<f4", (10**6, 10**6)))),
    "a bomb of zeros": (
        "affinity.npz",
        lambda good: npz(good, values=npy("<f4", (4000, 4000), bytes(4 * 4000**2))),
    ),
    "too much behind": (
        "affinity.npz",
        lambda good: npz(good, mirror=npy("|b1", (4, 4), bytes(1 << 26))),
    ),
    "long settings": ("affinity.npz", lambda good: npz(good, settings=npy("<U200000000", ()))),
    "tables": ("particles.star", lambda _: b"data_\n" * 200_000),
    "a long line": (
        "particles.star",
        lambda _: b"data_\nloop_\n_rlnClassNumber\n" + b"1 " * 2_000_000,
    ),
    "nested settings": ("settings.json", lambda _: b"[" * 1_000_000),
    "long counts": ("group.csg", lambda good: good.replace(b" 12\n", b" " + b"9" * 5000 + b"\n")),
    "spaces": ("group.csg", lambda good: good + b"a" + b" " * 200_000 + b"b\n"),
    "an open quote": ("group.csg", lambda good: good + b"a: '\n" + b"b\n" * 200_000),
    "a long name": (
        "group.csg",
        lambda good: good.replace(b"'>particles.cs'", b"'>" + b"x" * 5000 + b"'"),
    ),
    "a name of two lines": (
        "group.csg",
        lambda good: good.replace(b"'>particles.cs'", b"'>of\n\n two.cs'"),
    ),
    "a name of nothing": (
        "group.csg",
        lambda good: good.replace(b"'>particles.cs'", b"'>a\x00b.cs'"),
    ),
    "a long group": ("group.csg", lambda good: good + b"#" * (1 << 21)),
    "ranges": ("classes.txt", lambda _: b"1-99999\n" * 100_000),
    "a long cell": ("constraints.csv", lambda good: good + b"x" * 200_000),
}


@pytest.mark.parametrize("case", ABSURD)
def test_absurd_claims_are_refused_before_memory_is_taken(all_readers, tmp_path, case):
    name, made = ABSURD[case]
    path = tmp_path / name
    path.write_bytes(made(all_readers[name].good))
    assert refusal(all_readers[name].read, path), case
    check_memory(all_readers[name], path)


def test_absurd_claims_of_the_newer_form(tmp_path):
    cryosparc = pytest.importorskip("cryosparc.dataset", reason="needs the extra cryosparc")
    path = tmp_path / "particles.cs"
    rows = cryosparc.Dataset({"uid": np.arange(5, dtype="<u8")})
    rows.save(str(path), format=cryosparc.CSDAT_FORMAT)
    good = path.read_bytes()
    assert refusal(open_cs, path) is None
    for length in (b"-5", b"1" + b"0" * 15, b"1" + b"0" * 400):
        head = good[10:].replace(b'"length": 5', b'"length": ' + length)
        added = len(head) - len(good[10:])
        size = int.from_bytes(good[6:10], "little") + added
        path.write_bytes(good[:6] + size.to_bytes(4, "little") + head)
        assert "is damaged or cut short (CSDAT form)" in str(refusal(open_cs, path))


# ------------------------------------------------------------------------------ pickles


class Bomb:
    """What a pickle could do."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("unpickled",)


def test_no_pickle_is_loaded(all_readers, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pickled = pickle.dumps(np.array([Bomb()], dtype=object))
    objects = npy("|O", (4, 4), pickled)
    for name, data in {
        "particles.cs": npy([("uid", "<u8"), ("a", "|O")], (1,), bytes(8) + pickled),
        "affinity.npz": npz(all_readers["affinity.npz"].good, values=objects, settings=objects),
        "stack.mrcs": pickled,
        "settings.json": pickled,
    }.items():
        (tmp_path / name).write_bytes(data)
        assert refusal(all_readers[name].read, tmp_path / name)
    assert not (tmp_path / "unpickled").exists()


# ------------------------------------------------------------------------------ paths


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_relion_job(simulate(TINY), tmp_path / "work" / "project")
    return tmp_path / "work" / "project"


@pytest.mark.parametrize("written", ["../../outside.mrcs", "{tmp}/outside.mrcs", "link.mrcs"])
def test_no_file_is_written_outside_the_output_directory(project, tmp_path, written):
    name = written.format(tmp=tmp_path)
    (project / STACK).rename(tmp_path / "outside.mrcs")
    (project / "link.mrcs").symlink_to(tmp_path / "outside.mrcs")
    for table in (DATA, MODEL):
        text = (project / table).read_text()
        words = (
            text.replace(STACK, name).replace("Extract/", f"{tmp_path}/../").replace("mic", "../")
        )
        (project / table).write_text(words)
    output = tmp_path / "results" / "out"
    output.parent.mkdir()
    before = snapshot(tmp_path)
    assert status_of(
        "run", "--particles", project / DATA, "--output", output, "-k", 2, "--split"
    ) in (0, 2)
    shutil.rmtree(output, ignore_errors=True)
    assert snapshot(tmp_path) == before


def test_a_sentence_that_quotes_a_very_long_value_is_shortened():
    sentence = f"the value must be short, not {'9' * 5000}: give another"
    said = str(RebalanceError(sentence))
    assert len(said) < 1100
    assert said.startswith("the value must be short, not 999")
    assert said.endswith("999: give another")
    assert str(RebalanceError("two\nlines: mend it")) == "two lines: mend it"
