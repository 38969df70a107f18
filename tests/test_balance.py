"""Balance: the rules in exact arithmetic, and a draw that depends on identities and seed alone."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
import slow_twin
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import rebalance
from rebalance import RebalanceError, _core, balance

GROUPS = st.lists(st.integers(-1, 6), max_size=80)
FACTORS = st.none() | st.decimals(0, 1, places=3).map(str)
MAX_SIZES = st.none() | st.integers(1, 40)
SEEDS = st.integers(0, 2**63 - 1)


def of_sizes(*sizes: int) -> NDArray[np.intp]:
    """Superclass of each particle, superclass after superclass."""
    return np.repeat(np.arange(len(sizes)), sizes)


# The rules.


@settings(max_examples=150, deadline=None)
@given(groups=GROUPS, factor=FACTORS, max_size=MAX_SIZES, seed=SEEDS)
def test_the_twin_keeps_the_same_particles(
    groups: list[int], factor: str | None, max_size: int | None, seed: int
) -> None:
    result = balance(groups, factor=factor, max_size=max_size, seed=seed)
    sizes = [groups.count(k) for k in range(max(groups, default=-1) + 1)]
    cap = slow_twin.cap(sizes, factor, max_size)
    assert result.cap == cap
    assert result.keep.tolist() == slow_twin.keep(groups, range(len(groups)), cap, seed)
    assert result.sizes.tolist() == sizes
    assert result.kept.tolist() == [size if cap is None else min(size, cap) for size in sizes]
    assert result.keep.dtype == np.bool_
    assert result.sizes.dtype == result.kept.dtype == np.int64


@settings(max_examples=100, deadline=None)
@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=6), factor=st.decimals("0.01", 1))
def test_smallest_over_largest_reaches_the_factor(sizes: list[int], factor: Decimal) -> None:
    kept = balance(of_sizes(*sizes), factor=factor).kept
    assert Decimal(int(kept.min())) >= factor * int(kept.max())
    assert kept.min() == min(sizes)  # the smallest loses nothing


@pytest.mark.parametrize("factor", [0.07, "0.07", Decimal("0.07"), np.float32(0.07)])
def test_cap_is_exact_on_the_decimal_written(factor: float | str | Decimal) -> None:
    # In floating point 7 / 0.07 is 99.99999999999999.
    result = balance(of_sizes(500, 7), factor=factor)
    assert result.cap == 100
    assert result.limiting == 1
    assert result.kept.tolist() == [100, 7]


@settings(max_examples=100, deadline=None)
@given(n=st.integers(1, 10**9), hundredths=st.integers(1, 100))
@example(n=7, hundredths=7)
@example(n=29, hundredths=29)
def test_cap_is_the_whole_part_of_the_exact_quotient(n: int, hundredths: int) -> None:
    cap, limiting, warnings = rebalance._rules.find_cap(
        np.array([n + 1, n]), f"{hundredths / 100:.2f}", None
    )
    assert cap == n * 100 // hundredths
    assert (limiting, warnings) == (1, ())


def test_nothing_asked_for_drops_nothing() -> None:
    result = balance(of_sizes(9, 2))
    assert result.keep.all()
    assert (result.cap, result.limiting, result.warnings) == (None, None, ())


def test_factor_0_drops_nothing_and_says_so_of_a_maximum() -> None:
    assert balance(of_sizes(9, 2), factor=0).keep.all()
    assert balance(of_sizes(9, 2), factor=0).warnings == ()
    result = balance(of_sizes(9, 2), factor=0, max_size=3)
    assert result.keep.all()
    assert result.cap is None
    assert result.warnings == ("rebalance factor 0 drops nothing: the maximum of 3 is ignored",)


def test_factor_1_makes_all_equal() -> None:
    assert balance(of_sizes(9, 2, 5), factor=1).kept.tolist() == [2, 2, 2]


def test_a_maximum_takes_the_place_of_the_factor() -> None:
    result = balance(of_sizes(9, 4, 5), factor=1, max_size=6)
    assert result.kept.tolist() == [6, 4, 5]
    assert (result.cap, result.limiting, result.warnings) == (6, None, ())


def test_a_maximum_below_the_smallest_cuts_it_too_and_says_so() -> None:
    result = balance(of_sizes(9, 4), max_size=3)
    assert result.kept.tolist() == [3, 3]
    assert result.warnings == (
        "the maximum of 3 lies below the smallest superclass (1, with 4 particles): every "
        "superclass is cut to it",
    )


def test_one_superclass_loses_nothing_to_a_factor() -> None:
    result = balance(of_sizes(50), factor=0.5)
    assert result.keep.all()
    assert (result.cap, result.limiting) == (100, 0)


def test_empty_superclasses_do_not_count_and_are_named() -> None:
    result = balance([0, 0, 0, 2, 2, 4], factor="0.5")
    assert result.sizes.tolist() == [3, 0, 2, 0, 1]
    assert result.kept.tolist() == [2, 0, 2, 0, 1]
    assert result.limiting == 4
    assert result.warnings == ("superclasses without particles do not count for the cap: 1, 3",)


def test_the_first_of_equally_small_superclasses_limits() -> None:
    assert balance(of_sizes(5, 3, 3), factor=1).limiting == 1


@pytest.mark.parametrize("groups", [[], [-1, -1, -1]])
def test_no_superclass_drops_nothing(groups: list[int]) -> None:
    result = balance(groups, factor=1, max_size=1)
    assert result.keep.tolist() == [True] * len(groups)
    assert result.sizes.shape == result.kept.shape == (0,)
    assert result.cap is None


def test_particles_without_superclass_always_stay() -> None:
    result = balance([-1] * 5 + [0] * 9 + [1], factor=1)
    assert result.keep[:5].all()
    assert result.sizes.tolist() == [9, 1]


@pytest.mark.parametrize("asked", [{"factor": "1e-300"}, {"max_size": 10**30}])
def test_a_cap_beyond_all_numbers_drops_nothing(asked: dict[str, object]) -> None:
    result = balance(of_sizes(9, 4), **asked)  # type: ignore[arg-type]
    assert result.keep.all()
    assert result.cap is None or result.cap >= 10**30


# The draw.

IDENTITIES = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=60, unique=True)


@settings(max_examples=60, deadline=None)
@given(identities=IDENTITIES, seed=SEEDS, data=st.data())
def test_the_draw_does_not_depend_on_the_order_of_rows(
    identities: list[int], seed: int, data: st.DataObject
) -> None:
    n = len(identities)
    groups = np.array(data.draw(st.lists(st.integers(-1, 3), min_size=n, max_size=n)))
    order = np.array(data.draw(st.permutations(range(n))))
    ids = np.array(identities, np.uint64)
    keep = balance(groups, ids=ids, max_size=4, seed=seed).keep
    again = balance(groups[order], ids=ids[order], max_size=4, seed=seed).keep
    np.testing.assert_array_equal(again, keep[order])


@settings(max_examples=60, deadline=None)
@given(identities=IDENTITIES, factor=st.decimals("0.1", 1, places=2), seed=SEEDS)
def test_running_again_on_the_kept_changes_nothing(
    identities: list[int], factor: Decimal, seed: int
) -> None:
    ids = np.array(identities, np.uint64)
    groups = (np.arange(len(ids)) ** 2) % 3
    keep = balance(groups, ids=ids, factor=factor, seed=seed).keep
    assert balance(groups[keep], ids=ids[keep], factor=factor, seed=seed).keep.all()


def test_another_seed_draws_other_particles_of_the_same_sizes() -> None:
    groups = of_sizes(500, 100, 40)
    first, second = (balance(groups, factor=0.5, seed=seed) for seed in (0, 1))
    assert first.kept.tolist() == second.kept.tolist() == [80, 80, 40]
    both = (first.keep & second.keep)[:500].sum()
    assert 2 <= both <= 26  # by chance 80 * 80 / 500 = 13


def test_the_draw_is_fair() -> None:
    groups = np.zeros(100, int)
    kept = sum(balance(groups, max_size=30, seed=seed).keep.astype(int) for seed in range(400))
    assert kept.sum() == 400 * 30
    # Each is kept 120 times, sd 9.
    assert kept.min() > 75
    assert kept.max() < 165


def test_a_larger_cap_keeps_those_that_a_smaller_one_kept() -> None:
    groups = of_sizes(60, 40)
    kept = [balance(groups, max_size=size).keep for size in (5, 20, 39)]
    assert (kept[0] <= kept[1]).all()
    assert (kept[1] <= kept[2]).all()


def test_the_draw_never_changes() -> None:
    groups = [0, 1, 0, 1, 0, -1, 0, 1, 0, 0, 1, 0]
    keep = balance(groups, factor="0.8", seed=42).keep
    assert "".join(str(int(k)) for k in keep) == "111111110011"
    names = [b"%06d@Extract/mic.mrcs" % (i + 1) for i in range(12)]
    keep = balance(groups, ids=names, max_size=3, seed=42).keep
    assert "".join(str(int(k)) for k in keep) == "010111001011"


@given(st.lists(st.binary(max_size=80), max_size=5))
@example([b"", b"\xff\x00\xff", b"000001@mic.mrcs"])
def test_identity_of_a_name_is_the_documented_hash(names: list[bytes]) -> None:
    assert _core.identities_of(names).tolist() == [slow_twin.identity_of(n) for n in names]


def test_names_and_their_identities_draw_the_same() -> None:
    names = [b"%d@a.mrcs" % i for i in range(50)]
    numbers = np.array([slow_twin.identity_of(name) for name in names], np.uint64)
    groups = np.zeros(50, int)
    expected = balance(groups, ids=numbers, max_size=20).keep
    for ids in (names, np.array(names), np.array(names, object)):
        np.testing.assert_array_equal(balance(groups, ids=ids, max_size=20).keep, expected)


def test_repeated_identities_are_settled_by_row() -> None:
    keep = balance([0, 0, 0, 0], ids=[7, 7, 7, 7], max_size=2).keep
    assert keep.tolist() == [True, True, False, False]


def test_input_is_left_alone() -> None:
    groups, ids = of_sizes(9, 4).astype(np.int32), np.arange(13, dtype=np.uint64)
    groups.setflags(write=False)
    ids.setflags(write=False)
    assert balance(groups, ids=ids, factor=1).kept.tolist() == [4, 4]


# Refusals.


@pytest.mark.parametrize("factor", [-0.1, 1.01, "1.0001", "abc", "", np.nan, np.inf, True, [1]])
def test_a_factor_that_is_none_is_refused(factor: object) -> None:
    with pytest.raises(
        RebalanceError, match=r"rebalance factor must be a number from 0 to 1, not .*: 0 drops "
    ) as refusal:
        balance([0], factor=factor)  # type: ignore[arg-type]
    assert f"not {factor!r}: " in str(refusal.value)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"max_size": 0}, "maximum superclass size must be a whole number from 1, not 0"),
        ({"max_size": 2.5}, r"maximum superclass size must be a whole number from 1, not 2\.5"),
        ({"max_size": "3"}, "maximum superclass size must be a whole number from 1, not '3'"),
        ({"seed": -1}, "seed must be a whole number from 0 to 9223372036854775807, not -1"),
        ({"seed": 2**63}, "seed must be a whole number from 0 to 9223372036854775807, not 92"),
        ({"seed": None}, "seed must be a whole number from 0 to 9223372036854775807, not None"),
        ({"ids": [1]}, r"ids must have one entry per particle, \(3,\), not \(1,\)"),
        ({"ids": [-1, 0, 1]}, "ids must be whole numbers from 0 or bytes, not dtype int64 or neg"),
        ({"ids": [0.5, 1, 2]}, "ids must be whole numbers from 0 or bytes, not dtype float64"),
        ({"ids": ["a", "b", "c"]}, "ids must be whole numbers from 0 or bytes, not dtype <U1"),
        (
            {"ids": np.array([b"a", "b", 1], object)},
            "ids must be uint64 or bytes, but some are other objects",
        ),
    ],
)
def test_options_out_of_range_are_refused(asked: dict[str, object], sentence: str) -> None:
    with pytest.raises(RebalanceError, match=sentence):
        balance([0, 0, 1], **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        ([[0]], r"one whole number per particle, \(P,\), not dtype int64 of shape \(1, 1\)"),
        ([0.0, 1.0], r"one whole number per particle, \(P,\), not dtype float64 of shape \(2,\)"),
        ([0, -2], r"superclass_of_particle must be -1 \(none\) or from 0, not -2"),
        ([2**31 - 1], r"superclass_of_particle must be below 2\*\*31, not 2147483647"),
    ],
)
def test_superclasses_that_are_none_are_refused(groups: object, sentence: str) -> None:
    with pytest.raises(RebalanceError, match=sentence):
        balance(groups, factor=1)  # type: ignore[arg-type]


def test_the_core_refuses_groups_without_cap() -> None:
    groups, ids = np.array([0, 2], np.int32), np.zeros(2, np.uint64)
    with pytest.raises(ValueError, match="particle 1 has superclass 2, which does not exist"):
        _core.draw(groups, ids, cap=[1, 1], seed=0)
    with pytest.raises(ValueError, match="must be one-dimensional and of one length"):
        _core.draw(groups, ids[:1], cap=[1, 1, 1], seed=0)
