"""scikit-learn: ``SpectralClustering`` of an affinity that is given; it aligns nothing.

Command: ``sklearn_spectral.py AFFINITY.npy K LABELS.npy``; prints the processor time.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from sklearn.cluster import SpectralClustering


def main() -> None:
    """Group, at the true number of views."""
    values = np.load(sys.argv[1], allow_pickle=False)
    grouping = SpectralClustering(int(sys.argv[2]), affinity="precomputed", random_state=0)
    start = time.process_time()
    labels = grouping.fit_predict(values)
    print(time.process_time() - start)
    np.save(sys.argv[3], labels)


if __name__ == "__main__":
    main()
