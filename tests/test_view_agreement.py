"""How views found from averages are compared with 3D poses."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

import rebalance
from rebalance._symmetry import rotations
from rebalance._view_agreement import Agreement, agreement, typical_directions

Floats = NDArray[np.float64]


def unit(vectors: Floats) -> Floats:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def sphere_of(direction: Floats, symmetry: str = "C1") -> rebalance.ViewSphere:
    n = len(direction)
    return rebalance.ViewSphere(
        direction, np.full(n, 2.0), "trusted", (), ("",) * n, 0.99, symmetry
    )


def posed(direction: Floats, symmetry: str, spread: float = 0.05) -> tuple[Floats, NDArray]:
    """Poses of 40 particles for each average: either hand side, any symmetry mate, scattered."""
    rng = np.random.default_rng(1)
    average = np.repeat(np.arange(len(direction)), 40)
    group = rotations(symmetry)
    turns = group[rng.integers(len(group), size=len(average))]
    poses = np.einsum("pij,pj->pi", turns, direction[average])
    poses *= rng.choice([-1.0, 1.0], len(average))[:, None]
    return unit(poses + spread * rng.normal(size=poses.shape)), average


@pytest.mark.parametrize("symmetry", ["C1", "D2", "C4"])
def test_views_that_are_turned_agree_and_are_turned_back(symmetry: str) -> None:
    true = unit(np.random.default_rng(0).normal(size=(30, 3)))
    poses, average = posed(true, symmetry)
    turn = Rotation.random(random_state=2).as_matrix()
    views = true @ turn.T if symmetry == "C1" else true
    views[4] = np.nan
    found = agreement(sphere_of(views, symmetry), poses, average, symmetry)
    assert found is not None
    assert found.n_averages == 29
    assert found.rank_correlation > 0.97
    assert found.median_angle < 3
    if symmetry == "C1":
        axes = np.abs(np.einsum("ni,ni->n", views @ found.rotation.T, true))
        assert np.nanmin(axes) > np.cos(np.radians(5))


def test_views_of_other_particles_do_not_agree() -> None:
    rng = np.random.default_rng(3)
    poses, average = posed(unit(rng.normal(size=(40, 3))), "C1")
    found = agreement(sphere_of(unit(rng.normal(size=(40, 3)))), poses, average, "C1")
    assert found is not None
    assert abs(found.rank_correlation) < 0.3
    assert found.median_angle > 20


def test_too_few_averages_with_both_are_not_compared() -> None:
    true = unit(np.random.default_rng(0).normal(size=(6, 3)))
    poses, average = posed(true, "C1")
    poses[average > 2] = np.nan
    assert agreement(sphere_of(true), poses, average, "C1") is None


def test_the_typical_direction_ignores_stray_poses() -> None:
    true = np.array([[0.0, 0.6, 0.8], [1.0, 0.0, 0.0]])
    poses, average = posed(true, "C1", spread=0.02)
    poses[::4] = unit(np.random.default_rng(5).normal(size=(20, 3)))
    average = np.append(average, -1)  # a particle of no average
    poses = np.append(poses, [[0.0, 0.0, 1.0]], axis=0)
    typical = typical_directions(poses, average, 3, "C1")
    np.testing.assert_allclose(np.abs(np.einsum("ni,ni->n", typical[:2], true)), 1, atol=2e-3)
    assert np.isnan(typical[2]).all()


def test_an_agreement_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign"):
        Agreement(4, 1.0, 0.0, np.eye(3)).n_averages = 5  # type: ignore[misc]
