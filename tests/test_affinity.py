"""Affinity: judged by the slow twin on the same grid, by scipy for its convention, and by laws."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
import slow_twin
from numpy.typing import NDArray

import rebalance
from rebalance import Affinity, RebalanceError, _core
from rebalance._align import transform_image
from rebalance._images import shift_grid, soft_mask
from rebalance._simulate import SimulationSettings, simulate
from rebalance.config import AffinitySettings

Images = NDArray[np.float32]


@pytest.fixture(params=["baseline", "avx2", "avx512"])
def isa(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every set of kernels in turn."""
    name: str = request.param
    monkeypatch.setenv("REBALANCE_ISA", name)
    try:
        assert _core.instruction_set() == name
    except ValueError:
        pytest.skip(f"this processor does not run {name}")
    return name


@functools.cache
def averages(n: int = 20, box: int = 48, snr: float = np.inf, seed: int = 3) -> Images:
    """Simulated averages that are smooth on the pixel."""
    asked = SimulationSettings(
        averages=n, views=min(n, 5), box=box, pixel_size=192 / box, particles=n, snr=snr, seed=seed
    )
    return simulate(asked).images


ROOMY = {"band": (0.02, 0.2), "max_shift": 8.0, "threads": 1}


@functools.cache
def roomy() -> Affinity:
    """Affinity of the noiseless averages; no pair has its best shift at the edge of the disc."""
    return rebalance.affinity(averages(), **ROOMY)


# Against the slow twin, on the same grid.


@dataclass(frozen=True)
class Case:
    images: Images
    settings: dict[str, Any]
    rings: slow_twin.Complexes
    pairs: slow_twin.Pairs
    complete: AffinitySettings


def judge(images: Images, **settings: Any) -> Case:
    complete = rebalance.affinity(images[:1], refine=False, threads=1, **settings).settings
    assert complete.band
    assert complete.mask_diameter
    assert complete.rings
    assert complete.angles
    assert complete.max_shift is not None
    assert complete.shift_step
    under_mask = slow_twin.masked(images, *soft_mask(images.shape[1], complete.mask_diameter))
    rings = slow_twin.polar_rings(under_mask, complete.band, complete.rings, complete.angles)
    shifts = shift_grid(complete.max_shift, complete.shift_step)
    pairs = slow_twin.search(images, rings, complete.band, shifts, mirror=complete.mirror)
    return Case(images, settings, rings, pairs, complete)


SIMULATED: dict[str, dict[str, Any]] = {
    "even box": {"n": 17, "box": 32},
    "odd box": {"n": 17, "box": 33},
    "noise": {"n": 18, "box": 24, "snr": 0.5},
}
GIVEN: dict[str, dict[str, Any]] = {
    "even box": {"band": (0.03, 0.3)},
    "odd box": {"band": (0.0, 0.5), "angles": 72, "mask_diameter": 25.0, "max_shift": 2.0},
    "noise": {"band": (0.05, 0.45), "rings": 7, "angles": 30, "mirror": False},
}


@functools.cache
def simulated_case(name: str) -> Case:
    return judge(averages(**SIMULATED[name]), **GIVEN[name])


@functools.cache
def real_case(name: str, folder: Path) -> Case:
    if name == "mixture":
        chosen = [0, 3, 7, 12, 20, 31, 44, 52, 68, 77, 85, 99]
        images = mrcfile.read(folder / "classes/slicem_mixture_100x96.mrcs")[chosen]
        return judge(images, band=(0.012, 0.125))
    images = mrcfile.read(folder / "classes/betagal_20x256.mrcs")[:6]
    return judge(images, band=(0.01, 0.15), rings=11, angles=90, max_shift=9.0, shift_step=3.0)


def agrees(case: Case) -> None:
    aff = rebalance.affinity(case.images, refine=False, threads=2, **case.settings)
    assert aff.settings == case.complete
    np.testing.assert_allclose(aff.values, case.pairs.value, atol=1e-5, rtol=0)
    clear = case.pairs.lead > 1e-5
    assert clear.mean() > 0.95
    turn = (aff.angle - case.pairs.angle + 180) % 360 - 180
    np.testing.assert_allclose(turn[clear], 0, atol=1e-3)
    np.testing.assert_allclose(aff.shift[clear], case.pairs.shift[clear], atol=1e-4)
    np.testing.assert_array_equal(aff.mirror[clear], case.pairs.mirror[clear])


@pytest.mark.parametrize("name", list(SIMULATED))
def test_search_agrees_with_the_twin(name: str, isa: str) -> None:
    agrees(simulated_case(name))


@pytest.mark.parametrize("name", ["mixture", "betagal"])
def test_search_agrees_with_the_twin_on_real_averages(name: str, isa: str, test_data: Path) -> None:
    agrees(real_case(name, test_data))


@pytest.mark.parametrize("name", list(SIMULATED))
def test_rings_are_the_direct_sum(name: str, isa: str) -> None:
    case = simulated_case(name)
    s = case.complete
    assert s.band
    assert s.rings
    assert s.angles
    assert s.mask_diameter
    mask, rim = soft_mask(case.images.shape[1], s.mask_diameter)
    rings = _core.PolarRings(
        case.images,
        mask=mask,
        rim=rim,
        low=s.band[0],
        high=s.band[1],
        n_rings=s.rings,
        n_angles=s.angles,
        weight=list(slow_twin.ring_radii(s.band, s.rings)),
        threads=2,
    )
    np.testing.assert_allclose(rings.samples(), slow_twin.hartley(case.rings), atol=1e-6)


def test_unknown_kernels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REBALANCE_ISA", "mmx")
    with pytest.raises(ValueError, match=r"REBALANCE_ISA must name .*, not 'mmx'; unset it"):
        rebalance.affinity(averages())


# Laws.


def test_symmetric_to_the_bit_and_one_on_the_diagonal() -> None:
    aff = rebalance.affinity(averages(37, 32, 1.0))
    np.testing.assert_array_equal(aff.values, aff.values.T)
    np.testing.assert_array_equal(aff.mirror, aff.mirror.T)
    for field, value in ((aff.values, 1), (aff.angle, 0), (aff.shift, 0), (aff.mirror, False)):
        assert (field[np.arange(37), np.arange(37)] == value).all()
    assert aff.values.min() >= 0
    assert aff.values.max() <= 1
    assert aff.angle.min() >= -180
    assert aff.angle.max() < 180
    types = {name: getattr(aff, name).dtype for name in ("values", "angle", "shift", "mirror")}
    assert types == {"values": "f4", "angle": "f4", "shift": "f4", "mirror": "?"}
    assert len(aff) == 37


def points_map(aff: Affinity, i: int, j: int) -> NDArray[np.float64]:
    """The transform of entry [i, j] on points (x, y, 1), as documented."""
    angle = np.radians(float(aff.angle[i, j]))
    c, s = np.cos(angle), np.sin(angle)
    x_sign = -1 if aff.mirror[i, j] else 1
    y, x = aff.shift[i, j].astype(float)
    return np.array([[c * x_sign, -s, x], [s * x_sign, c, y], [0, 0, 1]])


def test_entry_j_i_is_the_inverse_of_entry_i_j() -> None:
    aff = roomy()
    assert aff.mirror.any()
    for i in range(len(aff)):
        for j in range(len(aff)):
            there_and_back = points_map(aff, j, i) @ points_map(aff, i, j)
            np.testing.assert_allclose(there_and_back, np.eye(3), atol=1e-5)


def same_bits(first: Affinity, second: Affinity) -> None:
    for name in ("values", "angle", "shift", "mirror"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_same_bits_for_any_number_of_threads(threads: int) -> None:
    images = averages(50, 32, 1.0)
    one = rebalance.affinity(images, threads=1)
    same_bits(one, rebalance.affinity(images, threads=threads))


@pytest.mark.parametrize("n", [1, 2, 16, 17])
def test_a_pair_does_not_hang_on_the_others(n: int) -> None:
    images = averages(37, 32, 1.0)
    # By default the power of all decides which part of the band is scanned.
    whole = rebalance.affinity(images, band=(0.03, 0.3), exhaustive=True)
    part = rebalance.affinity(images[:n], band=(0.03, 0.3), exhaustive=True)
    assert part.values.shape == (n, n)
    for name in ("values", "angle", "shift", "mirror"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[:n, :n])


@pytest.mark.parametrize("refine", [True, False])
def test_permuted_averages_give_the_permuted_affinity_to_the_bit(refine: bool) -> None:
    order = np.random.default_rng(0).permutation(20)
    straight = rebalance.affinity(averages(), refine=refine, **ROOMY)
    permuted = rebalance.affinity(averages()[order], refine=refine, **ROOMY)
    for name in ("values", "angle", "shift", "mirror"):
        expected = getattr(straight, name)[np.ix_(order, order)]
        np.testing.assert_array_equal(getattr(permuted, name), expected)


def test_refining_never_lowers_and_reaches_the_top_of_a_finer_grid() -> None:
    coarse = rebalance.affinity(averages(), refine=False, **ROOMY).values
    fine = rebalance.affinity(averages(), refine=False, shift_step=0.5, angles=288, **ROOMY).values
    climbed = roomy().values
    assert (climbed >= coarse - 1e-6).all()
    assert (climbed > coarse + 1e-3).mean() > 0.5
    # Where views are unlike, several hills are nearly as high, and the grid may choose another.
    assert (climbed >= fine - 1e-3).mean() >= 0.9
    assert (climbed >= fine - 1e-4)[fine > 0.95].all()


def test_one_px_steps_when_exhaustive() -> None:
    images = averages(12, 48)
    whole = rebalance.affinity(images, band=(0.02, 0.12), exhaustive=True, refine=False)
    short = rebalance.affinity(images, band=(0.02, 0.12), refine=False)
    assert whole.settings.shift_step == 1.0
    assert short.settings.shift_step == 2.0
    assert (whole.values >= short.values).all()
    assert whole.values.sum() > short.values.sum()


@pytest.mark.parametrize("scale", [1e-36, 1e-20, -1.0, 1e20, 1e37])
def test_grey_scale_does_not_matter(scale: float) -> None:
    aff = rebalance.affinity(averages().astype(np.float64) * scale, **ROOMY)
    np.testing.assert_allclose(aff.values, roomy().values, atol=2e-5)


def test_grey_level_does_not_matter() -> None:
    aff = rebalance.affinity(averages() + np.float32(1000), **ROOMY)
    np.testing.assert_allclose(aff.values, roomy().values, atol=1e-3)


def test_other_number_types_are_taken_and_the_input_is_left_alone() -> None:
    whole = np.rint(averages() * 1000).astype(np.int16)
    before = whole.copy()
    aff = rebalance.affinity(whole, **ROOMY)
    np.testing.assert_array_equal(whole, before)
    same_bits(aff, rebalance.affinity(whole.astype(np.float64), **ROOMY))
    same_bits(aff, rebalance.affinity(whole[::-1][::-1], **ROOMY))


def test_noise_is_far_from_everything() -> None:
    images = averages().copy()
    images[3] = np.random.default_rng(0).normal(size=images[3].shape)
    aff = rebalance.affinity(images, **ROOMY)
    assert np.delete(aff.values[3], 3).max() < 0.5


@pytest.mark.parametrize("level", [0.0, 7.5])
def test_blank_averages_are_like_nothing_but_themselves(level: float) -> None:
    images = averages().copy()
    images[[4, 18]] = level
    aff = rebalance.affinity(images, **ROOMY)
    for blank in (4, 18):
        assert (np.delete(aff.values[blank], blank) == 0).all()
        assert aff.values[blank, blank] == 1
    for field in (aff.values, aff.angle, aff.shift):
        assert np.isfinite(field).all()
    others = np.delete(np.arange(20), [4, 18])
    grid = np.ix_(others, others)
    np.testing.assert_array_equal(aff.values[grid], roomy().values[grid])


# The convention of the transforms.


@pytest.mark.parametrize("box", [48, 49])
@pytest.mark.parametrize(
    ("angle", "shift", "mirror"),
    [
        (37.0, (1.3, -2.2), False),
        (-120.5, (-2.1, 0.4), True),
        (180.0, (0.0, 2.5), True),
        (0.0, (3.6, 0.0), False),
    ],
)
def test_moving_an_average_is_found_and_costs_nothing(
    box: int, angle: float, shift: tuple[float, float], mirror: bool
) -> None:
    images = averages(6, box)
    moved = np.array([transform_image(image, angle, np.array(shift), mirror) for image in images])
    aff = rebalance.affinity(np.concatenate([moved, images]), max_shift=5.0, threads=1)
    on = np.arange(6), np.arange(6, 12)
    assert aff.values[on].min() >= 0.99
    np.testing.assert_allclose((aff.angle[on] - angle + 180) % 360 - 180, 0, atol=0.3)
    np.testing.assert_allclose(aff.shift[on], np.tile(shift, (6, 1)), atol=0.1)
    assert (aff.mirror[on] == mirror).all()


def test_mirror_images_are_unlike_without_mirror() -> None:
    images = averages(6)
    pair = np.stack([images[0], transform_image(images[0], 0.0, np.zeros(2), True)])
    assert rebalance.affinity(pair).values[0, 1] > 0.99
    without = rebalance.affinity(pair, mirror=False)
    assert without.values[0, 1] < 0.95
    assert not without.mirror.any()


def band_passed(image: NDArray[np.floating], band: tuple[float, float]) -> NDArray[np.float64]:
    """Image in a wide border of zeros, by a sharp Fourier filter."""
    wide = np.pad(image.astype(np.float64), 48)
    frequency = np.fft.fftfreq(len(wide))
    radius = np.hypot(frequency[:, None], frequency)
    inside = (radius >= band[0]) & (radius <= band[1])
    return np.fft.ifft2(np.fft.fft2(wide) * inside).real


def test_the_transform_laid_on_in_real_space_gives_the_affinity() -> None:
    aff = roomy()
    assert aff.settings.band
    assert aff.settings.mask_diameter
    images = slow_twin.masked(averages(), *soft_mask(48, aff.settings.mask_diameter))
    fixed = [band_passed(image, aff.settings.band) for image in images]
    for i, j in np.argwhere(~np.eye(len(aff), dtype=bool)):
        laid = transform_image(images[j], aff.angle[i, j], aff.shift[i, j], aff.mirror[i, j])
        other = band_passed(laid, aff.settings.band)
        correlation = (fixed[i] * other).sum() / np.sqrt((fixed[i] ** 2).sum() * (other**2).sum())
        # Interpolation loses a little; the rings are an integral, the box a sum.
        assert correlation == pytest.approx(aff.values[i, j], abs=0.015)


@pytest.mark.parametrize("max_shift", [0.0, 2.0])
def test_no_shift_beyond_the_maximum(max_shift: float) -> None:
    aff = rebalance.affinity(averages(), band=(0.02, 0.2), max_shift=max_shift)
    assert np.hypot(*np.moveaxis(aff.shift, 2, 0)).max() <= max_shift + 1e-5


# Settings, progress, refusals.


def test_settings_come_back_complete() -> None:
    settings = rebalance.affinity(averages()).settings
    assert None not in dataclasses.asdict(settings).values()
    again = rebalance.affinity(averages(), **dataclasses.asdict(settings))
    assert again.settings == settings
    same_bits(again, rebalance.affinity(averages()))


def test_given_settings_are_kept() -> None:
    weights = (0.5, 1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 0.5, 0.0)
    given = AffinitySettings((0.05, 0.25), 30.0, 3.0, 1.5, False, 9, 60, False, True, weights)
    aff = rebalance.affinity(averages(), **dataclasses.asdict(given))
    assert aff.settings == given


def test_limits_of_the_band_change_the_affinity() -> None:
    low = rebalance.affinity(averages(), band=(0.02, 0.06)).values
    high = rebalance.affinity(averages(), band=(0.1, 0.3)).values
    assert low.mean() > high.mean() + 0.1


def test_progress_ends_at_the_total() -> None:
    calls: list[tuple[int, int]] = []
    rebalance.affinity(averages(), progress=lambda done, total: calls.append((done, total)))
    assert calls
    assert calls[-1][0] == calls[-1][1] > 0
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


def test_progress_that_raises_stops_the_run() -> None:
    calls: list[int] = []

    def give_up(done: int, total: int) -> None:
        calls.append(done)
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        rebalance.affinity(averages(300, 32), max_shift=16, shift_step=0.5, progress=give_up)
    assert len(calls) == 1


def with_pixel(value: float) -> NDArray[np.float64]:
    images = averages().astype(np.float64)
    images[3, 5, 5] = value
    return images


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (np.zeros((8, 8)), r"images must have shape \(N, L, L\), not \(8, 8\): give a stack"),
        (np.zeros((2, 8, 9)), r"images must have shape \(N, L, L\), not \(2, 8, 9\)"),
        (np.zeros((0, 8, 8)), r"images must have shape \(N, L, L\), not \(0, 8, 8\)"),
        (np.zeros((2, 8, 8), complex), "images must be real numbers, not dtype complex128: "),
        (np.zeros((2, 8, 8), object), "images must be real numbers, not dtype object: "),
        (np.zeros((2, 7, 7)), "images must be at least 8 px wide, not 7"),
        (with_pixel(np.nan), "images must be finite, but image 3 has NaN or infinite pixels: "),
        (with_pixel(-np.inf), "images must be finite, but image 3 has NaN or infinite pixels: "),
        (with_pixel(1e300), "images must be finite, but image 3 has NaN or infinite pixels: "),
        ([[1, 2], [3]], "images must be one array, not nested lists of different lengths"),
    ],
)
def test_images_that_cannot_be_compared_are_refused(images: object, sentence: str) -> None:
    with pytest.raises(RebalanceError, match=sentence):
        rebalance.affinity(images)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"pixel_size": 0}, "pixel size must be a number of A above 0, not 0"),
        (
            {"band": (0.3, 0.1)},
            r"band must be \(low, high\) with 0 <= low < high <= 0\.5 .*\(0\.3,",
        ),
        ({"band": (0.1, 0.6)}, r"band must be \(low, high\) with .* not \(0\.1, 0\.6\)"),
        ({"band": (0.1, np.nan)}, r"band must be \(low, high\) with .* not \(0\.1, nan\)"),
        ({"band": 0.3}, r"band must be \(low, high\) with .* not 0\.3"),
        ({"band": ("a", "b")}, r"band must be \(low, high\) with .* not \('a', 'b'\)"),
        ({"mask_diameter": 49}, r"mask diameter must be from 4 px to .*\(48 px\), not 49 px"),
        ({"mask_diameter": 1}, r"mask diameter must be from 4 px to .*\(48 px\), not 1 px"),
        ({"mask_diameter": "x"}, "mask diameter must be a number of px above 0, not 'x'"),
        ({"max_shift": -1}, r"maximum shift must be .* from 0 to half the box \(24\), not -1"),
        ({"max_shift": 25}, r"maximum shift must be .* from 0 to half the box \(24\), not 25"),
        ({"max_shift": True}, "maximum shift must be a number of px .* not True"),
        ({"shift_step": 0}, "shift step must be a number of px above 0, not 0"),
        ({"shift_step": np.inf}, "shift step must be a number of px above 0, not inf"),
        ({"shift_step": 1e-4}, r"the grid .* fewer than 1,073,741,824 points, not about .*: give"),
        ({"rings": 0}, "rings must be a whole number from 1 to 4096, not 0"),
        ({"rings": 2.5}, r"rings must be a whole number from 1 to 4096, not 2\.5"),
        ({"angles": 6}, "angles must be a whole number from 8 to 65536, not 6"),
        ({"angles": 45}, "angles must be even and a product of 2, 3 and 5 only, not 45: 48 is"),
        ({"angles": 14}, "angles must be even and a product of 2, 3 and 5 only, not 14: 16 is"),
        ({"threads": 0}, "threads must be a whole number from 1 to 1024, not 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RebalanceError, match=sentence):
        rebalance.affinity(averages(), **settings)
