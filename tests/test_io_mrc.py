"""Stacks: every mode and lying header is read or refused with one sentence."""

from __future__ import annotations

from pathlib import Path

import mrcfile
import numpy as np
import pytest

from rebalance.errors import RebalanceError
from rebalance.io import read_stack, write_stack

IMAGES = np.arange(3 * 8 * 8, dtype=np.float32).reshape(3, 8, 8) % 100


def make(path: Path, data: np.ndarray = IMAGES, **header: object) -> Path:
    """Write a stack, then set header fields to what is asked for."""
    with mrcfile.new(path, data) as mrc:
        mrc.set_image_stack() if data.ndim == 3 else None
        for name, value in header.items():
            mrc.header[name] = value
    return path


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.float32, np.uint16, np.float16])
def test_modes(tmp_path, dtype):
    stack = read_stack(make(tmp_path / "a.mrcs", IMAGES.astype(dtype)))
    assert stack.images.dtype == np.float32
    np.testing.assert_array_equal(stack.images, IMAGES)
    assert stack.pixel_size is None
    assert stack.warnings == ()


@pytest.mark.parametrize("header", [{"ispg": 1, "mz": 3}, {"ispg": 401, "mz": 1}, {"mz": 7}])
def test_stacks_flagged_as_volumes(tmp_path, header):
    np.testing.assert_array_equal(read_stack(make(tmp_path / "a.mrc", **header)).images, IMAGES)


def test_trailing_bytes_are_told(tmp_path):
    path = make(tmp_path / "a.mrcs")
    path.write_bytes(path.read_bytes() + b"more")
    stack = read_stack(path)
    np.testing.assert_array_equal(stack.images, IMAGES)
    assert len(stack.warnings) == 1
    assert "4 bytes larger than expected" in stack.warnings[0]


def test_permissive_accepts_a_wrong_stamp(tmp_path):
    path = make(tmp_path / "a.mrcs", machst=[0, 0, 0, 0])
    with pytest.raises(RebalanceError, match=r"a.mrcs is no valid MRC file: .*machine stamp"):
        read_stack(path)
    np.testing.assert_array_equal(read_stack(path, permissive=True).images, IMAGES)


@pytest.mark.parametrize("permissive", [False, True])
@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ({"nx": 4, "ny": 16}, "has images of 16 x 4 px .height x width.; class averages must be"),
        ({"nz": 4}, "is truncated: 4 images of 8 x 8 px need 2048 bytes and the file has 1792"),
        ({"nx": 2000000000, "ny": 2000000000}, "is truncated: 3 images of 2000000000 x"),
        ({"nz": -3}, "header that says -3 images of 8 x 8 px; all three must be at least 1"),
        ({"nz": 1}, "holds one 2D image; a stack of at least 2 class averages is needed"),
        ({"mode": 4}, "has mode 4; class averages are read from mode 0, 1, 2, 6, 12; convert it"),
        ({"mode": 77}, "has mode 77; class averages are read from mode"),
        ({"nsymbt": 2000000000}, "truncated: its extended header would be longer than the whole"),
    ],
)
def test_headers_that_are_refused(tmp_path, header, sentence, permissive):
    path = make(tmp_path / "a.mrcs", **header)
    with pytest.raises(RebalanceError, match=sentence):
        read_stack(path, permissive=permissive)


def test_one_image_is_refused(tmp_path):
    with pytest.raises(RebalanceError, match="holds one 2D image"):
        read_stack(make(tmp_path / "a.mrc", IMAGES[0]))


def test_files_that_are_refused(tmp_path):
    with pytest.raises(RebalanceError, match=r"The stack .*a.mrcs does not exist; check the path"):
        read_stack(tmp_path / "a.mrcs")
    with pytest.raises(RebalanceError, match="is not a regular file"):
        read_stack(tmp_path)
    (tmp_path / "b.mrcs").write_bytes(b"short")
    with pytest.raises(RebalanceError, match="has 5 bytes, fewer than the 1024 of an MRC header"):
        read_stack(tmp_path / "b.mrcs")
    (tmp_path / "c.mrcs").write_bytes(b"\x1f\x8b" + bytes(2000))
    with pytest.raises(RebalanceError, match="is compressed; uncompress it first"):
        read_stack(tmp_path / "c.mrcs")
    (tmp_path / "d.mrcs").write_bytes(b"text" * 1000)
    with pytest.raises(RebalanceError, match="is no valid MRC file"):
        read_stack(tmp_path / "d.mrcs")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_must_be_finite(tmp_path, value):
    path = make(tmp_path / "a.mrcs")
    with mrcfile.open(path, "r+") as mrc:
        mrc.data[1, 2, 3] = value
    with pytest.raises(RebalanceError, match=r"Image 2 of .* NaN or infinite .1 of 3 images do"):
        read_stack(path)


def test_written_stacks_come_back_and_are_the_same_bytes(tmp_path):
    for name in ("a.mrcs", "b.mrcs"):
        write_stack(IMAGES, 1.5, tmp_path / name)
    assert (tmp_path / "a.mrcs").read_bytes() == (tmp_path / "b.mrcs").read_bytes()
    stack = read_stack(tmp_path / "a.mrcs")
    np.testing.assert_array_equal(stack.images, IMAGES)
    assert stack.pixel_size == pytest.approx(1.5)
    write_stack(IMAGES, None, tmp_path / "c.mrcs")
    assert read_stack(tmp_path / "c.mrcs").pixel_size is None
    assert b"rebalance" in (tmp_path / "a.mrcs").read_bytes()[:1024]


@pytest.mark.parametrize(
    ("name", "shape", "n_constant"),
    [
        ("slicem_mixture_100x96", (100, 96, 96), 0),
        ("betagal_20x256", (20, 256, 256), 0),
        ("betagal_junk_50x64_two_empty", (50, 64, 64), 2),
    ],
)
def test_real_stacks(test_data, name, shape, n_constant):
    stack = read_stack(test_data / "classes" / f"{name}.mrcs")
    assert stack.images.shape == shape
    assert sum(image.min() == image.max() for image in stack.images) == n_constant
