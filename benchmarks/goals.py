"""Every number that the affinity is held to, measured side by side; prints a markdown table.

Command: ``REBALANCE_TEST_DATA=DIR python benchmarks/goals.py [--only NAME ...]``
"""

from __future__ import annotations

import one_thread  # noqa: F401

# isort: split
import argparse
import os
import platform
from collections.abc import Callable
from pathlib import Path

import goals_exact
import goals_speed
import numpy as np
import scipy
from goal import HEADER, Measured

from rebalance import _core

GOALS: dict[str, Callable[[], list[Measured]]] = {
    "joint": goals_speed.joint,
    "rotation": goals_speed.rotation,
    "threads": goals_speed.threads,
    "large": goals_speed.large,
    "peak": goals_speed.peak,
    "twin": goals_exact.twin,
    "order": goals_exact.order,
    "agreement": goals_exact.agreement,
    "recovery": goals_exact.recovery,
    "views": goals_exact.views,
}


def machine() -> str:
    """What the numbers were measured on."""
    info = Path("/proc/cpuinfo")
    models = info.read_text().splitlines() if info.exists() else []
    model = next((m.split(":")[1].strip() for m in models if m.startswith("model name")), "")
    return (
        f"{model or platform.processor()}, {os.cpu_count()} cores, {_core.instruction_set()}; "
        f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}; "
        f"load {os.getloadavg()[0]:.1f} at the start"
    )


def main() -> None:
    """Measure the goals asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=GOALS, metavar="NAME", default=list(GOALS))
    print(machine(), HEADER, sep="\n\n", flush=True)
    for name in parser.parse_args().only:
        for line in GOALS[name]():
            print(line, flush=True)


if __name__ == "__main__":
    main()
