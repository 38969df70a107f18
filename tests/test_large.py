"""Many averages: nearest neighbours only, results in mapped files, a search that stops."""

from __future__ import annotations

import functools
import gc
import os
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import rebalance
from rebalance import Affinity, RebalanceError, SparseAffinity, _core
from rebalance._defaults import complete
from rebalance._result_arrays import pair_arrays
from rebalance._rings import polar_rings, search_of
from rebalance._simulate import SimulationSettings, simulate
from rebalance.config import AffinitySettings

Images = NDArray[np.float32]
FIELDS = ("values", "angle", "shift", "mirror")


@functools.cache
def averages(n: int = 50, box: int = 32) -> Images:
    asked = SimulationSettings(
        averages=n, views=5, box=box, pixel_size=192 / box, particles=n, snr=1.0, seed=3
    )
    return simulate(asked).images


@functools.cache
def dense() -> Affinity:
    return rebalance.affinity(averages())


def nearest_of(aff: Affinity, top: int) -> NDArray[np.int64]:
    """The first `top` others of each row by falling affinity, ties by lower index."""
    others = aff.values.copy()
    np.fill_diagonal(others, -1)
    return np.argsort(-others, axis=1, kind="stable")[:, :top]


def agrees(found: SparseAffinity, whole: Affinity) -> None:
    wanted = nearest_of(whole, found.values.shape[1])
    np.testing.assert_array_equal(found.neighbour, wanted)
    rows = np.arange(len(whole))[:, None]
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name)[rows, wanted])


# Nearest neighbours.


@pytest.mark.parametrize("top", [1, 7, 49])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_nearest_are_the_best_of_the_whole_to_the_bit(top: int, threads: int) -> None:
    found = rebalance.affinity(averages(), top=top, threads=threads)
    agrees(found, dense())
    assert len(found) == 50
    assert found.settings == dense().settings
    types = {name: getattr(found, name).dtype for name in ("neighbour", *FIELDS)}
    assert types == {"neighbour": "i4", "values": "f4", "angle": "f4", "shift": "f4", "mirror": "?"}


@pytest.mark.parametrize("n", [2, 16, 17, 33])
def test_nearest_of_stacks_that_cross_units(n: int) -> None:
    images = averages()[:n]
    agrees(rebalance.affinity(images, top=min(5, n - 1)), rebalance.affinity(images))


def test_ties_are_settled_by_the_lower_index() -> None:
    images = np.tile(averages()[:1], (40, 1, 1))
    found = rebalance.affinity(images, top=4, threads=3)
    for i in range(40):
        np.testing.assert_array_equal(found.neighbour[i], [j for j in range(5) if j != i][:4])


def test_blank_averages_have_neighbours_of_affinity_zero() -> None:
    images = averages().copy()
    images[3] = 0
    found = rebalance.affinity(images, top=3)
    np.testing.assert_array_equal(found.neighbour[3], [0, 1, 2])
    assert (found.values[3] == 0).all()


@pytest.mark.parametrize("top", [1, 6, 49])
def test_csr_is_symmetric_with_ones_on_the_diagonal(top: int) -> None:
    matrix = rebalance.affinity(averages(), top=top).to_csr()
    whole, near = dense().values, np.zeros((50, 50), bool)
    near[np.arange(50)[:, None], nearest_of(dense(), top)] = True
    wanted = np.where(near | near.T | np.eye(50, dtype=bool), whole, 0)
    assert matrix.shape == (50, 50)
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix.toarray(), wanted)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"top": 0}, "top must be a whole number from 1 to 49, not 0"),
        ({"top": 50}, "top must be a whole number from 1 to 49, not 50"),
        ({"top": 2.0}, r"top must be a whole number from 1 to 49, not 2\.0"),
        ({"top": True}, "top must be a whole number from 1 to 49, not True"),
        ({"memory_limit": -1}, "memory limit must be a whole number from 0, not -1"),
        ({"memory_limit": 1e9}, "memory limit must be a whole number from 0, not 1000000000.0"),
        ({"memory_limit": None}, "memory limit must be a whole number from 0, not None"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RebalanceError, match=sentence):
        rebalance.affinity(averages(), **settings)


def test_one_average_has_no_neighbours() -> None:
    with pytest.raises(RebalanceError, match="top needs at least 2 images, not 1: leave it out"):
        rebalance.affinity(averages()[:1], top=1)


# Mapped files.


def test_above_the_limit_results_are_mapped_files_that_go_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    aff = rebalance.affinity(averages(), memory_limit=50 * 50 * 17 - 1)
    assert aff.mapped
    assert not dense().mapped
    for name in FIELDS:
        assert isinstance(getattr(aff, name), np.memmap)
        np.testing.assert_array_equal(getattr(aff, name), getattr(dense(), name))
    # A file without a name cannot outlive what holds it: nothing is left to remove.
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc/self/maps")
def test_files_are_gone_with_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def mapped_here() -> int:
        return Path("/proc/self/maps").read_text().count(str(tmp_path))

    aff = rebalance.affinity(averages()[:4], memory_limit=0)
    assert aff.mapped
    assert mapped_here() == 4
    del aff
    gc.collect()
    assert mapped_here() == 0


def test_at_the_limit_results_are_in_memory() -> None:
    images = averages()
    assert not rebalance.affinity(images, memory_limit=50 * 50 * 17).mapped
    assert not rebalance.affinity_between(images, images[:3], memory_limit=50 * 3 * 17).mapped
    assert rebalance.affinity_between(images, images[:3], memory_limit=50 * 3 * 17 - 1).mapped


def test_no_room_for_the_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(RebalanceError, match=r"10,000 bytes in .*none, which cannot be had \(No s"):
        rebalance.affinity(averages(), memory_limit=0)


# Arrays are filled in place.


def call(neighbour: NDArray[Any] | None = None, **changed: NDArray[Any]) -> None:
    images = averages()[:4]
    settings = complete(AffinitySettings(), images)
    out = pair_arrays(4, 4 if neighbour is None else 2, 2**20)._replace(**changed)
    rings = polar_rings(images, settings, 1)
    search = search_of(settings, 1, rings)
    if neighbour is None:
        _core.search_pairs(rings, search, out)
    else:
        _core.search_nearest(rings, search, neighbour, out)


def read_only() -> Images:
    array = np.zeros((4, 4), np.float32)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("changed", "error", "sentence"),
    [
        ({"values": np.zeros((4, 5), np.float32)}, ValueError, "another shape than the result"),
        ({"angle": np.zeros(16, np.float32)}, ValueError, "another shape than the result"),
        ({"shift": np.zeros((4, 4), np.float32)}, ValueError, "another shape than the result"),
        ({"mirror": np.zeros((4, 4), np.float32)}, TypeError, "incompatible function arguments"),
        ({"values": np.zeros((4, 4))}, TypeError, "incompatible function arguments"),
        ({"values": np.zeros((4, 8), np.float32)[:, ::2]}, TypeError, "incompatible function"),
        ({"values": read_only()}, ValueError, "not writeable"),
        ({"neighbour": np.zeros((4, 4), np.int32)}, ValueError, r"\(N, T\), 1 <= T < N"),
        ({"neighbour": np.zeros(4, np.int32)}, ValueError, r"\(N, T\), 1 <= T < N"),
        ({"neighbour": np.zeros((3, 2), np.int32)}, ValueError, "another shape than the result"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    changed: dict[str, NDArray[Any]], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        call(**changed)


# Stopping.


def test_a_callback_that_raises_stops_the_search() -> None:
    def refuse(done: int, total: int) -> None:
        raise ZeroDivisionError("enough")

    with pytest.raises(ZeroDivisionError, match="enough"):
        rebalance.affinity(averages(), top=3, progress=refuse)


@pytest.mark.parametrize("top", [None, 3])
def test_ctrl_c_stops_a_long_search(top: int | None) -> None:
    # A test run in the background of a shell has SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    images = np.random.default_rng(0).normal(size=(1500, 48, 48)).astype(np.float32)
    timers: list[threading.Timer] = []
    seen: list[tuple[int, int]] = []

    def watch(done: int, total: int) -> None:
        seen.append((done, total))
        if done > 0 and not timers:
            timers.append(threading.Timer(0.07, os.kill, (os.getpid(), signal.SIGINT)))
            timers[0].start()

    try:
        with pytest.raises(KeyboardInterrupt):
            rebalance.affinity(images, top=top, exhaustive=True, threads=2, progress=watch)
    finally:
        signal.signal(signal.SIGINT, before)
    done, total = seen[-1]
    assert done < total / 2
