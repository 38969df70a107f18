"""Junk: class averages that show no particle, recognised by what their images show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._appearance import Appearance, appearance
from .checks import as_affinity_values, as_images
from .errors import RebalanceError

if TYPE_CHECKING:
    from ._affinity_results import Affinity

Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]

NEIGHBOURS = 3  # averages that another is compared with
LEAST_DISTANCE = 1e-4  # of an average from its neighbours

# Two groups of averages are told apart where ...
FEWEST = 8  # averages are there
SPLIT = 0.71  # of the variance lies between them (of one normal distribution: 0.64),
MORE_RIM = np.log(2)  # the contrast in the rim differs by this factor
MORE_DISTANCE = np.log(1.5)  # and the distance from the neighbours by this one,
SOME_RIM = np.log(0.1)  # and the rim of the others is not flat.

# Smallest standard deviations that are believed, of natural logarithms.
LEAST_SD_RIM = 0.6
LEAST_SD_DISTANCE = 0.25
LEAST_SD_DETAIL = 0.4

# Junk stands out by so many standard deviations:
STRANGE = 1.7  # by what its image shows alone
STRANGE_AND_FAR = 3.5  # and together with the distance from its neighbours
FULL_RIM = np.log(0.5)  # contrast in the rim of an image that is no particle with surroundings


def find_junk(images: ArrayLike, aff: Affinity | ArrayLike) -> tuple[Bools, tuple[str, ...]]:
    """Recognise class averages that show noise, edges, blanks or over-fitting, not a particle.

    Parameters
    ----------
    images : (N, L, L) array
        Class averages; axis order (average, y, x). Grey levels need not be comparable.
    aff : Affinity or (N, N) array
        Their affinity.

    Returns
    -------
    mask : (N,) bool array
        True for junk.
    reasons : tuple of N str
        What the image of a junk average shows: ``blank``, ``edge``, ``noise``, ``rings`` or
        ``blurred``; empty for all others.

    Raises
    ------
    RebalanceError
        For images or an affinity that are no such arrays, or that differ in number.

    Notes
    -----
    Two numbers about the image decide, measured against the averages of the same stack that
    surely show particles: the contrast in the rim of the disc, and how the power spreads over
    coarse and fine detail. The distance from the nearest neighbours adds to them, and is never
    enough: an average of a rare view is alone, and looks like the others. See
    ``docs/method.md``.
    """
    stack = as_images(images)
    values = as_affinity_values(aff.values if hasattr(aff, "values") else aff)
    if len(values) != len(stack):
        raise RebalanceError(
            f"affinity must have one row per image, {len(stack)}, not {len(values)}: give that of "
            "these images"
        )
    shown = np.ptp(stack.reshape(len(stack), -1), axis=1) > 0
    reasons = np.where(shown, "", "blank").astype(object)
    if shown.any():
        seen = appearance(stack[shown])
        distance = distance_from_neighbours(values[np.ix_(shown, shown)])
        reasons[shown] = _reasons(seen, distance)
    return np.array(reasons != "", dtype=bool), tuple(str(reason) for reason in reasons)


def distance_from_neighbours(values: Doubles) -> Doubles:
    """(N,) logarithm of 1 - mean affinity to the nearest neighbours; 0 without any."""
    others = values.copy()
    np.fill_diagonal(others, -1)
    k = min(NEIGHBOURS, len(values) - 1)
    if k == 0:
        return np.zeros(1)
    nearest = np.partition(others, -k, axis=1)[:, -k:].mean(axis=1)
    return np.asarray(np.log(np.maximum(1 - nearest, LEAST_DISTANCE)))


@dataclass(frozen=True)
class _Usual:
    """What is usual among some averages: median and robust standard deviation."""

    median: Doubles
    sd: Doubles

    @classmethod
    def of(cls, sample: Doubles, least_sd: float) -> _Usual:
        median = np.median(sample, axis=0)
        spread = 1.4826 * np.median(np.abs(sample - median), axis=0)  # of a normal distribution
        return cls(median, np.maximum(spread, least_sd))

    def deviation(self, sample: Doubles) -> Doubles:
        return np.asarray((sample - self.median) / self.sd)


@dataclass(frozen=True)
class Deviations:
    """How far N averages are from those that surely show particles, in standard deviations.

    Attributes
    ----------
    rim : (N,) float64 array
        More contrast in the rim; 0 for less.
    detail : (N, B) float64 array
        More power in each band.
    distance : (N,) float64 array
        Farther from the nearest neighbours.
    full : (N,) bool array
        Whether the rim has half of the contrast per area, and twice that of the particles.
    """

    rim: Doubles
    detail: Doubles
    distance: Doubles
    full: Bools

    @property
    def strange(self) -> Doubles:
        """(N,) by what the image shows alone, whatever its neighbours."""
        return np.asarray(np.hypot(self.rim, np.sqrt((self.detail**2).mean(axis=1))))


def deviations(seen: Appearance, distance: Doubles) -> Deviations:
    """Compare averages with those among them that surely show particles."""
    sure = _surely_particles(seen.rim, distance)
    rim = _Usual.of(seen.rim[sure], LEAST_SD_RIM)
    return Deviations(
        rim=np.maximum(rim.deviation(seen.rim), 0),
        detail=_Usual.of(seen.detail[sure], LEAST_SD_DETAIL).deviation(seen.detail),
        distance=_Usual.of(distance[sure], LEAST_SD_DISTANCE).deviation(distance),
        full=(seen.rim > FULL_RIM) & (seen.rim > rim.median + MORE_RIM),
    )


def _reasons(seen: Appearance, distance: Doubles) -> NDArray[np.object_]:
    away = deviations(seen, distance)
    both = away.strange + away.distance > STRANGE_AND_FAR
    junk = ((away.strange > STRANGE) & both) | away.full
    return np.where(junk, _names(seen, away), "").astype(object)


def _surely_particles(rim: Doubles, distance: Doubles) -> Bools:
    """The averages with flat surroundings and near neighbours.

    Otsu's threshold (1979) on the sum of both, which is the logarithm of their product; all
    averages, unless they fall into two groups that differ in both.
    """
    everything = np.ones(len(rim), dtype=bool)
    if len(rim) < FEWEST:
        return everything
    threshold, between = otsu(rim + distance)
    high = rim + distance > threshold
    split = (
        between > SPLIT
        and np.median(rim[high]) > max(SOME_RIM, np.median(rim[~high]) + MORE_RIM)
        and np.median(distance[high]) - np.median(distance[~high]) > MORE_DISTANCE
    )
    return ~high if split else everything


def otsu(sample: Doubles) -> tuple[float, float]:
    """Threshold with the largest variance between both sides, and its share of the variance."""
    ordered = np.sort(sample)
    n = len(ordered)
    below = np.arange(1, n)
    total = np.cumsum(ordered)
    means = total[:-1] / below, (total[-1] - total[:-1]) / (n - below)
    between = (means[0] - means[1]) ** 2 * below * (n - below) / n**2
    best = int(np.argmax(between))
    variance = float(ordered.var())
    share = float(between[best]) / variance if variance > 0 else 0.0
    return float(ordered[best] + ordered[best + 1]) / 2, share


def _names(seen: Appearance, away: Deviations) -> NDArray[np.str_]:
    """What each average would show if it were junk."""
    half = away.detail.shape[1] // 2
    fine = away.detail[:, half:].mean(axis=1) > away.detail[:, :half].mean(axis=1)
    by_rim = away.rim > np.sqrt((away.detail**2).mean(axis=1))
    filled = np.where(seen.one_sided > 0.5, "edge", "noise")
    names = np.where(by_rim, filled, np.where(fine, "noise", "blurred"))
    return np.where(seen.rings > 0.5, "rings", names)
