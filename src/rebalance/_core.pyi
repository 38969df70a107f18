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

class SpectralEmbedding:
    def __init__(self, affinity: NDArray[np.float64], n_vectors: int) -> None: ...
    def labels(self, k: int) -> NDArray[np.int32]: ...
    def silhouette(self, labels: NDArray[np.int32]) -> NDArray[np.float64]: ...

def draw(
    group: NDArray[np.int32],
    identity: NDArray[np.uint64],
    *,
    cap: Sequence[int],
    seed: int,
) -> NDArray[np.bool_]: ...
def identities_of(names: list[bytes]) -> NDArray[np.uint64]: ...
