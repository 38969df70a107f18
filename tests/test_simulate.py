"""The simulator: its truth is true, and its files are those of a RELION job."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import starfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import affine_transform, rotate

from rebalance import Simulation, SimulationSettings, simulate
from rebalance._directions import draw_directions, frames_of, spread_directions
from rebalance._phantom import Pose, draw_phantom, project
from rebalance.cli import simulate as command
from rebalance.errors import RebalanceError
from rebalance.io.simulated import write_relion_job

MIXED = SimulationSettings(averages=40, views=6, particles=900, junk=0.2, empty=3, seed=4)
CLEAN = SimulationSettings(
    averages=12, views=2, particles=100, snr=np.inf, jitter_deg=0, resolution=(12, 12)
)


@pytest.fixture(scope="module")
def mixed() -> Simulation:
    return simulate(MIXED)


@pytest.fixture(scope="module")
def clean() -> Simulation:
    return simulate(CLEAN)


@pytest.fixture
def project_dir(mixed: Simulation, tmp_path: Path) -> Path:
    write_relion_job(mixed, tmp_path / "project")
    return tmp_path / "project"


# The convention of the transforms, written down once more, against scipy.


def lay(angle_deg: float, shift: np.ndarray, mirror: bool) -> tuple[np.ndarray, np.ndarray]:
    """The transform of points (y, x) about the centre: point -> matrix @ point + shift."""
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    turn = np.array([[c, s], [-s, c]])  # counter-clockwise, axis 0 upward, in (y, x)
    return turn @ np.diag([1.0, -1.0 if mirror else 1.0]), shift


def move(image: np.ndarray, matrix: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Move an image; scipy wants the way back, from a place in the result to one in the input."""
    centre = np.array(image.shape) // 2
    back = np.linalg.inv(matrix)
    return affine_transform(image, back, centre - back @ (centre + shift), order=3)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def projections(box: int, angle_deg: float, shift: tuple[float, float], mirror: bool) -> np.ndarray:
    """One particle seen twice from one direction: as it is, and transformed."""
    rng = np.random.default_rng(5)
    phantom = draw_phantom(rng)
    frame = np.repeat(frames_of(draw_directions(rng, 1)), 2, axis=0)
    pose = Pose(
        frame,
        angle_deg=np.array([0.0, angle_deg]),
        shift=np.array([[0.0, 0.0], shift]),
        mirror=np.array([False, mirror]),
    )
    return project(phantom, pose, box, np.full(2, 4.0))


@pytest.mark.parametrize("box", [48, 49])
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("angle_deg", [0.0, 37.0, -120.0])
def test_transform_is_mirror_then_turn_then_shift(box: int, mirror: bool, angle_deg: float) -> None:
    shift = (2.3, -1.6)
    plain, seen = projections(box, angle_deg, shift, mirror)
    moved = move(plain, *lay(angle_deg, np.array(shift), mirror))
    # cubic interpolation of an image smoothed to 4 px is right to better than 1 %
    np.testing.assert_allclose(moved, seen, atol=0.01 * np.ptp(seen))


def test_quarter_turn_is_counter_clockwise_with_axis_0_upward() -> None:
    plain, seen = projections(49, 90.0, (0, 0), False)
    np.testing.assert_allclose(seen, np.rot90(plain, -1), atol=1e-12)  # rot90: axis 0 downward


def test_angle_is_opposite_to_that_of_scipy_rotate() -> None:
    plain, seen = projections(49, 30.0, (0, 0), False)  # odd box: scipy turns about L//2 too
    assert correlation(rotate(plain, -30.0, reshape=False), seen) > 0.999
    assert correlation(rotate(plain, 30.0, reshape=False), seen) < 0.9


def test_mirror_keeps_column_at_half_box() -> None:
    plain, seen = projections(48, 0.0, (0, 0), True)
    np.testing.assert_allclose(seen[:, 1:], plain[:, :0:-1], atol=1e-12)


def test_shift_is_y_then_x() -> None:
    plain, seen = projections(48, 0.0, (3, -2), False)
    np.testing.assert_allclose(seen[3:, :-2], plain[:-3, 2:], atol=1e-12)


# The truth of a simulation.


def test_averages_of_one_view_coincide_by_their_transforms(clean: Simulation) -> None:
    for i in range(len(clean.images)):
        for j in np.flatnonzero(clean.label == clean.label[i]):
            to_i, shift_i = lay(clean.angle_deg[i], clean.shift[i], clean.mirror[i])
            to_j, shift_j = lay(clean.angle_deg[j], clean.shift[j], clean.mirror[j])
            j_to_i = to_i @ np.linalg.inv(to_j)
            laid = move(clean.images[j], j_to_i, shift_i - j_to_i @ shift_j)
            assert correlation(laid, clean.images[i]) > 0.99


def test_views_differ(clean: Simulation) -> None:
    first = [np.flatnonzero(clean.label == view)[0] for view in range(2)]
    a, b = (np.abs(np.fft.fft2(clean.images[i])) for i in first)
    assert correlation(a, b) < 0.95


def test_mirrored_average_is_seen_from_the_other_side(clean: Simulation) -> None:
    side = np.where(clean.mirror, -1, 1)[:, None]
    for view in range(2):
        seen = (side * clean.direction)[clean.label == view]
        np.testing.assert_allclose(seen, np.tile(seen[0], (len(seen), 1)), atol=1e-12)
    assert clean.mirror.sum() == len(clean.mirror) // 2


def test_directions_stay_near_their_view() -> None:
    simulation = simulate(SimulationSettings(averages=400, views=8))
    for view in range(8):
        member = simulation.direction[simulation.label == view]
        axis = np.linalg.eigh(member.T @ member)[1][:, -1]
        angle = np.degrees(np.arccos(np.minimum(1, np.abs(member @ axis))))
        assert angle.max() < 5 * simulation.settings.jitter_deg
        if len(member) > 50:  # two axes of sd 4 degrees: root mean square 5.7
            assert np.sqrt(np.mean(angle**2)) == pytest.approx(4 * np.sqrt(2), rel=0.25)


@pytest.mark.parametrize(("n", "least_deg"), [(2, 80), (10, 30), (24, 20)])
def test_views_lie_far_apart(n: int, least_deg: float) -> None:
    axes = spread_directions(np.random.default_rng(0), n)
    cosine = np.abs(axes @ axes.T)[np.triu_indices(n, 1)]
    assert np.degrees(np.arccos(cosine.max())) > least_deg


def test_shift_is_clipped_to_three_sd() -> None:
    simulation = simulate(SimulationSettings(averages=1000, box=16))
    assert np.abs(simulation.shift).max() == pytest.approx(4.5)
    assert simulation.shift.std() == pytest.approx(1.5, rel=0.05)


def test_no_views_is_continuous_and_biased() -> None:
    simulation = simulate(SimulationSettings(averages=500, views=0, box=16))
    assert set(simulation.label) == {-1}
    spread = np.linalg.eigvalsh(simulation.direction.T @ simulation.direction / 500)
    assert spread[-1] > 0.5  # a third for a uniform distribution
    assert spread[0] > 0.1  # and yet all round


def test_signal_to_noise_is_as_asked() -> None:
    clean, noisy = (
        simulate(SimulationSettings(snr=snr)).images[:, 20:44, 20:44] for snr in (np.inf, 2.0)
    )
    assert (noisy - clean).var() == pytest.approx(0.5, rel=0.05)


def test_outside_of_the_mask_is_zero(mixed: Simulation) -> None:
    y, x = np.mgrid[:64, :64] - 32
    assert not mixed.images[:, np.hypot(y, x) > 0.45 * 64].any()


def test_junk_and_empty_averages(mixed: Simulation) -> None:
    blank = ~mixed.images.any(axis=(1, 2))
    assert blank.sum() == 3
    np.testing.assert_array_equal(mixed.particles == 0, blank)
    np.testing.assert_array_equal(np.isinf(mixed.resolution), blank)
    assert mixed.junk.sum() == 8
    no_view = blank | mixed.junk
    np.testing.assert_array_equal(mixed.label == -1, no_view)
    np.testing.assert_array_equal(np.isnan(mixed.direction).all(axis=1), no_view)
    assert set(mixed.label[~no_view]) == set(range(6))


def test_same_seed_gives_the_same(mixed: Simulation) -> None:
    again = simulate(MIXED)
    for field in dataclasses.fields(Simulation):
        np.testing.assert_array_equal(getattr(mixed, field.name), getattr(again, field.name))


def test_draws_are_those_of_every_platform() -> None:
    simulation = simulate(SimulationSettings(averages=8, views=3, box=16, particles=100))
    assert simulation.label.tolist() == [1, 0, 2, 0, 2, 2, 2, 2]
    assert simulation.particles.tolist() == [30, 1, 30, 5, 15, 16, 2, 1]
    assert simulation.angle_deg[0] == pytest.approx(125.9245127564, abs=1e-9)


def test_another_seed_gives_another_particle() -> None:
    first, other = (simulate(dataclasses.replace(CLEAN, seed=seed)).images for seed in (0, 1))
    assert np.abs(first - other).max() > 0.5


@settings(max_examples=30, deadline=None)
@given(
    views=st.integers(1, 5), more=st.integers(0, 9), spare=st.integers(0, 500), seed=st.integers(0)
)
def test_counts_add_up(views: int, more: int, spare: int, seed: int) -> None:
    n = views + more
    asked = SimulationSettings(averages=n, views=views, particles=n + spare, box=16, seed=seed)
    simulation = simulate(asked)
    assert set(simulation.label) == set(range(views))
    assert simulation.particles.min() >= 1
    assert simulation.particles.sum() == n + spare
    counted = np.bincount(simulation.particle_average, minlength=n)
    np.testing.assert_array_equal(counted, simulation.particles)


def test_views_and_counts_are_unequal() -> None:
    simulation = simulate()
    averages = np.bincount(simulation.label)
    assert averages.max() >= 5 * averages.min()
    assert simulation.particles.max() >= 20 * simulation.particles.min()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"averages": 0}, "averages must be at least 1, not 0: "),
        ({"views": -1}, r"views must be 0 \(continuous\) or more, not -1: "),
        ({"box": 8}, "box must be at least 16 px, not 8: "),
        ({"pixel_size": 0.0}, r"pixel_size must be above 0 A, not 0\.0: "),
        ({"junk": 1.5}, r"junk must be between 0 and 1, not 1\.5: "),
        ({"junk": float("nan")}, "junk must be between 0 and 1, not nan: "),
        ({"empty": -2}, "empty must be 0 or more, not -2: "),
        ({"snr": 0.0}, r"snr must be above 0, not 0\.0: "),
        ({"jitter_deg": -1.0}, r"jitter_deg must be 0 degrees or more, not -1\.0: "),
        ({"shift_sd": -1.0}, r"shift_sd must be 0 px or more, not -1\.0: "),
        ({"resolution": (9.0, 8.0)}, r"resolution must be above 0 A, the best first, not \(9"),
        ({"seed": -1}, "seed must be 0 or more, not -1: "),
        (
            {"views": 50, "junk": 0.2, "empty": 3},
            "averages must be at least 65 to hold 50 views, 12 junk and 3 empty averages, not 60: ",
        ),
        ({"junk": 1.0}, "averages must be at least 70 to hold 10 views, 60 junk and 0 empty "),
        ({"particles": 59}, "particles must be at least 1 for each of 60 averages, not 59: "),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(RebalanceError, match=sentence):
        simulate(dataclasses.replace(SimulationSettings(), **changes))


# The files.


def test_stack_holds_the_images(mixed: Simulation, project_dir: Path) -> None:
    path = project_dir / "Class2D/job001/run_it025_classes.mrcs"
    assert mrcfile.validate(path)
    with mrcfile.open(path) as stack:
        np.testing.assert_array_equal(stack.data, mixed.images)
        assert stack.voxel_size.x == pytest.approx(3.0)
        assert stack.is_image_stack()


def test_files_agree_on_the_counts(mixed: Simulation, project_dir: Path) -> None:
    job = project_dir / "Class2D/job001"
    particles = starfile.read(job / "run_it025_data.star")["particles"]
    classes = starfile.read(job / "run_it025_model.star")["model_classes"]
    truth = np.genfromtxt(project_dir / "truth.csv", delimiter=",", names=True)
    counted = np.bincount(particles["rlnClassNumber"], minlength=41)
    assert counted[0] == 0
    np.testing.assert_array_equal(counted[1:], mixed.particles)
    np.testing.assert_array_equal(truth["particles"], mixed.particles)
    np.testing.assert_allclose(classes["rlnClassDistribution"], mixed.particles / 900, atol=1e-6)
    assert particles["rlnImageName"].is_unique
    assert not particles["rlnClassNumber"].is_monotonic_increasing


def test_tables_are_those_of_relion(mixed: Simulation, project_dir: Path) -> None:
    job = project_dir / "Class2D/job001"
    data = starfile.read(job / "run_it025_data.star", always_dict=True)
    model = starfile.read(job / "run_it025_model.star")
    optimiser = starfile.read(job / "run_it025_optimiser.star")
    pipeline = starfile.read(project_dir / "default_pipeline.star")
    assert list(data) == ["optics", "particles"]
    assert data["optics"]["rlnImagePixelSize"][0] == 3.0
    assert data["particles"]["rlnImageName"][122] == "000023@Extract/job000/Movies/mic_0002.mrcs"
    assert model["model_general"]["rlnPixelSize"] == 3.0
    assert model["model_general"]["rlnNrClasses"] == 40
    reference = model["model_classes"]["rlnReferenceImage"][39]
    assert reference == "000040@Class2D/job001/run_it025_classes.mrcs"
    resolution = model["model_classes"]["rlnEstimatedResolution"]
    np.testing.assert_allclose(resolution, mixed.resolution, atol=1e-6)
    for label in ("rlnModelStarFile", "rlnExperimentalDataStarFile"):
        assert (project_dir / optimiser[label]).is_file()
    for node in pipeline["pipeline_nodes"]["rlnPipeLineNodeName"]:
        assert (project_dir / node).is_file()


def test_truth_table_says_what_the_simulation_says(mixed: Simulation, project_dir: Path) -> None:
    truth = np.genfromtxt(project_dir / "truth.csv", delimiter=",", names=True)
    first = (project_dir / "truth.csv").read_text().splitlines()[0]
    assert first == (
        "class_number,view,direction_x,direction_y,direction_z,angle_deg,"
        "shift_y,shift_x,mirror,particles,junk,junk_kind,resolution"
    )
    np.testing.assert_array_equal(truth["class_number"], np.arange(1, 41))
    for name in ("mirror", "junk"):
        np.testing.assert_array_equal(truth[name], getattr(mixed, name))
    np.testing.assert_array_equal(truth["view"], mixed.label)
    columns = np.stack([truth[f"direction_{axis}"] for axis in "xyz"], axis=1)
    np.testing.assert_allclose(columns, mixed.direction, atol=1e-6)
    shift = np.stack([truth["shift_y"], truth["shift_x"]], axis=1)
    np.testing.assert_allclose(shift, mixed.shift, atol=1e-6)
    np.testing.assert_allclose(truth["angle_deg"], mixed.angle_deg, atol=1e-6)


def test_same_simulation_gives_the_same_files(
    mixed: Simulation, project_dir: Path, tmp_path: Path
) -> None:
    write_relion_job(mixed, tmp_path / "again")
    files = [path for path in project_dir.rglob("*") if path.is_file()]
    assert len(files) == 6
    for path in files:
        again = tmp_path / "again" / path.relative_to(project_dir)
        assert again.read_bytes() == path.read_bytes()


def test_empty_directory_is_used(mixed: Simulation, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    data = write_relion_job(mixed, tmp_path / "project")
    assert data == tmp_path / "project/Class2D/job001/run_it025_data.star"
    assert data.is_file()


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_used_output_is_refused(mixed: Simulation, tmp_path: Path, kind: str) -> None:
    used = tmp_path / "used"
    if kind == "directory":
        used.mkdir()
        (used / "notes.txt").write_text("mine")
    else:
        used.write_text("mine")
    with pytest.raises(RebalanceError, match=r"must be new or empty, and .*used is not: name"):
        write_relion_job(mixed, used)
    assert list(tmp_path.iterdir()) == [used]


def test_failure_leaves_nothing(mixed: Simulation, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RebalanceError, match=r"file/project cannot be written \(Not a directory\)"):
        write_relion_job(mixed, tmp_path / "file" / "project")
    broken = dataclasses.replace(mixed, label=mixed.label[:-1])
    with pytest.raises(ValueError, match="shorter"):
        write_relion_job(broken, tmp_path / "broken")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# The command.


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(words)


def test_command_passes_every_option_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = "--averages 20 --views 3 --box 32 --pixel-size 2.5 --particles 200 --junk 0.1"
    args = parse("--output", str(tmp_path / "a b"), *options.split(), "--empty", "1", "--snr", "9")
    assert command.run(args) == 0
    with mrcfile.open(tmp_path / "a b/Class2D/job001/run_it025_classes.mrcs") as stack:
        assert stack.data.shape == (20, 32, 32)
        assert stack.voxel_size.x == 2.5
    printed = capsys.readouterr().out
    assert (
        f"rebalance run --particles '{tmp_path}/a b/Class2D/job001/run_it025_data.star'" in printed
    )
    assert f"{tmp_path}/a b/truth.csv" in printed


def test_command_has_the_defaults_of_the_settings() -> None:
    args = parse("--output", "x")
    settings = SimulationSettings(**{name: getattr(args, name) for name in command.OPTIONS})
    assert settings == SimulationSettings()
