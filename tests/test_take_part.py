"""Who takes part, by the user's word and by what averages show."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from rebalance._take_part import (
    as_wishes,
    classes_apart,
    heeded,
    move,
    why_left_out,
    without_junk,
)
from rebalance.config import RunSettings, SuperclassSettings, TakePartSettings
from rebalance.errors import RebalanceError
from rebalance.io.tables import ClassAverages

NUMBERS = np.array([1, 2, 3, 5, 8], dtype=np.int32)


def wishes(**settings: object):
    return as_wishes(TakePartSettings(**settings), NUMBERS)  # type: ignore[arg-type]


def averages() -> ClassAverages:
    rng = np.random.default_rng(0)
    return ClassAverages(
        images=rng.standard_normal((5, 8, 8)).astype(np.float32),
        class_number=NUMBERS,
        name=tuple(f"{k:06d}@a.mrcs" for k in NUMBERS),
        selected=np.ones(5, bool),
        pixel_size=None,
        resolution=np.full(5, np.nan),
    )


def test_nothing_asked_is_nothing_done():
    nothing = wishes()
    assert not nothing.leave_out.any()
    assert not nothing.placed.any()


def test_classes_are_looked_up_by_number():
    asked = wishes(
        leave_out=(3,), groups=((2, "b"), (5, "a"), (1, "b")), moves=((8, 4),), min_particles=0
    )
    assert asked.leave_out.tolist() == [False, False, True, False, False]
    assert asked.together.tolist() == [0, 0, -1, 1, -1]
    assert asked.move_to.tolist() == [-1, -1, -1, -1, 4]
    assert asked.placed.tolist() == [True, True, False, True, True]


def test_a_line_may_stand_twice():
    asked = wishes(leave_out=(3, 3), groups=((2, "b"), (2, "b")), moves=((8, 4), (8, 4)))
    assert asked.move_to[4] == 4


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"junk": "drop"}, "junk must be report, set-aside or keep, not 'drop'"),
        ({"min_particles": -1}, "minimum particles of a class must be a whole number from 0, not"),
        ({"leave_out": (4,)}, "class 4 has no average (class numbers go from 1 to 8): name only c"),
        ({"groups": ((0, "a"),)}, "class 0 has no average (class numbers go from 1 to 8)"),
        ({"moves": ((9, 0),)}, "class 9 has no average (class numbers go from 1 to 8)"),
        (
            {"moves": ((2, 1), (2, 3))},
            "class 2 must be moved to one superclass, not both 1 and 3: keep one of the two",
        ),
        (
            {"groups": ((2, "a"), (2, "b"))},
            "class 2 must be in one group, not both a and b: keep one of the two",
        ),
        (
            {"leave_out": (3, 2), "groups": ((2, "a"),)},
            "class 2 is to be both left out and grouped: keep one of the two",
        ),
        (
            {"leave_out": (3, 2), "moves": ((3, 1),)},
            "class 3 is to be both left out and moved: keep one of the two",
        ),
        (
            {"groups": ((5, "a"),), "moves": ((5, 1),)},
            "class 5 is to be both grouped and moved: keep one of the two",
        ),
    ],
)
def test_contradictions(settings, sentence):
    with pytest.raises(RebalanceError, match=re.escape(sentence)):
        wishes(**settings)


def test_reasons_to_leave_out():
    given = averages()
    given.images[[1, 4]] = [[[0.0]], [[3.5]]]  # of one value, whichever
    given.selected[3] = False
    particles = np.array([5, 0, 5, 0, 5])
    expected = ("", "blank", "", "not selected", "blank")
    assert why_left_out(given, particles, wishes(), 1) == expected
    few = np.array([5, 0, 0, 5, 9])
    plain = replace(given, images=given.images + np.arange(64).reshape(8, 8))
    reasons = why_left_out(plain, few, wishes(leave_out=(1,)), 9)
    assert reasons == ("as asked", "no particles", "no particles", "not selected", "")
    reasons = why_left_out(plain, few, wishes(), 9)
    assert reasons[0] == "fewer than 9 particles"


def test_junk_takes_no_part_unless_it_is_placed():
    junk = ("noise", "", "edge", "blank", "rings")
    asked = wishes(groups=((1, "a"),), moves=((8, 0),))
    reasons = without_junk(("", "", "", "blank", ""), junk, asked)
    assert reasons == ("", "", "junk (edge)", "blank", "")


def test_an_average_that_takes_no_part_cannot_be_placed():
    asked = wishes(groups=((1, "a"), (2, "a")), moves=((8, 0),))
    left, warnings = heeded(asked, ("blank", "", "", "", "no particles"), RunSettings())
    assert left.placed.tolist() == [False, True, False, False, False]
    assert warnings == (
        "class 1 takes no part (blank), so that it is neither grouped nor moved",
        "class 8 takes no part (no particles), so that it is neither grouped nor moved",
    )


def test_junk_cannot_be_set_aside_without_superclasses():
    settings = RunSettings(
        take_part=TakePartSettings(junk="set-aside"),
        superclasses=SuperclassSettings(superclassification=False),
    )
    sentence = "without superclassification junk is only named, and not set aside"
    assert heeded(wishes(), ("",) * 5, settings)[1] == (sentence,)


def test_outputs_of_their_own_exist_when_asked_for():
    reasons = ("fewer than 10 particles", "no particles", "as asked", "", "")
    junk = ("noise", "edge", "", "edge", "rings")
    for settings in (TakePartSettings(), TakePartSettings(junk="keep")):
        assert classes_apart(("",) * 5, wishes(), junk, settings) == {}
    settings = TakePartSettings(junk="set-aside", min_particles=10)
    asked = wishes(leave_out=(3,), groups=((8, "a"),))
    apart = classes_apart(reasons, asked, junk, settings)
    assert apart["left_out"].tolist() == [True, False, True, False, False]
    assert apart["set_aside"].tolist() == [False, True, False, True, False]


def test_averages_that_took_part_before_do_so_again():
    none = np.zeros(5, dtype=np.int64)
    took_part = np.array([True, False, True, False, False])
    reasons = why_left_out(averages(), none, wishes(leave_out=(3,)), 9, took_part)
    assert reasons == ("", "no particles", "as asked", "no particles", "no particles")


def test_moves():
    labels = np.array([0, 0, 1, 2, -1], dtype=np.int32)
    assert move(labels, wishes()).tolist() == labels.tolist()
    assert move(labels, wishes(moves=((2, 2),))).tolist() == [0, 2, 1, 2, -1]
    assert move(labels, wishes(moves=((8, 1),))).tolist() == [0, 0, 1, 2, 1]


def test_a_superclass_that_loses_its_last_average_is_closed_up():
    labels = np.array([0, 0, 1, 2, -1], dtype=np.int32)
    assert move(labels, wishes(moves=((3, 0),))).tolist() == [0, 0, 0, 1, -1]


def test_a_move_to_a_superclass_that_does_not_exist():
    labels = np.array([0, 0, 1, 2, -1], dtype=np.int32)
    sentence = "class 2 cannot move to superclass 3: there are 3, numbered from 0"
    with pytest.raises(RebalanceError, match=sentence):
        move(labels, wishes(moves=((2, 3),)))
