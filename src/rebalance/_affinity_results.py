"""What a comparison of averages gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .config import AffinitySettings


@dataclass(frozen=True)
class Affinity:
    """All-pairs affinity with the transform of every pair.

    Entry [i, j] of the transforms lays average j on average i: mirror j (axis 1, about index
    L//2) where `mirror` is true, turn it counter-clockwise (axis 0 upward) by `angle`, then shift
    it by `shift`; [j, i] is the inverse.

    Attributes
    ----------
    values : (N, N) float32 array
        Affinity, 0 to 1, symmetric, 1 on the diagonal.
    angle : (N, N) float32 array
        In-plane angle in degrees, counter-clockwise, in [-180, 180).
    shift : (N, N, 2) float32 array
        Shift (y, x) in px.
    mirror : (N, N) bool array
        Whether j is mirrored.
    settings : AffinitySettings
        The settings with every None replaced by what was chosen from the data.
    warnings : tuple of str
        What the user should know of how it was computed, a sentence each.
    """

    values: NDArray[np.float32]
    angle: NDArray[np.float32]
    shift: NDArray[np.float32]
    mirror: NDArray[np.bool_]
    settings: AffinitySettings
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def _repr_html_(self) -> str:
        from ._notebook import affinity_html  # draws, and nobody needs it outside notebooks

        return affinity_html(self.values, self.settings)

    @property
    def mapped(self) -> bool:
        """Whether the arrays are memory-mapped files, which are gone with the arrays."""
        return isinstance(self.values, np.memmap)


@dataclass(frozen=True)
class AffinityBetween:
    """Affinity of every average of one stack with every average of another.

    Entry [i, j] of the transforms lays average j of the second stack on average i of the first,
    as in :class:`Affinity`.

    Attributes
    ----------
    values : (Na, Nb) float32 array
        Affinity, 0 to 1.
    angle : (Na, Nb) float32 array
        In-plane angle in degrees, counter-clockwise, in [-180, 180).
    shift : (Na, Nb, 2) float32 array
        Shift (y, x) in px.
    mirror : (Na, Nb) bool array
        Whether j is mirrored.
    settings : AffinitySettings
        The settings with every None replaced by what was chosen from both stacks together.
    """

    values: NDArray[np.float32]
    angle: NDArray[np.float32]
    shift: NDArray[np.float32]
    mirror: NDArray[np.bool_]
    settings: AffinitySettings

    def __len__(self) -> int:
        return len(self.values)

    def _repr_html_(self) -> str:
        from ._notebook import affinity_html  # draws, and nobody needs it outside notebooks

        return affinity_html(self.values, self.settings)

    @property
    def mapped(self) -> bool:
        """Whether the arrays are memory-mapped files, which are gone with the arrays."""
        return isinstance(self.values, np.memmap)


@dataclass(frozen=True)
class SparseAffinity:
    """The T nearest neighbours of every average, by falling affinity, ties by lower index.

    Entry [i, t] of the transforms lays average ``neighbour[i, t]`` on average i, as in
    :class:`Affinity`.

    Attributes
    ----------
    neighbour : (N, T) int32 array
        Indices of averages, never i itself.
    values : (N, T) float32 array
        Affinity, 0 to 1.
    angle : (N, T) float32 array
        In-plane angle in degrees, counter-clockwise, in [-180, 180).
    shift : (N, T, 2) float32 array
        Shift (y, x) in px.
    mirror : (N, T) bool array
        Whether the neighbour is mirrored.
    settings : AffinitySettings
        The settings with every None replaced by what was chosen from the data.
    warnings : tuple of str
        What the user should know of how it was computed, a sentence each.
    """

    neighbour: NDArray[np.int32]
    values: NDArray[np.float32]
    angle: NDArray[np.float32]
    shift: NDArray[np.float32]
    mirror: NDArray[np.bool_]
    settings: AffinitySettings
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def to_csr(self) -> sparse.csr_array:
        """(N, N) affinity: of two averages where either is a neighbour of the other, else 0.

        Returns
        -------
        scipy.sparse.csr_array
            float32, symmetric, 1 on the diagonal.
        """
        n, top = self.values.shape
        columns = np.column_stack([np.arange(n, dtype=np.int32), self.neighbour])
        values = np.column_stack([np.ones(n, np.float32), self.values])
        starts = np.arange(n + 1) * (top + 1)
        one_way = sparse.csr_array((values.ravel(), columns.ravel(), starts), shape=(n, n))
        return sparse.csr_array(one_way.maximum(one_way.T))
