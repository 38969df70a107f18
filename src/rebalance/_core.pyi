from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

def instruction_set() -> str: ...

class PolarRings:
    def __init__(
        self,
        images: NDArray[np.float32],
        *,
        low: float,
        high: float,
        n_rings: int,
        n_angles: int,
        weight: Sequence[float],
        threads: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> None: ...
    def samples(self) -> NDArray[np.float32]: ...

def search_pairs(
    rings: PolarRings,
    shifts: NDArray[np.float64],
    *,
    mirror: bool,
    max_step: float,
    threads: int,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]: ...
