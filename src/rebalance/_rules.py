"""The rules of balance: how many particles each superclass keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from .checks import as_factor, as_max_size, as_percentile, as_target
from .errors import RebalanceError

Sizes = NDArray[np.int64]
Keys = NDArray[np.uint64]

HARMLESS_FACTOR = Decimal("1e-18")  # below it the cap lies above any number of particles
DIGITS = Context(prec=12, rounding=ROUND_DOWN)  # down: a little less never cuts more


@dataclass(frozen=True)
class Rule:
    """What was asked for: a factor, a maximum, both, a percentile, a target, or nothing.

    Attributes
    ----------
    factor : Decimal or None
        Smallest / largest superclass after, 0 to 1.
    max_size : int or None
        Most particles that a superclass keeps.
    cap_percentile : Decimal or None
        The cap is the size of this rank among the superclasses, 0 to 100.
    target : int or None
        Particles that stay in all.
    """

    factor: Decimal | None = None
    max_size: int | None = None
    cap_percentile: Decimal | None = None
    target: int | None = None


@dataclass(frozen=True)
class Counts:
    """How many particles superclasses keep.

    Attributes
    ----------
    kept : (K,) int64 array
        Particles that each keeps.
    cap : int or None
        Most particles that a superclass keeps; None: no limit.
    limiting : int or None
        The superclass whose size sets the cap; None where none does.
    warnings : tuple of str
        What the user should know, a sentence each.
    """

    kept: Sizes
    cap: int | None = None
    limiting: int | None = None
    warnings: tuple[str, ...] = ()


def as_rule(
    factor: object = None,
    max_size: object = None,
    cap_percentile: object = None,
    target: object = None,
) -> Rule:
    """What was asked for, checked; refuses two ways of asking at once."""
    ways = {"rebalance factor": factor, "maximum superclass size": max_size}
    single = {"cap percentile": cap_percentile, "target": target}
    given = [name for name, value in (ways | single).items() if value is not None]
    if len(given) > 1 and given[-1] in single:
        raise RebalanceError(
            f"{given[0]} and {given[-1]} cannot be given together, since each says how many "
            "particles superclasses keep: leave one of them out"
        )
    return Rule(
        None if factor is None else as_factor(factor),
        None if max_size is None else as_max_size(max_size),
        None if cap_percentile is None else as_percentile(cap_percentile),
        None if target is None else as_target(target),
    )


def count_kept(sizes: Sizes, rule: Rule, n_others: int, find_keys: Callable[[], Keys]) -> Counts:
    """How many particles superclasses of these `sizes` keep.

    Parameters
    ----------
    sizes : (K,) int64 array
        Particles of each superclass.
    rule : Rule
        What was asked for.
    n_others : int
        Particles of no superclass, which always stay.
    find_keys : callable
        Gives (K,) uint64 numbers that settle which of equal superclasses comes first.
    """
    if rule.target is not None:
        return _aim(sizes, rule.target, n_others, find_keys)
    if rule.cap_percentile is not None:
        cap, limiting, warnings = _cap_at_percentile(sizes, rule.cap_percentile)
    else:
        cap, limiting, warnings = find_cap(sizes, rule.factor, rule.max_size)
    most = int(sizes.max(initial=0))
    kept = np.minimum(sizes, most if cap is None else min(cap, most))
    return Counts(kept, cap, limiting, warnings)


def find_cap(
    sizes: Sizes, factor: float | str | Decimal | None, max_size: int | None
) -> tuple[int | None, int | None, tuple[str, ...]]:
    """Most particles that a superclass of these `sizes` keeps, which superclass sets it, warnings.

    ``floor(smallest / factor)`` over the superclasses that have particles, in exact arithmetic.
    """
    exact = None if factor is None else as_factor(factor)
    most = None if max_size is None else as_max_size(max_size)
    filled = np.flatnonzero(sizes)
    if exact == 0 and most is not None:
        return None, None, (f"rebalance factor 0 drops nothing: the maximum of {most} is ignored",)
    harmless = exact is None or exact < HARMLESS_FACTOR
    if (harmless and most is None) or len(filled) == 0:
        return None, None, ()
    smallest = int(filled[np.argmin(sizes[filled])])
    empty = _empty_warning(sizes)
    if most is None:
        assert exact is not None
        return int(Fraction(int(sizes[smallest])) // Fraction(exact)), smallest, empty
    if most < sizes[smallest]:
        below = (
            f"the maximum of {most} lies below the smallest superclass ({smallest}, with "
            f"{sizes[smallest]} particles): every superclass is cut to it",
        )
        return most, None, empty + below
    return most, None, empty


def fair_counts(sizes: Sizes, total: int, find_keys: Callable[[], Keys]) -> Sizes:
    """Counts of at most `sizes` that add up to `total` and are as even as they can be.

    All are cut to one level, and as many as are needed keep one more: the largest, those of equal
    size by the smaller key.
    """
    low, high = 0, int(sizes.max(initial=0))
    while low < high:  # the highest level that does not keep too many
        level = (low + high + 1) // 2
        if int(np.minimum(sizes, level).sum()) <= total:
            low = level
        else:
            high = level - 1
    kept = np.minimum(sizes, low)
    spare = total - int(kept.sum())
    if spare:
        higher = np.flatnonzero(sizes > low)
        first = np.lexsort((find_keys()[higher], -sizes[higher]))[:spare]
        kept[higher[first]] += 1
    return kept


def factor_of(sizes: Sizes, kept: Sizes) -> float | None:
    """Smallest / largest of what superclasses keep, rounded down to 12 digits.

    As a rebalance factor it gives the same cap, where the smallest superclass loses nothing. None
    where no superclass has particles, or one of them keeps none.
    """
    filled = kept[sizes > 0]
    if len(filled) == 0 or filled.min() == 0:
        return None
    return float(DIGITS.divide(Decimal(int(filled.min())), Decimal(int(filled.max()))))


def _cap_at_percentile(
    sizes: Sizes, percentile: Decimal
) -> tuple[int | None, int | None, tuple[str, ...]]:
    """The size of rank ceil(P k / 100) of the k superclasses with particles, smallest first."""
    filled = np.flatnonzero(sizes)
    if len(filled) == 0:
        return None, None, ()
    order = filled[np.argsort(sizes[filled], kind="stable")]
    rank = max(1, ceil(Fraction(percentile) * len(filled) / 100))
    limiting = int(order[rank - 1])
    return int(sizes[limiting]), limiting, _empty_warning(sizes)


def _aim(sizes: Sizes, target: int, n_others: int, find_keys: Callable[[], Keys]) -> Counts:
    kept = fair_counts(sizes, check_target(target, int(sizes.sum()), n_others), find_keys)
    cap = int(kept.max(initial=0)) if (kept < sizes).any() else None
    emptied = int(np.count_nonzero(sizes) - np.count_nonzero(kept))
    if not emptied:
        return Counts(kept, cap)
    few = (
        f"the target of {target:,} is less than one particle for each superclass: {emptied:,} of "
        f"{np.count_nonzero(sizes):,} keep none"
    )
    return Counts(kept, cap, None, (few,))


def check_target(target: int, total: int, n_others: int) -> int:
    """Particles that groups keep of their `total`, when `n_others` others always stay."""
    if target > total + n_others:
        raise RebalanceError(
            f"target must be at most the {total + n_others:,} particles that can stay, not "
            f"{target:,}: ask for fewer"
        )
    if target < n_others:
        raise RebalanceError(
            f"target must be at least the {n_others:,} particles of no superclass, which always "
            f"stay, not {target:,}: ask for more"
        )
    return target - n_others


def whole_counts(wanted: NDArray[np.float64], sizes: Sizes, total: int) -> Sizes:
    """Whole numbers near `wanted`, at most `sizes`, that add up to `total`.

    What rounding down leaves goes to the largest remainders, equal ones to the larger size.
    """
    counts = np.minimum(np.floor(wanted).astype(np.int64), sizes)
    while (left := total - int(counts.sum())) > 0:  # once, but for rounding in `wanted`
        order = np.lexsort((-sizes, counts - wanted))
        counts[order[counts[order] < sizes[order]][:left]] += 1
    return counts


def _empty_warning(sizes: Sizes) -> tuple[str, ...]:
    empty = np.flatnonzero(sizes == 0)
    if len(empty) == 0:
        return ()
    numbers = ", ".join(str(k) for k in empty)
    return (f"superclasses without particles do not count for the cap: {numbers}",)
