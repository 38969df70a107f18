"""OpenCV: rotate one image in steps, correlate every turned one at all shifts."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from task import Images, Range, Values, circle, masked, measure


class Search:
    """Turned and mirrored copies of i against a padded j, by ``cv2.matchTemplate``."""

    def __init__(self, images: Images, asked: Range) -> None:
        cv2.setNumThreads(1)
        self.images, self.asked = masked(images), asked
        y, x = np.indices((2 * asked.max_shift + 1,) * 2) - asked.max_shift
        self.outside = np.hypot(y, x) > asked.max_shift

    def _turned(self, image: Images) -> list[Images]:
        box = image.shape[0]
        centre = (box // 2, box // 2)
        inside = circle(box)
        copies = []
        for angle in 360 * np.arange(self.asked.n_angles) / self.asked.n_angles:
            turn = cv2.getRotationMatrix2D(centre, float(angle), 1.0)
            for one in (image, np.ascontiguousarray(image[:, ::-1])):
                copy = cv2.warpAffine(one, turn, (box, box), flags=cv2.INTER_LINEAR) * inside
                copies.append(copy / np.linalg.norm(copy))
        return copies

    def compare(self, i: int, others: NDArray[np.intp]) -> Values:
        copies, pad = self._turned(self.images[i]), self.asked.max_shift
        best = np.full(len(others), -1.0)
        for n, j in enumerate(others):
            wide = np.pad(self.images[j], pad)
            for copy in copies:
                scores = cv2.matchTemplate(wide, copy, cv2.TM_CCORR)
                scores[self.outside] = -1
                best[n] = max(best[n], float(scores.max()))
        return best


if __name__ == "__main__":
    measure(Search)
