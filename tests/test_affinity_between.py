"""Affinity of two stacks: judged by the affinity of one stack that holds both."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import slow_twin
from numpy.typing import NDArray
from scipy import ndimage

import rebalance
from rebalance import AffinityBetween, RebalanceError, _core
from rebalance._align import transform_image
from rebalance._defaults import complete
from rebalance._result_arrays import pair_arrays
from rebalance._rings import polar_rings, search_of
from rebalance._simulate import SimulationSettings, simulate
from rebalance.config import AffinitySettings

Images = NDArray[np.float32]
FIELDS = ("values", "angle", "shift", "mirror")
BAND = {"band": (0.03, 0.3)}


@functools.cache
def averages(n: int = 40, box: int = 32, snr: float = 1.0) -> Images:
    asked = SimulationSettings(
        averages=n, views=5, box=box, pixel_size=192 / box, particles=n, snr=snr, seed=3
    )
    return simulate(asked).images


def same_bits(first: AffinityBetween, second: AffinityBetween) -> None:
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("refine", [False, True])
@pytest.mark.parametrize(("n_a", "n_b"), [(1, 1), (1, 39), (23, 17), (7, 33), (24, 16)])
def test_agrees_with_the_affinity_of_both_in_one_stack(n_a: int, n_b: int, refine: bool) -> None:
    images = averages()[: n_a + n_b]
    dense = rebalance.affinity(images, refine=refine, **BAND)
    between = rebalance.affinity_between(images[:n_a], images[n_a:], refine=refine, **BAND)
    assert between.values.shape == (n_a, n_b)
    assert len(between) == n_a
    rank = np.argsort(slow_twin.order_by_pixels(images))
    b_is_moved = rank[n_a:][None, :] > rank[:n_a][:, None]  # in `dense` too
    for name in FIELDS:
        found, wanted = getattr(between, name), getattr(dense, name)[:n_a, n_a:]
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(
            found[b_is_moved], wanted[b_is_moved], atol=1e-5 if name == "values" else 2e-2
        )
    # The other way round a pair is searched on another grid.
    difference = np.abs(between.values - dense.values[:n_a, n_a:])
    assert difference.max() <= 0.1
    assert difference.mean() <= (0.005 if refine else 0.02)


def test_defaults_are_chosen_from_both_stacks_together() -> None:
    sharp = averages(20, 48, np.inf)
    blurred = ndimage.gaussian_filter(sharp, (0, 3, 3))
    both = rebalance.affinity(np.concatenate([sharp, blurred]), refine=False).settings
    assert rebalance.affinity_between(sharp, blurred, refine=False).settings == both
    assert rebalance.affinity_between(blurred, sharp, refine=False).settings == both
    assert rebalance.affinity(blurred, refine=False).settings != both


@pytest.mark.parametrize("threads", [2, 3])
def test_same_bits_for_any_number_of_threads(threads: int) -> None:
    a, b = averages()[:21], averages()[21:]
    one = rebalance.affinity_between(a, b, threads=1)
    same_bits(one, rebalance.affinity_between(a, b, threads=threads))


def test_an_entry_does_not_hang_on_the_other_images() -> None:
    images = averages()
    whole = rebalance.affinity_between(images[:20], images[20:], **BAND)
    part = rebalance.affinity_between(images[3:6], images[30:32], **BAND)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[3:6, 10:12])


def test_entry_lays_the_second_on_the_first() -> None:
    images = averages(6, 48, np.inf)
    angle, shift = 37.0, np.array([1.3, -2.2])
    moved = np.array([transform_image(image, angle, shift, True) for image in images])
    found = rebalance.affinity_between(moved, images, max_shift=5.0)
    on = np.arange(6), np.arange(6)
    assert found.values[on].min() >= 0.99
    np.testing.assert_allclose(found.angle[on], angle, atol=0.3)
    np.testing.assert_allclose(found.shift[on], np.tile(shift, (6, 1)), atol=0.1)
    assert found.mirror[on].all()


def test_a_stack_with_itself_is_one_on_the_diagonal() -> None:
    images = averages()
    found = rebalance.affinity_between(images, images, **BAND)
    np.testing.assert_allclose(found.values.diagonal(), 1, atol=1e-5)
    np.testing.assert_allclose(found.angle.diagonal(), 0, atol=1e-2)
    assert not found.mirror.diagonal().any()


def test_blank_images_are_like_nothing() -> None:
    images = averages().copy()
    images[[2, 30]] = 7.5
    found = rebalance.affinity_between(images[:20], images[20:], **BAND)
    assert (found.values[2] == 0).all()
    assert (found.values[:, 10] == 0).all()
    assert (found.values > 0).any()
    for name in ("angle", "shift"):
        assert np.isfinite(getattr(found, name)).all()


def test_a_callback_that_raises_stops_the_search() -> None:
    def refuse(done: int, total: int) -> None:
        raise ZeroDivisionError("enough")

    with pytest.raises(ZeroDivisionError, match="enough"):
        rebalance.affinity_between(averages(), averages(), progress=refuse)


def test_progress_ends_at_the_total() -> None:
    seen: list[tuple[int, int]] = []
    images = averages()
    rebalance.affinity_between(images, images, progress=lambda *state: seen.append(state))
    assert seen[-1][0] == seen[-1][1] > 0


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"b": np.ones((2, 30, 30))},
            "both stacks must have images of one width, not 32 px and 30 px: rescale one",
        ),
        ({"a": np.ones((32, 32))}, r"images must have shape \(N, L, L\), not \(32, 32\)"),
        ({"b": np.full((2, 32, 32), np.nan)}, "images must be finite, but image 0 has NaN"),
        ({"max_shift": 17}, r"maximum shift must be .* half the box \(16\), not 17"),
        ({"pixel_size": -1}, "pixel size must be a number of A above 0, not -1"),
        ({"memory_limit": -1}, "memory limit must be a whole number from 0, not -1"),
        ({"threads": 0}, "threads must be a whole number from 1 to 1024, not 0"),
    ],
)
def test_what_cannot_be_is_refused(changed: dict[str, Any], sentence: str) -> None:
    given = {"a": averages()[:3], "b": averages()[3:5], **changed}
    with pytest.raises(RebalanceError, match=sentence):
        rebalance.affinity_between(given.pop("a"), given.pop("b"), **given)


def test_rings_of_two_grids_are_refused() -> None:
    images = averages()[:2]
    settings = complete(AffinitySettings(rings=8), images)
    more = complete(AffinitySettings(rings=9), images)
    with pytest.raises(ValueError, match="both stacks must be sampled on one grid"):
        _core.search_between(
            rings := polar_rings(images, settings, 1),
            polar_rings(images, more, 1),
            search_of(settings, 1, rings),
            pair_arrays(2, 2, 2**20),
        )
