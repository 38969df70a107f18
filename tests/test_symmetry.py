"""Point groups are groups, with their axes where the docs say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from rebalance._symmetry import rotations
from rebalance.errors import RebalanceError

ORDERS = {"C1": 1, "C7": 7, "D1": 2, "D2": 4, "d5": 10, "T": 12, "O": 24, "I": 60, "I1": 60}


@pytest.mark.parametrize(("symmetry", "order"), ORDERS.items())
def test_turns_form_a_group(symmetry: str, order: int) -> None:
    turns = rotations(symmetry)
    assert turns.shape == (order, 3, 3)
    np.testing.assert_array_equal(turns[0], np.eye(3))
    np.testing.assert_allclose(np.linalg.det(turns), 1)
    np.testing.assert_allclose(
        turns @ turns.transpose(0, 2, 1), np.tile(np.eye(3), (order, 1, 1)), atol=1e-12
    )
    products = np.einsum("aij,bjk->abik", turns, turns).reshape(-1, 9)
    nearest = np.abs(products[:, None] - turns.reshape(1, -1, 9)).max(axis=2).min(axis=1)
    assert nearest.max() < 1e-9


@pytest.mark.parametrize(
    ("symmetry", "fold", "axis"),
    [
        ("C4", 4, (0, 0, 1)),
        ("D3", 2, (1, 0, 0)),
        ("T", 3, (0, 0, 1)),
        ("O", 4, (1, 0, 0)),
        ("I", 5, (0.5257311, 0, 0.8506508)),
        ("I1", 5, (0.8506508, 0, 0.5257311)),
        ("I2", 2, (0, 1, 0)),
    ],
)
def test_axes_stand_as_documented(
    symmetry: str, fold: int, axis: tuple[float, float, float]
) -> None:
    turn = Rotation.from_rotvec(2 * np.pi / fold * np.array(axis)).as_matrix()
    assert np.abs(rotations(symmetry) - turn).max(axis=(1, 2)).min() < 1e-6


@pytest.mark.parametrize("symmetry", ["", "C0", "C", "D101", "X3", "I3", "C1.5", None])
def test_unknown_groups_are_refused(symmetry: str) -> None:
    with pytest.raises(RebalanceError, match=r"symmetry must be C1 to C100, .*, not .*: give the"):
        rotations(symmetry)
