"""How evenly particles spread over superclasses, and what a rebalance factor would leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from ._rules import find_cap

Sizes = NDArray[np.int64]

GRID = tuple(Decimal(f) for f in ("1", "0.8", "0.6", "0.5", "0.4", "0.3", "0.2", "0.1", "0.05"))


@dataclass(frozen=True)
class Spread:
    """How evenly particles spread over K superclasses; those without particles do not count.

    Attributes
    ----------
    particles : int
        Particles of all superclasses.
    smallest, largest : int
        Particles of the smallest and the largest superclass.
    effective : float
        Number of equal superclasses that would be as even: exp of the entropy of the sizes, 1 to K.
    gini : float
        Gini coefficient of the sizes: 0 where all are equal, (K - 1) / K where one holds all.
    """

    particles: int
    smallest: int
    largest: int
    effective: float
    gini: float

    @property
    def ratio(self) -> float:
        """Smallest / largest; 0 without particles."""
        return self.smallest / self.largest if self.largest else 0.0


def spread_of(sizes: Sizes) -> Spread:
    """Measure superclasses of these sizes, (K,)."""
    filled = np.sort(sizes[sizes > 0])
    if len(filled) == 0:
        return Spread(0, 0, 0, 0.0, 0.0)
    return Spread(
        int(filled.sum()), int(filled[0]), int(filled[-1]), effective_number(filled), gini(filled)
    )


def effective_number(sizes: NDArray[np.integer]) -> float:
    """Number of equal superclasses that would be as even: exp of the entropy of the sizes.

    Parameters
    ----------
    sizes : (K,) int array
        Particles of each superclass.

    Returns
    -------
    float
        Between 1 and K; 0 without any particles.
    """
    share = sizes[sizes > 0] / max(sizes.sum(), 1)
    return float(np.exp(-np.sum(share * np.log(share)))) if share.size else 0.0


def gini(sizes: NDArray[np.integer]) -> float:
    """Gini coefficient: mean difference of two sizes over twice their mean; 0 for no particles."""
    ordered = np.sort(sizes).astype(np.float64)
    n, total = len(ordered), ordered.sum()
    if total == 0:
        return 0.0
    rank = np.arange(1, n + 1)
    return float(np.sum((2 * rank - n - 1) * ordered) / (n * total))


@dataclass(frozen=True)
class FactorTable:
    """What every rebalance factor of a grid would leave.

    Attributes
    ----------
    factor : tuple of F Decimal
        Rebalance factors, falling.
    kept : (F, K) int64 array
        Particles that each superclass would keep.
    """

    factor: tuple[Decimal, ...]
    kept: Sizes


def factor_table(sizes: Sizes, factors: Sequence[Decimal] = GRID) -> FactorTable:
    """What rebalance factors would leave of superclasses of these sizes, (K,)."""
    most = int(sizes.max(initial=0))
    caps = [find_cap(sizes, factor, None)[0] for factor in factors]
    kept = [np.minimum(sizes, most if cap is None else min(cap, most)) for cap in caps]
    shape = len(factors), len(sizes)
    return FactorTable(tuple(factors), np.array(kept, dtype=np.int64).reshape(shape))
