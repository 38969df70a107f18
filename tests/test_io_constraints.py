"""Lists of classes and constraints.csv: what is read, and one sentence for what is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalance.errors import RebalanceError
from rebalance.io.constraints import (
    Constraints,
    class_list,
    read_class_list,
    read_constraints,
)

HEADER = "class_number,action,value\n"


def constraints(folder: Path, text: str) -> Constraints:
    path = folder / "constraints.csv"
    path.write_bytes(text.encode())
    return read_constraints(path)


def test_every_action_is_read(tmp_path):
    text = "3,leave_out,\n4,leave_out\n5,move,0\n 6 , group , side view \n7,group,side view\n"
    found = constraints(tmp_path, HEADER + text)
    assert found.leave_out == (3, 4)
    assert found.moves == ((5, 0),)
    assert found.groups == ((6, "side view"), (7, "side view"))


@pytest.mark.parametrize("text", [HEADER, "\n" + HEADER + "\n,,\n", "\ufeff" + HEADER])
def test_a_file_without_lines_says_nothing(tmp_path, text):
    assert constraints(tmp_path, text) == Constraints()


def test_lines_may_end_as_on_windows_and_hold_quotes(tmp_path):
    found = constraints(tmp_path, HEADER.replace("\n", "\r\n") + '8,group,"a, b"\r\n')
    assert found.groups == ((8, "a, b"),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must be class_number,action,value, not nothing: write it there"),
        ("class,action,value\n", "must be class_number,action,value, not class,action,value: w"),
        (HEADER + "3,drop,\n", "must be leave_out, move or group, not 'drop': correct it"),
        (HEADER + "3,leave_out,x\n", "leave_out has no value, but line 2 of {} gives 'x': leave"),
        (HEADER + "3,move,\n", "the superclass to move to in line 2 of {} must be a whole numbe"),
        (HEADER + "3,move,-1\n", "must be a whole number from 0, not '-1'"),
        (HEADER + "3,move,1.5\n", "must be a whole number from 0, not '1.5'"),
        (HEADER + "\n3,group,\n", "line 3 of {} groups without a name: write one in the third c"),
        (HEADER + "a,move,1\n", "class_number in line 2 of {} must be a whole number from 0, no"),
        (HEADER + "3\n", "line 2 of {} must have the cells class_number,action,value, but has 1"),
        (HEADER + "3,move,1,2\n", "but has 4: correct it"),
    ],
)
def test_lines_that_are_refused(tmp_path, text, sentence):
    path = tmp_path / "constraints.csv"
    with pytest.raises(RebalanceError, match=re.escape(sentence.replace("{}", str(path)))):
        constraints(tmp_path, text)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(RebalanceError, match=r"none\.csv does not exist: check the path"):
        read_constraints(tmp_path / "none.csv")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x93")
    for path in (tmp_path, tmp_path / "binary"):
        with pytest.raises(RebalanceError, match="must be a text file that can be read, and is n"):
            read_class_list(path)


def test_class_lists():
    assert class_list("3,7,12-15", "--leave-out") == (3, 7, 12, 13, 14, 15)
    assert class_list(" 3 , 7  3", "--leave-out") == (3, 7)
    assert class_list("0-0", "--leave-out") == (0,)


@given(st.lists(st.integers(0, 10**6), min_size=1, unique=True))
def test_class_lists_say_what_is_written(numbers):
    assert class_list(",".join(map(str, numbers)), "--leave-out") == tuple(numbers)


@pytest.mark.parametrize("text", ["3,x", "3-", "-3", "7-3", "3.5", "1-999999999", "3;4"])
def test_class_lists_that_are_refused(text):
    sentence = "classes in --leave-out must be numbers and ranges such as 3,7,12-15, not "
    with pytest.raises(RebalanceError, match=re.escape(sentence)):
        class_list(text, "--leave-out")


def test_empty_class_lists():
    with pytest.raises(RebalanceError, match="--leave-out names no class: give numbers such as"):
        class_list(" , ", "--leave-out")


def test_class_lists_in_files(tmp_path):
    path = tmp_path / "junk.txt"
    path.write_text("# by eye\n3 7  # edge\n\n12-13,15\n")
    assert read_class_list(path) == (3, 7, 12, 13, 15)
    path.write_text("# nothing\n")
    with pytest.raises(RebalanceError, match=re.escape(f"{path} names no class")):
        read_class_list(path)
