"""The files of a result that are the same for every input format."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..config import AffinitySettings
from ..errors import RebalanceError
from .npz import UNREADABLE, Entry, read_arrays

if TYPE_CHECKING:
    from .._affinity_results import Affinity
    from ..pipeline import Result
    from .tables import ClassAverages

FORMAT_VERSION = 1
ENTRIES = {
    "format_version": Entry("i", ()),
    "input_sha256": Entry("U", ()),
    "settings": Entry("U", ()),
    "class_number": Entry("i", ("N",)),
    "image_sha256": Entry("u", ("M", 32), optional=True),
    "values": Entry("f", ("N", "N")),
    "angle": Entry("f", ("N", "N")),
    "shift": Entry("f", ("N", "N", 2)),
    "mirror": Entry("b", ("N", "N")),
}
AFFINITY_ARRAYS = ("values", "angle", "shift", "mirror")
SUPERCLASS_COLUMNS = ("class_number", "superclass", "particles", "kept", "left_out", "junk")
VIEW_COLUMNS = (
    *("class_number", "x", "y", "z", "uncertainty_deg"),
    *("superclass", "particles", "kept", "left_out"),
)


@dataclass(frozen=True)
class Mark:
    """By what class averages are known again.

    Attributes
    ----------
    class_number : (N,) int32 array
        Their numbers.
    sha256 : str
        Checksum of the stack, see :func:`images_sha256`.
    image_sha256 : (N, 32) uint8 array
        Checksum of the pixels of each.
    """

    class_number: NDArray[np.int32]
    sha256: str
    image_sha256: NDArray[np.uint8]


def mark_of(averages: ClassAverages) -> Mark:
    """By what these class averages are known again."""
    pixels = np.ascontiguousarray(averages.images, dtype="<f4")
    each = b"".join(hashlib.sha256(image.data).digest() for image in pixels)
    return Mark(
        averages.class_number,
        images_sha256(averages.images),
        np.frombuffer(each, np.uint8).reshape(len(pixels), 32),
    )


def images_sha256(images: NDArray[np.float32]) -> str:
    """Checksum of shape and pixels of a stack, whatever file it came from."""
    digest = hashlib.sha256(repr(images.shape).encode())
    digest.update(np.ascontiguousarray(images, dtype="<f4").data)
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """Checksum of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def as_plain(settings: Any) -> dict[str, Any]:
    """Settings as JSON can hold them; decimals as written."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(settings), default=_plain))
    return plain


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(type(value).__name__)


def write_superclasses(result: Result, path: Path) -> None:
    """``superclasses.csv``: a line per class average, in input order."""
    columns = (
        result.averages.class_number.tolist(),
        result.superclasses.labels.tolist(),
        result.particles.tolist(),
        result.kept.tolist(),
        result.left_out,
        result.junk,
    )
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SUPERCLASS_COLUMNS)
        writer.writerows(zip(*columns, strict=True))


def write_views(result: Result, path: Path) -> None:
    """``views.csv``: the viewing direction of each class average, where any can be told."""
    sphere = result.sphere
    if sphere is None or not np.isfinite(sphere.direction).any():
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(VIEW_COLUMNS)
        for i, (x, y, z) in enumerate(sphere.direction):
            known = np.isfinite(x)
            numbers = [f"{v:.6f}" if known else "" for v in (x, y, z)]
            unsure = f"{sphere.uncertainty[i]:.2f}" if known else ""
            counts = (result.particles[i], result.kept[i])
            number, label = result.averages.class_number[i], result.superclasses.labels[i]
            writer.writerow([number, *numbers, unsure, label, *counts, sphere.left_out[i]])


def read_superclasses(path: Path) -> dict[int, int]:
    """Superclass by class number, from what :func:`write_superclasses` wrote.

    Raises
    ------
    RebalanceError
        If the file is none of ours.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            return {int(row["class_number"]): int(row["superclass"]) for row in rows}
    except (OSError, KeyError, TypeError, ValueError, csv.Error):
        raise RebalanceError(
            f"{path} must be the superclasses.csv of a finished run, and it is not: move it away, "
            "and superclasses are numbered anew"
        ) from None


def write_affinity(aff: Affinity, mark: Mark, path: Path | BinaryIO) -> None:
    """``affinity.npz``: the affinity with what is needed to use it again."""
    np.savez_compressed(
        path,
        **{name: getattr(aff, name) for name in AFFINITY_ARRAYS},
        class_number=mark.class_number,
        settings=np.array(json.dumps(as_plain(aff.settings))),
        input_sha256=np.array(mark.sha256),
        image_sha256=mark.image_sha256,
        format_version=np.array(FORMAT_VERSION),
    )


def read_affinity(path: Path, sha256: str) -> dict[str, Any]:
    """What makes an Affinity, from a file; for the averages with this :func:`images_sha256`.

    Raises
    ------
    RebalanceError
        If the file is none of ours, or belongs to other averages.
    """
    found, mark = read_affinity_of_any(path)
    of = mark.sha256
    if of != sha256:
        raise RebalanceError(
            f"affinity file {path} belongs to other class averages (checksum {of[:12]}..., these "
            f"have {sha256[:12]}...): run without it"
        )
    return found


def read_affinity_of_any(path: Path) -> tuple[dict[str, Any], Mark]:
    """What makes an Affinity, from a file, and by what its averages are known again.

    A file of before these were recorded has no checksums of single averages.

    Raises
    ------
    RebalanceError
        If the file is none of ours.
    """
    try:
        stored = read_arrays(path, ENTRIES)
        version, of = int(stored["format_version"]), str(stored["input_sha256"])
        found: dict[str, Any] = {name: stored[name] for name in AFFINITY_ARRAYS}
        mark = Mark(
            stored["class_number"],
            of,
            stored.get("image_sha256", np.zeros((0, 32), np.uint8)),
        )
        found["settings"] = as_affinity_settings(json.loads(str(stored["settings"])))
    except FileNotFoundError:
        raise RebalanceError(f"affinity file {path} does not exist: check the path") from None
    except UNREADABLE:
        raise RebalanceError(
            f"affinity file {path} must be a whole affinity.npz that rebalance wrote, and it is "
            "not: run without it"
        ) from None
    if version != FORMAT_VERSION:
        raise RebalanceError(
            f"affinity file {path} must have format version {FORMAT_VERSION}, not {version}: "
            "run without it"
        )
    return found, mark


def as_affinity_settings(plain: dict[str, Any]) -> AffinitySettings:
    """Settings from what :func:`as_plain` made of them."""
    plain = dict(plain)
    for name in ("band", "weights"):
        if plain.get(name) is not None:
            plain[name] = tuple(plain[name])
    return AffinitySettings(**plain)


def write_settings(record: dict[str, Any], path: Path) -> None:
    """``settings.json``: everything that decided the outcome."""
    path.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_settings(path: Path) -> dict[str, Any]:
    """What :func:`write_settings` wrote.

    Raises
    ------
    RebalanceError
        If the file is none of ours.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(record["command"], str) and isinstance(record["input_sha256"], dict):
            return dict(record)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        pass
    raise RebalanceError(
        f"{path} must be the settings.json of a finished run, and it is not: give the directory "
        "that rebalance run wrote"
    )
