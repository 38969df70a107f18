"""Viewing directions as a second witness: a slow twin, laws, and a known answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

import rebalance
from rebalance import RebalanceError, SimulationSettings, ViewSphere, simulate, superclassify
from rebalance._superclass_witness import heard
from rebalance._symmetry import rotations
from rebalance.metrics import adjusted_rand_index

Floats = NDArray[np.float64]


def sphere_of(direction: Floats, symmetry: str = "C1") -> ViewSphere:
    known = np.isfinite(direction).all(axis=1)
    return ViewSphere(
        direction=direction,
        uncertainty=np.where(known, 2.0, np.nan),
        verdict="trusted",
        reasons=(),
        left_out=tuple("" if k else "lines rarely agree" for k in known),
        agreement_of_halves=0.99,
        symmetry=symmetry,
    )


def some(n: int = 12, seed: int = 0) -> tuple[Floats, Floats]:
    """A symmetric affinity, and directions, the last two of them unknown."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.2, 0.9, (n, n))
    values = (values + values.T) / 2
    np.fill_diagonal(values, 1)
    direction = rng.standard_normal((n, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    direction[-2:] = np.nan
    return values, direction


def twin(values: Floats, direction: Floats, symmetry: str) -> Floats:
    """Pair by pair; pairs without angle get the squared cosine of the same rank."""
    known = np.isfinite(direction[:, 0])
    turns = rotations(symmetry)
    pairs = [(i, j) for i in range(len(values)) for j in range(i) if known[i] and known[j]]
    cosine = {(i, j): max((direction[i] @ r @ direction[j]) ** 2 for r in turns) for i, j in pairs}
    rank = sorted(values[pair] for pair in pairs)
    both = np.eye(len(values))
    for i in range(len(values)):
        for j in range(i):
            of_rank = np.interp(values[i, j], rank, sorted(cosine.values()))
            both[i, j] = both[j, i] = (values[i, j] + cosine.get((i, j), of_rank)) / 2
    return both


@pytest.mark.parametrize("symmetry", ["C1", "C4", "D2"])
def test_it_is_the_mean_of_affinity_and_squared_cosine(symmetry: str) -> None:
    values, direction = some()
    both = heard(values, sphere_of(direction, symmetry))
    np.testing.assert_allclose(both, twin(values, direction, symmetry), atol=1e-12)
    np.testing.assert_array_equal(both, both.T)


@given(st.integers(0, 1000))
def test_rotation_hand_and_sign_of_directions_do_not_matter(seed: int) -> None:
    values, direction = some(seed=seed)
    rng = np.random.default_rng(seed)
    turned = direction @ Rotation.random(random_state=seed).as_matrix()
    turned *= rng.choice([-1.0, 1.0], (len(turned), 1)) * [1.0, 1.0, -1.0]
    mirrored = heard(values, sphere_of(turned))
    np.testing.assert_allclose(mirrored, heard(values, sphere_of(direction)), atol=1e-12)


def test_without_directions_the_affinity_stays_alone() -> None:
    values, direction = some()
    np.testing.assert_array_equal(heard(values, sphere_of(np.full_like(direction, np.nan))), values)
    np.testing.assert_array_equal(heard(values, None), values)


def test_a_sphere_of_other_averages_is_refused() -> None:
    values, direction = some()
    with pytest.raises(RebalanceError) as refused:
        superclassify(values, 3, sphere=sphere_of(direction[:-1]))
    assert str(refused.value) == (
        "the view sphere must be that of the 12 averages, not of 11: give the one made from "
        "their images"
    )


def test_directions_tell_views_apart_that_the_affinity_confuses() -> None:
    """Many near views of a round particle, some rare, in noise; directions known to 2 degrees."""
    settings = SimulationSettings(
        averages=100, views=24, view_ratio=20.0, snr=2.0, box=64, resolution=(8.0, 18.0), seed=1
    )
    known = simulate(settings)
    rng = np.random.default_rng(5)
    direction = known.direction + np.radians(2) * rng.standard_normal(known.direction.shape)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    aff = rebalance.affinity(known.images)
    alone = superclassify(aff, 24).labels
    both = superclassify(aff, 24, sphere=sphere_of(direction)).labels
    assert adjusted_rand_index(both, known.label) > adjusted_rand_index(alone, known.label) + 0.05
