"""Import this first: NumPy's matrix products on one thread, as everything beside them is."""

from __future__ import annotations

import os
import sys

NAMES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")

if "numpy" in sys.modules and any(os.environ.get(name) != "1" for name in NAMES):
    raise RuntimeError(f"NumPy was imported too early: set {', '.join(NAMES)} to 1 and start again")
os.environ.update(dict.fromkeys(NAMES, "1"))
