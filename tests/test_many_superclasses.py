"""Superclasses of very many averages: landmarks, and nearest neighbours only."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

import rebalance
from rebalance import RebalanceError, _landmarks
from rebalance.cli import main
from rebalance.io.simulated import write_relion_job
from rebalance.metrics import adjusted_rand_index

VIEWS, N = 8, 400


@functools.cache
def blobs() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(N, N) affinity of points round unequal views, and their views."""
    rng = np.random.default_rng(5)
    label = np.sort(rng.choice(VIEWS, N, p=np.arange(1, VIEWS + 1) / 36))
    point = rng.normal(size=(VIEWS, 6))[label] * 2 + 0.35 * rng.normal(size=(N, 6))
    distance = np.linalg.norm(point[:, None] - point[None], axis=2)
    return np.exp(-((distance / 4) ** 2)).astype(np.float32), label


def links(top: int = 12) -> sparse.csr_array:
    """The nearest neighbours of every point."""
    values = blobs()[0]
    near = np.argsort(-values, axis=1, kind="stable")[:, : top + 1]
    chosen = np.zeros_like(values)
    np.put_along_axis(chosen, near, np.take_along_axis(values, near, 1), 1)
    one_way = sparse.csr_array(chosen)
    return sparse.csr_array(one_way.maximum(one_way.T))


@pytest.fixture
def few_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_landmarks, "LANDMARKS", 150)
    monkeypatch.setattr("rebalance._many_superclasses.MOST_DENSE", 300)
    monkeypatch.setattr(_landmarks, "AT_ONCE", 64)
    monkeypatch.setattr("rebalance._many_superclasses.AT_ONCE", 64)


def check(found: rebalance.Superclasses, members: NDArray[np.bool_]) -> None:
    """What holds for any grouping."""
    count = np.bincount(found.labels[members])
    assert (np.diff(count) <= 0).all()
    assert (found.labels[~members] == -1).all()
    assert len(count) == found.n_superclasses
    np.testing.assert_array_equal(np.sort(found.order), np.arange(N))
    shown = found.labels[found.order]
    assert np.count_nonzero(np.diff(shown)) == found.n_superclasses - members.all()
    assert (found.runner_up != found.labels)[members].all()
    assert ((found.confidence >= 0) & (found.confidence <= 1)).all()
    np.testing.assert_array_equal(found.labels_by_k[found.n_superclasses], found.labels)
    assert found.superclass_confidence.shape == (found.n_superclasses,)


@pytest.mark.usefixtures("few_landmarks")
@pytest.mark.parametrize("number", [VIEWS, "auto"])
def test_the_views_of_many_are_found(number: int | str) -> None:
    values, label = blobs()
    found = rebalance.superclassify(values, number)
    check(found, np.ones(N, bool))
    assert adjusted_rand_index(label, found.labels) > 0.95
    (warning,) = found.warnings
    assert warning == (
        "400 averages were grouped by their nearest neighbours and a sparse eigenproblem, 150 of "
        "them first and each of the others with those that it is like: the affinity of all pairs "
        "is used up to 300 averages"
    )


@pytest.mark.usefixtures("few_landmarks")
def test_nearest_neighbours_find_it_too() -> None:
    found = rebalance.superclassify(links(), VIEWS)
    check(found, np.ones(N, bool))
    assert adjusted_rand_index(blobs()[1], found.labels) > 0.95


def test_the_result_of_a_search_for_neighbours_is_grouped() -> None:
    asked = rebalance.SimulationSettings(
        averages=48, views=4, box=32, pixel_size=6, particles=48, snr=4.0, seed=1
    )
    made = rebalance.simulate(asked)
    found = rebalance.superclassify(rebalance.affinity(made.images, top=8), 4)
    assert adjusted_rand_index(made.label, found.labels) > 0.6


@pytest.mark.usefixtures("few_landmarks")
def test_averages_left_out_and_empty_ones_take_no_part() -> None:
    leave_out = np.arange(N) % 10 == 3
    particles = np.where(np.arange(N) % 10 == 4, 0, 5)
    found = rebalance.superclassify(links(), VIEWS, leave_out=leave_out, particles=particles)
    check(found, ~leave_out & (particles > 0))


@pytest.mark.usefixtures("few_landmarks")
def test_the_grouping_depends_on_nothing_else() -> None:
    first, second = (rebalance.superclassify(links(), VIEWS) for _ in range(2))
    np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_array_equal(first.order, second.order)


def test_parts_without_links_are_told_apart() -> None:
    """More parts than Lanczos' method would find from one start."""
    parts = sparse.block_diag([np.full((20, 20), 0.9)] * 12, format="csr")
    found = rebalance.superclassify(parts, 12)
    assert adjusted_rand_index(np.repeat(np.arange(12), 20), found.labels) == 1.0


@pytest.mark.usefixtures("few_landmarks")
@pytest.mark.parametrize("name", ["together", "sphere"])
def test_what_needs_all_pairs_is_refused(name: str) -> None:
    with pytest.raises(RebalanceError, match=f"{name} needs the affinity of all pairs of at most"):
        rebalance.superclassify(links(), VIEWS, **{name: np.zeros(N, int)})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (sparse.csr_array((3, 4)), r"shape \(N, N\) with N >= 1, not \(3, 4\)"),
        (sparse.csr_array(np.array([[1, np.nan], [0, 1]])), "finite real numbers, and some entr"),
        (sparse.csr_array(np.array([[1, 2.0], [0, 1]])), r"lie in \[0, 1\], but spans 1 to 2"),
    ],
)
def test_what_is_no_sparse_affinity_is_refused(given: sparse.csr_array, sentence: str) -> None:
    with pytest.raises(RebalanceError, match=sentence):
        rebalance.superclassify(given, 1)


@pytest.mark.usefixtures("few_landmarks")
def test_many_averages_of_which_none_takes_part_are_refused() -> None:
    with pytest.raises(RebalanceError, match="none of the 400 averages takes part: all are blank"):
        rebalance.superclassify(links(), leave_out=np.ones(N, bool))


@pytest.mark.usefixtures("few_landmarks")
def test_values_of_many_that_are_not_finite_are_refused() -> None:
    values = blobs()[0].copy()
    values[:, 7] = np.nan
    values[7] = np.nan
    with pytest.raises(RebalanceError, match="affinity must be finite real numbers"):
        rebalance.superclassify(values, VIEWS)


def test_a_run_tells_that_it_grouped_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("rebalance._many_superclasses.MOST_DENSE", 20)
    monkeypatch.setattr("rebalance.pipeline.MOST_DENSE", 20)
    asked = rebalance.SimulationSettings(
        averages=30, views=3, box=32, pixel_size=6, resolution=(14, 24), particles=300, seed=3
    )
    particles = write_relion_job(rebalance.simulate(asked), tmp_path)
    output = ["--output", str(tmp_path / "out")]
    assert main(["run", "--particles", str(particles), "-k", "3", *output, "--dry-run"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "30 averages were grouped by their nearest neighbours" in told
