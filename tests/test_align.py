"""The convention of the transforms: mirror, then turn counter-clockwise, then shift."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from rebalance._affinity import Affinity
from rebalance._align import align, superclass_references, transform_image
from rebalance.config import AffinitySettings
from rebalance.errors import RebalanceError

NO_SHIFT = np.zeros(2)


def blobs(size: int, points: list[tuple[float, float]], width: float = 2.0) -> NDArray[np.float64]:
    """Gaussians of falling height at (y, x) offsets from pixel size//2."""
    y, x = np.mgrid[:size, :size] - size // 2
    heights = 1.0 / (1.0 + np.arange(len(points)))
    return sum(
        h * np.exp(-((y - py) ** 2 + (x - px) ** 2) / (2 * width**2))
        for h, (py, px) in zip(heights, points, strict=True)
    )


def moved(
    point: tuple[float, float], angle_deg: float, shift: NDArray[np.floating], mirror: bool
) -> tuple[float, float]:
    """Where the convention sends a point, in complex numbers x + iy."""
    y, x = point
    z = complex(-x if mirror else x, y) * np.exp(1j * np.deg2rad(angle_deg))
    z += complex(shift[1], shift[0])
    return z.imag, z.real


def hand_made(n: int = 2) -> Affinity:
    return Affinity(
        values=np.eye(n, dtype=np.float32),
        angle=np.zeros((n, n), np.float32),
        shift=np.zeros((n, n, 2), np.float32),
        mirror=np.zeros((n, n), bool),
        settings=AffinitySettings(),
    )


@pytest.mark.parametrize("size", [16, 17])
def test_one_pixel_goes_from_plus_x_to_plus_y(size: int) -> None:
    center = size // 2
    image = np.zeros((size, size), np.float32)
    image[center, center + 3] = 1
    turned = transform_image(image, 90.0, NO_SHIFT, False)
    assert np.unravel_index(turned.argmax(), turned.shape) == (center + 3, center)
    assert turned.max() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("size", [16, 17])
def test_order_is_mirror_then_turn_then_shift(size: int) -> None:
    center = size // 2
    image = np.zeros((size, size), np.float32)
    image[center + 1, center + 4] = 1
    # (y, x) = (1, 4) -> mirrored (1, -4) -> turned by 90 degrees (-4, -1) -> shifted (-2, -2)
    result = transform_image(image, 90.0, np.array([2.0, -1.0]), True)
    assert np.unravel_index(result.argmax(), result.shape) == (center - 2, center - 2)


@settings(max_examples=50, deadline=None)
@given(
    size=st.sampled_from([48, 49]),
    angle=st.floats(-180, 180),
    shift=st.tuples(st.floats(-4, 4), st.floats(-4, 4)),
    mirror=st.booleans(),
)
def test_blobs_go_where_the_convention_says(
    size: int, angle: float, shift: tuple[float, float], mirror: bool
) -> None:
    points = [(0.0, 9.0), (5.0, -3.0), (-8.0, 2.0)]
    s = np.array(shift)
    expected = blobs(size, [moved(p, angle, s, mirror) for p in points])
    result = transform_image(blobs(size, points), angle, s, mirror)
    # A cubic spline is off by well under 1e-3 on blobs of 2 px.
    np.testing.assert_allclose(result, expected, atol=2e-3)


@pytest.mark.parametrize("mirror", [False, True])
def test_same_as_scipy_step_by_step(mirror: bool) -> None:
    image = blobs(49, [(0.0, 9.0), (5.0, -3.0), (-8.0, 2.0)])
    step = image[:, ::-1] if mirror else image
    # scipy turns clockwise where axis 0 points upward, and about the middle of the array, which
    # is pixel L//2 for odd L.
    step = ndimage.rotate(step, -35.0, reshape=False)
    step = ndimage.shift(step, (2.5, -1.25))
    result = transform_image(image, 35.0, np.array([2.5, -1.25]), mirror)
    np.testing.assert_allclose(result, step, atol=2e-3)


def test_no_transform_changes_nothing() -> None:
    image = np.random.default_rng(0).normal(size=(16, 16)).astype(np.float32)
    np.testing.assert_allclose(transform_image(image, 0.0, NO_SHIFT, False), image, atol=1e-5)


def test_edge_pixels_survive_a_quarter_turn() -> None:
    image = np.random.default_rng(0).normal(size=(17, 17)).astype(np.float32)
    turned = transform_image(image, 90.0, NO_SHIFT, False)
    np.testing.assert_allclose(turned, np.rot90(image, -1), atol=1e-5)


def test_outside_takes_the_mean_of_the_rim() -> None:
    image = blobs(32, [(0.0, 0.0)]) + 7.0
    result = transform_image(image, 0.0, np.array([0.0, 10.0]), False)
    np.testing.assert_allclose(result[:, :8], 7.0, atol=1e-4)


@pytest.mark.parametrize("mirror", [False, True])
def test_align_follows_the_entry_and_the_inverse_takes_it_back(mirror: bool) -> None:
    points = [(0.0, 9.0), (5.0, -3.0), (-8.0, 2.0)]
    angle, shift = 35.0, np.array([2.0, -3.0])
    aff = hand_made()
    aff.angle[0, 1], aff.shift[0, 1] = angle, shift
    aff.mirror[0, 1] = aff.mirror[1, 0] = mirror
    # p' = R M p + s, so p = M R' p' - M R' s, and M R(-a) = R(a) M.
    aff.angle[1, 0] = angle if mirror else -angle
    aff.shift[1, 0] = [-v for v in moved(tuple(shift), aff.angle[1, 0], NO_SHIFT, mirror)]
    second = blobs(48, points)
    first = blobs(48, [moved(p, angle, shift, mirror) for p in points])
    images = np.stack([first, second])

    on_first = align(images, aff, reference=0)
    on_second = align(images, aff, reference=1)

    assert on_first.dtype == np.float32
    np.testing.assert_allclose(on_first, [first, first], atol=2e-3)
    np.testing.assert_allclose(on_second, [second, second], atol=2e-3)
    swapped = align(images, aff, reference=np.array([1, 0]))
    np.testing.assert_allclose(swapped, [second, first], atol=2e-3)


def test_align_takes_the_most_central_average_when_none_is_named() -> None:
    aff = hand_made(n=3)
    aff.values[1] = aff.values[:, 1] = [0.9, 1.0, 0.9]
    aff.shift[1, 0] = [3, 0]
    image = blobs(32, [(0.0, 0.0)])
    np.testing.assert_allclose(
        align(np.stack([image] * 3), aff)[0], blobs(32, [(3.0, 0.0)]), atol=2e-3
    )


def test_references_are_medoids_and_the_average_itself_without_superclass() -> None:
    aff = hand_made(n=5)
    aff.values[:] = [
        [1.0, 0.8, 0.3, 0.9, 0.9],
        [0.8, 1.0, 0.8, 0.9, 0.9],
        [0.3, 0.8, 1.0, 0.9, 0.9],
        [0.9, 0.9, 0.9, 1.0, 0.9],
        [0.9, 0.9, 0.9, 0.9, 1.0],
    ]
    labels = np.array([0, 0, 0, -1, 1])
    np.testing.assert_array_equal(superclass_references(aff, labels), [1, 1, 1, 3, 4])


def test_images_of_other_averages_are_refused() -> None:
    with pytest.raises(RebalanceError, match=r"shape \(2, L, L\).*not \(3, 8, 8\)"):
        align(np.zeros((3, 8, 8)), hand_made())


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        (2, "between 0 and 1, not 2"),
        (np.array([0, -1]), "between 0 and 1, not -1"),
        (np.array([0, 1, 0]), r"one index or 2 indices, not .* shape \(3,\)"),
        (np.array([0.0, 1.0]), "not an array of type float64"),
    ],
)
def test_references_beyond_the_averages_are_refused(reference: object, sentence: str) -> None:
    with pytest.raises(RebalanceError, match=sentence):
        align(np.zeros((2, 8, 8)), hand_made(), reference=reference)
