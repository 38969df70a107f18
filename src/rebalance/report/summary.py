"""What a run found, in numbers and sentences; draws nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .._job_sphere import SPHERE, in_bins
from .._spread import effective_number
from .orientation import orientation_sentence

if TYPE_CHECKING:
    from .._balance import Balance
    from ..pipeline import Result


def shares(sizes: NDArray[np.integer]) -> NDArray[np.float64]:
    """Share of each superclass in the particles of all superclasses, 0 to 1."""
    total: NDArray[np.float64] = sizes / max(sizes.sum(), 1)
    return total


def affinity_to_superclass(
    values: NDArray[np.float32], labels: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Mean affinity of each average to the other members of its superclass.

    Parameters
    ----------
    values : (N, N) float32 array
        Affinity.
    labels : (N,) int array
        Superclass of each average; -1 = none.

    Returns
    -------
    (N,) float64 array
        nan where the average has no superclass or is alone in it.
    """
    together = (labels[:, None] == labels) & (labels >= 0)
    np.fill_diagonal(together, False)
    n_others = together.sum(axis=1)
    total = np.where(together, values, 0).sum(axis=1, dtype=np.float64)
    return np.where(n_others > 0, total / np.maximum(n_others, 1), np.nan)


def affinity_inside(
    values: NDArray[np.float32], labels: NDArray[np.integer], n_superclasses: int
) -> NDArray[np.float64]:
    """Mean affinity over the pairs of averages of each superclass; (K,), nan where alone."""
    of_average = affinity_to_superclass(values, labels)
    inside = np.full(n_superclasses, np.nan)
    for k in range(n_superclasses):
        # Every member has equally many others, so the mean of means is the mean over pairs.
        if np.count_nonzero(labels == k) > 1:
            inside[k] = of_average[labels == k].mean()
    return inside


def averages_per_superclass(result: Result) -> NDArray[np.int64]:
    """Count the averages of each superclass; (K,)."""
    labels = result.superclasses.labels
    counts = np.bincount(labels[labels >= 0], minlength=result.superclasses.n_superclasses)
    return counts.astype(np.int64)


def left_out_reasons(result: Result) -> dict[str, NDArray[np.int64]]:
    """Indices of the averages that take no part, by reason, the most frequent reason first."""
    reasons = np.array(result.left_out)
    found = Counter(reason for reason in result.left_out if reason)
    return {reason: np.flatnonzero(reasons == reason) for reason, _ in found.most_common()}


def qualities(result: Result) -> dict[str, NDArray[np.float64]]:
    """What judges every number of superclasses; the one that decides, the silhouette, first."""
    curve = result.superclasses.curve
    names = [name for name in curve if name != "n_superclasses"]
    return {name: curve[name] for name in sorted(names, key=lambda name: name != "silhouette")}


def number_sentence(result: Result) -> str:
    """Say how many superclasses there are, and which numbers would do as well."""
    found = result.superclasses
    low, high = found.plausible
    if not found.curve:
        return "Too few averages take part for a number of superclasses to be found."
    suggestion = f"The averages suggest {found.suggested} superclasses"
    if low < high:
        suggestion += f"; {low} to {high} are plausible"
    taken = found.n_superclasses
    return suggestion + (f". {taken} were asked for." if taken != found.suggested else ".")


def counted(n: int, thing: str) -> str:
    """Write a number with its noun: ``1 average``, ``9,482 particles``."""
    plural = thing + ("es" if thing.endswith("s") else "s")
    return f"{n:,} {thing if n == 1 else plural}"


def percent(part: float, whole: float) -> str:
    """Write a share, ``47.6 %``; nothing of nothing is ``0.0 %``."""
    return f"{100 * part / whole if whole else 0:.1f} %"


def answer(result: Result) -> str:
    """Say in a sentence how the particles spread over superclasses, and what was kept."""
    sizes, n_particles = result.balance.sizes, len(result.balance.keep)
    n_kept, n_excluded = int(result.balance.keep.sum()), int(result.excluded.sum())
    drawn = f"{n_kept:,} of {counted(n_particles, 'particle')} were kept"
    others = [f"{n_excluded:,} excluded"] if n_excluded else []
    others += [f"{n:,} {name}" for name, n in apart_counts(result).items() if n]
    if others:
        drawn += f" and {', '.join(others)}"
    if not sizes.any():
        return f"No particle belongs to a superclass; {drawn}."
    largest = int(np.argmax(sizes))
    return (
        f"{counted(int(sizes.sum()), 'particle')} of {counted(len(sizes), 'superclass')} spread as "
        f"evenly as {effective_number(sizes):.1f} superclasses of equal size would; the largest, "
        f"superclass {largest}, holds {percent(sizes[largest], sizes.sum())} of them; {drawn}."
    )


def apart_counts(result: Result) -> dict[str, int]:
    """Particles that went to outputs of their own: ``left out``, ``set aside``."""
    return {name.replace("_", " "): int(mask.sum()) for name, mask in result.apart.items()}


def junk_line(result: Result) -> str:
    """Say how many averages are junk, what they show, and what becomes of their particles."""
    shown = Counter(shows for shows in result.junk if shows)
    if not shown:
        return ""
    is_junk = np.array([shows != "" for shows in result.junk])
    particles = counted(int(result.particles[is_junk].sum()), "particle")
    fate = "named only"
    if result.settings.superclasses.superclassification:
        fate = "in no superclass"
        fate += ", particles set aside" if "set_aside" in result.apart else ""
    kinds = ", ".join(f"{n} {shows}" for shows, n in shown.most_common())
    return f"junk: {counted(int(is_junk.sum()), 'average')} ({kinds}) with {particles}, {fate}"


def compared_line(result: Result) -> str:
    """Say what was compared of each average: circle, detail and shifts, in A too where known."""
    used, pixel_size = result.affinity.settings, result.averages.pixel_size
    parts = []
    if used.mask_diameter is not None:
        parts.append(f"circle of {_length(used.mask_diameter, pixel_size)}")
    if used.band is not None:
        parts.append(f"detail of {_detail(used.band, pixel_size)}")
    if used.max_shift is not None:
        parts.append(f"shifts to {_length(used.max_shift, pixel_size)}")
    return f"compared: {', '.join(parts)}"


def _length(px: float, pixel_size: float | None) -> str:
    if pixel_size is None:
        return f"{px:.3g} px"
    return f"{px * pixel_size:.3g} A ({px:.3g} px)"


def _detail(band: tuple[float, float], pixel_size: float | None) -> str:
    """Name a band by the wavelengths of its limits, the finest first."""
    finest = 1 / band[1]
    if band[0] == 0:
        return f"{_length(finest, pixel_size)} and coarser"
    coarsest = 1 / band[0]
    if pixel_size is None:
        return f"{finest:.3g} to {coarsest:.3g} px"
    return (
        f"{finest * pixel_size:.3g} to {coarsest * pixel_size:.3g} A "
        f"({finest:.3g} to {coarsest:.3g} px)"
    )


def cap_sentence(result: Result) -> str:
    """Say how many particles a superclass keeps at most, and what set that number."""
    balance = result.balance
    if result.bins is not None:
        return _bins_sentence(result, result.bins)
    if balance.cap is None:
        return "There is no cap, so no superclass loses particles."
    cap = f"A superclass keeps at most {counted(balance.cap, 'particle')}"
    if result.settings.balance.target is not None:
        return f"{cap}, so that as many stay as were asked for{_amounts_to(result)}."
    if balance.limiting is None:
        return f"{cap}, the maximum size given{_amounts_to(result)}."
    size = int(balance.sizes[balance.limiting])
    set_by = f"{cap}, set by superclass {balance.limiting} with its {counted(size, 'particle')}"
    return f"{set_by}{_amounts_to(result)}."


def _bins_sentence(result: Result, bins: Balance) -> str:
    source = result.views_from
    if not in_bins(result.settings.balance.by, source):
        n_losing = int(np.count_nonzero(bins.kept < bins.sizes))
        told = f", as {source} tells" if source else ""
        return f"{counted(n_losing, 'class average')} in crowded views lose particles{told}."
    filled = int(np.count_nonzero(bins.sizes))
    whose = " of the averages" if source == SPHERE else ""
    of = f"of viewing directions{whose} ({filled:,} of {len(bins.sizes):,} with particles)"
    if bins.cap is None:
        return f"There is no cap, so no bin {of} loses particles."
    return f"A bin {of} keeps at most {counted(bins.cap, 'particle')}."


def _amounts_to(result: Result) -> str:
    """The rebalance factor that another rule amounts to."""
    factor = result.balance.factor
    if factor is None or result.settings.balance.factor is not None:
        return ""
    return f"; that amounts to a rebalance factor of {factor:.4g}"


def summary_lines(result: Result, found: Sequence[str]) -> list[str]:
    """Write the short table that ends a run.

    Parameters
    ----------
    result : Result
        What the run found.
    found : sequence of str
        What was read and how, a line each.

    Returns
    -------
    list of str
        Lines without line ends.
    """
    return [
        *found,
        compared_line(result),
        *filter(None, [junk_line(result)]),
        "",
        *_totals(result),
        "",
        *_superclass_rows(result),
        "",
        cap_sentence(result),
        *filter(None, [orientation_sentence(result)]),
        *(f"warning: {warning}" for warning in result.warnings),
    ]


def _totals(result: Result) -> list[str]:
    n_particles, n_kept = len(result.balance.keep), int(result.balance.keep.sum())
    n_excluded = int(result.excluded.sum())
    return [
        f"class averages  {len(result.particles):>12,}  {_left_out_note(result)}".rstrip(),
        f"superclasses    {len(result.balance.sizes):>12,}  {_evenness_note(result)}".rstrip(),
        f"particles       {n_particles:>12,}  {_classless_note(result)}".rstrip(),
        f"  kept          {n_kept:>12,}  {percent(n_kept, n_particles)}",
        f"  excluded      {n_excluded:>12,}  {percent(n_excluded, n_particles)}",
        *(
            f"  {name:<14}{n:>12,}  {percent(n, n_particles)}"
            for name, n in apart_counts(result).items()
        ),
        *_half_sets_line(result),
    ]


def _half_sets_line(result: Result) -> list[str]:
    """How many of each half set stay, and how far halves of one superclass are apart."""
    halves = result.balance.halves_kept
    if halves is None:
        return []
    first, second, neither = halves.sum(axis=0)
    others = f", {neither:,} of neither" if neither else ""
    apart = int(np.abs(halves[:, 0] - halves[:, 1]).max(initial=0))
    return [
        f"  half sets     {first:>12,}  and {second:,}{others}; in a superclass they differ by "
        f"at most {apart:,}"
    ]


def _evenness_note(result: Result) -> str:
    even = effective_number(result.balance.sizes)
    return f"as even as {even:.1f} of equal size" if even else ""


def _left_out_note(result: Result) -> str:
    parts = [f"{len(members)} {reason}" for reason, members in left_out_reasons(result).items()]
    return f"left out: {', '.join(parts)}" if parts else ""


def _classless_note(result: Result) -> str:
    n_classless = len(result.balance.keep) - int(result.particles.sum())
    return f"{n_classless:,} in no class" if n_classless else ""


def _superclass_rows(result: Result) -> list[str]:
    balance = result.balance
    rows = [f"{'superclass':>10}  {'averages':>8}  {'particles':>12}  {'kept':>12}"]
    columns = zip(averages_per_superclass(result), balance.sizes, balance.kept, strict=True)
    for k, (n_averages, size, kept) in enumerate(columns):
        mark = "  sets the cap" if k == balance.limiting else ""
        rows.append(f"{k:>10}  {n_averages:>8,}  {size:>12,}  {kept:>12,}{mark}")
    outside = result.superclasses.labels < 0
    n_outside = int(result.particles[outside].sum())
    if n_outside:
        kept = int(result.kept[outside].sum())
        rows.append(f"{'left out':>10}  {outside.sum():>8,}  {n_outside:>12,}  {kept:>12,}")
    return rows
