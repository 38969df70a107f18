"""The sphere of viewing directions, before and after the balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .._viewing import DirectionBins, direction_bins
from .style import PAGE_MM, inches, styled

if TYPE_CHECKING:
    from ..pipeline import Result

BINS = 600
SPOT = 32.0  # area of a bin across a page, square points


@styled
def directions_figure(result: Result, *, width_mm: float = PAGE_MM) -> Figure:
    """Draw particles per viewing direction, relative to the mean, on the half sphere.

    Parameters
    ----------
    result : Result
        What the run found; its particles must have 3D poses.
    width_mm : float
        Width of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        Two discs of equal area, seen along z, before and after; opposite directions are one.
    """
    assert result.proof is not None
    assert result.proof.sampling is not None
    sampling, bins = result.proof.sampling, direction_bins(BINS)
    of_direction = bins.of(sampling.directions)
    density = [_density(of_direction, count) for count in (sampling.before, sampling.after)]
    top = max(1.0, *(float(values.max()) for values in density))
    figure = Figure(figsize=inches(width_mm, 0.46), layout="constrained")
    panels = figure.subplots(1, 2)
    spot = SPOT * (width_mm / PAGE_MM) ** 2
    for ax, values, title in zip(panels, density, ("before", "after"), strict=True):
        points = _draw_disc(ax, bins, values, top, spot)
        ax.set_title(title, loc="left")
    figure.colorbar(points, ax=list(panels), label="particles / mean", shrink=0.9)
    return figure


def _density(of_direction: NDArray[np.int32], count: NDArray[np.int64]) -> NDArray[np.float64]:
    """(BINS,) particles of each bin over their mean."""
    total = np.bincount(of_direction, weights=count, minlength=BINS)
    density: NDArray[np.float64] = total / max(total.mean(), 1e-9)
    return density


def _draw_disc(
    ax: Axes, bins: DirectionBins, values: NDArray[np.float64], top: float, spot: float
) -> PathCollection:
    x, y, z = bins.middle.T
    scale = np.sqrt(1 / (1 + np.abs(z))) * np.where(z < 0, -1, 1)  # Lambert's equal-area disc
    points = ax.scatter(
        x * scale, y * scale, c=values, s=spot, cmap="cividis", vmin=0, vmax=top, linewidths=0
    )
    ax.set_aspect("equal")
    ax.set_axis_off()
    return points
