"""Many averages: landmarks among them are grouped, and every other joins those that it is like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int32]
Values = NDArray[np.float64]
Indices = NDArray[np.intp]
Floats = NDArray[np.float32]

LANDMARKS = 3000
NEAREST = 5  # landmarks that say where an average belongs
AT_ONCE = 2048  # averages


def likeness(place: Floats, rows: Indices, columns: Indices) -> Values:
    """(R, C) cosines of unit vectors, none below 0: how alike averages are."""
    cosine = place[rows].astype(np.float64) @ place[columns].astype(np.float64).T
    return np.clip(cosine, 0.0, 1.0)


@dataclass(frozen=True)
class Nearest:
    """The nearest landmarks of P averages.

    Attributes
    ----------
    landmark : (P, T) intp array
        Number among the landmarks, the nearest first.
    weight : (P, T) float64 array
        What each says, 1 together: exp(-(its distance - that of the nearest) / t), t the median
        distance between a landmark and the one nearest to it.
    """

    landmark: Indices
    weight: Values

    def votes(self, labels: Labels) -> Values:
        """(P, K) weight of the superclasses that `labels` give the landmarks."""
        n_labels = int(labels.max()) + 1
        votes = np.zeros((len(self.landmark), n_labels))
        rows = np.arange(len(votes))
        for landmark, weight in zip(self.landmark.T, self.weight.T, strict=True):
            np.add.at(votes, (rows, labels[landmark]), weight)
        return votes

    def mean(self, of_landmarks: Values) -> Values:
        """(P,) weighted mean of what landmarks have."""
        return np.asarray((of_landmarks[self.landmark] * self.weight).sum(axis=1))


def choose_landmarks(members: Indices) -> Indices:
    """Some of the `members`, drawn alike by fixed numbers, in rising order."""
    if len(members) <= LANDMARKS:
        return members
    drawn = np.random.default_rng(0).choice(len(members), LANDMARKS, replace=False)
    return members[np.sort(drawn)]


def among(place: Floats, landmarks: Indices) -> Values:
    """(M, M) affinity of the landmarks: symmetric, 1 on the diagonal."""
    given = likeness(place, landmarks, landmarks)
    square: Values = (given + given.T) / 2
    np.fill_diagonal(square, 1.0)
    return square


def find_nearest(place: Floats, members: Indices, landmarks: Indices, square: Values) -> Nearest:
    """The nearest landmarks of the `members`, `square` being the affinity of the landmarks.

    Only a landmark itself says where it belongs.
    """
    top = min(NEAREST, len(landmarks))
    others = square - 2 * np.eye(len(square))
    length = max(float(np.median(1 - others.max(axis=1))), 1e-6)
    found, weights = [], []
    for start in range(0, len(members), AT_ONCE):
        part = members[start : start + AT_ONCE]
        alike = likeness(place, part, landmarks)
        own = np.searchsorted(landmarks, part).clip(max=len(landmarks) - 1)
        itself = landmarks[own] == part
        alike[itself, own[itself]] = np.inf
        nearest = np.argsort(-alike, axis=1, kind="stable")[:, :top]
        value = np.take_along_axis(alike, nearest, axis=1)
        first = np.where(itself, 1.0, value[:, 0])  # of a landmark, what is near gains nothing
        weight = np.exp((np.minimum(value, first[:, None]) - first[:, None]) / length)
        weight[itself, 1:] = 0.0
        found.append(nearest)
        weights.append(weight / weight.sum(axis=1, keepdims=True))
    return Nearest(np.concatenate(found), np.concatenate(weights))
