"""Result groups: what CryoSPARC writes is read, and what is written is read again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalance import RebalanceError
from rebalance.io.csg import ResultGroup, Slot, name_and_slots, read_csg, write_csg
from rebalance.io.csg_text import dump, parse

GROUP = """\
created: 2021-06-10 00:55:14.794530
group:
  description: All particles that were processed, including alignments, and a
    description that is so long that it goes on in a second line
  name: particles
  title: 'It''s: all'
  type: particle
results:
  alignments2D:
    metafile: '>J1_particles.cs'
    num_items: 12
    type: particle.alignments2D
  # a comment
  ctf:
    metafile: ">J1_passthrough_particles.cs"
    num_items: 12
    type: particle.ctf
version: v4.5.3
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("J1_particles.cs", "J1_passthrough_particles.cs"):
        (tmp_path / name).touch()
    (tmp_path / "group.csg").write_text(GROUP)
    return tmp_path


def test_a_group_is_read(folder):
    group = read_csg(folder / "group.csg")
    assert (group.name, group.type, group.title) == ("particles", "particle", "It's: all")
    assert group.description.startswith("All particles")
    assert group.description.endswith(
        "and a description that is so long that it goes on in a second line"
    )
    assert (group.created, group.version) == ("2021-06-10 00:55:14.794530", "v4.5.3")
    assert group.slots["ctf"] == Slot("particle.ctf", folder / "J1_passthrough_particles.cs", 12)
    assert [path.name for path in group.files] == ["J1_particles.cs", "J1_passthrough_particles.cs"]


def test_a_written_group_is_read_again(folder):
    group = read_csg(folder / "group.csg")
    write_csg(group, folder / "again.csg")
    assert read_csg(folder / "again.csg") == group
    text = (folder / "again.csg").read_text()
    assert "created: 2021-06-10 00:55:14.794530\n" in text
    assert "    metafile: '>J1_particles.cs'\n    num_items: 12\n" in text


def test_an_empty_description(tmp_path):
    (tmp_path / "a.cs").touch()
    slots = {"blob": Slot("template.blob", tmp_path / "a.cs", 0)}
    group = ResultGroup("templates", "template", "", "", slots, "2000-01-01 00:00:00.000000")
    write_csg(group, tmp_path / "a.csg")
    assert read_csg(tmp_path / "a.csg") == group


def test_real_groups(test_data):
    for path in sorted((test_data / "cs").glob("*.csg")):
        name, slots = name_and_slots(path)
        assert path.stem.endswith(name)
        assert slots
    with pytest.raises(
        RebalanceError, match="slot alignments2D stands in '>P9_J209_passthrough_part"
    ):
        read_csg(test_data / "cs" / "P9_J209_particles.csg")


def faults():
    yield (
        GROUP.replace(">J1_particles", ">J2_particles"),
        r"slot alignments2D stands in '>J2_partic.*there is no such file beside it",
    )
    yield (
        GROUP.replace("'>J1_particles.cs'", "''"),
        "slot alignments2D stands in '', and there is no",
    )
    yield (
        GROUP.replace("num_items: 12", "num_items: many", 1),
        "slot alignments2D of .* must have num_items, a number of rows, not 'many'",
    )
    yield (
        GROUP.replace("group:", "gruop:"),
        "is no result group: it must hold 'group', and 'results'",
    )
    yield "results: 3\ngroup: 4\n", "is no result group"
    yield (
        "results:\n  ctf: 3\ngroup:\n  name: x\n",
        "slot ctf of .* must have a metafile, and has none",
    )
    yield (
        GROUP.replace("  ctf:", "  - ctf"),
        "Line 14 of .*group.csg is no 'name: value' of a result",
    )
    yield GROUP.replace("name: particles", "name: [a]"), "Line 5 of .* is no 'name: value'"
    yield (
        GROUP.replace("  ctf:", "  alignments2D:"),
        "Line 14 of .* has alignments2D for the second",
    )


@pytest.mark.parametrize(("text", "sentence"), list(faults()))
def test_groups_that_are_refused(folder, text, sentence):
    (folder / "group.csg").write_text(text)
    with pytest.raises(RebalanceError, match=sentence):
        read_csg(folder / "group.csg")


def test_missing_and_binary_groups(tmp_path):
    with pytest.raises(RebalanceError, match=r"The group .*a.csg does not exist; check the path"):
        read_csg(tmp_path / "a.csg")
    (tmp_path / "a.csg").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RebalanceError, match="cannot be read"):
        read_csg(tmp_path / "a.csg")


words = st.text(st.characters(blacklist_categories=("Cs",)), max_size=30)
trees = st.recursive(words, lambda inner: st.dictionaries(words, inner, min_size=1, max_size=3))


@given(st.dictionaries(words, trees, max_size=4))
def test_any_table_is_read_again(tree):
    assert parse(dump(tree), Path("x")) == tree


simple = st.text(st.characters(max_codepoint=0xFFFF, blacklist_categories=("Cs",)), max_size=30)


@given(st.dictionaries(simple, simple, max_size=4))
def test_other_readers_find_the_same(tree):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    read = yaml.safe_load(dump(tree)) or {}
    assert {str(k): str(v) for k, v in read.items()} == tree
