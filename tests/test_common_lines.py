"""Common lines: the compiled search against a plain one, and against geometry."""

from __future__ import annotations

import numpy as np
import plain_lines
import pytest
from numpy.typing import NDArray

from rebalance import _core
from rebalance._line_rays import SHIFTS, line_rays
from rebalance._simulate import simulate
from rebalance._simulation_settings import SimulationSettings
from rebalance._view_angles import turned, unit, upright
from rebalance._view_solver import spread_evenly

Doubles = NDArray[np.float64]


def random_frames(n: int, seed: int) -> Doubles:
    rng = np.random.default_rng(seed)
    return turned(upright(unit(rng.standard_normal((n, 3)))), rng.uniform(0, 2 * np.pi, n))


def random_rays(n: int, rings: int, seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 64, rings, 2)).astype(np.float32)


def phases(rings: int) -> NDArray[np.float32]:
    turn = np.arange(-2, 3)[:, None] * 0.3 * np.arange(1, rings + 1)
    return np.stack([np.cos(turn), np.sin(turn)], axis=-1).astype(np.float32)


def line_in(frame: Doubles, line: Doubles) -> float:
    return float(np.arctan2(line @ frame[1], line @ frame[0]))


def true_lines(frames: Doubles) -> Doubles:
    n = len(frames)
    lines = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            low, high = min(i, j), max(i, j)
            lines[i, j] = line_in(frames[i], np.cross(frames[low, 2], frames[high, 2]))
    return lines


@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512"])
def test_tables_are_those_of_the_plain_search(isa: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REBALANCE_ISA", isa)
    try:
        _core.instruction_set()
    except ValueError:
        pytest.skip("this processor does not run it")
    rays, phase = random_rays(4, 7, 0), phases(7)
    tables = _core.LineTables.all_pairs(rays, phase, threads=2)
    values = rays[..., 0] + 1j * rays[..., 1]
    for i in range(4):
        for j in range(i + 1, 4):
            votes = plain_lines.as_votes(plain_lines.agreement(values[j], values[i], phase))
            off = tables.table(i, j).astype(int) - votes
            assert np.abs(off).max() <= 1  # rounding at the edge of a vote
            assert np.count_nonzero(off) < 0.01 * off.size


def test_both_entries_of_a_pair_hold_the_same_lines() -> None:
    tables = _core.LineTables.all_pairs(random_rays(3, 5, 1), phases(5), threads=1)
    one, other = tables.table(0, 2), tables.table(2, 0)
    for row in range(64):
        turn = 32 if row >= 32 else 0
        expected = [other[row - turn, (column + turn) % 64] for column in range(32)]
        assert np.array_equal(one[:, row], expected)
    assert (tables.table(1, 1) == 48).all()  # an image says nothing of itself


def test_two_stacks_give_the_tables_of_one() -> None:
    rays, phase = random_rays(5, 6, 2), phases(6)
    square = _core.LineTables.all_pairs(rays, phase, threads=1)
    between = _core.LineTables.between(
        np.ascontiguousarray(rays[:2]), np.ascontiguousarray(rays[2:]), phase, threads=1
    )
    for i in range(2):
        for j in range(3):
            assert np.array_equal(between.table(i, j), square.table(i, j + 2))


def test_scores_of_directions_are_those_of_the_plain_sum() -> None:
    n = 6
    tables = _core.LineTables.all_pairs(random_rays(n, 5, 3), phases(5), threads=2)
    frames, directions = random_frames(8, 4), upright(spread_evenly(30))
    image = np.array([0, 1, 2, 3, 4, 5, 2, 4], np.int32)
    rows = np.array([1, 3], np.int32)
    best, turn = tables.vote(rows, frames, image, directions, threads=2)
    for row, values, cells in zip(rows, best, turn, strict=True):
        own = np.array([tables.table(int(row), int(column)) for column in image])
        for direction, value, cell in zip(directions, values, cells, strict=True):
            score = plain_lines.scores(own, frames, direction)
            assert value == pytest.approx(score.max(), abs=1e-3)
            assert score[cell] == pytest.approx(score.max(), abs=1e-3)
    only = np.array([[4, 9], [29, 0]], np.int32)
    some = tables.vote(rows, frames, image, directions, only=only, threads=1)
    for asked, every in zip(some, (best, turn), strict=True):
        assert np.array_equal(asked, np.take_along_axis(every, only, axis=1))


def test_votes_of_third_images_are_those_of_the_plain_count() -> None:
    rng = np.random.default_rng(5)
    lines = true_lines(random_frames(20, 6)) + rng.normal(0, 0.05, (20, 20))
    angle, share = _core.vote_on_angles(
        lines, np.ascontiguousarray(lines.T), lines, np.arange(20, dtype=np.int32), threads=2
    )
    same = 0
    for i in range(20):
        for j in range(20):
            if i == j:
                continue
            plain, agree = plain_lines.view_angle(lines, i, j)
            # A vote at the edge of a bin may fall into the next and move a flat peak.
            same += abs(angle[i, j] - plain) < 2e-3 and abs(share[i, j] - agree) < 0.051
    assert same >= 0.97 * 20 * 19


def test_true_lines_give_true_angles() -> None:
    frames = random_frames(30, 7)
    lines = true_lines(frames)
    angle, share = _core.vote_on_angles(
        lines, np.ascontiguousarray(lines.T), lines, np.arange(30, dtype=np.int32), threads=1
    )
    true = np.arccos(np.clip(frames[:, 2] @ frames[:, 2].T, -1, 1))
    off = np.abs(angle - true)[np.triu_indices(30, 1)]
    assert np.median(off) < 1e-3
    assert np.median(share) > 0.6


def test_lines_of_projections_are_where_geometry_says() -> None:
    simulated = simulate(
        SimulationSettings(averages=20, views=0, box=48, snr=1e4, mirrored=0.0, seed=2)
    )
    rays = line_rays(simulated.images, 1)
    tables = _core.LineTables.all_pairs(rays.rays, rays.phase, threads=1)
    in_row, in_column, vote = tables.find_lines(threads=1)
    assert in_row.shape == in_column.shape == vote.shape == (20, 20)
    angle, _ = _core.vote_on_angles(
        *symmetric_lines(in_row, in_column), np.arange(20, dtype=np.int32), threads=1
    )
    true = np.arccos(np.clip(simulated.direction @ simulated.direction.T, -1, 1))
    off = np.abs(angle - true)[np.triu_indices(20, 1)]
    assert np.degrees(np.median(off)) < 4


def symmetric_lines(in_row: Doubles, in_column: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    lines = np.where(np.triu(np.ones(in_row.shape, bool), 1), in_row, in_column.T)
    return lines, np.ascontiguousarray(lines.T), lines


def test_rays_know_blank_averages_and_do_not_care_where_a_particle_lies() -> None:
    images = simulate(SimulationSettings(averages=6, views=2, box=48, snr=1e4, seed=1)).images
    moved = np.concatenate(
        [images, np.roll(images, (2, -1), axis=(1, 2)), np.zeros_like(images[:1])]
    )
    rays = line_rays(moved, 1)
    assert rays.contrast.tolist() == [True] * 12 + [False]
    assert rays.phase.shape == (SHIFTS, 12, 2)
    assert not rays.rays[12].any()
    products = np.einsum("nrkc,nrkc->nr", rays.rays[:6], rays.rays[6:12])
    assert np.median(products) > 0.99


def test_the_core_refuses_arrays_of_other_shapes() -> None:
    with pytest.raises(ValueError, match=r"rays must have shape \(N, 64, K, 2\)"):
        _core.LineTables.all_pairs(np.zeros((2, 3, 4, 2), np.float32), phases(4), threads=1)
    tables = _core.LineTables.all_pairs(random_rays(2, 4, 0), phases(4), threads=1)
    with pytest.raises(ValueError, match="an image or direction named is not there"):
        tables.vote(
            np.array([2], np.int32),
            random_frames(1, 0),
            np.array([0], np.int32),
            random_frames(1, 1),
            threads=1,
        )
