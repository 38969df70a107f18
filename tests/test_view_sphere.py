"""The sphere of views: right, refused, or left out, and always the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import spearmanr

import rebalance
from rebalance import RebalanceError, Simulation, SimulationSettings, ViewSphere, simulate
from rebalance._symmetry import rotations
from rebalance._view_solution import angles_between
from rebalance._view_solver import DIRECTIONS, grid_of, spread_evenly
from rebalance._view_verdict import Witness, judge

Doubles = NDArray[np.float64]


def simulated(**settings: object) -> Simulation:
    return simulate(SimulationSettings(**{"averages": 60, "views": 0, "snr": 10.0, **settings}))  # type: ignore[arg-type]


def rank(sphere: ViewSphere, direction: Doubles, symmetry: str = "C1") -> float:
    """Rank correlation of the angles between views with the true ones."""
    known = np.isfinite(sphere.direction[:, 0]) & np.isfinite(direction[:, 0])
    upper = np.triu_indices(int(known.sum()), 1)
    group = rotations(symmetry)
    found, true = (angles_between(d[known], group)[upper] for d in (sphere.direction, direction))
    return float(spearmanr(found, true).statistic)


@pytest.fixture(scope="module")
def plain() -> tuple[Simulation, ViewSphere]:
    made = simulated(seed=1)
    return made, rebalance.view_sphere(made.images, threads=2)


def test_directions_are_right(plain: tuple[Simulation, ViewSphere]) -> None:
    made, sphere = plain
    assert sphere.verdict == "trusted"
    assert sphere.left_out == ("",) * 60
    assert rank(sphere, made.direction) > 0.985
    assert np.allclose(np.linalg.norm(sphere.direction, axis=1), 1)
    assert 0 < np.median(sphere.uncertainty) < 6
    assert sphere.agreement_of_halves > 0.9
    assert "two random halves of the averages, solved apart, agree" in sphere.reasons[0]


def test_the_result_depends_on_no_thread(plain: tuple[Simulation, ViewSphere]) -> None:
    made, sphere = plain
    again = rebalance.view_sphere(made.images, threads=1)
    assert np.array_equal(again.direction, sphere.direction)
    assert np.array_equal(again.uncertainty, sphere.uncertainty)
    assert again.agreement_of_halves == sphere.agreement_of_halves


def test_progress_ends_at_its_total() -> None:
    told: list[tuple[int, int]] = []
    rebalance.view_sphere(
        simulated(averages=20, seed=5).images,
        threads=1,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1] == (4, 4)


def test_averages_that_went_astray_among_junk_are_brought_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = simulated(averages=100, snr=4.0, junk=0.2, box=48, pixel_size=4.0, seed=8800)
    aff = rebalance.affinity(made.images, threads=2)
    polished = rebalance.view_sphere(made.images, aff, threads=2)
    monkeypatch.setattr("rebalance._view_sphere.polished", lambda solution: solution)
    plain = rebalance.view_sphere(made.images, aff, threads=2)
    assert rank(polished, made.direction) > max(0.97, rank(plain, made.direction))


def test_means_of_near_averages_lead_to_the_same_views(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rebalance._view_sphere.PLAIN_ENOUGH", 2.0)
    made = simulated(seed=4)
    aff = rebalance.affinity(made.images, threads=1)
    sphere = rebalance.view_sphere(made.images, aff, threads=1)
    assert sphere.verdict != "cannot be told"
    assert rank(sphere, made.direction) > 0.97


def test_junk_and_blank_averages_are_left_out() -> None:
    made = simulated(averages=80, junk=0.2, empty=2, seed=3)
    sphere = rebalance.view_sphere(made.images, threads=1)
    assert sphere.verdict != "cannot be told"
    blank = np.ptp(made.images, axis=(1, 2)) == 0
    assert {sphere.left_out[i] for i in np.flatnonzero(blank)} == {"blank"}
    left = np.array([bool(reason) for reason in sphere.left_out])
    assert np.count_nonzero(left & made.junk) >= 0.9 * made.junk.sum()
    assert np.count_nonzero(left & ~made.junk & ~blank) <= 0.15 * made.junk.sum()
    assert np.isnan(sphere.direction[left]).all()
    assert np.isnan(sphere.uncertainty[left]).all()
    assert rank(sphere, made.direction) > 0.97


def test_more_averages_than_are_compared_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rebalance._view_sphere.MOST_ANCHORS", 40)
    monkeypatch.setattr("rebalance._view_sphere.CHUNK", 16)
    made = simulated(averages=80, seed=6)
    sphere = rebalance.view_sphere(made.images, threads=1)
    assert sphere.verdict == "trusted"
    assert rank(sphere, made.direction) > 0.97


def test_noise_cannot_be_told() -> None:
    images = np.random.default_rng(0).normal(size=(40, 32, 32)).astype(np.float32)
    sphere = rebalance.view_sphere(images, threads=1)
    assert sphere.verdict == "cannot be told"
    assert np.isnan(sphere.direction).all()
    assert set(sphere.left_out) == {"cannot be told"}
    assert "two random halves of the averages, solved apart, give different" in sphere.reasons[0]


def test_few_averages_cannot_be_told() -> None:
    sphere = rebalance.view_sphere(simulated(averages=9, seed=0).images, threads=1)
    assert sphere.verdict == "cannot be told"
    assert sphere.reasons == (
        "only 9 averages have common lines that can be compared, and at least 15 are needed",
    )
    assert np.isnan(sphere.agreement_of_halves)


@pytest.mark.parametrize("box", [8, 12, 16])
def test_small_boxes_of_noise_do_not_fail(box: int) -> None:
    images = np.random.default_rng(0).normal(size=(16, box, box)).astype(np.float32)
    assert rebalance.view_sphere(images, threads=1).verdict == "cannot be told"


def test_copies_of_one_average_do_not_fail() -> None:
    one = simulated(averages=1, seed=0).images
    sphere = rebalance.view_sphere(np.repeat(one, 20, axis=0), threads=1)
    assert sphere.verdict == "cannot be told"


def test_a_symmetric_particle_whose_group_is_not_given_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rebalance._view_sphere.GROUPS_TRIED", ("C2", "C4"))  # quicker
    monkeypatch.setattr("rebalance._view_sphere.STARTS", 2)
    made = simulated(averages=60, symmetry="C4", seed=2)
    sphere = rebalance.view_sphere(made.images, threads=1)
    assert sphere.verdict == "cannot be told"
    assert sphere.reasons[0].endswith(
        "than with C4: if the particle has this symmetry, give it (--symmetry C4), and if it has "
        "none, these averages cannot tell its views"
    )


@pytest.mark.parametrize("name", ["C3", "D2", "D7", "T", "O", "I"])
def test_the_grid_of_a_group_holds_one_of_all_mates(name: str) -> None:
    group, every = rotations(name), spread_evenly(DIRECTIONS)
    kept = grid_of(group)[:, 2]
    assert len(kept) == pytest.approx(DIRECTIONS / len(group), rel=0.2, abs=3)
    mates = np.concatenate([kept @ turn.T for turn in group])
    nearest = np.degrees(np.arccos(np.clip(every @ mates.T, -1, 1))).min(axis=1)
    assert nearest.max() < 10


def test_a_point_group_is_used() -> None:
    made = simulated(averages=40, symmetry="C4", seed=3)
    sphere = rebalance.view_sphere(made.images, symmetry="c4", threads=1)
    assert sphere.symmetry == "C4"
    assert sphere.verdict != "cannot be told"
    assert rank(sphere, made.direction, "C4") > 0.9


@pytest.mark.parametrize(("least", "verdict"), [(0.31, "trusted"), (0.29, "partly")])
def test_averages_that_agree_less_than_the_others_raise_a_doubt(least: float, verdict: str) -> None:
    n = 40
    close = np.full((n, n), 30.0)
    witness = Witness(
        symmetry="C1",
        direction=spread_evenly(n),
        misfit=np.full(n, 0.1),
        contrast=np.ones(n, dtype=bool),
        agreement=np.where(np.arange(n) < n // 3, least, 0.5),
        rarely=np.zeros(n, dtype=bool),
        n_solved=n,
        solved=np.arange(n, dtype=np.int32),
        halves=(close, close),
        agreement_of_halves=0.95,
    )
    sphere = judge(witness)
    assert sphere.verdict == verdict
    assert sphere.reasons[1:] == (
        (
            "the lines of a quarter of the averages agree less than 0.6 times as often as those "
            "of another quarter: some may show another particle",
        )
        if verdict == "partly"
        else ()
    )


def test_an_affinity_of_other_averages_is_refused() -> None:
    made = simulated(averages=20, seed=0)
    aff = rebalance.affinity(made.images[:19], threads=1)
    with pytest.raises(
        RebalanceError,
        match=r"^the affinity must be of the same averages, not 19 for 20 images: compute it from "
        "these images$",
    ):
        rebalance.view_sphere(made.images, aff)


def test_unknown_point_groups_are_refused() -> None:
    with pytest.raises(RebalanceError, match="E5"):
        rebalance.view_sphere(simulated(averages=20, seed=0).images, symmetry="E5")


def test_real_density_maps(test_data: Path) -> None:
    data = np.load(test_data / "truth" / "continuum_70S_150.npz")
    sphere = rebalance.view_sphere(data["images"].astype(np.float32), threads=1)
    assert sphere.verdict == "trusted"
    assert rank(sphere, data["direction"]) >= 0.99
