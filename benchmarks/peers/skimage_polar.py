"""scikit-image: polar images, all angles by one FFT, once per shift and mirror."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.transform import warp_polar
from task import Images, Range, Values, masked, measure, shifts


class Search:
    """``warp_polar`` of every shifted image; correlation over the angle with ``numpy.fft``."""

    def __init__(self, images: Images, asked: Range) -> None:
        self.images, self.asked = masked(images), asked
        self.series = np.stack([self._series(image) for image in self.images])

    def _series(self, image: Images) -> NDArray[np.complex64]:
        box = image.shape[0]
        polar = warp_polar(
            image,
            center=(box // 2, box // 2),
            radius=box // 2,
            output_shape=(self.asked.n_angles, box // 2),
        )
        polar = polar * np.sqrt(np.arange(polar.shape[1]) + 0.5)  # area of a sample
        polar /= np.linalg.norm(polar)
        return np.fft.rfft(polar, axis=0).astype(np.complex64)

    def compare(self, i: int, others: NDArray[np.intp]) -> Values:
        best = np.full(len(others), -1.0)
        for shift in shifts(self.asked):
            moved = self._series(np.roll(self.images[i], shift, axis=(0, 1)))
            for first in (moved, moved.conj()):  # and its mirror image
                product = np.einsum("mk,nmk->nm", first, self.series[others].conj())
                angular = np.fft.irfft(product, n=self.asked.n_angles, axis=1)
                best = np.maximum(best, angular.max(axis=1))
        return best


if __name__ == "__main__":
    measure(Search)
