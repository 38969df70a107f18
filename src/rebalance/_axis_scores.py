"""Scores against true viewing directions; v and -v are one view."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from ._symmetry import rotations
from .checks import as_seed, as_unit_vectors, as_whole
from .errors import RebalanceError

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

STARTS = 60  # of the search for the rotation between two sets of axes
STEPS = 50  # of that search, and of k-means, at most


def angle_within(labels: ArrayLike, direction: ArrayLike, symmetry: str = "C1") -> float:
    """Mean angle between the axes of different averages of one superclass.

    Each average weighs the same: its mean angle to the others of its superclass counts once.
    Averages without a superclass (-1) or alone in it do not count.

    Parameters
    ----------
    labels : (N,) int array
        Superclass of each average; -1 = none.
    direction : (N, 3) array
        True viewing directions.
    symmetry : str
        Point group of the particle, as in :func:`rebalance.simulate`.

    Returns
    -------
    float
        Degrees; nan when no superclass holds two averages.

    Raises
    ------
    RebalanceError
        When labels or directions make no sense.
    """
    angle = axis_angles(direction, symmetry=symmetry)
    group = np.asarray(labels)
    if group.shape != (len(angle),):
        raise RebalanceError(
            f"labels must have shape ({len(angle)},), one for each direction, not {group.shape}"
        )
    together = (group[:, None] == group) & (group >= 0) & ~np.eye(len(group), dtype=np.bool_)
    others = together.sum(axis=1)
    if not others.any():
        return float("nan")
    counted = others > 0
    return float(np.mean((angle * together).sum(axis=1)[counted] / others[counted]))


def best_angle_within(
    direction: ArrayLike, n_superclasses: int, *, runs: int = 50, seed: int = 0
) -> float:
    """Least `angle_within` of axial k-means runs on the true directions: what can be reached.

    Parameters
    ----------
    direction : (N, 3) array
        True viewing directions.
    n_superclasses : int
        Number of groups, at most N.
    runs : int
        Runs from different random starts; the best counts.
    seed : int
        Seed of the starts.

    Returns
    -------
    float
        Degrees.

    Raises
    ------
    RebalanceError
        When directions or numbers make no sense.
    """
    axes = as_unit_vectors(direction)
    k = as_whole("number of superclasses", n_superclasses, 1, len(axes))
    rng = np.random.default_rng(as_seed(seed))
    found = [
        angle_within(_axial_k_means(axes, k, rng), axes)
        for _ in range(as_whole("number of runs", runs, 1))
    ]
    return float(np.nanmin(found))


def axis_angles(
    direction: ArrayLike, other: ArrayLike | None = None, *, symmetry: str = "C1"
) -> Floats:
    """Angles between axes, modulo the symmetry of the particle.

    Parameters
    ----------
    direction : (N, 3) array
        Viewing directions of any length above 0.
    other : (M, 3) array, optional
        Directions to compare with; the same ones where not given.
    symmetry : str
        Point group of the particle.

    Returns
    -------
    (N, M) float64 array
        Degrees, 0 to 90.

    Raises
    ------
    RebalanceError
        When directions or symmetry make no sense.
    """
    a = as_unit_vectors(direction)
    b = a if other is None else as_unit_vectors(other)
    cosine = np.zeros((len(a), len(b)))
    for rotation in rotations(symmetry):
        np.maximum(cosine, np.abs(a @ rotation @ b.T), out=cosine)
    angle: Floats = np.degrees(np.arccos(np.minimum(cosine, 1.0)))
    return angle


def direction_errors(
    found: ArrayLike, truth: ArrayLike, *, symmetry: str = "C1", seed: int = 0
) -> Floats:
    """Angular error of each direction, after the rotation that fits all of them best.

    Directions found without a map are known up to one rotation of the whole and its mirror image;
    on axes, a mirror image is a rotation too.

    Parameters
    ----------
    found, truth : (N, 3) arrays
        Directions found and true directions; v and -v are one view. Leave out those that were not
        found.
    symmetry : str
        Point group of the particle, in the frame of `truth`.
    seed : int
        Seed of the starts of the search.

    Returns
    -------
    (N,) float64 array
        Degrees, 0 to 90.

    Raises
    ------
    RebalanceError
        When directions or symmetry make no sense.
    """
    axes, target = _as_pair(found, truth)
    return axis_errors(axes, target, axis_rotation(axes, target, symmetry, seed), symmetry)


def axis_rotation(
    found: ArrayLike, truth: ArrayLike, symmetry: str = "C1", seed: int = 0
) -> Floats:
    """(3, 3) rotation that lays `found` on `truth`, as :func:`direction_errors` does."""
    axes, target = _as_pair(found, truth)
    group = rotations(symmetry)
    starts = Rotation.random(STARTS, random_state=as_seed(seed) % 2**32).as_matrix()
    fits = [_climbed(axes, target, group, start) for start in starts]

    def misfit(rotation: Floats) -> float:
        errors = axis_errors(axes, target, rotation, symmetry)
        return float(np.mean(np.sin(np.radians(errors)) ** 2))

    return min(fits, key=misfit)


def axis_errors(axes: Floats, target: Floats, rotation: Floats, symmetry: str) -> Floats:
    """(N,) degrees between `target` and `axes` turned."""
    images = np.einsum("gab,nb->gna", rotations(symmetry), target)
    cosine = np.abs(np.einsum("na,gna->gn", axes @ rotation.T, images)).max(axis=0)
    errors: Floats = np.degrees(np.arccos(np.minimum(cosine, 1.0)))
    return errors


def _as_pair(found: ArrayLike, truth: ArrayLike) -> tuple[Floats, Floats]:
    axes, target = as_unit_vectors(found), as_unit_vectors(truth)
    if axes.shape != target.shape:
        raise RebalanceError(
            f"found and truth must have one shape, not {axes.shape} and {target.shape}: give both "
            "for the same averages"
        )
    return axes, target


def _climbed(axes: Floats, target: Floats, group: Floats, rotation: Floats) -> Floats:
    """The rotation that turns `axes` on `target`, climbing from one rotation."""
    images = np.einsum("gab,nb->gna", group, target)
    for _ in range(STEPS):
        cosine = np.einsum("na,gna->gn", axes @ rotation.T, images)
        best = np.abs(cosine).argmax(axis=0)
        chosen = (best, np.arange(len(axes)))
        goal = np.sign(cosine[chosen])[:, None] * images[chosen]
        left, _, right = np.linalg.svd(goal.T @ axes)
        turned = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
        if np.allclose(turned, rotation, atol=1e-9):
            break
        rotation = turned
    return rotation


def _axial_k_means(axes: Floats, k: int, rng: np.random.Generator) -> Labels:
    """Groups (N,) round k axes, from random members as a start."""
    centre = axes[np.argsort(rng.random(len(axes)))[:k]]
    labels = np.full(len(axes), -1)
    for _ in range(STEPS):
        nearest = np.abs(axes @ centre.T).argmax(axis=1)
        if (nearest == labels).all():
            break
        labels = nearest
        for group in np.unique(labels):
            member = axes[labels == group]
            centre[group] = np.linalg.eigh(member.T @ member)[1][:, -1]
    return labels
