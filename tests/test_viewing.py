"""Viewing directions from poses, and bins of the viewing sphere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from rebalance import _symmetry, _viewing
from rebalance._viewing import direction_bins, directions_of_angles, directions_of_poses


def random_directions(n: int, seed: int = 0) -> np.ndarray:
    direction = np.random.default_rng(seed).standard_normal((n, 3))
    return direction / np.linalg.norm(direction, axis=1, keepdims=True)


# Poses.


def test_directions_of_known_angles() -> None:
    rot, tilt = np.array([0.0, 0, 90, 123, 45]), np.array([0.0, 90, 90, 180, 60])
    half = np.sqrt(0.375)
    expected = [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, -1], [half, half, 0.5]]
    np.testing.assert_allclose(directions_of_angles(rot, tilt), expected, atol=1e-12)


def test_direction_is_the_last_row_of_the_zyz_matrix() -> None:
    rng = np.random.default_rng(0)
    rot, tilt, psi = (rng.uniform(-180, 180, 50) for _ in range(3))
    # RELION turns the particle by -rot, -tilt and -psi about z, y and z and sees it along z.
    matrix = Rotation.from_euler("ZYZ", np.stack([rot, tilt, psi], axis=1), degrees=True)
    seen = matrix.as_matrix()[:, :, 2]
    np.testing.assert_allclose(directions_of_angles(rot, tilt), seen, atol=1e-12)


def test_directions_of_axis_angle_poses() -> None:
    pose = np.random.default_rng(1).standard_normal((50, 3)) * 2
    pose[0] = 0
    expected = Rotation.from_rotvec(pose).apply([0, 0, 1])
    np.testing.assert_allclose(directions_of_poses(pose), expected, atol=1e-12)


# Bins.


def test_bins_without_symmetry_are_as_many_as_asked_for_and_of_one_size() -> None:
    bins = direction_bins(200)
    assert len(bins.middle) == 200
    count = np.bincount(bins.of(random_directions(200_000)), minlength=200)
    assert count.min() > 700
    assert count.max() < 1300


@pytest.mark.parametrize("symmetry", ["C1", "C2", "C7", "D2", "D5", "T", "O", "I1", "I2"])
def test_equivalent_and_opposite_directions_share_a_bin(symmetry: str) -> None:
    bins = direction_bins(50, symmetry)
    directions = random_directions(300)
    expected = bins.of(directions)
    for turn in _symmetry.rotations(symmetry):
        for sign in (1, -1):
            # A direction right between two bins may fall on either side.
            assert np.mean(bins.of(sign * directions @ turn.T) == expected) > 0.99
    assert 40 <= len(bins.middle) <= 60
    assert len(np.unique(bins.of(random_directions(20_000)))) == len(bins.middle)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 300), seed=st.integers(0, 99))
def test_every_direction_lies_in_the_nearest_bin(n: int, seed: int) -> None:
    bins, directions = direction_bins(n), random_directions(40, seed)
    nearness = np.abs(directions @ bins.middle.T)
    found = bins.of(directions)
    assert (nearness[np.arange(40), found] >= nearness.max(axis=1) - 1e-9).all()


def test_directions_that_are_not_known_have_no_bin() -> None:
    directions = random_directions(3)
    directions[1, 2] = np.nan
    assert direction_bins(20).of(directions)[1] == -1
    assert (direction_bins(20).of(directions)[[0, 2]] >= 0).all()


def test_equivalent_begins_with_the_directions_given() -> None:
    directions, turns = random_directions(5), _symmetry.rotations("D3")
    every = _viewing.equivalent(directions, turns)
    assert every.shape == (60, 3)
    np.testing.assert_array_equal(every[:5], directions)
    np.testing.assert_array_equal(every[30:], -every[:30])
