"""Speed of the affinity, one setting varied at a time, beside the plain version.

Command: ``pytest benchmarks --benchmark-only``. Every line does the same search, but for those of
the group "search" that say otherwise.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest
from goals_speed import n_pairs, searched
from instruction_sets import instruction_set, runnable
from plain_search import plain_affinity
from pytest_benchmark.fixture import BenchmarkFixture
from stacks import simulated

from rebalance import _core
from rebalance._defaults import complete
from rebalance.config import AffinitySettings


@dataclass(frozen=True)
class Case:
    """One search: of what, on which grid, by what."""

    n: int = 100
    box: int = 64
    high: float = 0.15  # upper limit of the band, cycles/px
    max_shift: float = 3.0  # px, in steps of 1 px: 29 shifts
    threads: int = 1
    isa: str = ""  # empty: the fastest
    refine: bool = False
    exhaustive: bool = True
    plain: bool = False

    def settings(self) -> AffinitySettings:
        """Complete settings."""
        asked = AffinitySettings(
            band=(1 / self.box, self.high),
            max_shift=self.max_shift,
            refine=self.refine,
            exhaustive=self.exhaustive,
        )
        return complete(asked, simulated(self.n, self.box))


PLAIN = Case(plain=True)
VARIED: dict[str, dict[str, list[Any]]] = {
    "N": {"n": [50, 100, 300]},
    "box": {"box": [64, 96, 256]},
    "band": {"high": [0.10, 0.15, 0.25]},
    "shift range": {"max_shift": [0.0, 3.0, 6.0]},
}


def cases() -> list[Any]:
    """All cases, named, each in the group of what is varied."""
    found: list[tuple[str, str, Case]] = []
    for group, ((name, values),) in ((group, tuple(v.items())) for group, v in VARIED.items()):
        for value in values:
            case = dataclasses.replace(Case(), **{name: value})
            found.append((group, f"{value}", case))
            found.append((group, f"{value} plain", dataclasses.replace(case, plain=True)))
    found += [("threads", f"{t}", Case(threads=t)) for t in (1, 2)]
    found += [("threads", "1 plain", PLAIN)]
    found += [("instruction set", name, Case(isa=name)) for name in runnable()]
    found += [("instruction set", "plain", PLAIN)]
    found += [
        ("search", "plain", PLAIN),
        ("search", "exhaustive, on the grid", Case()),
        ("search", "exhaustive, refined", Case(refine=True)),
        ("search", "default", Case(refine=True, exhaustive=False)),
    ]
    return [
        pytest.param(case, id=f"{group}: {name}", marks=pytest.mark.benchmark(group=group))
        for group, name, case in found
    ]


@pytest.mark.parametrize("case", cases())
def test_speed(case: Case, benchmark: BenchmarkFixture) -> None:
    images, settings = simulated(case.n, case.box), case.settings()
    with instruction_set(case.isa or runnable()[0]):
        assert not case.isa or _core.instruction_set() == case.isa
        if case.plain:
            benchmark.pedantic(plain_affinity, (images, settings), rounds=1, warmup_rounds=0)
        else:
            benchmark.pedantic(
                searched, (images, settings, case.threads), rounds=5, warmup_rounds=1
            )
    if benchmark.stats:  # none where pytest-benchmark is told only to run each once
        benchmark.extra_info["pairs per second"] = n_pairs(case.n) / benchmark.stats.stats.min
