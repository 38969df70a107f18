"""Who takes part: what the user says about classes, turned into what holds for each average."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from .checks import as_whole
from .config import RunSettings, TakePartSettings
from .errors import RebalanceError

if TYPE_CHECKING:
    from .io.tables import ClassAverages

JUNK_CHOICES = ("report", "set-aside", "keep")

Bools = NDArray[np.bool_]
Integers = NDArray[np.int32]
Counts = NDArray[np.int64]
Value = TypeVar("Value", int, str)


@dataclass(frozen=True)
class Wishes:
    """What the user asks for each of N averages.

    Attributes
    ----------
    class_number : (N,) int32 array
        For messages.
    leave_out : (N,) bool array
        Averages that take no part.
    together : (N,) int32 array
        Group of averages that share a superclass with no other group; -1: free.
    move_to : (N,) int32 array
        Superclass that an average moves to after grouping; -1: it stays.
    """

    class_number: Integers
    leave_out: Bools
    together: Integers
    move_to: Integers

    @property
    def placed(self) -> Bools:
        """(N,) averages that the user puts somewhere, be they junk or not."""
        return (self.together >= 0) | (self.move_to >= 0)


def as_wishes(settings: TakePartSettings, class_number: Integers) -> Wishes:
    """Look up classes among the averages with these class numbers.

    Raises
    ------
    RebalanceError
        For settings out of range, a class without an average, and wishes that contradict.
    """
    if settings.junk not in JUNK_CHOICES:
        raise RebalanceError(f"junk must be report, set-aside or keep, not {settings.junk!r}")
    as_whole("minimum particles of a class", settings.min_particles, 0)
    group = _one_each(settings.groups, "in one group")
    target = _one_each(settings.moves, "moved to one superclass")
    left = set(settings.leave_out)
    _refuse_both(left & group.keys(), "left out", "grouped")
    _refuse_both(left & target.keys(), "left out", "moved")
    _refuse_both(group.keys() & target.keys(), "grouped", "moved")
    index = _index([*settings.leave_out, *group, *target], class_number)
    names = {name: number for number, name in enumerate(dict.fromkeys(group.values()))}
    n = len(class_number)
    leave_out, together, move_to = np.zeros(n, bool), np.full(n, -1), np.full(n, -1)
    for number in left:
        leave_out[index[number]] = True
    for number, name in group.items():
        together[index[number]] = names[name]
    for number, superclass in target.items():
        move_to[index[number]] = superclass
    return Wishes(class_number, leave_out, together.astype(np.int32), move_to.astype(np.int32))


def heeded(
    wishes: Wishes, left_out: tuple[str, ...], settings: RunSettings
) -> tuple[Wishes, tuple[str, ...]]:
    """The wishes without those that place an average that takes no part; warnings about them."""
    idle = wishes.placed & np.array([reason != "" for reason in left_out])
    warnings = [
        f"class {wishes.class_number[i]} takes no part ({left_out[i]}), so that it is neither "
        "grouped nor moved"
        for i in np.flatnonzero(idle)
    ]
    if settings.take_part.junk == "set-aside" and not settings.superclasses.superclassification:
        warnings.append("without superclassification junk is only named, and not set aside")
    together, move_to = (np.where(idle, np.int32(-1), w) for w in (wishes.together, wishes.move_to))
    return Wishes(wishes.class_number, wishes.leave_out, together, move_to), tuple(warnings)


def why_left_out(
    averages: ClassAverages,
    particles: Counts,
    wishes: Wishes,
    min_particles: int,
    took_part: Bools | None = None,
) -> tuple[str, ...]:
    """Why each average takes no part, whatever it shows; empty where it does.

    One that took part in an earlier run does so again when the draw left it with few particles or
    none, so that a second run groups the same averages.
    """
    drawn = np.zeros(len(averages), bool) if took_part is None else took_part
    lowest = averages.images.min(axis=(1, 2))
    blank = lowest == averages.images.max(axis=(1, 2))
    reasons = [
        (wishes.leave_out, "as asked"),
        (blank, "blank"),
        (~averages.selected, "not selected"),
        (~drawn & (particles == 0), "no particles"),
        (~drawn & (particles < min_particles), few_particles(min_particles)),
    ]
    return tuple(
        next((reason for applies, reason in reasons if applies[i]), "")
        for i in range(len(averages))
    )


def without_junk(
    left_out: tuple[str, ...], junk: tuple[str, ...], wishes: Wishes
) -> tuple[str, ...]:
    """Reasons to take no part, with being junk among them; what the user places is none."""
    free = ~wishes.placed
    return tuple(
        reason or (f"junk ({shows})" if shows and free[i] else "")
        for i, (reason, shows) in enumerate(zip(left_out, junk, strict=True))
    )


def few_particles(min_particles: int) -> str:
    """The reason to leave out a class with fewer particles."""
    return f"fewer than {min_particles:,} particles"


def classes_apart(
    left_out: tuple[str, ...], wishes: Wishes, junk: tuple[str, ...], settings: TakePartSettings
) -> dict[str, Bools]:
    """(N,) averages whose particles go to outputs of their own, by the name of the output.

    An output exists when it was asked for, also when nothing goes there.
    """
    few = np.array([reason == few_particles(settings.min_particles) for reason in left_out])
    by_user = wishes.leave_out | few
    apart = {}
    if settings.leave_out or settings.min_particles > 1:
        apart["left_out"] = by_user
    if settings.junk == "set-aside":
        is_junk = np.array([shows != "" for shows in junk])
        apart["set_aside"] = is_junk & ~wishes.placed & ~by_user
    return apart


def move(labels: Integers, wishes: Wishes) -> Integers:
    """Labels after the moves; where a superclass lost its last average, those above close up.

    Parameters
    ----------
    labels : (N,) int32 array
        Superclass of each average; -1 = none.
    wishes : Wishes
        Where averages move.

    Raises
    ------
    RebalanceError
        For a superclass that does not exist.
    """
    n = int(labels.max()) + 1
    beyond = np.flatnonzero(wishes.move_to >= n)
    if len(beyond):
        raise RebalanceError(
            f"class {wishes.class_number[beyond[0]]} cannot move to superclass "
            f"{wishes.move_to[beyond[0]]}: there are {n}, numbered from 0"
        )
    moved = np.where(wishes.move_to >= 0, wishes.move_to, labels)
    kept = np.unique(moved[moved >= 0])
    closed = np.full(n + 1, -1, dtype=np.int32)  # the last entry stands for -1
    closed[kept] = np.arange(len(kept))
    return np.asarray(closed[moved])


def _one_each(pairs: Iterable[tuple[int, Value]], what: str) -> dict[int, Value]:
    found: dict[int, Value] = {}
    for number, value in pairs:
        if found.setdefault(number, value) != value:
            raise RebalanceError(
                f"class {number} must be {what}, not both {found[number]} and {value}: "
                "keep one of the two"
            )
    return found


def _refuse_both(numbers: set[int], first: str, second: str) -> None:
    if numbers:
        raise RebalanceError(
            f"class {min(numbers)} is to be both {first} and {second}: keep one of the two"
        )


def _index(numbers: Iterable[int], class_number: Integers) -> dict[int, int]:
    """Place of each class number; refuses to look up one that has no average."""
    index = {int(number): i for i, number in enumerate(class_number)}
    unknown = sorted(set(numbers) - index.keys())
    if unknown:
        raise RebalanceError(
            f"class {unknown[0]} has no average (class numbers go from {class_number.min()} to "
            f"{class_number.max()}): name only classes that have one"
        )
    return index
