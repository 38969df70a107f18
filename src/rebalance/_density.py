"""Which share of the particles of every class average to keep, so that views spread evenly.

The density of views at an average is the number of particles kept near it: the sum over averages
of their particles times a kernel on the angle between viewing directions. Fractions are sought
that make it as flat as it can be for the number of particles kept.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._density_angles import angles_of_affinity, angles_of_axes, angles_of_sphere
from ._view_verdict import TRUSTED
from .checks import as_affinity_values, as_factor, as_unit_vectors
from .errors import RebalanceError

if TYPE_CHECKING:
    from ._affinity_results import Affinity
    from ._view_verdict import ViewSphere

Floats = NDArray[np.float64]

WIDTH_BY_AFFINITY = 13.0  # degrees, sd of the kernel
WIDTH_BY_DIRECTION = 10.0  # degrees; true angles allow a narrower one
FEW = 120  # averages; fewer lie further apart and need a wider kernel
OVERDO = 0.15  # how much the errors of angles from affinities are made up for
OVERDO_PER_DEGREE = 0.04  # the same for those of directions, per degree of their uncertainty
MOST_OVERDONE = 0.3
SWEEPS = 30  # of the flattening
HALVINGS = 30  # of the search for the number of particles that fits a factor


def keep_fractions(
    aff: Affinity | ArrayLike,
    particles: ArrayLike,
    *,
    keep: float | None = None,
    factor: object = None,
    sphere: ViewSphere | None = None,
) -> Floats:
    """Fractions of the particles of every average to keep, from the affinity or a view sphere.

    Parameters
    ----------
    aff : Affinity or (N, N) array
        Affinity in [0, 1], symmetric, of the averages that take part.
    particles : (N,) array
        Particles of each average.
    keep : float, optional
        Share of all particles to keep, above 0 and up to 1. Give either this or `factor`.
    factor : number or its decimal form, optional
        Least smallest / largest density of views over the averages, 0 (drop nothing) to 1; as
        many particles are kept as it allows.
    sphere : ViewSphere, optional
        Viewing directions of the same averages. Where its verdict is ``trusted`` the angles
        between views are those of the directions, which tell much more than affinities, and the
        affinity stands in for averages without one; elsewhere it is not heeded.

    Returns
    -------
    (N,) float64 array
        Fraction of the particles of each average to keep, 0 to 1; 1 for averages without
        particles. Their mean, weighted by particles, is `keep`.

    Raises
    ------
    RebalanceError
        When affinity or particles make no sense, or not exactly one of `keep` and `factor` is
        given, or it is out of range, or the sphere has another number of averages.

    Notes
    -----
    Round the particles kept up to whole numbers: then no average is emptied, and running again on
    what was kept, with the same factor, changes no average by more than rounding.
    """
    plain: ArrayLike = getattr(aff, "values", aff)  # type: ignore[arg-type]
    values = as_affinity_values(plain)
    if sphere is not None:
        _refuse_other_averages(sphere, len(values))
        if sphere.verdict == TRUSTED:
            angle, overdo = angles_of_sphere(values, sphere), _overdo_of(sphere)
            return _fractions(angle, WIDTH_BY_DIRECTION, particles, keep, factor, overdo)
    angle = angles_of_affinity(values)
    return _fractions(angle, WIDTH_BY_AFFINITY, particles, keep, factor, OVERDO)


def keep_fractions_by_direction(
    directions: ArrayLike,
    particles: ArrayLike,
    *,
    keep: float | None = None,
    factor: object = None,
) -> Floats:
    """Fractions of the particles of every average to keep, from viewing directions.

    Parameters
    ----------
    directions : (N, 3) array
        Viewing directions of any length above 0; v and -v are one view.
    particles, keep, factor : array, float, number
        As in :func:`keep_fractions`.

    Returns
    -------
    (N,) float64 array
        As in :func:`keep_fractions`.

    Raises
    ------
    RebalanceError
        As in :func:`keep_fractions`, or when directions make no sense.
    """
    angle = angles_of_axes(as_unit_vectors(directions))
    return keep_fractions_by_angle(angle, particles, keep=keep, factor=factor)


def keep_fractions_by_angle(
    angle_deg: ArrayLike,
    particles: ArrayLike,
    *,
    keep: float | None = None,
    factor: object = None,
) -> Floats:
    """Fractions of the particles of every average to keep, from angles between views.

    Parameters
    ----------
    angle_deg : (N, N) array
        Angles between the viewing axes in degrees, modulo the symmetry of the particle;
        symmetric, 0 on the diagonal.
    particles, keep, factor : array, float, number
        As in :func:`keep_fractions`.

    Returns
    -------
    (N,) float64 array
        As in :func:`keep_fractions`.

    Raises
    ------
    RebalanceError
        As in :func:`keep_fractions`, or when the angles make no sense.
    """
    angle = np.asarray(angle_deg, dtype=np.float64)
    if angle.ndim != 2 or angle.shape[0] != angle.shape[1] or angle.size == 0:
        raise RebalanceError(f"angles must have shape (N, N) with N >= 1, not {angle.shape}")
    if not np.isfinite(angle).all() or angle.min() < 0 or angle.max() > 180:
        raise RebalanceError(
            "angles must be finite and lie in [0, 180] degrees: leave out averages without one"
        )
    return _fractions(angle, WIDTH_BY_DIRECTION, particles, keep, factor)


def _refuse_other_averages(sphere: ViewSphere, n: int) -> None:
    if len(sphere.direction) != n:
        raise RebalanceError(
            f"the view sphere must be that of the {n} averages, not of {len(sphere.direction)}: "
            "give the one made from their images"
        )


def _overdo_of(sphere: ViewSphere) -> float:
    """How much the errors of the directions are made up for."""
    known = sphere.uncertainty[np.isfinite(sphere.uncertainty)]
    typical = float(np.median(known)) if len(known) else 0.0
    return min(MOST_OVERDONE, OVERDO_PER_DEGREE * typical)


def _fractions(
    angle_deg: Floats,
    width_deg: float,
    particles: ArrayLike,
    keep: float | None,
    factor: object,
    overdo: float = 0.0,
) -> Floats:
    size = _as_particles(particles, len(angle_deg))
    has = size > 0
    fractions = np.ones(len(size))
    width = width_deg * max(1.0, np.sqrt(FEW / max(1, int(has.sum()))))
    kernel = np.exp(-0.5 * (angle_deg[np.ix_(has, has)] / width) ** 2)
    if (keep is None) == (factor is None):
        raise RebalanceError(
            "Give either keep, the share of the particles to keep, or factor, smallest / largest "
            f"density of views; not {'neither' if keep is None else 'both'}."
        )
    if keep is not None:
        fractions[has] = _flattened(kernel, size[has], _as_share(keep), overdo)
    else:
        fractions[has] = _flat_enough(kernel, size[has], float(as_factor(factor)))
    return fractions


def _as_particles(particles: ArrayLike, n: int) -> Floats:
    size = np.asarray(particles, dtype=np.float64)
    if size.shape != (n,):
        raise RebalanceError(
            f"particles must have shape ({n},), one number for each average, not {size.shape}"
        )
    if not np.isfinite(size).all() or size.min() < 0 or size.max() <= 0:
        raise RebalanceError(
            f"particles must be finite, 0 or more and not all 0, but span {size.min():g} to "
            f"{size.max():g}"
        )
    return size


def _as_share(keep: object) -> float:
    share = float(keep) if isinstance(keep, (int, float, np.number, Decimal)) else float("nan")
    if not 0 < share <= 1:
        raise RebalanceError(
            f"keep must be a number above 0 and up to 1, not {keep!r}: the share of all particles "
            "to keep"
        )
    return share


def _flattened(kernel: Floats, size: Floats, keep: float, overdo: float = 0.0) -> Floats:
    """Fractions that keep a share of the particles and make the density as flat as it can be.

    Every sweep divides the fractions by the density of what is kept, up to 1 and to a common
    level that keeps the share. Where it rests, averages with a fraction below 1 have one density,
    and those that are kept whole a lower one. Errors of the angles blur the density, so that its
    peaks look lower than they are; with `overdo` they are cut that much more: the density aimed at
    is that before to the power of -`overdo`.
    """
    if keep == 1:
        return np.ones(len(size))
    goal = (kernel @ size) ** -overdo
    fractions = np.ones(len(size))
    for _ in range(SWEEPS):
        density = kernel @ (size * fractions)
        fractions = _levelled(fractions * goal / density, size, keep)
    return fractions


def _levelled(weight: Floats, size: Floats, keep: float) -> Floats:
    """min(1, level x weight), the level such that a share of the particles is kept."""
    order = np.argsort(-weight, kind="stable")
    heavy, heavy_size = weight[order], size[order]
    whole = np.concatenate([[0.0], np.cumsum(heavy_size)[:-1]])  # kept before each one
    rest = np.cumsum((heavy * heavy_size)[::-1])[::-1]
    level = (keep * size.sum() - whole) / rest  # if those before each one are kept whole
    fits = np.flatnonzero(level * heavy <= 1.0)
    fractions: Floats = np.minimum(1.0, weight * level[fits[0] if len(fits) else -1])
    return fractions


def _flat_enough(kernel: Floats, size: Floats, factor: float) -> Floats:
    """Fractions that keep as much as they can with smallest / largest density >= factor.

    Particles are whole: where one less in each average would do, nothing is dropped, so that what
    was kept is not cut again. Where no share fits, the flattest found.
    """
    if (kernel @ size).min() >= factor * (kernel @ np.maximum(size - 1, 0)).max():
        return np.ones(len(size))
    low, high = 0.0, 1.0
    best = np.full(len(size), 1.0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        fractions = _flattened(kernel, size, middle)
        if _evenness(kernel, size * fractions) >= factor:
            low, best = middle, fractions
        else:
            high = middle
    return best if low > 0 else _flattened(kernel, size, 1e-3)


def _evenness(kernel: Floats, kept: Floats) -> float:
    """Smallest / largest density over the averages."""
    density = kernel @ kept
    return float(density.min() / density.max())
