"""The method in a page, on jobs made by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from rebalance import Affinity
from rebalance._balance import Balance
from rebalance.config import AffinitySettings, BalanceSettings, RunSettings, SuperclassSettings
from rebalance.errors import RebalanceError
from rebalance.io.tables import ClassAverages
from rebalance.pipeline import average_of_particle, compare, n_superclasses, run


@dataclass(frozen=True)
class Particles:
    class_number: np.ndarray
    path: Path = Path("particles.star")
    suffix: str = ".star"
    n_repeated: int = 0
    given_identity: np.ndarray | None = None

    @property
    def identity(self) -> np.ndarray:
        if self.given_identity is not None:
            return self.given_identity
        return np.arange(len(self.class_number), dtype=np.uint64)

    def __len__(self) -> int:
        return len(self.class_number)


@dataclass(frozen=True)
class Job:
    particles: Particles
    averages: ClassAverages
    found: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    inputs: tuple[Path, ...] = ()


def images(n: int) -> np.ndarray:
    """Noise, smooth enough for the band; the averages come in pairs that are alike."""
    rng = np.random.default_rng(n)
    view = rng.standard_normal((n // 2 + 1, 16, 16)).cumsum(axis=1).cumsum(axis=2)
    noise = 0.1 * rng.standard_normal((n, 16, 16))
    return (view[np.arange(n) // 2] + noise).astype(np.float32)


def make_job(sizes: list[int], first: int = 1, n_classless: int = 0) -> Job:
    """A job of averages with so many particles each, whose class numbers begin at `first`."""
    n = len(sizes)
    number = np.arange(first, first + n, dtype=np.int32)
    averages = ClassAverages(
        images=images(n),
        class_number=number,
        name=tuple(f"{k:06d}@a.mrcs" for k in number),
        selected=np.ones(n, bool),
        pixel_size=None,
        resolution=np.full(n, np.nan),
    )
    rows = np.concatenate([np.repeat(number, sizes), np.full(n_classless, -1)]).astype(np.int32)
    return Job(Particles(np.random.default_rng(0).permutation(rows)), averages)


def given(job: Job, together: list[int]) -> Affinity:
    """An affinity that puts averages of one number together."""
    label = np.array(together)
    values = np.where(label[:, None] == label, 0.9, 0.1).astype(np.float32)
    np.fill_diagonal(values, 1)
    n = len(label)
    zero = np.zeros((n, n), np.float32)
    return Affinity(values, zero, np.zeros((n, n, 2), np.float32), zero > 1, AffinitySettings())


def settings(k: int | None, factor: str | None = None, max_size: int | None = None) -> RunSettings:
    exact = None if factor is None else Decimal(factor)
    return RunSettings(superclasses=SuperclassSettings(k), balance=BalanceSettings(exact, max_size))


@pytest.mark.parametrize("first", [0, 1, 7])
def test_numbers_add_up(first):
    job = make_job([30, 20, 5, 5, 40, 0], first, n_classless=3)
    job = replace(job, warnings=("of the job",))
    result = run(job, settings(3, "0.5"), given=given(job, [0, 0, 1, 1, 2, 2]))
    assert result.particles.tolist() == [30, 20, 5, 5, 40, 0]
    assert result.left_out == ("", "", "", "", "", "no particles")
    assert result.superclasses.labels.tolist() == [0, 0, 1, 1, 2, -1]
    assert result.balance.sizes.tolist() == [50, 10, 40]
    assert result.balance.kept.tolist() == [20, 10, 20]
    assert result.balance.cap == 20
    assert result.balance.limiting == 1
    assert result.balance.keep.sum() == result.kept.sum() == 50
    assert result.kept[2:].tolist() == [5, 5, 20, 0]
    assert result.warnings == ("of the job",)
    kept_classes = job.particles.class_number[result.balance.keep]
    assert np.bincount(kept_classes - first, minlength=6).tolist() == result.kept.tolist()


def test_particles_of_no_class_are_never_kept():
    job = make_job([10, 10], n_classless=4)
    result = run(job, settings(1), given=given(job, [0, 0]))
    assert (job.particles.class_number[~result.balance.keep] == -1).all()
    assert (~result.balance.keep).sum() == 4


def test_particles_of_blank_averages_are_kept_and_not_capped():
    job = make_job([10, 10, 50])
    job.averages.images[2] = 0
    result = run(job, settings(1, max_size=4), given=given(job, [0, 0, 1]))
    assert result.left_out == ("", "", "blank")
    assert result.kept[2] == 50
    assert result.kept[:2].sum() == 4


def test_class_without_an_average_is_refused():
    job = make_job([3, 3])
    job.particles.class_number[4] = 9
    sentence = "class 9 of particle row 5 has none: give the averages of the same job"
    with pytest.raises(RebalanceError, match=sentence):
        average_of_particle(job)


def test_number_of_superclasses():
    assert n_superclasses(SuperclassSettings(None), 5) == "auto"
    assert n_superclasses(SuperclassSettings(5), 5) == 5
    assert n_superclasses(SuperclassSettings(None, superclassification=False), 5) == 5
    assert n_superclasses(SuperclassSettings(5, superclassification=False), 5) == 5
    with pytest.raises(RebalanceError, match=r"that take part \(5\), not 6: ask for fewer, or lea"):
        n_superclasses(SuperclassSettings(6), 5)
    with pytest.raises(RebalanceError, match="superclasses must be 5, not 6: leave it out"):
        n_superclasses(SuperclassSettings(6, superclassification=False), 5)


def test_number_is_refused_before_the_averages_are_compared():
    job = make_job([1, 1])

    def progress(done: int, total: int) -> None:
        raise AssertionError("compared")

    with pytest.raises(RebalanceError, match="not 3: ask for fewer"):
        run(job, settings(3), progress=progress)


def test_nothing_takes_part():
    job = make_job([0, 0], n_classless=2)
    with pytest.raises(RebalanceError, match="none of the 2 averages takes part: all are blank"):
        run(job, settings(None), given=given(job, [0, 1]))


def test_given_affinity_is_that_of_the_comparison():
    job = make_job([4, 5, 6, 7])
    aff = compare(job.averages, AffinitySettings(), threads=1)
    first, second = run(job, settings(2), threads=2), run(job, settings(2), given=aff)
    np.testing.assert_array_equal(first.affinity.values, second.affinity.values)
    assert first.superclasses.labels.tolist() == second.superclasses.labels.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("sizes", "factor", "warned"),
    [
        ([1, 499], "1", True),  # 2 of 500 left
        ([5, 495], "1", False),  # 1 % is not below 1 %
        ([1, 499], None, False),  # nothing dropped
        ([1, 499], "0.004", False),  # 251 left: more than half
        ([1, 499], "0.00402", True),  # 249 left
    ],
)
def test_a_tiny_superclass_that_costs_more_than_half(sizes, factor, warned):
    job = make_job(sizes)
    result = run(job, settings(2, factor), given=given(job, [0, 1]))
    assert isinstance(result.balance, Balance)
    sentence = "superclass 0 has 1 of 500 particles (0.20 %), and yet its size costs "
    assert [w.startswith(sentence) for w in result.warnings] == [True] * warned
    advice = "leave them out (--leave-out 1) or give a maximum superclass size (--max-size)"
    assert [w.endswith(advice) for w in result.warnings] == [True] * warned
