import enum
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

def instruction_set() -> str: ...

class PolarRings:
    def __init__(
        self,
        images: NDArray[np.float32],
        *,
        mask: NDArray[np.float32],
        rim: NDArray[np.float32],
        low: float,
        high: float,
        n_rings: int,
        n_angles: int,
        weight: Sequence[float],
        threads: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> None: ...
    @staticmethod
    def from_units(
        units: NDArray[np.float32], *, n_images: int, low: float, high: float, mask_radius: float
    ) -> PolarRings: ...
    def units(self) -> NDArray[np.float32]: ...
    def order(self) -> NDArray[np.int64]: ...
    @property
    def mask_radius(self) -> float: ...
    def power(self) -> list[float]: ...
    def samples(self) -> NDArray[np.float32]: ...

class PairSearch:
    def __init__(
        self,
        shifts: NDArray[np.float64],
        *,
        mirror: bool,
        max_shift: float,
        max_step: float,
        threads: int,
        n_rings: int = 0,
        n_angles: int = 0,
        first_rings: Sequence[int] = (),
    ) -> None: ...

def search_pairs(
    rings: PolarRings,
    search: PairSearch,
    out: tuple[NDArray[Any], ...],
    progress: Callable[[int, int], None] | None = None,
) -> None: ...
def search_between(
    rows: PolarRings,
    lanes: PolarRings,
    search: PairSearch,
    out: tuple[NDArray[Any], ...],
    progress: Callable[[int, int], None] | None = None,
    inverse: tuple[NDArray[Any], ...] | None = None,
) -> None: ...
def find_first_rings(rings: PolarRings, search: PairSearch) -> list[int]: ...
def search_nearest(
    rings: PolarRings,
    search: PairSearch,
    neighbour: NDArray[np.int32],
    out: tuple[NDArray[Any], ...],
    progress: Callable[[int, int], None] | None = None,
) -> None: ...

class LineTables:
    @staticmethod
    def all_pairs(
        rays: NDArray[np.float32],
        phase: NDArray[np.float32],
        *,
        threads: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> LineTables: ...
    @staticmethod
    def between(
        rows: NDArray[np.float32],
        columns: NDArray[np.float32],
        phase: NDArray[np.float32],
        *,
        threads: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> LineTables: ...
    def vote(
        self,
        rows: NDArray[np.int32],
        frames: NDArray[np.float64],
        image: NDArray[np.int32],
        directions: NDArray[np.float64],
        *,
        only: NDArray[np.int32] | None = None,
        threads: int,
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]: ...
    def find_lines(
        self,
        *,
        rows: NDArray[np.float64] | None = None,
        columns: NDArray[np.float64] | None = None,
        reach: int = 0,
        threads: int,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]: ...
    @property
    def n_rows(self) -> int: ...
    def table(self, row: int, column: int) -> NDArray[np.uint8]: ...

def vote_on_angles(
    in_row: NDArray[np.float64],
    in_anchor: NDArray[np.float64],
    of_anchors: NDArray[np.float64],
    skip: NDArray[np.int32],
    *,
    threads: int,
) -> tuple[NDArray[np.float64], NDArray[np.float32]]: ...
def sharpen(
    affinity: NDArray[np.float64], *, neighbours: int, reach: float
) -> NDArray[np.float64]: ...
def superclass_tree(
    affinity: NDArray[np.float64], together: Sequence[int] | NDArray[np.int32], *, damping: float
) -> tuple[NDArray[np.int32], NDArray[np.float64]]: ...
def draw(
    group: NDArray[np.int32],
    identity: NDArray[np.uint64] | None,
    *,
    cap: Sequence[int] | NDArray[np.int64],
    seed: int,
    quality: NDArray[np.float64] | None = None,
) -> NDArray[np.bool_]: ...
def draw_evenly(
    group: NDArray[np.int32],
    identity: NDArray[np.uint64] | None,
    *,
    cap: Sequence[int] | NDArray[np.int64],
    seed: int,
    average: NDArray[np.int32] | None = None,
    micrograph: NDArray[np.int32] | None = None,
    n_parts: int = 1,
) -> NDArray[np.bool_]: ...
def count_groups(
    group: NDArray[np.int32], *, n_groups: int, keep: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]: ...
def smallest_keys(
    group: NDArray[np.int32],
    identity: NDArray[np.uint64] | None,
    *,
    n_groups: int,
    seed: int,
) -> NDArray[np.uint64]: ...
def identities_of(names: list[bytes]) -> NDArray[np.uint64]: ...

class RowFault(enum.Enum):
    none = ...
    short_row = ...
    long_row = ...
    open_quote = ...
    bad_class = ...
    nul_byte = ...

class RowScan:
    def __init__(self, n_columns: int, class_column: int, name_column: int) -> None: ...
    def read(self, text: Buffer) -> int: ...
    @property
    def class_number(self) -> bytes: ...
    @property
    def identity(self) -> bytes: ...
    @property
    def ended(self) -> bool: ...
    @property
    def n_lines(self) -> int: ...
    @property
    def fault(self) -> RowFault: ...
    @property
    def fault_column(self) -> int: ...
    @property
    def fault_value(self) -> bytes: ...

class RowSplit:
    def __init__(self, n_files: int) -> None: ...
    def split(self, text: Buffer, file_of_row: NDArray[np.uint8], row: int) -> int: ...
    def text(self, file: int) -> memoryview: ...

def with_values(
    text: Buffer, n_columns: int, value: NDArray[np.int32], row: int
) -> tuple[bytes, int]: ...
def column_text(text: Buffer, column: int) -> bytes: ...
def find_repeats(identity: NDArray[np.uint64]) -> tuple[bytes, int]: ...
