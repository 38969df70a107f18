"""ASPIRE: ``BFTAverager2D.align``, translations by brute force and angles by polar Fourier."""

from __future__ import annotations

import logging

import numpy as np
from aspire.basis import FFBBasis2D
from aspire.classification.averager2d import BFTAverager2D
from aspire.source import ArrayImageSource
from numpy.typing import NDArray
from task import Images, Range, Values, masked, measure

logging.disable(logging.WARNING)


def peaks(aligner: BFTAverager2D, i: int, others: NDArray[np.intp], mirrored: bool) -> Values:
    """Highest peak of image i with each of the others, all of them reflected or none."""
    classes = np.array([[i, *others]])
    return np.asarray(aligner.align(classes, np.full(classes.shape, mirrored))[2][0, 1:])


class Search:
    """An image as its class's first, all others as its neighbours, plain and reflected.

    The peaks of ASPIRE are no correlations; they are divided by that of an image with itself.
    """

    def __init__(self, images: Images, asked: Range) -> None:
        source = ArrayImageSource(masked(images).astype(np.float64), pixel_size=1.0)
        basis = FFBBasis2D(images.shape[1], dtype=np.float64)
        self.aligner, still = (
            BFTAverager2D(basis, source, n_angles=asked.n_angles, radius=radius, batch_size=64)
            for radius in (asked.max_shift, 0)
        )
        every = np.arange(len(images))
        self.own = np.array([peaks(still, i, every[[i]], False)[0] for i in every])

    def compare(self, i: int, others: NDArray[np.intp]) -> Values:
        found = (peaks(self.aligner, i, others, mirrored) for mirrored in (False, True))
        best = np.maximum(*found)
        return best / np.sqrt(self.own[i] * self.own[others])


if __name__ == "__main__":
    measure(Search)
