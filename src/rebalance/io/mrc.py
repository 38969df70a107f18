"""Image stacks in MRC files."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np
from numpy.typing import NDArray

from ..errors import RebalanceError
from .memory import available_memory
from .mrc_head import read_claim

BYTES_PER_PIXEL = {0: 1, 1: 2, 2: 4, 6: 2, 12: 2}  # the modes that class averages come in
HEADER_BYTES = 1024
FLOAT32 = 4  # bytes
COMPRESSED = (b"\x1f\x8b", b"BZ")


@dataclass(frozen=True)
class ImageStack:
    """A stack of square images.

    Attributes
    ----------
    images : (N, L, L) float32 array
        Axis order (image, y, x).
    pixel_size : float or None
        A per pixel as the header says; None when it says 0.
    warnings : tuple of str
        What is odd about the file, a sentence each.
    """

    images: NDArray[np.float32]
    pixel_size: float | None
    warnings: tuple[str, ...]


def read_stack(path: Path, permissive: bool = False) -> ImageStack:
    """Read a stack of at least two square images.

    Parameters
    ----------
    path : Path
        An ``.mrcs`` or ``.mrc`` file of mode 0, 1, 2, 6 or 12, flagged as a stack or a volume.
    permissive : bool
        Also accept a wrong map identifier or machine stamp in the header.

    Raises
    ------
    RebalanceError
        If the file is missing, is no MRC file, holds one image or images that are not square, is
        shorter than its header says, has another mode, or has pixels that are NaN or infinite.
    """
    path = Path(path)
    _check_file(path, permissive)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DeprecationWarning)  # tells of code, not of the file
        shape, pixel_size = _read_header(path, permissive)
        images = _read_images(path, permissive, shape)
    _check_finite(images, path)
    told = dict.fromkeys(str(warning.message).rstrip(".") for warning in caught)
    return ImageStack(images, pixel_size, tuple(f"{path}: {text}." for text in told))


def write_stack(images: NDArray[np.float32], pixel_size: float | None, path: Path) -> None:
    """Write (N, L, L) images as a float32 stack; `pixel_size` in A.

    The same images give the same bytes: the header carries no date.
    """
    with mrcfile.new(path, overwrite=True) as mrc:
        mrc.set_data(np.ascontiguousarray(images, dtype=np.float32))
        mrc.set_image_stack()
        mrc.voxel_size = pixel_size or 0.0
        mrc.header.label[0] = b"Written by rebalance".ljust(80)


def _check_file(path: Path, permissive: bool) -> None:
    if not path.exists():
        raise RebalanceError(f"The stack {path} does not exist; check the path.")
    if not path.is_file():
        raise RebalanceError(f"The stack {path} is not a regular file; give an .mrcs file.")
    size = path.stat().st_size
    if size < HEADER_BYTES:
        raise RebalanceError(
            f"The stack {path} has {size} bytes, fewer than the {HEADER_BYTES} of an MRC header; "
            "give a complete .mrcs file."
        )
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    if header.startswith(COMPRESSED):
        raise RebalanceError(f"The stack {path} is compressed; uncompress it first.")
    if size < HEADER_BYTES + read_claim(header, permissive).extended:
        raise RebalanceError(
            f"The stack {path} is no valid MRC file, or truncated: its extended header would be "
            f"longer than the whole file of {size} bytes; copy or make it again."
        )


def _read_header(path: Path, permissive: bool) -> tuple[tuple[int, int, int], float | None]:
    try:
        with mrcfile.open(path, header_only=True, permissive=permissive) as mrc:
            header, voxel = mrc.header, float(mrc.voxel_size.x)
    except (ValueError, OSError) as error:
        raise RebalanceError(f"The stack {path} is no valid MRC file: {error}.") from error
    shape = (int(header.nz), int(header.ny), int(header.nx))
    _check_shape(path, shape)
    _check_size(path, shape, int(header.mode), int(header.nsymbt))
    return shape, voxel if np.isfinite(voxel) and voxel > 0 else None


def _check_shape(path: Path, shape: tuple[int, int, int]) -> None:
    n_images, height, width = shape
    if min(shape) < 1:
        raise RebalanceError(
            f"The stack {path} has a header that says {n_images} images of {height} x {width} px; "
            "all three must be at least 1; the file is damaged."
        )
    if height != width:
        raise RebalanceError(
            f"The stack {path} has images of {height} x {width} px (height x width); class "
            "averages must be square."
        )
    if n_images == 1:
        raise RebalanceError(
            f"The stack {path} holds one 2D image; a stack of at least 2 class averages is needed."
        )


def _check_size(path: Path, shape: tuple[int, int, int], mode: int, extended: int) -> None:
    if mode not in BYTES_PER_PIXEL:
        raise RebalanceError(
            f"The stack {path} has mode {mode}; class averages are read from mode "
            f"{', '.join(str(known) for known in BYTES_PER_PIXEL)}; convert it to mode 2 (float32)."
        )
    n_images, length, _ = shape
    needed = HEADER_BYTES + max(extended, 0) + n_images * length * length * BYTES_PER_PIXEL[mode]
    size = path.stat().st_size
    if size < needed:
        raise RebalanceError(
            f"The stack {path} is truncated: {n_images} images of {length} x {length} px need "
            f"{needed} bytes and the file has {size}; copy or make it again."
        )
    taken = n_images * length * length * (BYTES_PER_PIXEL[mode] + FLOAT32)
    available = available_memory()
    if available is not None and taken > available:
        raise RebalanceError(
            f"The stack {path} of {n_images} images of {length} x {length} px needs "
            f"{taken / 1e9:.1f} GB of memory, and {available / 1e9:.1f} GB are available; run "
            "where there is more, or give smaller averages (--classes)."
        )


def _read_images(path: Path, permissive: bool, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    try:
        with mrcfile.open(path, permissive=permissive) as mrc:
            data = mrc.data
    except (ValueError, OSError) as error:
        raise RebalanceError(f"The stack {path} cannot be read: {error}.") from error
    if data is None:
        raise RebalanceError(
            f"The stack {path} has a header that does not fit its data; copy or make it again."
        )
    return np.ascontiguousarray(data.reshape(shape), dtype=np.float32)


def _check_finite(images: NDArray[np.float32], path: Path) -> None:
    bad = [i for i, image in enumerate(images, start=1) if not np.isfinite(image).all()]
    if bad:
        raise RebalanceError(
            f"Image {bad[0]} of the stack {path} has pixels that are NaN or infinite "
            f"({len(bad)} of {len(images)} images do); class averages must be finite."
        )
