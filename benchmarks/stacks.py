"""Class averages to measure on, real where the test data is there."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import mrcfile
import numpy as np
from numpy.typing import NDArray

from rebalance._simulate import SimulationSettings, simulate

Images = NDArray[np.float32]


def data_folder() -> Path | None:
    """The folder of public test data, or None."""
    folder = os.environ.get("REBALANCE_TEST_DATA")
    return Path(folder) if folder else None


@cache
def simulated(n: int, box: int) -> Images:
    """(n, box, box) noisy averages of twenty views."""
    asked = SimulationSettings(
        averages=n, views=min(n, 20), box=box, pixel_size=192 / box, particles=n
    )
    return simulate(asked).images


@cache
def mixture() -> tuple[Images, str]:
    """100 averages of 96 px, and what they are."""
    folder = data_folder()
    if folder is None:
        return simulated(100, 96), "simulated, as REBALANCE_TEST_DATA is not set"
    return read(folder / "classes" / "slicem_mixture_100x96.mrcs"), "slicem_mixture_100x96"


def real_stacks() -> dict[str, Images]:
    """Every stack of real averages by name; blank averages are left out."""
    folder = data_folder()
    paths = [] if folder is None else sorted((folder / "classes").glob("*.mrcs"))
    stacks = {path.stem: read(path) for path in paths}
    return {name: images[images.std(axis=(1, 2)) > 0] for name, images in stacks.items()}


def read(path: Path) -> Images:
    """Images of an MRC stack."""
    return np.asarray(mrcfile.read(path), dtype=np.float32)
