"""Keep fractions by a view sphere: directions where they are trusted, the affinity elsewhere."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rebalance import ViewSphere, keep_fractions, keep_fractions_by_direction
from rebalance.errors import RebalanceError
from rebalance.sampling import sampling_compensation_factor

RNG = np.random.default_rng(0)
AXES = RNG.normal(size=(120, 3))  # a background, and a bump along z
AXES[:80, 2] = 3 + np.abs(AXES[:80, 2])
AXES /= np.linalg.norm(AXES, axis=1, keepdims=True)
PARTICLES = RNG.integers(20, 900, len(AXES))
ANGLE = np.degrees(np.arccos(np.minimum(1, np.abs(AXES @ AXES.T))))
VALUES = 0.5 + 0.5 * np.exp(-((ANGLE / 25) ** 2))
SPHERE = ViewSphere(
    direction=AXES,
    uncertainty=np.zeros(len(AXES)),
    verdict="trusted",
    reasons=("halves agree",),
    left_out=("",) * len(AXES),
    agreement_of_halves=0.99,
    symmetry="C1",
)


def test_certain_directions_are_directions() -> None:
    np.testing.assert_allclose(
        keep_fractions(VALUES, PARTICLES, keep=0.3, sphere=SPHERE),
        keep_fractions_by_direction(AXES, PARTICLES, keep=0.3),
        rtol=1e-9,
    )


@pytest.mark.parametrize("verdict", ["partly", "cannot be told"])
def test_a_sphere_that_is_not_trusted_is_not_heeded(verdict: str) -> None:
    doubted = dataclasses.replace(SPHERE, verdict=verdict)
    np.testing.assert_array_equal(
        keep_fractions(VALUES, PARTICLES, keep=0.3, sphere=doubted),
        keep_fractions(VALUES, PARTICLES, keep=0.3),
    )


def test_uncertain_directions_are_cut_deeper_where_views_are_crowded() -> None:
    unsure = dataclasses.replace(SPHERE, uncertainty=np.full(len(AXES), 5.0))
    certain = keep_fractions(VALUES, PARTICLES, keep=0.3, sphere=SPHERE)
    fractions = keep_fractions(VALUES, PARTICLES, keep=0.3, sphere=unsure)
    crowded = (ANGLE < 15).sum(axis=0) > 30
    assert crowded.any()
    assert fractions @ PARTICLES == pytest.approx(0.3 * PARTICLES.sum())
    assert fractions[crowded].sum() < certain[crowded].sum()


def test_a_factor_bounds_the_density_whatever_the_uncertainty() -> None:
    unsure = dataclasses.replace(SPHERE, uncertainty=np.full(len(AXES), 5.0))
    np.testing.assert_array_equal(
        keep_fractions(VALUES, PARTICLES, factor=0.3, sphere=unsure),
        keep_fractions(VALUES, PARTICLES, factor=0.3, sphere=SPHERE),
    )


def test_the_affinity_places_averages_without_a_direction() -> None:
    direction, uncertainty = AXES.copy(), np.zeros(len(AXES))
    direction[::15], uncertainty[::15] = np.nan, np.nan
    some = dataclasses.replace(SPHERE, direction=direction, uncertainty=uncertainty)
    fractions = keep_fractions(VALUES, PARTICLES, keep=0.25, sphere=some)
    assert np.isfinite(fractions).all()

    def evenness(share: np.ndarray | float) -> float:
        weights = PARTICLES * share
        return sampling_compensation_factor(AXES, weights, n_fourier=1000, half_width=0.2)

    assert evenness(fractions) > evenness(1.0) + 0.7 * (1 - evenness(1.0))


def test_symmetry_mates_are_one_view() -> None:
    turned = AXES.copy()
    turned[::2] *= [-1.0, -1.0, 1.0]  # the turn of C2
    np.testing.assert_allclose(
        *(
            keep_fractions(
                VALUES,
                PARTICLES,
                keep=0.3,
                sphere=dataclasses.replace(SPHERE, direction=axes, symmetry="C2"),
            )
            for axes in (AXES, turned)
        ),
        rtol=1e-9,
    )


def test_the_sphere_of_other_averages_is_refused() -> None:
    fewer = dataclasses.replace(SPHERE, direction=AXES[:7])
    with pytest.raises(RebalanceError, match="must be that of the 120 averages, not of 7: give"):
        keep_fractions(VALUES, PARTICLES, keep=0.3, sphere=fewer)
