"""Files of shards: every tile stands in a file of its own, which is whole or absent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .._result_arrays import PairArrays
from .._shards import Shard, shard_of
from .._tiles import TilePairs
from ..errors import RebalanceError
from .npz import UNREADABLE, read_uncompressed
from .output import whole_file
from .results import Mark

FORMAT_VERSION = 1
Read = TypeVar("Read")

PATTERN = "shard_*_tile_*.npz"
# What tiles that belong together have in common, and what a user calls it.
COMMON = {
    "format_version": "format",
    "version": "version of rebalance",
    "input_sha256": "class averages (checksum)",
    "settings": "settings",
    "n_shards": "number of shards",
    "n_tiles": "number of tiles",
}


@dataclass(frozen=True)
class Origin:
    """Where tiles come from.

    Attributes
    ----------
    version : str
        Of rebalance.
    input_sha256 : str
        Checksum of the averages.
    settings : dict
        Complete settings of the comparison, as JSON holds them.
    n_shards, n_tiles : int
        Of the whole affinity.
    instruction_set : str
        With which the tile was computed.
    format_version : int
        Of the file.
    """

    version: str
    input_sha256: str
    settings: dict[str, Any]
    n_shards: int
    n_tiles: int
    instruction_set: str
    format_version: int = FORMAT_VERSION

    def differs_in(self, other: Origin) -> str | None:
        """What two tiles do not have in common; None where they belong together."""
        for name, words in COMMON.items():
            if getattr(self, name) != getattr(other, name):
                return words
        return None


def tile_path(directory: Path, shard: Shard, tile: int) -> Path:
    """Where a tile of a shard stands."""
    return directory / f"shard_{shard.number:04d}_of_{shard.of:04d}_tile_{tile:06d}.npz"


def write_tile(found: TilePairs, origin: Origin, mark: Mark, path: Path) -> None:
    """One tile, with all that tells whether it belongs to others."""
    arrays = {f"on_rows_{name}": array for name, array in found.on_rows._asdict().items()}
    if found.on_lanes is not None:
        arrays |= {f"on_lanes_{name}": array for name, array in found.on_lanes._asdict().items()}
    with whole_file(path) as file:
        np.savez(
            file,
            **arrays,
            rows=found.rows,
            lanes=found.lanes,
            class_number=mark.class_number,
            image_sha256=mark.image_sha256,
            origin=np.array(json.dumps(asdict(origin), sort_keys=True)),
        )


def read_tile(path: Path) -> TilePairs | None:
    """The tile that :func:`write_tile` wrote, or None where the file is torn or none of ours."""
    stored = _stored(path)
    try:
        on_rows, on_lanes = (_half(stored, name) for name in ("on_rows", "on_lanes"))
        assert on_rows is not None
        set_used = str(json.loads(str(stored["origin"]))["instruction_set"])
        return TilePairs(stored["rows"], stored["lanes"], on_rows, on_lanes, set_used)
    except (AssertionError, KeyError, ValueError, TypeError):
        return None


def read_origin(path: Path) -> tuple[Origin, Mark] | None:
    """Where a tile comes from, and by what the averages are known again; None as above."""
    stored = _stored(path, ("origin", "class_number", "image_sha256"))
    try:
        origin = Origin(**json.loads(str(stored["origin"])))
        return origin, Mark(stored["class_number"], origin.input_sha256, stored["image_sha256"])
    except (KeyError, ValueError, TypeError):
        return None


def _half(stored: dict[str, NDArray[Any]], half: str) -> PairArrays | None:
    if f"{half}_values" not in stored:
        return None
    return PairArrays._make(stored[f"{half}_{name}"] for name in PairArrays._fields)


def _stored(path: Path, names: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
    """Arrays of a file, all or some; none where it is torn."""
    try:
        return read_uncompressed(path, names)
    except UNREADABLE:
        return {}


def is_done(path: Path, origin: Origin) -> bool:
    """Whether a tile is there, whole.

    Raises
    ------
    RebalanceError
        If it is whole but belongs to others.
    """
    read = read_origin(path) if path.exists() else None
    if read is None or read_tile(path) is None:
        return False
    other = origin.differs_in(read[0])
    if other is not None:
        raise RebalanceError(
            f"{path} was made with another {other} than this run has: give another --output, or "
            "remove the shards that are there"
        )
    return read[0].instruction_set == origin.instruction_set


class Shards:
    """All tiles of an affinity.

    Parameters
    ----------
    places : sequence of Path
        Directories that shards were written into, or files in them.

    Attributes
    ----------
    origin : Origin
        What all have in common; its instruction set is that of the first.
    mark : Mark
        Of the averages.
    warnings : tuple of str
        Shards that were computed with another instruction set.

    Raises
    ------
    RebalanceError
        If a shard is missing or torn, or does not belong to the others.
    """

    def __init__(self, places: Sequence[Path]) -> None:
        self._paths = _find(places)
        first = next(iter(self._paths.values()))
        self.origin, self.mark = _whole(first, read_origin(first))
        self._check_all_there()
        self._check_together(first)

    def __len__(self) -> int:
        return len(self._paths)

    def tiles(self) -> Iterator[TilePairs]:
        """Every tile."""
        for path in self._paths.values():
            yield _whole(path, read_tile(path))

    def _check_all_there(self) -> None:
        missing = sorted(set(range(self.origin.n_tiles)) - set(self._paths))
        if not missing:
            return
        shards = sorted({shard_of(tile, self.origin.n_shards).number for tile in missing})
        names = ", ".join(f"{number}/{self.origin.n_shards}" for number in shards)
        raise RebalanceError(
            f"{len(missing)} of {self.origin.n_tiles} tiles are missing, those of shard {names}: "
            f"run rebalance affinity --shard {shards[0]}/{self.origin.n_shards} again with the "
            "same options, which makes only what is missing"
        )

    def _check_together(self, first: Path) -> None:
        others: dict[str, set[int]] = {}
        for tile, path in self._paths.items():
            origin, _ = _whole(path, read_origin(path))
            words = origin.differs_in(self.origin)
            if words is not None:
                raise RebalanceError(
                    f"{path} was made with another {words} than {first}: make all shards from the "
                    "same averages, with the same options and version of rebalance"
                )
            if origin.instruction_set != self.origin.instruction_set:
                number = shard_of(tile, origin.n_shards).number
                others.setdefault(origin.instruction_set, set()).add(number)
        self.warnings = tuple(self._foreign(name, shards) for name, shards in others.items())

    def _foreign(self, instruction_set: str, shards: set[int]) -> str:
        names = ", ".join(f"{number}/{self.origin.n_shards}" for number in sorted(shards))
        return (
            f"shard {names} was computed with {instruction_set}, the first with "
            f"{self.origin.instruction_set}: the last bits may differ from those of one machine; "
            "set REBALANCE_ISA everywhere to have them the same"
        )


def _find(places: Sequence[Path]) -> dict[int, Path]:
    """Files of tiles by number."""
    found: dict[int, Path] = {}
    for place in places:
        if not place.exists():
            raise RebalanceError(
                f"{place} must be a directory that rebalance affinity --shard wrote into, or a "
                "file in it, and it is not there: check the path"
            )
        for path in sorted(place.glob(PATTERN)) if place.is_dir() else [place]:
            tile = _number(path)
            if tile in found and found[tile].name != path.name:
                raise RebalanceError(
                    f"{found[tile]} and {path} belong to different numbers of shards: keep those "
                    "of one"
                )
            found[tile] = path
    if not found:
        raise RebalanceError(
            f"{places[0]} holds no shards: run rebalance affinity --shard 1/N --output "
            f"{places[0]} first, and all others"
        )
    return dict(sorted(found.items()))


def _number(path: Path) -> int:
    """Number of the tile in a file, by its name."""
    if not path.match(PATTERN) or not path.stem.rsplit("_", 1)[1].isdigit():
        raise RebalanceError(
            f"{path} must be a file that rebalance affinity --shard wrote, as "
            "shard_0001_of_0010_tile_000000.npz, and its name is none: leave it out"
        )
    return int(path.stem.rsplit("_", 1)[1])


def _whole(path: Path, read: Read | None) -> Read:
    if read is None:
        name = path.name.split("_")
        shard = f"{int(name[1])}/{int(name[3])}"
        raise RebalanceError(
            f"{path} is torn: run rebalance affinity --shard {shard} again with the same options, "
            "which makes only what is missing"
        )
    return read
