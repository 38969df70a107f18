"""What is compared, as it is chosen from the averages."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

import rebalance
from rebalance._defaults import complete
from rebalance._images import ring_radii, roomy_diameter, shift_grid
from rebalance._signal import Signal, find_signal
from rebalance._simulate import SimulationSettings, simulate
from rebalance.config import AffinitySettings
from rebalance.errors import RebalanceError
from rebalance.metrics import roc_area

Images = NDArray[np.float32]
# Real stacks without blank averages. The second fills its box, so the mask cuts a moved copy.
LIKE_THEIR_COPIES = {"betagal_20x256": 0.999, "slicem_mixture_100x96": 0.995}


def averages(n: int = 24, box: int = 64, snr: float = 4.0, **more: object) -> Images:
    asked = SimulationSettings(
        averages=n, views=min(n, 6), box=box, pixel_size=192 / box, particles=n, snr=snr
    )
    return simulate(dataclasses.replace(asked, **more)).images


def disc(box: int, radius: float) -> Images:
    y, x = np.indices((box, box)) - box // 2
    noise = np.random.default_rng(0).normal(size=(3, box, box))
    return ((np.hypot(y, x) < radius) * (1 + noise) + 0.05 * noise).astype(np.float32)


def test_mask_leaves_room_for_the_shifts() -> None:
    without, with_room = (roomy_diameter(disc(100, 20), shift) for shift in (0.0, 5.0))
    assert 40 <= 0.86 * without <= 44
    assert with_room == pytest.approx(without + 10 / 0.86)


def test_mask_never_reaches_the_border_of_the_box() -> None:
    assert roomy_diameter(disc(100, 49), 9.0) == 92
    assert roomy_diameter(np.zeros((3, 100, 100), np.float32), 9.0) == 92


@pytest.mark.parametrize("scale", [1e-36, -1.0, 1e37])
def test_grey_scale_does_not_change_what_is_chosen(scale: float) -> None:
    images = averages()
    chosen = complete(AffinitySettings(), images)
    scaled = complete(AffinitySettings(), (images * np.float64(scale)).astype(np.float32))
    assert scaled.mask_diameter == chosen.mask_diameter
    assert scaled.band == chosen.band
    np.testing.assert_allclose(scaled.weights, chosen.weights, atol=2e-3)


def test_the_order_of_the_averages_does_not_matter() -> None:
    images = averages(90, 48)
    order = np.random.default_rng(1).permutation(90)
    chosen, other = (complete(AffinitySettings(), stack) for stack in (images, images[order]))
    assert other.band == chosen.band
    np.testing.assert_allclose(other.weights, chosen.weights, atol=1e-4)


@pytest.mark.parametrize(("fine", "coarse"), [((8.0, 9.0), (20.0, 24.0))])
def test_band_follows_the_resolution(
    fine: tuple[float, float], coarse: tuple[float, float]
) -> None:
    bands = [complete(AffinitySettings(), averages(resolution=r)).band for r in (fine, coarse)]
    assert bands[0] is not None
    assert bands[1] is not None
    assert bands[0][1] > bands[1][1] + 0.05


def test_noise_alone_has_little_in_common() -> None:
    noise = np.random.default_rng(0).normal(size=(30, 48, 48)).astype(np.float32)
    signal = find_signal(noise, 44.0, 4.0, (1 / 44, 1 / 3), 1)
    assert signal is not None
    assert signal.correlation[9:].max() < 0.2  # below, the alignment lays noise on noise
    same = np.repeat(averages(5, 48, np.inf), 2, axis=0)
    signal = find_signal(same, 44.0, 4.0, (1 / 44, 1 / 3), 1)
    assert signal is not None
    assert signal.correlation.min() > 0.999


def test_signal_is_measured_after_mirror_turn_and_shift() -> None:
    images = averages(6, 64, np.inf)
    turned = np.rot90(images, 1, axes=(1, 2))[:, :, ::-1]
    shifted = np.roll(turned, (2, -1), axis=(1, 2))
    signal = find_signal(np.concatenate([images, shifted]), 56.0, 6.0, (1 / 56, 0.2), 1)
    assert signal is not None
    assert signal.correlation.min() > 0.98


def test_weights_of_a_known_curve() -> None:
    radius, correlation = np.array([0.1, 0.2, 0.3]), np.array([1.0, 0.25, 0.0])
    signal = Signal(radius, correlation, np.array([1.0, 1.0 / 16, 1.0 / 16]))
    assert signal.weights(radius) == pytest.approx((1.0, 0.5, 0.0))
    assert signal.limit() == 0.2


def test_nothing_in_common_weighs_every_sample_alike() -> None:
    chosen = complete(AffinitySettings(), averages(1))
    assert chosen.band
    assert chosen.rings
    radius = ring_radii(chosen.band, chosen.rings)
    np.testing.assert_allclose(chosen.weights, radius / radius.max())


def test_in_a_band_that_is_given_every_sample_counts_alike() -> None:
    chosen = complete(AffinitySettings(band=(0.05, 0.25), rings=4), averages())
    np.testing.assert_allclose(chosen.weights, np.array([3, 5, 7, 9]) / 9)


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ((1.0, 2.0), r"weights must be one number for each of 8 rings, not an array of .* \(2,\)"),
        ((1.0,) * 7 + (-1.0,), "weights must be finite, 0 or more and not all 0, but span -1 to 1"),
        ((0.0,) * 8, "weights must be finite, 0 or more and not all 0, but span 0 to 0"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(weights: tuple[float, ...], sentence: str) -> None:
    with pytest.raises(RebalanceError, match=sentence):
        rebalance.affinity(averages(3), rings=8, weights=weights)


@pytest.mark.parametrize("box", [8, 9, 32, 33, 255, 512])
def test_boxes_odd_and_even(box: int) -> None:
    small = averages(6, min(box, 64) + box % 2, np.inf) if box >= 32 else averages(6, 32, np.inf)
    zoom = box / small.shape[1]
    images = np.array([ndimage.zoom(image, zoom, order=1) for image in small])
    assert images.shape[1] == box
    moved = np.rot90(images, 2, axes=(1, 2)) if box % 2 else images[:, :, ::-1]
    aff = rebalance.affinity(np.concatenate([images, moved]))
    assert None not in dataclasses.asdict(aff.settings).values()
    assert aff.values[np.arange(6), np.arange(6, 12)].min() > (0.99 if box >= 32 else 0.9)


def test_defaults_tell_views_apart() -> None:
    simulation = simulate(SimulationSettings(snr=2.0))
    values = rebalance.affinity(simulation.images).values
    pairs = np.triu_indices(len(values), 1)
    same = simulation.label[:, None] == simulation.label
    assert roc_area(values[pairs], same[pairs]) >= 0.97


# Moved copies.


def fine(image: NDArray[np.floating]) -> NDArray[np.float64]:
    """Image in a wider box, sampled four times as finely by Fourier interpolation."""
    padded = np.pad(image.astype(np.float64), len(image) // 4)
    wide = np.zeros((4 * len(padded),) * 2, complex)
    first = len(wide) // 2 - len(padded) // 2
    inner = slice(first, first + len(padded))
    wide[inner, inner] = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(padded)))
    image_fine = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(wide)).real)
    return 16 * image_fine


def moved_copy(image: Images, angle: float, shift: NDArray[np.floating], mirror: bool) -> Images:
    """Mirrored, turned and shifted without the losses of interpolation on the pixel grid."""
    box = len(image)
    y, x = np.indices((box, box)) - box // 2
    level = float(image[np.hypot(y, x) > 0.47 * box].mean())
    turn = np.exp(-1j * np.radians(angle))
    source = (x - shift[1] + 1j * (y - shift[0])) * turn
    column = -source.real if mirror else source.real
    source_fine = fine(image - level)
    at = 4 * np.stack([source.imag, column]) + len(source_fine) // 2
    copied = ndimage.map_coordinates(source_fine, at, order=5, mode="grid-constant")
    return (copied + level).astype(np.float32)


def low_passed(image: Images) -> Images:
    """Without the corners of the Fourier transform, which no turned copy can hold."""
    frequency = np.fft.fftfreq(len(image))
    radius = np.hypot(frequency[:, None], frequency)
    gain = np.clip((0.38 - radius) / 0.1 + 0.5, 0, 1)
    passed: Images = np.fft.ifft2(np.fft.fft2(image) * gain).real.astype(np.float32)
    return passed


def copies(images: Images, longest: float) -> Images:
    rng = np.random.default_rng(5)
    moved = []
    for image in images:
        turn = rng.uniform(0, 2 * np.pi)
        shift = longest * np.sqrt(rng.random()) * np.array([np.sin(turn), np.cos(turn)])
        moved.append(moved_copy(image, rng.uniform(-180, 180), shift, bool(rng.random() < 0.5)))
    return np.array(moved)


def original_and_copy(images: Images, longest: float) -> tuple[NDArray[np.float32], float]:
    """Affinity of each average and its copy, and the share of copies nearest to theirs."""
    originals = np.array([low_passed(image) for image in images])
    n = len(originals)
    values = rebalance.affinity(np.concatenate([originals, copies(originals, longest)])).values
    np.fill_diagonal(values, -1)
    found = float(np.mean(values[n:].argmax(axis=1) == np.arange(n)))
    return values[np.arange(n), np.arange(n, 2 * n)], found


def test_a_copy_is_its_original_whatever_the_shift_within_range() -> None:
    values, found = original_and_copy(averages(10, 64, np.inf), 0.09 * 64)
    assert found == 1
    assert values.min() >= 0.998


@pytest.mark.parametrize("name", LIKE_THEIR_COPIES)
def test_real_averages_find_their_copies(test_data: Path, name: str) -> None:
    images = mrcfile.read(test_data / f"classes/{name}.mrcs")[::3][:20].astype(np.float32)
    values, found = original_and_copy(images, 3.0)
    assert found == 1
    assert np.median(values) >= LIKE_THEIR_COPIES[name]


def test_grid_of_shifts_fills_the_disc() -> None:
    grid = shift_grid(4.0, 2.0)
    assert len(grid) == 13
    assert np.hypot(*grid.T).max() <= 4
