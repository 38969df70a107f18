"""Scores against true directions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from rebalance._symmetry import rotations
from rebalance.errors import RebalanceError
from rebalance.metrics import angle_within, axis_angles, best_angle_within, direction_errors

RNG = np.random.default_rng(0)
AXES = RNG.normal(size=(60, 3))
X, Y, Z = np.eye(3)


def test_angle_within_weighs_each_average_the_same() -> None:
    tilted = np.cos(np.radians(30)) * X + np.sin(np.radians(30)) * Y
    direction = [X, -X, tilted, Z, Y, Z]
    # 0: X, -X, tilted: 15, 15 and 30; 1: Z and Y: 90 and 90; the last is alone
    expected = (15 + 15 + 30 + 90 + 90) / 5
    assert angle_within([0, 0, 0, 1, 1, 2], direction) == pytest.approx(expected)
    assert angle_within([0, 0, 0, -1, -1, -1], direction) == pytest.approx(20)
    assert np.isnan(angle_within([0, 1, 2, 3, 4, -1], direction))


def test_best_angle_finds_the_groups() -> None:
    view = np.array([X, Y, Z])[np.arange(30) % 3]
    direction = view + 0.05 * RNG.normal(size=(30, 3))
    direction *= RNG.choice([-1, 1], (30, 1))
    best = best_angle_within(direction, 3, runs=20)
    assert best == pytest.approx(angle_within(np.arange(30) % 3, direction))
    assert best_angle_within(AXES, 20) < best_angle_within(AXES, 5)
    assert best_angle_within(AXES, 5, runs=50) <= best_angle_within(AXES, 5, runs=1)


@pytest.mark.parametrize("symmetry", ["C1", "C3", "D2", "O"])
def test_equivalent_axes_have_no_angle(symmetry: str) -> None:
    turns = rotations(symmetry)
    turned = np.einsum("nab,nb->na", turns[RNG.integers(len(turns), size=60)], AXES)
    angle = axis_angles(AXES, -2 * turned, symmetry=symmetry)
    np.testing.assert_allclose(np.diag(angle), 0, atol=1e-5)
    assert axis_angles(AXES, symmetry=symmetry).max() <= 90


@pytest.mark.parametrize("symmetry", ["C1", "C4", "D3"])
@pytest.mark.parametrize("mirror", [False, True])
def test_errors_are_those_left_by_the_best_rotation(symmetry: str, mirror: bool) -> None:
    turns = rotations(symmetry)
    pick = turns[RNG.integers(len(turns), size=60)]
    hidden = Rotation.random(random_state=3).as_matrix() @ np.diag([1, 1, -1 if mirror else 1])
    found = np.einsum("nab,nb->na", pick, AXES) @ hidden.T
    found *= RNG.choice([-1.0, 1.0], (60, 1))
    np.testing.assert_allclose(direction_errors(found, AXES, symmetry=symmetry), 0, atol=1e-4)
    if symmetry == "C1":
        noisy = found + 0.05 * np.linalg.norm(found, axis=1, keepdims=True) * RNG.normal(
            size=(60, 3)
        )
        assert np.median(direction_errors(noisy, AXES)) == pytest.approx(3.4, abs=0.8)


def test_bad_input_is_refused() -> None:
    with pytest.raises(RebalanceError, match=r"labels must have shape \(60,\), .*, not \(2,\)"):
        angle_within([0, 1], AXES)
    with pytest.raises(RebalanceError, match=r"shape \(N, 3\) with N >= 1, not \(60, 2\)"):
        axis_angles(AXES[:, :2])
    with pytest.raises(RebalanceError, match="directions must be finite and longer than 0"):
        direction_errors(0 * AXES, AXES)
    with pytest.raises(RebalanceError, match=r"one shape, not \(60, 3\) and \(59, 3\)"):
        direction_errors(AXES, AXES[1:])
    with pytest.raises(RebalanceError, match="number of superclasses must be a whole number from"):
        best_angle_within(AXES, 61)
