"""A density map of a particle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import RebalanceError


@dataclass(frozen=True)
class DensityMap:
    """A density map of a particle.

    Attributes
    ----------
    values : (Z, Y, X) array of real numbers
        Density, larger where the particle is; any three lengths of at least 8.
    pixel_size : float
        A per pixel.
    """

    values: NDArray[np.float32]
    pixel_size: float

    def __post_init__(self) -> None:
        values = np.asarray(self.values)
        if values.ndim != 3 or min(values.shape) < 8 or values.dtype.kind not in "iuf":
            raise RebalanceError(
                "A density map must have three axes (z, y, x) of real numbers and at least 8 px "
                f"along each, not shape {values.shape} and dtype {values.dtype}: give a volume."
            )
        if not np.isfinite(values).all():
            raise RebalanceError(
                "A density map must be finite, but some voxels are NaN or infinite: repair it."
            )
        if values.min() == values.max():
            raise RebalanceError(
                f"A density map must show a particle, but every voxel is {values.flat[0]:g}: "
                "give another map."
            )
        if not 0 < self.pixel_size < np.inf:
            raise RebalanceError(
                f"The pixel size of a density map must be a number of A above 0, not "
                f"{self.pixel_size!r}: give the one that the map has."
            )
        single = np.ascontiguousarray(values, dtype=np.float32)
        object.__setattr__(self, "values", single)
