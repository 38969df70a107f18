"""Tiles, and the workers of executors: the same bits as one machine, whatever happens to them."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import rebalance
from rebalance import Affinity, RebalanceError, SparseAffinity, _executor, _tiles
from rebalance._simulate import SimulationSettings, simulate

Images = NDArray[np.float32]
FIELDS = ("values", "angle", "shift", "mirror")


@functools.cache
def averages(n: int = 53, box: int = 32) -> Images:
    asked = SimulationSettings(
        averages=n, views=5, box=box, pixel_size=192 / box, particles=n, snr=1.0, seed=3
    )
    return simulate(asked).images


@functools.cache
def plain() -> Affinity:
    return rebalance.affinity(averages(), threads=1)


@functools.cache
def plain_nearest() -> SparseAffinity:
    return rebalance.affinity(averages(), top=7, threads=1)


def same(found: Any, wanted: Any, fields: tuple[str, ...] = FIELDS) -> None:
    for name in fields:
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
        assert getattr(found, name).dtype == getattr(wanted, name).dtype
    assert found.settings == wanted.settings


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tiles, "LEAST_UNITS", 1)


class Here(Executor):
    """An executor that does its work at once."""

    def __init__(self, work: Callable[..., Any] | None = None) -> None:
        self.work, self.n_given, self.n_rings = work, 0, 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **words: Any) -> Future[Any]:
        self.n_given += 1
        self.n_rings += args[1] is not None
        future: Future[Any] = Future()
        try:
            future.set_result((self.work or fn)(*args, **words))
        except Exception as error:
            future.set_exception(error)
        return future


# Tiles.


@pytest.mark.parametrize("n", [1, 15, 16, 17, 100, 1000, 4000])
@pytest.mark.parametrize("least", [1, 2, 7, 30])
def test_tiles_hold_every_pair_once(n: int, least: int) -> None:
    n_units = -(-n // 16)
    held = np.zeros((n_units, n_units), int)
    tiles = _tiles.cut(n, least)
    for tile in tiles:
        assert tile.on_diagonal or tile.rows[1] <= tile.lanes[0]
        held[slice(*tile.rows), slice(*tile.lanes)] += 1
    np.testing.assert_array_equal(np.triu(held), np.triu(np.ones_like(held)))
    assert len(tiles) >= min(least, n_units * (n_units + 1) // 2)


@pytest.mark.parametrize("settings", [{}, {"exhaustive": True}, {"max_shift": 0, "mirror": False}])
def test_tiles_hold_the_bits_of_the_whole(settings: dict[str, Any]) -> None:
    found = rebalance.affinity(averages(), executor=Here(), **settings)
    same(found, rebalance.affinity(averages(), **settings))


@pytest.mark.parametrize("n", [1, 2, 16, 17, 33])
def test_tiles_of_stacks_that_cross_units(n: int) -> None:
    same(rebalance.affinity(averages()[:n], executor=Here()), rebalance.affinity(averages()[:n]))


@pytest.mark.parametrize("top", [1, 7, 40, 52])
def test_nearest_of_tiles_are_those_of_the_whole(top: int) -> None:
    found = rebalance.affinity(averages(), top=top, executor=Here())
    same(found, rebalance.affinity(averages(), top=top), ("neighbour", *FIELDS))


def test_ties_between_tiles_are_settled_by_the_lower_index() -> None:
    images = np.tile(averages()[:1], (40, 1, 1))
    found = rebalance.affinity(images, top=4, executor=Here())
    for i in range(40):
        np.testing.assert_array_equal(found.neighbour[i], [j for j in range(5) if j != i][:4])


# Executors.


def test_threads_of_a_pool() -> None:
    with ThreadPoolExecutor(3) as pool:
        same(rebalance.affinity(averages(), executor=pool), plain())
        found = rebalance.affinity(averages(), executor=pool, top=7)
    same(found, plain_nearest(), ("neighbour", *FIELDS))
    assert found.warnings == ()


@pytest.fixture
def processes() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def test_processes_and_a_worker_that_is_killed(processes: ProcessPoolExecutor) -> None:
    told: list[tuple[int, int]] = []
    found = rebalance.affinity(
        averages(), executor=processes, progress=lambda done, total: told.append((done, total))
    )
    same(found, plain())
    assert found.warnings == ()
    assert told[-1] == (10, 10)
    processes.submit(os.kill, processes.submit(os.getpid).result(), signal.SIGKILL)
    found = rebalance.affinity(averages(), executor=processes)
    same(found, plain())
    (warning,) = found.warnings
    assert warning == (
        "10 of 10 tiles were lost with their workers (BrokenProcessPool) and were computed here "
        "instead: the result is whole"
    ) or warning.endswith("the result is whole")


def test_tiles_that_some_workers_lose_are_done_here() -> None:
    given: list[int] = []

    def lose_every_third(order: _executor.Order, rings: Any) -> Any:
        given.append(1)
        if len(given) % 3 == 0:
            raise OSError("killed")
        return _executor.do(order, rings)

    found = rebalance.affinity(averages(), executor=Here(lose_every_third))
    same(found, plain())
    assert found.warnings == (
        "3 of 10 tiles were lost with their workers (OSError) and were computed here instead: the "
        "result is whole",
    )


def test_workers_that_do_not_see_the_file_are_sent_the_rings_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_executor, "mapped_rings", lambda small, folder: None)
    workers = Here()
    same(rebalance.affinity(averages(), executor=workers), plain())
    # This executor does all tiles at once, so that all ask; they are given one by one afterwards.
    assert workers.n_rings < workers.n_given
    one_by_one = Here()
    monkeypatch.setattr(_executor, "AT_ONCE", 1)
    same(rebalance.affinity(averages(), executor=one_by_one), plain())
    assert one_by_one.n_rings == 1


def test_another_instruction_set_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def on_an_old_machine(order: _executor.Order, rings: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("REBALANCE_ISA", "baseline")
            return _executor.do(order, rings)

    monkeypatch.setenv("REBALANCE_ISA", "baseline")
    if rebalance._core.instruction_set() != "baseline":
        pytest.skip("this processor has no other instruction set")
    monkeypatch.delenv("REBALANCE_ISA")
    if rebalance._core.instruction_set() == "baseline":
        pytest.skip("this processor has no other instruction set")
    found = rebalance.affinity(averages(), executor=Here(on_an_old_machine))
    assert len(found.warnings) == 1
    assert "workers computed with baseline, this process with" in found.warnings[0]


def test_a_refusal_of_a_worker_is_no_loss() -> None:
    def refuse(order: _executor.Order, rings: Any) -> Any:
        raise RebalanceError("no such thing")

    with pytest.raises(RebalanceError, match="no such thing"):
        rebalance.affinity(averages(), executor=Here(refuse))


def test_what_is_no_executor_is_refused() -> None:
    with pytest.raises(RebalanceError, match=r"be a concurrent.futures.Executor, not int: give"):
        rebalance.affinity(averages(), executor=3)  # type: ignore[call-overload]


def test_nothing_is_left_behind(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rebalance.affinity(averages(), executor=Here())
    assert list(tmp_path.iterdir()) == []
    assert _executor._kept == {}


def test_no_room_for_the_rings_is_refused(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(RebalanceError, match=r"rings that workers share need files .* \(No such"):
        rebalance.affinity(averages(), executor=Here())


def test_dask_workers(tmp_path: Any) -> None:
    distributed = pytest.importorskip("distributed", reason="needs the extra dask")
    cluster = distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        dashboard_address=":0",
        local_directory=str(tmp_path),
    )
    with cluster, distributed.Client(cluster) as client:
        same(rebalance.affinity(averages(), executor=client.get_executor()), plain())
