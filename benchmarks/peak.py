"""The single-precision product peak of one core, measured."""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("peak.cpp")


@cache
def program() -> Path:
    """`peak.cpp`, compiled for this processor."""
    out = Path(tempfile.mkdtemp(prefix="rebalance_peak_")) / "peak"
    compiler = os.environ.get("CXX", "c++")
    subprocess.run(
        [compiler, "-std=c++17", "-O3", "-march=native", str(SOURCE), "-o", str(out)], check=True
    )
    return out


def product_peak() -> float:
    """Gflop/s of one core."""
    done = subprocess.run([str(program())], check=True, capture_output=True, text=True)
    return float(done.stdout)
