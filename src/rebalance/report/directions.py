"""The sphere of viewing directions, before and after the balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .._viewing import DirectionBins, direction_bins

if TYPE_CHECKING:
    from .._proof import Sampling

BINS = 600


def directions_figure(sampling: Sampling) -> Figure:
    """Draw particles per viewing direction, relative to the mean, on the half sphere.

    Parameters
    ----------
    sampling : Sampling
        Directions and particles before and after.

    Returns
    -------
    matplotlib.figure.Figure
        Two discs of equal area, seen along z; opposite directions are one.
    """
    bins = direction_bins(BINS)
    of_direction = bins.of(sampling.directions)
    density = [_density(of_direction, count) for count in (sampling.before, sampling.after)]
    top = max(1.0, *(float(values.max()) for values in density))
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    panels = figure.subplots(1, 2)
    for ax, values, title in zip(panels, density, ("before", "after"), strict=True):
        points = _draw_disc(ax, bins, values, top)
        ax.set_title(title, loc="left")
    figure.colorbar(points, ax=list(panels), label="particles / mean", shrink=0.9)
    return figure


def _density(of_direction: NDArray[np.int32], count: NDArray[np.int64]) -> NDArray[np.float64]:
    """(BINS,) particles of each bin over their mean."""
    total = np.bincount(of_direction, weights=count, minlength=BINS)
    density: NDArray[np.float64] = total / max(total.mean(), 1e-9)
    return density


def _draw_disc(
    ax: Axes, bins: DirectionBins, values: NDArray[np.float64], top: float
) -> PathCollection:
    x, y, z = bins.middle.T
    scale = np.sqrt(1 / (1 + np.abs(z))) * np.where(z < 0, -1, 1)  # Lambert's equal-area disc
    points = ax.scatter(
        x * scale, y * scale, c=values, s=70, cmap="cividis", vmin=0, vmax=top, linewidths=0
    )
    ax.set_aspect("equal")
    ax.set_axis_off()
    return points
