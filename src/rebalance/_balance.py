"""Balancing: how many particles each superclass keeps, and which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._draw import Particles, as_codes, as_parts, as_policy, as_quality, count_parts, draw
from ._rules import Counts, as_rule, count_kept, factor_of
from .checks import as_seed, as_whole
from .errors import RebalanceError

Sizes = NDArray[np.int64]


@dataclass(frozen=True)
class Balance:
    """Which particles stay.

    Attributes
    ----------
    keep : (P,) bool array
        True for particles that stay.
    sizes : (K,) int64 array
        Particles of each superclass before.
    kept : (K,) int64 array
        Particles of each superclass after.
    cap : int or None
        Most particles that a superclass keeps; None: no limit.
    limiting : int or None
        The superclass whose size sets the cap; None where none does.
    warnings : tuple of str
        What the user should know, a sentence each.
    factor : float or None
        The rebalance factor that this amounts to: smallest / largest superclass after, rounded
        down to 12 digits. None where no superclass has particles, or one of them keeps none.
    halves : (K, 3) int64 array or None
        Particles of half set 1, half set 2 and neither, of each superclass before; None where
        half sets are not known.
    halves_kept : (K, 3) int64 array or None
        The same after.
    """

    keep: NDArray[np.bool_]
    sizes: Sizes
    kept: Sizes
    cap: int | None
    limiting: int | None
    warnings: tuple[str, ...]
    factor: float | None = None
    halves: Sizes | None = None
    halves_kept: Sizes | None = None

    def _repr_html_(self) -> str:
        from ._notebook import balance_html  # draws, and nobody needs it outside notebooks

        return balance_html(self.sizes, self.kept)


def balance(
    superclass_of_particle: ArrayLike,
    *,
    ids: ArrayLike | None = None,
    factor: float | str | Decimal | None = None,
    max_size: int | None = None,
    cap_percentile: float | str | Decimal | None = None,
    target: int | None = None,
    drop: str = "random",
    quality: ArrayLike | None = None,
    averages: ArrayLike | None = None,
    micrographs: ArrayLike | None = None,
    half_sets: ArrayLike | None = None,
    n_superclasses: int | None = None,
    seed: int = 0,
) -> Balance:
    """Choose the particles that stay so that superclasses balance.

    Parameters
    ----------
    superclass_of_particle : (P,) array of whole numbers
        Superclass of each particle, from 0; -1 = none: such particles always stay.
    ids : (P,) array of uint64 or bytes, optional
        Identity of each particle, on which the draw depends; default: its row number.
    factor : float, str or Decimal, optional
        Rebalance factor: smallest / largest superclass after, 0 to 1. Exact for the decimal
        written: no superclass keeps more than floor(smallest / factor). 0 drops nothing.
    max_size : int, optional
        Most particles that a superclass keeps, instead of the cap that `factor` gives. Does
        nothing when `factor` is 0.
    cap_percentile : float, str or Decimal, optional
        The cap is the size of rank ceil(P k / 100) of the k superclasses with particles, smallest
        first; 0 to 100.
    target : int, optional
        Number of particles that stay, those of no superclass counted: superclasses are cut to one
        size, or two that differ by 1.
    drop : {"random", "worst", "even"}
        Which particles go: any; those of the lowest `quality`; or so that those that stay are
        spread over averages and micrographs.
    quality : (P,) array of numbers, optional
        The larger, the better; for ``drop="worst"``.
    averages, micrographs : (P,) arrays of whole numbers or names, optional
        Where each particle comes from; for ``drop="even"``.
    half_sets : (P,) array of numbers, optional
        Half set of each particle, 1 or 2; any other number: neither. The halves that stay of a
        superclass differ by at most 1, or as little as their sizes allow.
    n_superclasses : int, optional
        Number of superclasses K, where the last may have no particles; default: as many as occur.
    seed : int
        Another seed draws other particles.

    Returns
    -------
    Balance

    Raises
    ------
    RebalanceError
        For a factor outside 0 to 1, a percentile outside 0 to 100, a maximum or target below 1, a
        target above the number of particles, a percentile or target beside any other of them, a
        quality that is no number, a superclass below -1, arrays that do not fit.

    Notes
    -----
    Of a superclass above the cap, the particles with the smallest keys stay. The key is a 64-bit
    hash of identity and seed (see ``docs/method.md``), so the choice depends on no order, number
    of threads or platform, and a second run on the kept particles changes nothing.
    """
    group = as_groups(superclass_of_particle)
    rule = as_rule(factor, max_size, cap_percentile, target)
    policy, seed = as_policy(drop, quality), as_seed(seed)
    particles = know(
        group,
        ids=ids,
        quality=quality if drop == "worst" else None,
        averages=averages,
        micrographs=micrographs,
        half_sets=half_sets,
    )
    number = _as_number(n_superclasses, int(group.max(initial=-1)) + 1)

    def count(sizes: Sizes) -> Counts:
        def find_keys() -> NDArray[np.uint64]:
            return _core.smallest_keys(group, particles.identity, n_groups=number, seed=seed)

        return count_kept(sizes, rule, len(group) - int(sizes.sum()), find_keys)

    return choose(particles, number, count, policy, seed)


def know(
    group: NDArray[np.int32],
    *,
    ids: ArrayLike | None,
    quality: ArrayLike | None,
    averages: ArrayLike | None,
    micrographs: ArrayLike | None,
    half_sets: ArrayLike | None,
) -> Particles:
    """What the draw knows of particles, checked; arguments are those of :func:`balance`."""
    n = len(group)
    return Particles(
        group,
        identity=None if ids is None else _as_identity(ids, n),
        quality=None if quality is None else as_quality(quality, group),
        average=None if averages is None else as_codes("averages", averages, n),
        micrograph=None if micrographs is None else as_codes("micrographs", micrographs, n),
        part=None if half_sets is None else as_parts(half_sets, n),
    )


def choose(
    particles: Particles,
    n_groups: int,
    count: Callable[[Sizes], Counts],
    policy: str,
    seed: int,
) -> Balance:
    """The particles that stay; `count` says how many of groups of given sizes."""
    cells = particles.cells()
    before = count_parts(cells, n_groups, particles.n_parts)
    sizes = before.sum(axis=1)
    counts = count(sizes)
    keep = draw(particles, cells, counts.kept, policy, seed)
    after = count_parts(cells, n_groups, particles.n_parts, keep)
    return Balance(
        keep,
        sizes,
        counts.kept,
        counts.cap,
        counts.limiting,
        counts.warnings,
        factor_of(sizes, counts.kept),
        None if particles.part is None else before,
        None if particles.part is None else after,
    )


def _as_number(n_superclasses: int | None, n_found: int) -> int:
    if n_superclasses is None:
        return n_found
    number = as_whole("number of superclasses", n_superclasses, 0)
    if number < n_found:
        raise RebalanceError(
            f"number of superclasses must be above every superclass of a particle ({n_found - 1}), "
            f"not {number}"
        )
    return number


def as_groups(superclass_of_particle: ArrayLike) -> NDArray[np.int32]:
    """(P,) int32 superclasses; refuses what is none."""
    given = np.asarray(superclass_of_particle)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise RebalanceError(
            "superclass_of_particle must be one whole number per particle, (P,), "
            f"not dtype {given.dtype} of shape {given.shape}"
        )
    if given.size and given.min() < -1:
        raise RebalanceError(
            f"superclass_of_particle must be -1 (none) or from 0, not {given.min()}"
        )
    if given.size and given.max() >= 2**31 - 1:
        raise RebalanceError(f"superclass_of_particle must be below 2**31, not {given.max()}")
    return np.ascontiguousarray(given, dtype=np.int32)


def _as_identity(ids: ArrayLike, n: int) -> NDArray[np.uint64]:
    array = np.asarray(ids)
    if array.shape != (n,):
        raise RebalanceError(f"ids must have one entry per particle, ({n},), not {array.shape}")
    if array.dtype.kind in "SO":
        names = array.tolist()
        if not all(isinstance(name, bytes) for name in names):
            raise RebalanceError("ids must be uint64 or bytes, but some are other objects")
        return _core.identities_of(names)
    if array.dtype.kind not in "iu" or (n and array.min() < 0):
        raise RebalanceError(
            f"ids must be whole numbers from 0 or bytes, not dtype {array.dtype} or negative"
        )
    return np.ascontiguousarray(array, dtype=np.uint64)
