"""Balancing: how many particles each superclass keeps, and which."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from .checks import as_factor, as_max_size, as_seed
from .errors import RebalanceError

Sizes = NDArray[np.int64]

HARMLESS_FACTOR = Decimal("1e-18")  # below it the cap lies above any number of particles


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
    """

    keep: NDArray[np.bool_]
    sizes: Sizes
    kept: Sizes
    cap: int | None
    limiting: int | None
    warnings: tuple[str, ...]


def balance(
    superclass_of_particle: ArrayLike,
    *,
    ids: ArrayLike | None = None,
    factor: float | str | Decimal | None = None,
    max_size: int | None = None,
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
    seed : int
        Another seed draws other particles.

    Returns
    -------
    Balance

    Raises
    ------
    RebalanceError
        For a factor outside 0 to 1, a maximum below 1, a superclass below -1, ids that do not fit.

    Notes
    -----
    Of a superclass above the cap, the particles with the smallest keys stay. The key is a 64-bit
    hash of identity and seed (see ``docs/method.md``), so the choice depends on no order, number
    of threads or platform, and a second run on the kept particles changes nothing.
    """
    groups = _as_groups(superclass_of_particle)
    identity = _as_identity(ids, len(groups))
    sizes = np.bincount(groups[groups >= 0], minlength=0).astype(np.int64)
    cap, limiting, warnings = find_cap(sizes, factor, max_size)
    caps = [-1 if cap is None else min(cap, len(groups))] * len(sizes)
    keep = _core.draw(groups, identity, cap=caps, seed=as_seed(seed))
    kept = np.bincount(groups[keep & (groups >= 0)], minlength=len(sizes)).astype(np.int64)
    return Balance(keep, sizes, kept, cap, limiting, warnings)


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


def _empty_warning(sizes: Sizes) -> tuple[str, ...]:
    empty = np.flatnonzero(sizes == 0)
    if len(empty) == 0:
        return ()
    numbers = ", ".join(str(k) for k in empty)
    return (f"superclasses without particles do not count for the cap: {numbers}",)


def _as_groups(superclass_of_particle: ArrayLike) -> NDArray[np.int32]:
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


def _as_identity(ids: ArrayLike | None, n: int) -> NDArray[np.uint64]:
    if ids is None:
        return np.arange(n, dtype=np.uint64)
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
