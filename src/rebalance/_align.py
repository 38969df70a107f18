"""Laying class averages on each other, with the transforms that the affinity found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .errors import RebalanceError

if TYPE_CHECKING:
    from ._affinity_results import Affinity

SPLINE_ORDER = 3


def align(
    images: NDArray[np.floating],
    aff: Affinity,
    *,
    reference: int | NDArray[np.integer] | None = None,
) -> NDArray[np.float32]:
    """Lay every average on its reference.

    Parameters
    ----------
    images : (N, L, L) array
        Class averages, axis order (average, y, x).
    aff : Affinity
        The affinity of these averages.
    reference : int or (N,) int array, optional
        Index of the average that all are laid on, or one index for each; None: the average with
        the highest mean affinity.

    Returns
    -------
    (N, L, L) float32 array
        Mirrored, turned and shifted averages. What comes from outside an image takes the mean
        of its rim.

    Raises
    ------
    RebalanceError
        If `images` and `aff` are not of the same averages, or a reference is not one of them.
    """
    n_averages = _n_averages(images, aff)
    references = _as_references(reference, aff, n_averages)
    aligned = np.empty(images.shape, np.float32)
    for j, i in enumerate(references):
        aligned[j] = transform_image(images[j], aff.angle[i, j], aff.shift[i, j], aff.mirror[i, j])
    return aligned


def transform_image(
    image: NDArray[np.floating], angle_deg: float, shift: NDArray[np.floating], mirror: bool
) -> NDArray[np.float32]:
    """Mirror an image where asked, then turn it, then shift it.

    Parameters
    ----------
    image : (L, L) array
        Axis order (y, x).
    angle_deg : float
        Turn in degrees about pixel L//2, counter-clockwise where axis 0 points upward: a point
        on +x (axis 1) goes towards +y (axis 0).
    shift : (2,) array
        Shift (y, x) in px.
    mirror : bool
        Whether x goes to 2 (L//2) - x before anything else.

    Returns
    -------
    (L, L) float32 array
        By cubic spline; what comes from outside the image takes the mean of its rim.
    """
    to_input = _mirror_matrix(mirror) @ _turn_matrix(angle_deg).T
    center = np.full(2, image.shape[0] // 2, np.float64)
    offset = center - to_input @ (center + np.asarray(shift, np.float64))
    moved: NDArray[np.float32] = ndimage.affine_transform(
        np.asarray(image, np.float64),
        to_input,
        offset,
        output=np.float32,
        order=SPLINE_ORDER,
        # Unlike "constant", this keeps the outermost pixels when rounding puts them a hair outside.
        mode="grid-constant",
        cval=_rim_mean(image),
    )
    return moved


def superclass_references(aff: Affinity, labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Find the average on which each average is laid: the medoid of its superclass.

    Parameters
    ----------
    aff : Affinity
        Affinity of N averages.
    labels : (N,) int array
        Superclass of each average; -1 = none.

    Returns
    -------
    (N,) int64 array
        Index of the member with the highest mean affinity inside the superclass (ties: the
        lowest index); the average itself where the label is -1.
    """
    references = np.arange(len(labels))
    for label in np.unique(labels[labels >= 0]):
        members = np.flatnonzero(labels == label)
        references[members] = members[_most_central(aff.values[np.ix_(members, members)])]
    return references


def _most_central(values: NDArray[np.float32]) -> int:
    """Row of the highest mean affinity; summed in double, so that ties are true ties."""
    return int(np.argmax(values.sum(axis=1, dtype=np.float64)))


def _turn_matrix(angle_deg: float) -> NDArray[np.float64]:
    """Matrix on (y, x) that takes +x towards +y."""
    angle = np.deg2rad(np.float64(angle_deg))
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _mirror_matrix(mirror: bool) -> NDArray[np.float64]:
    return np.diag([1.0, -1.0 if mirror else 1.0])


def _rim_mean(image: NDArray[np.floating]) -> float:
    rim = np.concatenate([image[0], image[-1], image[1:-1, 0], image[1:-1, -1]])
    return float(rim.mean(dtype=np.float64))


def _n_averages(images: NDArray[np.floating], aff: Affinity) -> int:
    n_averages = len(aff.values)
    if images.ndim != 3 or len(images) != n_averages or images.shape[1] != images.shape[2]:
        raise RebalanceError(
            f"images must have shape ({n_averages}, L, L) like the affinity, not {images.shape}: "
            "give the averages that the affinity was computed from."
        )
    return n_averages


def _as_references(
    reference: int | NDArray[np.integer] | None, aff: Affinity, n_averages: int
) -> NDArray[np.int64]:
    if reference is None:
        reference = _most_central(aff.values)
    references = np.asarray(reference)
    if references.dtype.kind not in "iu" or references.shape not in ((), (n_averages,)):
        raise RebalanceError(
            f"reference must be one index or {n_averages} indices, not an array of type "
            f"{references.dtype} and shape {references.shape}: give whole numbers."
        )
    outside = references[(references < 0) | (references >= n_averages)]
    if outside.size:
        raise RebalanceError(
            f"reference must be between 0 and {n_averages - 1}, not {outside.flat[0]}: "
            "give the index of an average."
        )
    return np.broadcast_to(references, (n_averages,)).astype(np.int64)
