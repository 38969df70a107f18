"""Settings: small frozen values, stated once, saved with every result.

Lengths are px and frequencies cycles/px of the images as given; A exist only on the command
line. None means: chosen from the data, and the value chosen is reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class AffinitySettings:
    """How class averages are compared."""

    band: tuple[float, float] | None = None  # (low, high), cycles/px
    mask_diameter: float | None = None  # px
    max_shift: float | None = None  # px, radius of the disc of shifts
    shift_step: float | None = None  # px, grid of shifts
    mirror: bool = True  # also compare with mirror images
    rings: int | None = None  # rings between the band limits
    angles: int | None = None  # samples per ring
    refine: bool = True  # climb from the best grid point to the true maximum
    exhaustive: bool = False  # the whole grid, no short cuts
    weights: tuple[float, ...] | None = None  # of the power on each ring, one per ring


@dataclass(frozen=True)
class TakePartSettings:
    """Which class averages take part, and what the user knows about them.

    Averages are named by class number.
    """

    junk: str = "report"  # report, set-aside or keep
    min_particles: int = 1  # of a class that takes part
    leave_out: tuple[int, ...] = ()  # classes
    groups: tuple[tuple[int, str], ...] = ()  # class, group: one superclass each, never shared
    moves: tuple[tuple[int, int], ...] = ()  # class, superclass that it moves to after grouping


@dataclass(frozen=True)
class SuperclassSettings:
    """How class averages are grouped."""

    n_superclasses: int | None = None  # None: found from the data ("auto")
    superclassification: bool = True  # False: every average is its own superclass
    seed: int = 0


@dataclass(frozen=True)
class BalanceSettings:
    """How many particles each superclass keeps, and which."""

    factor: Decimal | None = None  # smallest / largest, 0 to 1; None: not given
    max_size: int | None = None  # particles; None: not given
    seed: int = 0
    cap_percentile: Decimal | None = None  # of the superclass sizes, 0 to 100; None: not given
    target: int | None = None  # particles that stay; None: not given
    drop: str = "random"  # which go: "random", "worst" or "even"
    quality_column: str | None = None  # by which "worst" judges
    quality_is: str | None = None  # "high" or "low" values are good; None: known of the column
    half_sets: bool = True  # keep half sets of one size, where they are known
    by: str = "superclasses"  # what is balanced: "superclasses", "directions", "density"
    direction_bins: int = 200  # bins of the viewing sphere, in one asymmetric unit
    symmetry: str = "C1"  # point group of the particle

    @property
    def asks_for_less(self) -> bool:
        """Whether any rule is given that may drop particles."""
        rules = (self.factor, self.max_size, self.cap_percentile, self.target)
        return any(rule is not None for rule in rules)


@dataclass(frozen=True)
class ViewSettings:
    """What is found of the viewing directions; the point group stands with the balance."""

    sphere: bool = True  # find them


@dataclass(frozen=True)
class RunSettings:
    """Everything that decides the outcome of a run."""

    affinity: AffinitySettings = AffinitySettings()
    take_part: TakePartSettings = TakePartSettings()
    superclasses: SuperclassSettings = SuperclassSettings()
    balance: BalanceSettings = BalanceSettings()
    views: ViewSettings = ViewSettings()
