"""Density maps in MRC files."""

from __future__ import annotations

import bz2
import gzip
import warnings
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import mrcfile
import numpy as np
from numpy.typing import NDArray

from .._map import DensityMap
from ..errors import RebalanceError
from .mrc_head import HEAD_BYTES, read_claim

PIECE = 1 << 20  # bytes read at once
DAMAGED = (ValueError, OSError, EOFError, zlib.error)  # what readers of such files raise
SAME_PIXEL_SIZE = 0.01  # largest relative difference between the axes


def read_map(path: Path, pixel_size: float | None = None) -> tuple[DensityMap, tuple[str, ...]]:
    """Read a density map.

    Parameters
    ----------
    path : Path
        An MRC or CCP4 file, compressed by gzip or bzip2 or not, of real numbers.
    pixel_size : float, optional
        A per pixel, in place of the header's.

    Returns
    -------
    density_map : DensityMap
        The map, its axes in the order z, y, x whatever their order in the file.
    warnings : tuple of str
        What is odd about the file, a sentence each.

    Raises
    ------
    RebalanceError
        If the file is missing, is no MRC file, is truncated, holds no single volume, is not
        finite, shows nothing, or has no pixel size or different ones along its axes.
    """
    path = Path(path)
    if not path.is_file():
        raise RebalanceError(f"The map {path} is not there or no file; check the path.")
    _check_size(path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DeprecationWarning)  # tells of code, not of the file
        values, voxel = _read(path)
    if pixel_size is None:
        pixel_size = _pixel_size(path, voxel)
    try:
        density_map = DensityMap(values, pixel_size)
    except RebalanceError as error:
        raise RebalanceError(f"The map {path} cannot be used. {error}") from error
    told = dict.fromkeys(str(warning.message).rstrip(".") for warning in caught)
    return density_map, tuple(f"{path}: {text}." for text in told)


def _check_size(path: Path) -> None:
    """Refuse a header that claims more than the file holds, before memory is taken for it."""
    try:
        with _opened(path) as file:
            head = file.read(HEAD_BYTES)
            claimed = read_claim(head).whole_file if len(head) == HEAD_BYTES else HEAD_BYTES
            left = claimed - len(head)
            while left > 0 and (piece := file.read(min(left, PIECE))):
                left -= len(piece)
    except DAMAGED as error:
        raise RebalanceError(f"The map {path} is no valid MRC file: {error}.") from error
    if left > 0:
        raise RebalanceError(
            f"The map {path} is no valid MRC file: its header claims {claimed} bytes and "
            f"it has {claimed - left}; copy or make it again."
        )


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        start = file.read(3)
    for magic, opener in ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open)):
        if start.startswith(magic):
            return cast(BinaryIO, opener(path, "rb"))
    return path.open("rb")


def _read(path: Path) -> tuple[NDArray[np.float32], tuple[float, float, float]]:
    """Values (z, y, x) and A per pixel along x, y and z."""
    try:
        with mrcfile.open(path) as mrc:
            data, order = mrc.data, [int(mrc.header[name]) for name in ("maps", "mapr", "mapc")]
            voxel = (float(mrc.voxel_size.x), float(mrc.voxel_size.y), float(mrc.voxel_size.z))
            images = mrc.is_image_stack()
    except DAMAGED as error:
        raise RebalanceError(f"The map {path} is no valid MRC file: {error}.") from error
    shape = () if data is None else data.shape
    if len(shape) != 3 or (images and (path.suffix == ".mrcs" or len(set(shape)) > 1)):
        raise RebalanceError(
            f"The map {path} must hold one volume, not {'images' if images else 'an array'} of "
            f"shape {shape}; give a 3D map."
        )
    if data.dtype.kind not in "iuf":
        raise RebalanceError(f"The map {path} must hold real numbers, not {data.dtype}.")
    if order == [0, 0, 0]:  # left empty by some programs
        order = [3, 2, 1]
    if sorted(order) != [1, 2, 3]:
        raise RebalanceError(
            f"The map {path} must name each axis once, not {order} as sections, rows and columns; "
            "repair its header."
        )
    axes = [order.index(axis) for axis in (3, 2, 1)]
    return np.array(data.transpose(axes), dtype=np.float32), voxel


def _pixel_size(path: Path, voxel: tuple[float, float, float]) -> float:
    if not all(np.isfinite(size) and size > 0 for size in voxel):
        raise RebalanceError(
            f"The map {path} has no pixel size in its header; give one (--map-pixel-size)."
        )
    if max(voxel) > (1 + SAME_PIXEL_SIZE) * min(voxel):
        raise RebalanceError(
            f"The map {path} must have one pixel size, not {voxel[0]:g}, {voxel[1]:g} and "
            f"{voxel[2]:g} A along x, y and z; resample it."
        )
    return voxel[0]
