"""Density maps: read or refused, and projected as the phantom that made them."""

from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path

import mrcfile
import numpy as np
import pytest

import rebalance
from rebalance import DensityMap, SimulationSettings, simulate
from rebalance._directions import draw_directions, frames_of
from rebalance._junk_averages import JUNK_KINDS
from rebalance._map_projection import prepare, project_map
from rebalance._phantom import Phantom, Pose, draw_phantom, project, symmetrised
from rebalance._symmetry import rotations
from rebalance.cli import main
from rebalance.errors import RebalanceError
from rebalance.io import read_map

C1 = rotations("C1")


def density_of(phantom: Phantom, box: int) -> np.ndarray:
    """(L, L, L) values of a phantom on a grid; axis order z, y, x."""
    pixel = np.arange(box) - box // 2
    values = np.zeros((box, box, box))
    for centre, width, weight in zip(
        box * phantom.centre, box * phantom.width, phantom.weight, strict=True
    ):
        x, y, z = (np.exp(-0.5 * ((pixel - c) / width) ** 2) for c in centre)
        values += weight / (2 * np.pi * width**2) ** 1.5 * np.einsum("k,j,i->kji", z, y, x)
    return values


def draw_pose(n: int, seed: int = 0) -> Pose:
    rng = np.random.default_rng(seed)
    return Pose(
        frame=frames_of(draw_directions(rng, n)),
        angle_deg=rng.uniform(-180, 180, n),
        shift=rng.uniform(-3, 3, (n, 2)),
        mirror=rng.random(n) < 0.5,
    )


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    return min(float(np.corrcoef(x.ravel(), y.ravel())[0, 1]) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("box", [48, 49])
def test_projections_of_a_map_are_those_of_the_phantom_that_made_it(box: int) -> None:
    phantom = draw_phantom(np.random.default_rng(1))
    pose, resolution = draw_pose(6), np.full(6, 4.0)
    values = density_of(phantom, box).astype(np.float32)
    seen = project_map(values, pose, resolution)
    expected = project(phantom, pose, box, resolution)
    inside = np.hypot(*(np.mgrid[:box, :box] - box // 2)) < 0.4 * box  # the halo leaves the box
    assert np.abs(seen - expected)[:, inside].max() < 0.01 * np.ptp(expected)


@pytest.mark.parametrize(("map_box", "box", "scale"), [(96, 48, 0.5), (48, 64, 1.0), (60, 64, 1.3)])
def test_a_map_is_brought_to_box_and_pixel_size(map_box: int, box: int, scale: float) -> None:
    phantom = draw_phantom(np.random.default_rng(2))
    smooth = dataclasses.replace(phantom, width=phantom.width + 0.02)
    given = DensityMap(density_of(smooth, map_box).astype(np.float32), pixel_size=2 * scale)
    prepared = prepare(given, box, 2.0, C1)
    k = map_box * scale / box
    there = dataclasses.replace(smooth, centre=k * smooth.centre, width=k * smooth.width)
    assert likeness(prepared[None], density_of(there, box)[None]) > 0.98  # centred to half a voxel


def test_a_map_off_centre_is_centred() -> None:
    values = density_of(draw_phantom(np.random.default_rng(3)), 48)
    moved = np.roll(values, (5, -4, 3), axis=(0, 1, 2))
    a, b = (prepare(DensityMap(v, 2.0), 48, 2.0, C1) for v in (values, moved))
    np.testing.assert_allclose(a, b, atol=1e-4 * a.max())


@pytest.mark.parametrize("symmetry", ["C3", "D2", "T"])
def test_map_and_phantom_have_one_symmetry(symmetry: str) -> None:
    turns = rotations(symmetry)
    phantom = draw_phantom(np.random.default_rng(4))
    phantom = dataclasses.replace(phantom, width=phantom.width + 0.02)
    values = prepare(DensityMap(density_of(phantom, 48), 2.0), 48, 2.0, turns)
    whole = density_of(symmetrised(phantom, turns), 48)
    assert likeness(values[None], whole[None]) > 0.99
    pose = draw_pose(1)
    same = Pose(
        frame=pose.frame[0] @ turns.transpose(0, 2, 1),
        angle_deg=np.tile(pose.angle_deg, len(turns)),
        shift=np.tile(pose.shift, (len(turns), 1)),
        mirror=np.tile(pose.mirror, len(turns)),
    )
    seen = project_map(values, same, np.full(len(turns), 4.0))
    assert likeness(seen, np.tile(seen[:1], (len(turns), 1, 1))) > 0.995


def test_views_of_a_symmetric_particle_lie_apart_modulo_its_turns() -> None:
    settings = SimulationSettings(views=6, symmetry="D3", jitter_deg=0, box=16, averages=30)
    simulation = simulate(settings)
    view = np.array([simulation.direction[simulation.label == k][0] for k in range(6)])
    cosine = np.abs(np.einsum("ai,gij,bj->gab", view, rotations("D3"), view)).max(axis=0)
    np.fill_diagonal(cosine, 0)
    assert np.degrees(np.arccos(cosine.max())) > 15


def test_default_pixel_size_holds_the_whole_map() -> None:
    values = density_of(draw_phantom(np.random.default_rng(5)), 40)
    settings = SimulationSettings(averages=4, views=2, box=32, particles=40)
    simulation = simulate(settings, density_map=DensityMap(values, 4.0))
    assert simulation.pixel_size == 5.0
    assert simulation.images.shape == (4, 32, 32)


def test_a_particle_larger_than_the_box_is_refused() -> None:
    given = DensityMap(density_of(draw_phantom(np.random.default_rng(5)), 40), 4.0)
    with pytest.raises(
        RebalanceError, match=r"must fit into a box of 32 px at 2 A, but \d+ % of it lie outside: "
    ):
        simulate(SimulationSettings(box=32, pixel_size=2.0), density_map=given)


@pytest.mark.parametrize(
    ("values", "pixel_size", "sentence"),
    [
        (np.ones((9, 9)), 1.0, r"three axes .* not shape \(9, 9\) and dtype float64: give"),
        (np.ones((9, 9, 7)), 1.0, r"at least 8 px along each, not shape \(9, 9, 7\)"),
        (np.ones((9, 9, 9), complex), 1.0, "real numbers .* dtype complex128"),
        (np.full((9, 9, 9), np.nan), 1.0, "must be finite"),
        (np.ones((9, 9, 9)), 1.0, "must show a particle, but every voxel is 1: "),
        (np.arange(729.0).reshape(9, 9, 9), 0.0, r"must be a number of A above 0, not 0\.0: "),
    ],
)
def test_arrays_that_are_no_map_are_refused(values, pixel_size, sentence):
    with pytest.raises(RebalanceError, match=sentence):
        DensityMap(values, pixel_size)


# Files.

VALUES = np.random.default_rng(0).normal(size=(9, 10, 11)).astype(np.float32)


def make(path: Path, data: np.ndarray = VALUES, voxel: float = 1.5, **header: object) -> Path:
    with mrcfile.new(path, data) as mrc:
        mrc.set_volume() if data.ndim == 3 else None
        mrc.voxel_size = voxel
        for name, value in header.items():
            mrc.header[name] = value
    return path


def test_map_is_read_in_the_order_z_y_x(tmp_path: Path) -> None:
    density_map, warnings = read_map(make(tmp_path / "a.mrc"))
    np.testing.assert_array_equal(density_map.values, VALUES)
    assert density_map.pixel_size == 1.5
    assert warnings == ()
    # sections along x, rows along y, columns along z
    turned, _ = read_map(make(tmp_path / "b.mrc", VALUES.T, mapc=3, mapr=2, maps=1))
    np.testing.assert_array_equal(turned.values, VALUES)
    empty, _ = read_map(make(tmp_path / "c.mrc", mapc=0, mapr=0, maps=0))
    np.testing.assert_array_equal(empty.values, VALUES)


def test_compressed_map_and_pixel_size_by_hand(tmp_path: Path) -> None:
    plain = make(tmp_path / "a.mrc", voxel=0.0)
    (tmp_path / "a.mrc.gz").write_bytes(gzip.compress(plain.read_bytes()))
    density_map, _ = read_map(tmp_path / "a.mrc.gz", pixel_size=1.25)
    np.testing.assert_array_equal(density_map.values, VALUES)
    assert density_map.pixel_size == 1.25


def refused(path: Path, sentence: str) -> None:
    with pytest.raises(RebalanceError, match=sentence) as error:
        read_map(path)
    assert str(path) in str(error.value)


def test_bad_maps_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none.mrc", "is not there or no file; check the path")
    (tmp_path / "text.mrc").write_text("no map")
    refused(tmp_path / "text.mrc", "is no valid MRC file: ")
    whole = make(tmp_path / "a.mrc")
    (tmp_path / "cut.mrc").write_bytes(whole.read_bytes()[:2000])
    refused(tmp_path / "cut.mrc", "is no valid MRC file: ")
    refused(make(tmp_path / "b.mrc", voxel=0.0), r"no pixel size in its header; give one \(--map-p")
    refused(make(tmp_path / "c.mrc", VALUES[0]), r"one volume, not an array of shape \(10, 11\)")
    refused(make(tmp_path / "d.mrc", np.zeros((9, 9, 9), np.float32)), "must show a particle")
    with pytest.warns(RuntimeWarning, match="NaN"):
        holed = make(tmp_path / "e.mrc", np.where(VALUES > 2, np.nan, VALUES))
    refused(holed, "must be finite")
    refused(make(tmp_path / "f.mrc", mapc=1, mapr=1), r"name each axis once, not \[3, 1, 1\]")
    refused(make(tmp_path / "g.mrc", VALUES.astype(np.complex64)), "real numbers, not complex64")
    with mrcfile.new(tmp_path / "h.mrc", VALUES) as mrc:
        mrc.voxel_size = (1.0, 1.0, 1.2)
    refused(tmp_path / "h.mrc", "one pixel size, not 1, 1 and 1.2 A along x, y and z")
    with mrcfile.new(tmp_path / "i.mrcs", VALUES) as mrc:
        mrc.set_image_stack()
    refused(tmp_path / "i.mrcs", r"one volume, not images of shape \(9, 10, 11\)")


def test_command_takes_a_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = density_of(draw_phantom(np.random.default_rng(6)), 36).astype(np.float32)
    path = make(tmp_path / "map.mrc", values, voxel=3.0)
    words = ["simulate", "--output", f"{tmp_path}/p", "--map", str(path), "--symmetry", "C2"]
    words += ["--views", "0", "--bumps", "2", "--averages", "8", "--particles", "80"]
    words += ["--box", "24", "--resolution", "9", "12", "--junk", "0.25"]
    assert main([*words, "--junk-kinds", "pair", "mixture"]) == 0
    with mrcfile.open(tmp_path / "p/Class2D/job001/run_it025_classes.mrcs") as stack:
        assert stack.data.shape == (8, 24, 24)
        assert stack.voxel_size.x == pytest.approx(4.5)
    kinds = [row.split(",")[11] for row in (tmp_path / "p/truth.csv").read_text().splitlines()]
    assert kinds[0] == "junk_kind"
    assert sum(kind in ("pair", "mixture") for kind in kinds) == 2
    capsys.readouterr()
    assert main([*words[:1], "--output", f"{tmp_path}/q", "--map", f"{tmp_path}/no.mrc"]) == 2
    assert "no.mrc is not there or no file" in capsys.readouterr().err
    assert not (tmp_path / "q").exists()


def test_every_kind_of_junk_can_be_drawn() -> None:
    for kind in JUNK_KINDS:
        settings = SimulationSettings(averages=6, views=2, junk=0.5, junk_kinds=(kind,), box=32)
        simulation = rebalance.simulate(settings)
        assert set(simulation.junk_kind[simulation.junk]) == {kind}
        assert set(simulation.junk_kind[~simulation.junk]) == {""}
        assert np.isfinite(simulation.images).all()
