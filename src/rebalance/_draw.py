"""The draw: which particles of a superclass stay, once their number is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._halves import N_PARTS, part_of, share_among_halves
from .errors import RebalanceError

POLICIES = ("random", "worst", "even")
FEW_CODES = 1 << 16  # whole numbers up to here are codes as they are


@dataclass(frozen=True)
class Particles:
    """What the draw knows of P particles.

    Attributes
    ----------
    group : (P,) int32 array
        Superclass; -1 = none.
    identity : (P,) uint64 array or None
        On which the keys depend; None: the row number.
    quality : (P,) float64 array or None
        The larger, the better.
    average, micrograph : (P,) int32 array or None
        Codes from 0.
    part : (P,) int8 array or None
        Part of the half sets: 0, 1, or 2 for neither.
    """

    group: NDArray[np.int32]
    identity: NDArray[np.uint64] | None = None
    quality: NDArray[np.float64] | None = None
    average: NDArray[np.int32] | None = None
    micrograph: NDArray[np.int32] | None = None
    part: NDArray[np.int8] | None = None

    @property
    def n_parts(self) -> int:
        """Parts that a superclass has."""
        return 1 if self.part is None else N_PARTS

    def cells(self) -> NDArray[np.int32]:
        """(P,) superclass and part in one number, superclass * n_parts + part; -1 = none."""
        if self.part is None:
            return self.group
        cell = self.group * np.int32(N_PARTS)
        cell += self.part
        cell[self.group < 0] = -1
        return cell


def count_parts(
    cells: NDArray[np.int32], n_groups: int, n_parts: int, keep: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """(K, n_parts) particles of each part of each superclass, or only those to `keep`."""
    return _core.count_groups(cells, n_groups=n_groups * n_parts, keep=keep).reshape(-1, n_parts)


def draw(
    particles: Particles,
    cells: NDArray[np.int32],
    kept: NDArray[np.int64],
    drop: str,
    seed: int,
) -> NDArray[np.bool_]:
    """(P,) bool: the particles that stay.

    Parameters
    ----------
    particles : Particles
        What is known of them.
    cells : (P,) int32 array
        :meth:`Particles.cells`.
    kept : (K,) int64 array
        How many each superclass keeps.
    drop : {"random", "worst", "even"}
        Which go.
    seed : int
        Another seed draws others.
    """
    cap = kept
    if particles.part is not None:
        cap = share_among_halves(count_parts(cells, len(kept), N_PARTS), kept).reshape(-1)
    if drop == "even":
        return _core.draw_evenly(
            cells,
            particles.identity,
            cap=cap,
            seed=seed,
            average=particles.average,
            micrograph=particles.micrograph,
            n_parts=particles.n_parts,
        )
    quality = particles.quality if drop == "worst" else None
    return _core.draw(cells, particles.identity, cap=cap, seed=seed, quality=quality)


def as_policy(drop: str, quality: object) -> str:
    """Name of the policy; refuses `worst` without a quality."""
    if drop not in POLICIES:
        raise RebalanceError(f"drop must be 'random', 'worst' or 'even', not {drop!r}")
    if drop == "worst" and quality is None:
        raise RebalanceError(
            "drop 'worst' needs to know which particles are good: give quality, one number per "
            "particle, the larger the better"
        )
    return drop


def as_quality(quality: ArrayLike, group: NDArray[np.int32]) -> NDArray[np.float64]:
    """(P,) float64 quality; refuses what is no number where a particle has a superclass."""
    array = _per_particle("quality", quality, len(group))
    if array.dtype.kind not in "iuf":
        raise RebalanceError(f"quality must be real numbers, not dtype {array.dtype}")
    values = np.ascontiguousarray(array, dtype=np.float64)
    bad = ~np.isfinite(values)
    bad &= group >= 0
    if bad.any():
        raise RebalanceError(
            f"quality must be a number for every particle of a superclass, but {bad.sum():,} of "
            f"{len(values):,} are NaN or infinite, the first in row {int(np.argmax(bad)) + 1}: "
            "leave them out, or give another quality"
        )
    return values


def as_codes(name: str, given: ArrayLike, n: int) -> NDArray[np.int32]:
    """(P,) int32 codes from 0 of whole numbers or names."""
    array = _per_particle(name, given, n)
    if array.dtype.kind not in "iuSUO":
        raise RebalanceError(f"{name} must be whole numbers or names, not dtype {array.dtype}")
    is_code = array.dtype.kind in "iu" and (
        array.size == 0 or (array.min() >= 0 and array.max() < max(n, FEW_CODES))
    )
    if not is_code:
        array = np.unique(array, return_inverse=True)[1].reshape(-1)
    return np.ascontiguousarray(array, dtype=np.int32)


def as_parts(half_sets: ArrayLike, n: int) -> NDArray[np.int8] | None:
    """(P,) parts of half sets; None where no particle is of half set 1 or 2."""
    array = _per_particle("half_sets", half_sets, n)
    if array.dtype.kind not in "iuf":
        raise RebalanceError(
            f"half_sets must be numbers, 1 or 2 (any other: neither half), not dtype {array.dtype}"
        )
    part = part_of(array)
    return part if (part < 2).any() else None


def _per_particle(name: str, given: ArrayLike, n: int) -> NDArray[np.generic]:
    array = np.asarray(given)
    if array.shape != (n,):
        raise RebalanceError(f"{name} must have one entry per particle, ({n},), not {array.shape}")
    return array
