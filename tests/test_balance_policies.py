"""Which particles go: by quality, evenly, and with half sets of one size."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import slow_twin
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rebalance import RebalanceError, balance
from rebalance._halves import share_among_halves

SEEDS = st.integers(0, 2**63 - 1)
EVEN, WORST = (
    "101100010011010010001100",
    "001000110011001100110001",
)  # what stays of 24, never to change
POLICIES = ["random", "worst", "even"]


def keys(ids: NDArray[np.integer], seed: int) -> list[int]:
    return [slow_twin.draw_key(int(i), seed) for i in ids]


# Half sets.


def best_difference(sizes: tuple[int, int, int], kept: int) -> int:
    """Least difference of the halves, by trying every way; 1 is as good as 0."""
    ways = product(*(range(size + 1) for size in sizes))
    return min(max(1, abs(a - b)) for a, b, c in ways if a + b + c == kept)


@pytest.mark.parametrize("sizes", list(product(range(5), range(4), range(4))))
def test_halves_differ_as_little_as_their_sizes_allow(sizes: tuple[int, int, int]) -> None:
    for kept in range(sum(sizes) + 1):
        share = share_among_halves(np.array([sizes]), np.array([kept]))[0]
        assert share.sum() == kept
        assert (share >= 0).all()
        assert (share <= sizes).all()
        assert max(1, abs(share[0] - share[1])) == best_difference(sizes, kept)


def test_neither_half_keeps_its_share_where_halves_can_be_alike() -> None:
    sizes = np.array([[400, 400, 200], [400, 100, 500], [900, 0, 100], [0, 0, 30], [50, 50, 0]])
    kept = np.array([100, 500, 500, 7, 99])
    assert share_among_halves(sizes, kept).tolist() == [
        [40, 40, 20],
        [101, 100, 299],  # more of neither, so that the halves are alike
        [400, 0, 100],  # they cannot be
        [0, 0, 7],
        [50, 49, 0],
    ]


@settings(max_examples=300, deadline=None)
@given(drop=st.sampled_from(POLICIES), seed=SEEDS, cap=st.integers(1, 30), data=st.data())
def test_every_policy_keeps_half_sets_alike(
    drop: str, seed: int, cap: int, data: st.DataObject
) -> None:
    n = data.draw(st.integers(1, 120))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    groups, half = rng.integers(-1, 3, n), rng.choice([0, 1, 1, 1, 2, -1], n)
    known = {"quality": rng.random(n), "averages": rng.integers(0, 9, n)}
    known["micrographs"] = rng.integers(0, 5, n)
    result = balance(groups, half_sets=half, max_size=cap, drop=drop, seed=seed, **known)
    for k, size in enumerate(result.sizes):
        stay = result.keep & (groups == k)
        assert stay.sum() == result.kept[k] == min(size, cap)
        if result.halves is None:
            continue
        parts = [int((half[groups == k] == h).sum()) for h in (1, 2)]
        parts.append(size - sum(parts))
        kept = [int((half[stay] == h).sum()) for h in (1, 2)]
        assert result.halves[k].tolist() == parts
        assert result.halves_kept is not None
        assert result.halves_kept[k].tolist()[:2] == kept
        alike = abs(kept[0] - kept[1]) <= 1
        smaller = int(np.argmin(parts[:2]))
        assert alike or (kept[smaller] == parts[smaller] and kept[1 - smaller] > kept[smaller])
    assert result.keep[groups < 0].all()


def test_without_any_half_set_nothing_changes() -> None:
    groups = np.zeros(50, int)
    expected = balance(groups, max_size=20)
    result = balance(groups, max_size=20, half_sets=np.full(50, -1))
    np.testing.assert_array_equal(result.keep, expected.keep)
    assert result.halves is result.halves_kept is None


# The worst.


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS, cap=st.integers(1, 20), data=st.data())
def test_the_worst_go_and_equal_ones_by_key(seed: int, cap: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 60))
    groups = np.array(data.draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n)))
    worth = st.sampled_from([-1e300, -1.5, -0.0, 0.0, 1e-300, 2.0, 7.0])
    quality = np.array(data.draw(st.lists(worth, min_size=n, max_size=n)))
    keep = balance(groups, max_size=cap, drop="worst", quality=quality, seed=seed).keep
    key = keys(np.arange(n), seed)
    for k in range(3):
        rows = sorted(np.flatnonzero(groups == k), key=lambda i: (-quality[i], key[i]))
        assert sorted(rows[:cap]) == np.flatnonzero(keep & (groups == k)).tolist()
    assert keep[groups < 0].all()


@pytest.mark.parametrize("kind", [np.float32, np.int16, np.uint8])
def test_quality_of_any_kind_of_number(kind: type) -> None:
    quality = np.array([3, 1, 2, 5, 4], kind)
    keep = balance([0] * 5, max_size=2, drop="worst", quality=quality).keep
    assert keep.tolist() == [False, False, False, True, True]


def test_quality_of_particles_without_superclass_does_not_matter() -> None:
    keep = balance([0, 0, -1], max_size=1, drop="worst", quality=[1, 2, np.nan]).keep
    assert keep.tolist() == [False, True, True]


# Evenly.


def assert_even(kept: NDArray[np.integer], size: NDArray[np.integer]) -> None:
    """What loses some keeps no less than anything else, but for one."""
    losing = kept < size
    assert not losing.any() or kept.max() <= kept[losing].min() + 1


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS, cap=st.integers(1, 60), n=st.integers(1, 150), data=st.data())
def test_averages_are_filled_evenly(seed: int, cap: int, n: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    groups = rng.integers(0, 2, n)
    averages = np.floor(7 * rng.random(n) ** 2).astype(int)  # crowded and scarce ones
    micrographs = rng.integers(0, 6, n)
    known = {"averages": averages, "micrographs": micrographs}
    keep = balance(groups, max_size=cap, drop="even", seed=seed, **known).keep
    for k in range(2):
        mine = groups == k
        assert keep[mine].sum() == min(cap, mine.sum())
        assert_even(
            np.bincount(averages[mine & keep], minlength=7),
            np.bincount(averages[mine], minlength=7),
        )


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, cap=st.integers(1, 60), n=st.integers(1, 150))
def test_micrographs_are_filled_evenly(seed: int, cap: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    micrographs = np.floor(9 * rng.random(n) ** 2).astype(int)
    keep = balance(np.zeros(n, int), max_size=cap, drop="even", micrographs=micrographs).keep
    count = [np.bincount(micrographs[rows], minlength=9) for rows in (keep, keep | True)]
    assert_even(*count)


@pytest.mark.parametrize("seed", range(5))
def test_no_average_micrograph_or_half_set_is_emptied(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 4000
    groups = rng.integers(0, 3, n)
    known = {
        "averages": groups * 10 + np.floor(8 * rng.random(n) ** 3).astype(int),
        "micrographs": np.floor(30 * rng.random(n) ** 2).astype(int),
        "half_sets": rng.integers(1, 3, n),
    }
    result = balance(groups, max_size=100, drop="even", seed=seed, **known)
    for k, name in product(range(3), known):
        mine = groups == k
        size, kept = (np.bincount(known[name][rows]) for rows in (mine, mine & result.keep))
        kept = np.pad(kept, (0, len(size) - len(kept)))
        assert kept[size > 0].min() > 0, name
        if name != "micrographs":
            assert_even(kept, size)
        else:
            losing = kept < size
            assert kept.max() <= kept[losing].min() + 2


def test_even_beats_random_on_every_count() -> None:
    rng = np.random.default_rng(1)
    n = 3000
    known = {"averages": rng.geometric(0.2, n), "micrographs": rng.geometric(0.05, n)}
    spread: dict[str, Any] = {}
    for drop in ("random", "even"):
        keep = balance(np.zeros(n, int), target=600, drop=drop, **known).keep
        spread[drop] = {name: np.bincount(v[keep]).std() for name, v in known.items()}
    for name in known:
        assert spread["even"][name] < spread["random"][name]


@settings(max_examples=60, deadline=None)
@given(drop=st.sampled_from(POLICIES), seed=SEEDS, data=st.data())
def test_no_policy_depends_on_the_order_of_rows_or_the_numbers_of_anything(
    drop: str, seed: int, data: st.DataObject
) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    n = data.draw(st.integers(1, 200))
    groups, half = rng.integers(0, 3, n), rng.integers(0, 3, n)
    known = {"averages": rng.integers(0, 5, n), "micrographs": rng.integers(0, 9, n)}
    quality, ids = rng.integers(0, 4, n), rng.integers(0, 2**63, n, dtype=np.uint64)
    order = rng.permutation(n)
    same = {"ids": ids, "half_sets": half, "quality": quality}
    moved = {name: values[order] for name, values in same.items()}
    asked: dict[str, Any] = {"max_size": max(1, n // 5), "drop": drop, "seed": seed}
    first = balance(groups, **same, **known, **asked).keep
    renamed = {name: rng.permutation(10)[values][order] for name, values in known.items()}
    again = balance(rng.permutation(3)[groups][order], **moved, **renamed, **asked).keep
    np.testing.assert_array_equal(again, first[order])


def test_names_and_large_numbers_are_codes_too() -> None:
    rng = np.random.default_rng(0)
    number = rng.integers(0, 6, 80)
    expected = balance(np.zeros(80, int), max_size=20, drop="even", micrographs=number).keep
    names = np.array([f"mic_{i}.mrc" for i in range(6)])[number]
    for micrographs in (names, names.astype(bytes), number.astype(np.uint64) + 2**63, -number):
        keep = balance(np.zeros(80, int), max_size=20, drop="even", micrographs=micrographs).keep
        np.testing.assert_array_equal(keep, expected)


def test_even_without_anything_known_is_random() -> None:
    groups = np.arange(90) % 2
    expected = balance(groups, max_size=20, seed=5).keep
    np.testing.assert_array_equal(balance(groups, max_size=20, seed=5, drop="even").keep, expected)


def test_the_even_and_the_worst_draw_never_change() -> None:
    groups = np.arange(24) % 2
    known = {"averages": np.arange(24) % 3, "micrographs": np.arange(24) // 6}
    keep = balance(groups, max_size=5, drop="even", seed=42, **known).keep
    assert "".join(str(int(k)) for k in keep) == EVEN
    keep = balance(groups, max_size=5, drop="worst", quality=np.arange(24) % 4, seed=42).keep
    assert "".join(str(int(k)) for k in keep) == WORST


# Refusals.


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"drop": "best"}, "drop must be 'random', 'worst' or 'even', not 'best'"),
        (
            {"drop": "worst"},
            "drop 'worst' needs to know which particles are good: give quality, one number per "
            "particle, the larger the better",
        ),
        (
            {"drop": "worst", "quality": [1, np.nan, np.inf]},
            "quality must be a number for every particle of a superclass, but 2 of 3 are NaN or "
            "infinite, the first in row 2",
        ),
        ({"drop": "worst", "quality": [1, 2]}, r"quality must have one entry per particle, \(3,\)"),
        ({"drop": "worst", "quality": list("abc")}, "quality must be real numbers, not dtype <U1"),
        ({"averages": [1]}, r"averages must have one entry per particle, \(3,\), not \(1,\)"),
        ({"averages": [0.5, 1, 2]}, "averages must be whole numbers or names, not dtype float64"),
        ({"micrographs": [[1, 2, 3]]}, r"micrographs must have one entry per particle, \(3,\)"),
        ({"half_sets": ["A", "B", "A"]}, r"half_sets must be numbers, 1 or 2 \(any other: neither"),
    ],
)
def test_what_is_refused(asked: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RebalanceError, match=sentence):
        balance([0, 0, 1], factor=1, **asked)
