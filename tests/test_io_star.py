"""Particle tables: every dialect is read right, and rows are copied byte for byte."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import starfile
from hypothesis import example, given, settings
from hypothesis import strategies as st
from star_laws import check_file

from rebalance import _core
from rebalance.errors import RebalanceError
from rebalance.io import read_particles, star_rows

WITH_CLASSES = {  # file: particles
    "class_number_zero": 25,
    "data_images_block": 5,
    "relion13_unnamed_block_32_classes": 8915,
    "relion31_class2d_100_classes": 9482,
    "relion31_comment_in_block_mixed_tabs": 3,
    "relion31_optics_after_particles": 5,
    "relion31_six_optics_groups": 139,
    "relion5": 17,
    "relion_tabs_helical_9_classes": 5645,
}
WITHOUT_CLASSES = {  # file: what the sentence says
    "empty_loop": "has no column rlnClassNumber",
    "loop_double_quote": "has no column rlnClassNumber",
    "loop_single_quote": "has no column rlnClassNumber",
    "no_label_numbers_scipion": "has no column rlnClassNumber",
    "not_a_star_mrc_bytes": "is not a STAR file: line 1 holds bytes that are no text",
    "relion30_no_final_newline": "has no column rlnClassNumber",
    "relion4_model_50_classes": "holds no particle table .tables found: data_model_general",
}
HEAD = b"data_particles\n\nloop_\n_rlnClassNumber #1\n_rlnImageName #2\n_rlnX #3\n"


def identity_hash(data: bytes) -> int:
    """FNV-1a 64, then the splitmix64 finalizer, byte by byte."""
    x, wrap = 14695981039346656037, 2**64
    for byte in data:
        x = (x ^ byte) * 1099511628211 % wrap
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % wrap
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB % wrap
    return x ^ (x >> 31)


def plain_table(data: bytes) -> tuple[list[bytes], list[int], list[str]]:
    """Lines, the places of the particle rows among them, and the labels: the slow way.

    For files where no value holds white space.
    """
    lines = data.splitlines(keepends=True)
    blocks: dict[bytes, tuple[list[int], list[str]]] = {}
    for place, line in enumerate(lines):
        words = line.split()
        if not words or words[0].startswith(b"#"):
            continue
        if words[0].startswith(b"data_"):
            rows, labels = blocks.setdefault(words[0], ([], []))
        elif words[0].startswith(b"_"):
            labels.append(words[0][1:].decode())
        elif words[0] != b"loop_":
            rows.append(place)
    name = next(n for n in (b"data_particles", b"data_images", b"data_") if n in blocks)
    return lines, *blocks[name]


def plain_filter(data: bytes, mask: np.ndarray) -> bytes:
    lines, rows, _ = plain_table(data)
    dropped = {place for place, keep in zip(rows, mask, strict=True) if not keep}
    return b"".join(line for place, line in enumerate(lines) if place not in dropped)


def star_file(folder: Path, data: bytes) -> Path:
    path = folder / "in.star"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", WITH_CLASSES)
def test_real_files_are_read_and_filtered_as_by_the_slow_twin(test_data, tmp_path, name):
    path = test_data / "star" / f"{name}.star"
    data = path.read_bytes()
    particles = read_particles(path)
    lines, rows, labels = plain_table(data)
    values = [lines[place].split() for place in rows]
    classes = [int(row[labels.index("rlnClassNumber")]) for row in values]
    names = [row[labels.index("rlnImageName")] for row in values]
    assert len(particles) == len(rows) == WITH_CLASSES[name]
    assert particles.class_number.tolist() == [number or -1 for number in classes]
    count = Counter(names)
    identities = [
        image if count[image] == 1 else lines[place].rstrip(b"\r\n")
        for image, place in zip(names, rows, strict=True)
    ]
    assert particles.identity.tolist() == [identity_hash(text) for text in identities]
    assert particles.n_repeated == 0
    rng = np.random.default_rng(7)
    chosen = rng.permutation(np.unique(particles.class_number))[::2]
    for mask in (np.isin(particles.class_number, chosen), rng.random(len(rows)) < 0.5):
        for part in (mask, ~mask):
            particles.write(part, tmp_path / "out.star")
            assert (tmp_path / "out.star").read_bytes() == plain_filter(data, part)
    last = len(rows) - 1
    line = particles.line_of_row(last)
    assert lines[line - 1] == lines[rows[last]]


@pytest.mark.parametrize("name", WITHOUT_CLASSES)
def test_real_files_without_classes_give_one_sentence(test_data, name):
    with pytest.raises(RebalanceError, match=WITHOUT_CLASSES[name]):
        read_particles(test_data / "star" / f"{name}.star")


@pytest.mark.parametrize(
    "name", ["relion31_class2d_100_classes", "relion_tabs_helical_9_classes", "relion5"]
)
def test_starfile_reads_our_output_as_the_chosen_rows(test_data, tmp_path, name):
    path = test_data / "star" / f"{name}.star"
    particles = read_particles(path)
    mask = np.random.default_rng(1).random(len(particles)) < 0.3
    particles.write(mask, tmp_path / "out.star")
    labels = particles.table.labels
    before = starfile.read(path, parse_as_string=labels)["particles"][mask]
    after = starfile.read(tmp_path / "out.star", parse_as_string=labels)["particles"]
    assert after.equals(before.reset_index(drop=True))
    assert len(after) == mask.sum()


@pytest.mark.parametrize("name", WITH_CLASSES)
def test_gemmi_reads_our_output_as_the_chosen_rows(test_data, tmp_path, name):
    cif = pytest.importorskip("gemmi", reason="gemmi is not installed: extra 'bench'").cif
    path = test_data / "star" / f"{name}.star"
    particles = read_particles(path)
    mask = np.random.default_rng(2).random(len(particles)) < 0.4
    mask[0] = True  # gemmi knows no empty table
    particles.write(mask, tmp_path / "out.star")

    def rows(of: Path) -> list[list[str]]:
        blocks = [block for block in cif.read(str(of)) if block.find_loop("_rlnClassNumber")]
        loop = blocks[0].find_loop("_rlnClassNumber").get_loop()
        return np.array(loop.values, dtype=object).reshape(-1, loop.width()).tolist()

    chosen = [row for row, keep in zip(rows(path), mask, strict=True) if keep]
    assert rows(tmp_path / "out.star") == chosen


DIALECTS = {
    "tabs": HEAD + b"1\ta\t5\n2\tb\t6\n",
    "crlf": HEAD.replace(b"\n", b"\r\n") + b"1 a 5\r\n2 b 6\r\n\r\n",
    "no final newline": HEAD + b"1 a 5\n2 b 6",
    "quotes": HEAD + b"'1' \"a\" 'x y'\n2 b \"it's # 5\"\n",
    "hash in values": HEAD + b"1 a #5\n2 b 5#\n",
    "comment behind the last column": HEAD + b"1 a 5 # first\n2 b 6 #second one\n",
    "comment, version and blank lines": HEAD + b"1 a 5\n# version 30001\n \n\n  # x\n2 b 6\n",
    "floats": HEAD + b"1.000000 a 5\n2.0e0 b 6\n",
    "leading and trailing blanks": HEAD + b"   1   a 5   \n\t2 b 6 \t\n",
    "unnamed block": HEAD.replace(b"particles", b"") + b"1 a 5\n2 b 6\n",
    "other name": HEAD.replace(b"particles", b"subset") + b"1 a 5\n2 b 6\n",
    "no label numbers": re.sub(rb" #\d", b"", HEAD) + b"1 a 5\n2 b 6\n",
    "comments among labels": HEAD.replace(b"loop_", b"#c\nloop_ # d\n\n# e") + b"1 a 5\n2 b 6\n",
    "byte order mark": b"\xef\xbb\xbf" + HEAD + b"1 a 5\n2 b 6\n",
    "blocks around": b"# x\ndata_general\n\n_rlnA 5\n_rlnB 'x y'\n\n"
    + b"data_optics\nloop_\n_rlnG #1\n7\n"
    + HEAD
    + b"1 a 5\n2 b 6\n\n\ndata_last\nloop_\n_rlnG #1\n1\n2\n\ndata_x\n_rlnA 3\n",
    "two blocks of one name": b"data_\nloop_\n_rlnG #1\n7\n"
    + HEAD.replace(b"particles", b"")
    + b"1 a 5\n2 b 6\n",
    "values like block names": HEAD + b"1 a data_5\n2 b loop_\n",
    "second loop in the block": HEAD + b"1 a 5\n2 b 6\nloop_\n_rlnG #1\n7\n",
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects(tmp_path, dialect):
    data = DIALECTS[dialect]
    particles = read_particles(star_file(tmp_path, data))
    assert particles.class_number.tolist() == [1, 2]
    assert particles.identity.tolist() == [identity_hash(b"a"), identity_hash(b"b")]
    row_lines = [particles.line_of_row(row) for row in (0, 1)]
    lines = data.splitlines(keepends=True)
    for keep in ([True, False], [False, True], [False, False], [True, True]):
        particles.write(np.array(keep), tmp_path / "out.star")
        dropped = [line for line, kept in zip(row_lines, keep, strict=True) if not kept]
        expected = b"".join(line for i, line in enumerate(lines, 1) if i not in dropped)
        assert (tmp_path / "out.star").read_bytes() == expected


def test_a_row_may_begin_like_a_block(tmp_path):
    head = b"data_\nloop_\n_rlnImageName #1\n_rlnClassNumber #2\n"
    particles = read_particles(star_file(tmp_path, head + b"data_1.mrc 4\nloop_ 5\n_x 6\n"))
    assert particles.class_number.tolist() == [4, 5, 6]


@pytest.mark.parametrize("ending", [b"", b"\n", b" \n\ndata_optics\nloop_\n_rlnG #1\n1\n"])
def test_a_table_without_rows_is_copied(tmp_path, ending):
    particles = read_particles(star_file(tmp_path, HEAD + ending))
    particles.write(np.zeros(0, dtype=bool), tmp_path / "out.star")
    assert (tmp_path / "out.star").read_bytes() == HEAD + ending
    assert len(particles) == 0


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (b"1 a 5\n2 b\n", "Line 8 of .*in.star has only 2 values .* 3 columns: the value of rlnX"),
        (b"#c\n\n2\n", "Line 9 .* has only 1 values .* the value of rlnImageName is missing"),
        (b"1 a 5 6\n", "Line 7 .* has too many values .*: '6' stands behind the last column, rlnX"),
        (b"1 'a 5\n", "Line 7 .* has a value of rlnImageName that opens a quote .* close it: 'a"),
        (b"-1 a 5\n", "Line 7 .* has rlnClassNumber '-1'; a class number must be a whole number"),
        (b"1 a 5\n1.5 a 5\n", "Line 8 .* has rlnClassNumber '1.5'; a class number must be"),
        (b"x a 5\n", "Line 7 .* has rlnClassNumber 'x'; a class number must be"),
        (b"nan a 5\n", "rlnClassNumber 'nan'"),
        (b"'' a 5\n", "rlnClassNumber ''"),
        (b"1e400 a 5\n", "rlnClassNumber '1e400'"),
        (b"99999999999 a 5\n", "rlnClassNumber '99999999999'"),
        (b"0x10 a 5\n", "rlnClassNumber '0x10'"),
        (b"1 a 5\n1 a\x00 5\n", "Line 8 .* holds a byte of value 0"),
        (b"_rlnExtra 5\n", "Line 7 .* has only 2 values"),
        (b"1 a " + b"5" * (1 << 20) + b"\n", "is not a STAR file|line of more than 1048576 bytes"),
    ],
)
def test_rows_that_are_refused(tmp_path, rows, sentence):
    with pytest.raises(RebalanceError, match=sentence):
        read_particles(star_file(tmp_path, HEAD + rows))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is not a STAR file: it has no data_ block"),
        (b"class,particles\n1,2\n", "is not a STAR file: it has no data_ block"),
        (b"data_optics\nloop_\n_rlnG\n1\n", "holds no particle table .tables found: data_optics."),
        (
            b"data_\nloop_\n_rlnReferenceImage\n_rlnClassNumber\n1@a 1\n",
            "holds no particle table .tables found: data_.",
        ),
        (HEAD + b"1 a 5\n" + HEAD + b"1 a 5\n", "holds 2 particle tables"),
        (
            b"data_particles\n\n_rlnX 5\n_rlnClassNumber 3\n",
            "Line 3 of .*: the table data_particles is a list of labels and values, and particles",
        ),
        (HEAD + b"_rlnClassNumber #4\n1 a 5 1\n", "has the column rlnClassNumber 2 times"),
        (HEAD.replace(b"Class", b"Group") + b"1 a 5\n", "has no column rlnClassNumber; give the"),
    ],
)
def test_files_that_are_refused(tmp_path, data, sentence):
    with pytest.raises(RebalanceError, match=sentence):
        read_particles(star_file(tmp_path, data))


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(RebalanceError, match=r"no.star does not exist; check the path"):
        read_particles(tmp_path / "no.star")
    with pytest.raises(RebalanceError, match="is not a regular file"):
        read_particles(tmp_path)


def test_class_zero_is_no_class_and_stays_in_the_file(tmp_path):
    particles = read_particles(star_file(tmp_path, HEAD + b"0 a 5\n3 b 6\n"))
    assert particles.class_number.tolist() == [-1, 3]
    assert particles.n_unclassified == 1
    particles.write(np.array([True, False]), tmp_path / "out.star")
    assert (tmp_path / "out.star").read_bytes() == HEAD + b"0 a 5\n"


def test_repeated_names_take_the_identity_of_the_row(tmp_path):
    rows = [b"1 a 5", b"1 b 5 ", b"2 a 6", b"1 b 5 ", b"3 c 1"]
    data = HEAD + b"\r\n".join(rows) + b"\n"
    particles = read_particles(star_file(tmp_path, data))
    expected = [*rows[:4], b"c"]
    assert particles.identity.tolist() == [identity_hash(text) for text in expected]
    assert particles.n_repeated == 1


def test_without_names_the_row_is_the_identity(tmp_path):
    data = b"data_\nloop_\n_rlnClassNumber\n_rlnX\n1 2\n 1 2 \r\n1 2"
    particles = read_particles(star_file(tmp_path, data))
    expected = [identity_hash(text) for text in (b"1 2", b" 1 2 ", b"1 2")]
    assert particles.identity.tolist() == expected
    assert particles.n_repeated == 1


def test_identity_hash_is_pinned():
    assert _core.identities_of([b""])[0] == identity_hash(b"")
    assert _core.identities_of([b"000001@a.mrcs"])[0] == identity_hash(b"000001@a.mrcs")
    assert _core.identities_of([b"000001@a.mrcs"])[0] == 11772983310629318820


@given(st.lists(st.integers(0, 40).map(lambda n: n * 0x9E3779B97F4A7C15 % 2**64), max_size=80))
def test_repeats_are_found(identity):
    marks, n_later = _core.find_repeats(np.array(identity, dtype=np.uint64))
    repeated = [identity.count(x) > 1 for x in identity]
    assert [bool(mark) for mark in marks] == (repeated if any(repeated) else [])
    assert n_later == len(identity) - len(set(identity))


def test_columns(tmp_path):
    particles = read_particles(star_file(tmp_path, HEAD + b"1 'a b' 5\n#c\n2 b 1e3\n"))
    numbers, names = particles.column("rlnX"), particles.column("rlnImageName")
    assert numbers is not None
    assert names is not None
    assert numbers.dtype == np.float64
    assert numbers.tolist() == [5, 1000]
    assert names.tolist() == ["a b", "b"]
    assert particles.column("rlnNoSuch") is None


def test_image_geometry(test_data, tmp_path):
    six = read_particles(test_data / "star/relion31_six_optics_groups.star")
    assert (six.image_size, six.pixel_sizes) == (196, (1.25, 1.24))
    old = read_particles(test_data / "star/relion13_unnamed_block_32_classes.star")
    assert old.image_size is None
    assert old.pixel_sizes == pytest.approx((14 * 10000 / 39548,))
    bare = read_particles(star_file(tmp_path, HEAD + b"1 a 5\n"))
    assert (bare.image_size, bare.pixel_sizes) == (None, ())


def test_write_refuses(tmp_path):
    path = star_file(tmp_path, HEAD + b"1 a 5\n")
    particles = read_particles(path)
    keep = np.ones(1, dtype=bool)
    with pytest.raises(RebalanceError, match="is the input; write the particles to another file"):
        particles.write(keep, path)
    with pytest.raises(RebalanceError, match=r"mask must be a bool array of shape .1,., one entry"):
        particles.write(np.ones(2, dtype=bool), tmp_path / "out.star")
    with pytest.raises(RebalanceError, match=r"out.star cannot be written: No such file"):
        particles.write(keep, tmp_path / "no" / "out.star")
    path.write_bytes(HEAD + b"1 a 5\n2 b 6\n")
    with pytest.raises(RebalanceError, match=r"in.star has changed since it was read; run again"):
        particles.write(keep, tmp_path / "out.star")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.star"]


def test_rows_are_parted_among_files(tmp_path):
    rows = [b"1 a 5\n", b"2 b 6\n", b"#c\n", b"1 c 7\n", b"3 d 8"]
    particles = read_particles(star_file(tmp_path, HEAD + b"".join(rows)))
    paths = [tmp_path / f"{name}.star" for name in ("x", "y", "z")]
    particles.write_parts(np.array([1, 0, 3, 1], dtype=np.uint8), paths)
    kept = [[0, 2, 4], [2], [2, 3]]
    for path, lines in zip(paths, kept, strict=True):
        assert path.read_bytes() == HEAD + b"".join(rows[line] for line in lines)
    sentence = r"part must be a uint8 array of shape \(4,\) with values up to the number of files"
    for part in (np.zeros(3, np.uint8), np.zeros(4, np.int64), np.full(4, 4, np.uint8)):
        with pytest.raises(RebalanceError, match=sentence):
            particles.write_parts(part, paths)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_superclass_column_is_added(tmp_path, dialect):
    data = DIALECTS[dialect]
    particles = read_particles(star_file(tmp_path, data))
    with_column = particles.with_superclass(np.array([7, -1], dtype=np.int32))
    with_column.write(np.array([True, True]), tmp_path / "out.star")
    written = read_particles(tmp_path / "out.star")
    assert written.table.labels == [*particles.table.labels, "rebalanceSuperclass"]
    assert written.column("rebalanceSuperclass").tolist() == [7, -1]
    for label in particles.table.labels:
        assert written.column(label).tolist() == particles.column(label).tolist()
    added = set((tmp_path / "out.star").read_bytes().splitlines()) - set(data.splitlines())
    assert len(added) == 3  # the label and the two rows
    with pytest.raises(RebalanceError, match="has a column rebalanceSuperclass already; run with"):
        written.with_superclass(np.zeros(2, dtype=np.int32))


def test_a_superclass_column_in_a_table_without_rows(tmp_path):
    for end in (b"", b"\n", b"\n \n\ndata_last\n_rlnA 5\n"):
        particles = read_particles(star_file(tmp_path, HEAD.rstrip() + end))
        with_column = particles.with_superclass(np.zeros(0, dtype=np.int32))
        with_column.write(np.zeros(0, dtype=bool), tmp_path / "out.star")
        added = b"\n_rebalanceSuperclass #4 " + (end or b"\n")
        assert (tmp_path / "out.star").read_bytes() == HEAD.rstrip() + added


def test_starfile_reads_the_superclass_column(test_data, tmp_path):
    for name in ("relion31_class2d_100_classes", "relion_tabs_helical_9_classes", "relion5"):
        particles = read_particles(test_data / "star" / f"{name}.star")
        superclass = (particles.class_number % 3).astype(np.int32)
        keep = particles.class_number > 2
        particles.with_superclass(superclass).write(keep, tmp_path / "out.star")
        table = starfile.read(tmp_path / "out.star")["particles"]
        assert table["rebalanceSuperclass"].tolist() == superclass[keep].tolist()
        assert table["rlnClassNumber"].tolist() == particles.class_number[keep].tolist()


def long_table(n_rows: int) -> bytes:
    rows = (b"%d %06d@a.mrcs %d\n" % (k % 7, k, k * k) for k in range(n_rows))
    return HEAD + b"".join(rows) + b"\n\ndata_last\nloop_\n_rlnG #1\n7\n"


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("segment", [1, 50, 1000, 1 << 24])
def test_segments_read_by_many_threads_are_one_table(tmp_path, monkeypatch, threads, segment):
    monkeypatch.setattr(star_rows, "SEGMENT", segment)
    monkeypatch.setattr(star_rows, "LOOK_AHEAD", 7)
    path = star_file(tmp_path, long_table(60))
    particles = read_particles(path, threads)
    assert particles.class_number.tolist() == [k % 7 or -1 for k in range(60)]
    assert particles.identity[59] == identity_hash(b"000059@a.mrcs")
    assert particles.line_of_row(59) == 66
    bad = path.read_bytes().replace(b"4 000053@a", b"4 x 000053@a").replace(b"000057@a", b"x x")
    with pytest.raises(RebalanceError, match=r"Line 60 of .*in.star has too many values"):
        read_particles(star_file(tmp_path, bad), threads)


token = st.text("ab#_'\"@/.\\é01", min_size=1, max_size=70).filter(
    lambda text: text[0] not in "#_'\""
)
quoted = st.builds("'{}'".format, st.text('a #\t"b', max_size=9))
blank = st.text(" \t", min_size=1, max_size=3)
between = st.lists(st.sampled_from(["", " \t", "# version 50001", "  #x 'y", "\r"]), max_size=2)


@st.composite
def tables(draw):
    """A particle table in a random dialect: bytes, classes, names, and line of each row."""
    n_columns = draw(st.integers(2, 6))
    columns = draw(st.permutations(["rlnClassNumber", "rlnImageName", "a", "b", "c", "d"]))
    columns = [c for c in columns if c.startswith("rln")] + columns[: n_columns - 2]
    columns = list(dict.fromkeys(columns))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    block = draw(st.sampled_from(["data_", "data_particles", "data_images"]))
    lines = ["data_first", "_rlnOne 1", "", block, "loop_", *(f"_{c} #1" for c in columns)]
    classes, names, places = [], [], []
    for number in range(draw(st.integers(0, 12))):
        lines += draw(between)
        cells = {c: draw(token | quoted) for c in columns}
        classes.append(draw(st.integers(0, 2**31 - 1)))
        names.append(f"{number}@{draw(token)}")
        cells |= {"rlnClassNumber": str(classes[-1]), "rlnImageName": names[-1]}
        places.append(len(lines))
        gap = draw(blank)
        lines.append(draw(st.sampled_from(["", " "])) + gap.join(cells[c] for c in columns))
    lines += draw(between) + draw(st.sampled_from([[], ["", "data_z", "loop_", "_rlnG #1", "1"]]))
    text = end.join(lines) + draw(st.sampled_from(["", end]))
    return text.encode(), classes, [name.encode() for name in names], places


@settings(deadline=None, max_examples=80)
@given(tables(), st.randoms(use_true_random=False), st.sampled_from([128, 1 << 20]))
def test_generated_dialects(tmp_path_factory, table, random, chunk):
    data, classes, names, places = table
    folder = tmp_path_factory.mktemp("star")
    lines = data.split(b"\n")
    chunk = max(chunk, *(len(line) + 2 for line in lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(star_rows, "LONGEST_LINE", chunk)
        patch.setattr(star_rows, "PIECE", chunk // 3)
        particles = read_particles(star_file(folder, data))
        mask = np.array([random.random() < 0.5 for _ in classes], dtype=bool)
        particles.write(mask, folder / "out.star")
        column = particles.column("rlnImageName")
    assert particles.class_number.tolist() == [number or -1 for number in classes]
    assert particles.identity.tolist() == [identity_hash(name) for name in names]
    assert column is not None
    assert [name.encode() for name in column] == names
    dropped = {place for place, keep in zip(places, mask, strict=True) if not keep}
    lines = data.splitlines(keepends=True) if b"\r" not in data else re.findall(b".*?\n|.+$", data)
    expected = b"".join(line for place, line in enumerate(lines) if place not in dropped)
    assert (folder / "out.star").read_bytes() == expected


WORDS = [
    *(b"data_", b"loop_", b"_rlnClassNumber", b"_rlnImageName", b"#", b"'", b'"', b" ", b"\n"),
    *(
        b"\r",
        b"\t",
        b"\x00",
        b"\x0b",
        b"1",
        b"2.0",
        b"a b",
        b"\xc3",
        b"data_particles\n",
        b"loop_\n",
    ),
    *(b"_rlnClassNumber #1\n_rlnImageName #2\n", b"1 a\n", b"2 'b c'\n", b"3 d # e\n"),
    b'4 "e"\r\n',
]


@settings(deadline=None, max_examples=150)
@example(b"\xff\xfe")
@example(b"data_\nloop_\n_rlnClassNumber\n1\x0b\n2\n\x0b\n3")
@given(st.lists(st.sampled_from(WORDS), max_size=40).map(b"".join))
def test_any_bytes_are_read_or_refused(tmp_path_factory, data):
    check_file(star_file(tmp_path_factory.mktemp("fuzz"), data), len(data))


edits = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(0, 40), st.sampled_from([b"", *WORDS])),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from(sorted(DIALECTS)),
    edits,
    st.sampled_from([40, 1 << 20]),
    st.sampled_from([9, 99]),
)
def test_damaged_tables_are_read_or_refused(tmp_path_factory, dialect, changes, segment, piece):
    """Bytes cut out of a good table and others put in, read in small pieces and segments."""
    data = DIALECTS[dialect]
    for place, length, word in changes:
        at = place % (len(data) + 1)
        data = data[:at] + word + data[at + length :]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(star_rows, "SEGMENT", segment)
        patch.setattr(star_rows, "PIECE", piece)
        check_file(star_file(tmp_path_factory.mktemp("fuzz"), data), len(data))


@pytest.mark.parametrize("name", [*WITH_CLASSES, *WITHOUT_CLASSES])
def test_laws_hold_for_real_files_cut_short(test_data, tmp_path, name):
    data = (test_data / "star" / f"{name}.star").read_bytes()[:20_000]
    for cut in (0, 1, 400, 1500, 3000, len(data) - 1, len(data)):
        check_file(star_file(tmp_path, data[:cut]), cut)
