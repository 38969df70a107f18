"""Percentile, target, and the factor that every rule amounts to: the rules, by plain twins."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rebalance import Balance, RebalanceError, balance
from rebalance._rules import whole_counts

SIZES = st.lists(st.integers(0, 40), min_size=1, max_size=9)
RULES = st.one_of(
    st.fixed_dictionaries({"factor": st.decimals(0, 1, places=3).map(str)}),
    st.fixed_dictionaries({"max_size": st.integers(1, 50)}),
    st.fixed_dictionaries({"cap_percentile": st.decimals(0, 100, places=1).map(str)}),
)


def of_sizes(sizes: list[int]) -> NDArray[np.intp]:
    """Superclass of each particle, superclass after superclass."""
    return np.repeat(np.arange(len(sizes)), sizes)


def balanced(sizes: list[int], **asked: object) -> Balance:
    return balance(of_sizes(sizes), n_superclasses=len(sizes), **asked)  # type: ignore[arg-type]


# Percentile.


@settings(max_examples=500, deadline=None)
@given(sizes=SIZES, percentile=st.decimals(0, 100, places=2))
@example(sizes=[1, 2, 3, 4], percentile=Decimal(25))
@example(sizes=[1, 2, 3, 4], percentile=Decimal("25.01"))
@example(sizes=[5], percentile=Decimal(0))
def test_percentile_cuts_to_the_size_of_that_rank(sizes: list[int], percentile: Decimal) -> None:
    result = balanced(sizes, cap_percentile=percentile)
    filled = sorted(size for size in sizes if size)
    if not filled:
        assert result.cap is None
        return
    cap = filled[max(1, math.ceil(Fraction(percentile) * len(filled) / 100)) - 1]
    assert result.cap == cap
    assert result.kept.tolist() == [min(size, cap) for size in sizes]
    assert result.sizes[result.limiting] == cap


@pytest.mark.parametrize(
    ("percentile", "cap"),
    [(0, 10), (20, 10), ("20.000001", 20), (40, 20), (99.9, 50), (100, 50), ("1e-30", 10)],
)
def test_percentile_is_exact_on_the_decimal_written(percentile: object, cap: int) -> None:
    assert balanced([10, 20, 30, 40, 50], cap_percentile=percentile).cap == cap


# Target.


@settings(max_examples=500, deadline=None)
@given(sizes=SIZES, n_others=st.integers(0, 5), data=st.data())
def test_target_keeps_that_many_as_evenly_as_can_be(
    sizes: list[int], n_others: int, data: st.DataObject
) -> None:
    total = sum(sizes) + n_others
    target = data.draw(st.integers(max(1, n_others), max(1, total)))
    if target > total:
        return
    groups = np.concatenate([of_sizes(sizes), np.full(n_others, -1)])
    result = balance(groups, target=target, n_superclasses=len(sizes))
    assert result.keep.sum() == target
    assert result.keep[len(groups) - n_others :].all()
    kept = result.kept
    assert (kept <= sizes).all()
    # The fairest: nobody can be given one of a superclass that keeps two more.
    losing = kept < sizes
    if losing.any():
        assert kept.max() <= kept[losing].min() + 1
        assert result.cap == kept.max()


def test_target_is_the_fairest_of_all_distributions() -> None:
    sizes = [3, 5, 1, 4]
    for target in range(1, sum(sizes) + 1):
        ways = [way for way in product(*(range(s + 1) for s in sizes)) if sum(way) == target]
        fairest = max(tuple(sorted(way)) for way in ways)  # the smallest is as large as can be
        assert tuple(sorted(balanced(sizes, target=target).kept.tolist())) == fairest


def test_larger_superclasses_keep_the_one_more() -> None:
    assert balanced([9, 3, 20, 10], target=13).kept.tolist() == [3, 3, 4, 3]
    assert balanced([9, 3, 20, 10], target=14).kept.tolist() == [3, 3, 4, 4]


@settings(max_examples=100, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**63 - 1))
def test_target_does_not_depend_on_rows_or_numbers_of_superclasses(
    data: st.DataObject, seed: int
) -> None:
    n = data.draw(st.integers(1, 40))
    groups = np.array(data.draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)))
    order = np.array(data.draw(st.permutations(range(n))))
    number = np.array(data.draw(st.permutations(range(5))))
    ids = np.arange(n, dtype=np.uint64)
    target = data.draw(st.integers(1, n))
    first = balance(groups, ids=ids, target=target, seed=seed).keep
    again = balance(number[groups][order], ids=ids[order], target=target, seed=seed).keep
    np.testing.assert_array_equal(again, first[order])


def test_a_target_too_small_for_all_says_so() -> None:
    result = balanced([5, 5, 0, 2], target=2)
    assert sorted(result.kept.tolist()) == [0, 0, 1, 1]
    assert result.factor is None
    assert result.warnings == (
        "the target of 2 is less than one particle for each superclass: 1 of 3 keep none",
    )


def test_a_target_of_all_drops_nothing() -> None:
    result = balanced([5, 2], target=7)
    assert result.keep.all()
    assert result.cap is None
    assert result.factor == 0.4


@settings(max_examples=200, deadline=None)
@given(sizes=st.lists(st.integers(0, 40), min_size=1, max_size=9), share=st.floats(0, 1))
def test_whole_counts_add_up(sizes: list[int], share: float) -> None:
    size = np.array(sizes)
    total = int(share * size.sum())
    wanted = size * (total / max(1, size.sum()))
    counts = whole_counts(wanted, size, total)
    assert counts.sum() == total
    assert (counts <= size).all()
    assert (np.abs(counts - wanted) < 1 + 1e-9).all()


# The factor that a rule amounts to.


@settings(max_examples=500, deadline=None)
@given(sizes=SIZES, rule=RULES | st.fixed_dictionaries({"target": st.integers(1, 40)}))
def test_the_factor_is_smallest_over_largest_and_gives_the_same_again(
    sizes: list[int], rule: dict[str, object]
) -> None:
    if not any(sizes) or int(str(rule.get("target", 0))) > sum(sizes):
        return
    result = balanced(sizes, **rule)
    filled = result.kept[result.sizes > 0]
    if result.factor is None:
        assert filled.min() == 0
        return
    assert result.factor == pytest.approx(filled.min() / filled.max(), rel=1e-11)
    smallest = result.sizes[result.sizes > 0].min()
    if filled.min() == smallest:
        again = balanced(sizes, factor=result.factor)
        assert again.kept.max() == result.kept.max()
        if "target" not in rule:
            assert again.kept.tolist() == result.kept.tolist()


def test_no_particles_amount_to_no_factor() -> None:
    assert balance([], factor=1).factor is None
    assert balance([-1, -1]).factor is None


# Running again.


@settings(max_examples=300, deadline=None)
@given(
    sizes=SIZES,
    rule=RULES | st.fixed_dictionaries({"target": st.integers(1, 300)}),
    drop=st.sampled_from(["random", "worst", "even"]),
    halves=st.booleans(),
    seed=st.integers(0, 2**63 - 1),
)
def test_running_again_on_the_kept_changes_nothing(
    sizes: list[int], rule: dict[str, object], drop: str, halves: bool, seed: int
) -> None:
    groups = of_sizes(sizes)
    if len(groups) == 0 or int(str(rule.get("target", 0))) > len(groups):
        return
    ids = np.arange(len(groups), dtype=np.uint64) ** 3
    known = {
        "quality": np.sin(ids.astype(float)),
        "averages": ids % 7,
        "micrographs": ids % 5,
        "half_sets": ids % 3 if halves else ids * 0,
    }
    given = {"drop": drop, "seed": seed, "n_superclasses": len(sizes), **rule}
    keep = balance(groups, ids=ids, **known, **given).keep  # type: ignore[arg-type]
    left = {name: values[keep] for name, values in known.items()}
    again = balance(groups[keep], ids=ids[keep], **left, **given)  # type: ignore[arg-type]
    assert again.keep.all()


# One particle, many superclasses.


@pytest.mark.parametrize(
    "rule",
    [{}, {"factor": 0}, {"factor": 1}, {"max_size": 1}, {"cap_percentile": 50}, {"target": 1}],
)
@pytest.mark.parametrize("drop", ["random", "even"])
def test_one_particle_stays(rule: dict[str, object], drop: str) -> None:
    result = balance([0], drop=drop, averages=[3], half_sets=[2], **rule)  # type: ignore[arg-type]
    assert result.keep.tolist() == [True]
    assert result.factor == 1


@pytest.mark.parametrize("drop", ["random", "even"])
def test_many_superclasses_of_few_particles(drop: str) -> None:
    groups = np.arange(200_000) // 2
    groups[:10] = 0
    result = balance(groups, factor=1, drop=drop, half_sets=np.arange(200_000) % 2 + 1)
    smallest = result.sizes[result.sizes > 0].min()
    assert (result.kept == np.minimum(result.sizes, smallest)).all()
    assert result.keep.sum() == result.kept.sum()


# Refusals.


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            {"factor": 0.5, "target": 2},
            "rebalance factor and target cannot be given together, since each says how many "
            "particles superclasses keep: leave one of them out",
        ),
        ({"factor": 0, "cap_percentile": 5}, "rebalance factor and cap percentile cannot be given"),
        ({"max_size": 3, "target": 2}, "maximum superclass size and target cannot be given"),
        ({"cap_percentile": 3, "target": 2}, "cap percentile and target cannot be given together"),
        (
            {"target": 6},
            "target must be at most the 5 particles that can stay, not 6: ask for fewer",
        ),
        (
            {"target": 1},
            "target must be at least the 2 particles of no superclass, which always stay, not 1",
        ),
        ({"target": 0}, "target must be a whole number from 1, not 0"),
        ({"target": 2.5}, "target must be a whole number from 1, not 2.5"),
        ({"cap_percentile": 101}, "cap percentile must be a number from 0 to 100, not 101: 0 cuts"),
        ({"cap_percentile": -1}, "cap percentile must be a number from 0 to 100, not -1"),
        ({"cap_percentile": "x"}, "cap percentile must be a number from 0 to 100, not 'x'"),
        ({"n_superclasses": 1}, r"must be above every superclass of a particle \(1\), not 1"),
    ],
)
def test_rules_that_are_refused(asked: dict[str, object], sentence: str) -> None:
    with pytest.raises(RebalanceError, match=sentence):
        balance([0, 0, 1, -1, -1], **asked)  # type: ignore[arg-type]
