"""Junk: known answers, laws, refusals, and real averages judged by eye."""

from __future__ import annotations

import csv
import functools
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from numpy.typing import NDArray

import rebalance
from rebalance import RebalanceError, find_junk
from rebalance._simulate import Simulation, SimulationSettings, simulate

REASONS = {"blank", "edge", "noise", "rings", "blurred"}
KINDS = ("cloud", "rings", "edge", "noise", "blob", "stripes")


@functools.cache
def simulated(**settings: object) -> tuple[Simulation, rebalance.Affinity]:
    simulation = simulate(SimulationSettings(**settings))  # type: ignore[arg-type]
    return simulation, rebalance.affinity(simulation.images)


@functools.cache
def mixed(seed: int = 0, junk: float = 0.3) -> tuple[Simulation, rebalance.Affinity]:
    """100 averages of every kind of junk that shows no particle."""
    return simulated(averages=100, junk=junk, junk_kinds=KINDS, empty=2, snr=3.0, seed=seed)


def truth(simulation: Simulation) -> NDArray[np.bool_]:
    return simulation.junk | (simulation.particles == 0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("junk", [0.05, 0.3, 0.5])
def test_simulated_junk_is_found(seed, junk):
    simulation, aff = mixed(seed, junk)
    mask, _ = find_junk(simulation.images, aff)
    wanted = truth(simulation)
    assert (mask & wanted).sum() >= 0.9 * wanted.sum()
    assert (mask & ~wanted).sum() <= 0.02 * len(mask)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("snr", [1.0, 6.0])
@pytest.mark.parametrize("views", [0, 8, 40])
def test_averages_without_junk_are_left_alone(seed, snr, views):
    simulation, aff = simulated(averages=60, views=views, snr=snr, elongation=2.0, seed=seed)
    assert find_junk(simulation.images, aff)[0].mean() <= 0.05


def test_a_view_of_one_average_is_not_junk():
    """Every view but one has a single average, and a third of the averages is junk."""
    flagged = []
    for seed in range(6):
        simulation, aff = simulated(averages=45, views=20, view_ratio=12.0, junk=0.33, seed=seed)
        _, first, count = np.unique(simulation.label, return_index=True, return_counts=True)
        alone = first[(count == 1) & (simulation.label[first] >= 0)]
        mask, _ = find_junk(simulation.images, aff)
        assert mask[simulation.junk].mean() >= 0.9
        flagged += mask[alone].tolist()
    assert len(flagged) > 60
    assert sum(flagged) <= 1


def test_reasons_stand_where_the_mask_is_true():
    simulation, aff = mixed()
    mask, reasons = find_junk(simulation.images, aff)
    assert mask.dtype == bool
    assert mask.shape == (100,)
    assert [reason != "" for reason in reasons] == mask.tolist()
    assert set(reasons) - {""} <= REASONS
    assert {reasons[i] for i in np.flatnonzero(simulation.particles == 0)} == {"blank"}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("rings", "rings"), ("edge", "edge"), ("noise", "noise"), ("blob", "blurred")],
)
def test_reasons_say_what_the_image_shows(kind, reason):
    simulation, aff = mixed()
    _, reasons = find_junk(simulation.images, aff)
    named = [reasons[i] for i in np.flatnonzero(simulation.junk_kind == kind)]
    assert named
    assert named.count(reason) >= 0.7 * len(named)


def test_the_order_of_averages_does_not_matter():
    simulation, aff = mixed()
    mask, reasons = find_junk(simulation.images, aff)
    order = np.random.default_rng(0).permutation(len(mask))
    values = aff.values[np.ix_(order, order)]
    again, named = find_junk(simulation.images[order], values)
    np.testing.assert_array_equal(again, mask[order])
    assert list(named) == [reasons[i] for i in order]


def test_grey_levels_do_not_matter():
    simulation, aff = mixed()
    mask, reasons = find_junk(simulation.images, aff.values)
    rng = np.random.default_rng(1)
    scale = rng.uniform(0.1, 50, (100, 1, 1)).astype(np.float32)
    blank = (simulation.particles == 0)[:, None, None]
    changed = np.where(blank, 7, 100 + scale * simulation.images)
    again, named = find_junk(changed, aff)
    np.testing.assert_array_equal(again, mask)
    assert named == reasons


def test_input_is_left_as_it_was():
    simulation, aff = mixed()
    images, values = simulation.images.copy(), aff.values.copy()
    find_junk(simulation.images, aff)
    np.testing.assert_array_equal(simulation.images, images)
    np.testing.assert_array_equal(aff.values, values)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_few_averages_of_particles_are_no_junk(n):
    simulation, aff = simulated(averages=12, views=3)
    mask, reasons = find_junk(simulation.images[:n], aff.values[:n, :n])
    assert not mask.any()
    assert reasons == ("",) * n


@pytest.mark.parametrize("n", [1, 2, 3, 9])
def test_blank_averages_only(n):
    values = np.eye(n)
    mask, reasons = find_junk(np.full((n, 16, 16), 3.5), values)
    assert mask.all()
    assert reasons == ("blank",) * n


def test_one_average_among_blanks():
    simulation, aff = simulated(averages=12, views=3)
    images, values = simulation.images[:3].copy(), aff.values[:3, :3]
    images[[0, 2]] = 0
    assert find_junk(images, values)[1] == ("blank", "", "blank")


def test_images_and_affinity_must_fit():
    images = np.random.default_rng(0).standard_normal((4, 16, 16))
    sentence = "affinity must have one row per image, 4, not 3: give that of these images"
    with pytest.raises(RebalanceError, match=sentence):
        find_junk(images, np.eye(3))
    with pytest.raises(RebalanceError, match=r"affinity must lie in \[0, 1\], but spans 0 to 2"):
        find_junk(images, 2 * np.eye(4))
    with pytest.raises(RebalanceError, match=r"images must have shape \(N, L, L\), not \(4, 16\)"):
        find_junk(images[:, 0], np.eye(4))
    images[2, 3, 3] = np.nan
    with pytest.raises(RebalanceError, match="images must be finite, but image 2 has NaN"):
        find_junk(images, np.eye(4))


def job013(test_data: Path) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    folder = test_data / "relion_project/Class2D/job013"
    with (folder / "labels_by_eye.csv").open(newline="") as file:
        verdict = np.array([row["verdict"] for row in csv.DictReader(file)])
    return mrcfile.read(folder / "run_it100_classes.mrcs"), verdict


def test_real_junk_as_judged_by_eye(test_data):
    images, verdict = job013(test_data)
    mask, _ = find_junk(images, rebalance.affinity(images))
    found, wrong = (mask & (verdict == "junk")).sum(), (mask & (verdict == "view")).sum()
    assert found / (found + wrong) >= 0.95
    assert found / (verdict == "junk").sum() >= 0.95


def test_real_averages_without_junk(test_data):
    stack = mrcfile.read(test_data / "classes/betagal_20x256.mrcs")
    assert find_junk(stack, rebalance.affinity(stack))[0].mean() <= 0.05
    images, verdict = job013(test_data)
    views = images[verdict == "view"]
    assert find_junk(views, rebalance.affinity(views))[0].mean() <= 0.05


def test_averages_of_known_views_are_no_junk(test_data):
    for path in sorted((test_data / "truth").glob("*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            images = arrays["images"].astype(np.float32)
        assert find_junk(images, rebalance.affinity(images))[0].mean() <= 0.05, path.stem
