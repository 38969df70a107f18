"""The sphere of views as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .._sphere_sampling import NEAR
from .._symmetry import rotations
from .._viewing import equivalent
from .style import BELOW_IS_NARROW, PAGE_MM, inches, styled
from .tiles import grey_tiles

if TYPE_CHECKING:
    from .._view_verdict import ViewSphere
    from ..pipeline import Result

Doubles = NDArray[np.float64]

GAP_SIDE = 300  # pixels across the disc
GAP, RING = "#E8C4B0", "#8A8A8A"
LARGEST_SPOT = 110.0  # square points, across a page
TILE = 0.16  # side of an average on the disc of radius 1
MOST_TILES = 80


def has_views(result: Result) -> bool:
    """Whether any average has a direction."""
    return result.sphere is not None and bool(np.isfinite(result.sphere.direction).any())


@styled
def views_figure(result: Result, *, width_mm: float = PAGE_MM) -> Figure:
    """Draw the viewing directions of the averages on the half sphere.

    Parameters
    ----------
    result : Result
        What the run found; some averages must have directions.
    width_mm : float
        From 120 on a second disc shows what the averages look like.

    Returns
    -------
    matplotlib.figure.Figure
        Discs of equal area, opposite directions joined. Spots are as large as particles are many,
        filled as far as they are kept, coloured by superclass; directions without a view are
        tinted. Without symmetry the most crowded view is in the middle.
    """
    assert result.sphere is not None
    wide = width_mm >= BELOW_IS_NARROW
    figure = Figure(figsize=inches(width_mm, 0.53 if wide else 1.06), layout="constrained")
    panels = figure.subplots(1, 2 if wide else 1, squeeze=False)[0]
    turn = _facing_the_crowd(result, result.sphere)
    for ax in panels:
        _draw_gaps(ax, result, turn)
    _draw_spots(panels[0], result, result.sphere, turn)
    panels[0].set_title(_title(result), loc="left")
    if wide:
        _draw_tiles(panels[1], result, result.sphere, turn)
        panels[1].set_title(
            "class averages where they are seen; tinted: no view is near", loc="left"
        )
    return figure


def _title(result: Result) -> str:
    sphere, foretold = result.sphere, result.foretold
    assert sphere is not None
    told = f"sphere of views: {sphere.verdict}"
    if foretold is None:
        return told
    after = f" to {foretold.scf[1]:.2f}" if foretold.scf[0] != foretold.scf[1] else ""
    return f"{told}; predicted SCF {foretold.scf[0]:.2f}{after}"


def _facing_the_crowd(result: Result, sphere: ViewSphere) -> Doubles:
    """(3, 3) turn that brings the axis of most particles upright; none with symmetry."""
    if sphere.symmetry != "C1":
        return np.eye(3)
    told = np.isfinite(sphere.direction[:, 0])
    axes, weight = sphere.direction[told], result.particles[told] + 1e-9
    frame: Doubles = np.linalg.eigh((axes * weight[:, None]).T @ axes)[1].T
    return frame * np.where(frame.sum(axis=1, keepdims=True) < 0, -1, 1)


def _on_disc(direction: Doubles) -> tuple[Doubles, Doubles]:
    """Lambert's disc of equal area, radius 1, seen along z; opposite directions are one."""
    x, y, z = direction.T
    scale = np.sqrt(1 / (1 + np.abs(z))) * np.where(z < 0, -1, 1)
    return x * scale, y * scale


def _draw_gaps(ax: Axes, result: Result, turn: Doubles) -> None:
    """Tint the directions that no view is near, and draw the rim of the disc."""
    side = 2 * (np.arange(GAP_SIDE) + 0.5) / GAP_SIDE - 1
    x, y = np.meshgrid(side, side)
    height = 1 - (x * x + y * y)  # of Lambert's disc
    points = np.stack([x * np.sqrt(1 + height), y * np.sqrt(1 + height), height], axis=-1)
    inside = height >= 0
    tint = np.zeros((GAP_SIDE, GAP_SIDE))
    tint[inside] = _in_gap(points[inside] @ turn, result)
    ax.imshow(
        tint,
        cmap=ListedColormap(["white", GAP]),
        extent=(-1, 1, -1, 1),
        origin="lower",
        vmin=0,
        vmax=1,
    )
    around = np.linspace(0, 2 * np.pi, 200)
    ax.plot(np.cos(around), np.sin(around), color=RING, linewidth=0.6)
    _frame(ax)
    ax.set_aspect("equal")
    ax.set_axis_off()


def _in_gap(points: Doubles, result: Result) -> NDArray[np.bool_]:
    """Which of (P, 3) directions no average with particles is near."""
    sphere = result.sphere
    assert sphere is not None
    seen = sphere.direction[np.isfinite(sphere.direction[:, 0]) & (result.particles > 0)]
    if len(seen) == 0:
        return np.ones(len(points), dtype=np.bool_)
    mates = equivalent(seen, rotations(sphere.symmetry))
    found: NDArray[np.bool_] = (points @ mates.T).max(axis=1) < np.cos(np.radians(NEAR))
    return found


def _draw_spots(ax: Axes, result: Result, sphere: ViewSphere, turn: Doubles) -> None:
    told = np.flatnonzero(np.isfinite(sphere.direction[:, 0]))
    told = told[np.argsort(-result.particles[told], kind="stable")]  # small ones on top
    x, y = _on_disc(sphere.direction[told] @ turn.T)
    colours = _colours(result.superclasses.labels[told])
    unit = LARGEST_SPOT / max(int(result.particles[told].max()), 1)
    for count, alpha in ((result.particles[told], 0.3), (result.kept[told], 1.0)):
        ax.scatter(x, y, s=np.maximum(unit * count, 1.0), c=colours, alpha=alpha, linewidths=0)


def _colours(labels: NDArray[np.integer]) -> Doubles:
    """Colours far apart for neighbouring superclasses."""
    hues = (labels * 0.381966) % 1.0
    colours: Doubles = matplotlib.colormaps["hsv"](hues)
    colours[:, :3] *= np.where(labels % 2, 0.65, 0.85)[:, None]
    return colours


def _draw_tiles(ax: Axes, result: Result, sphere: ViewSphere, turn: Doubles) -> None:
    told = np.flatnonzero(np.isfinite(sphere.direction[:, 0]))
    told = told[np.argsort(-result.particles[told], kind="stable")]
    x, y = _on_disc(sphere.direction[told] @ turn.T)
    placed: list[int] = []
    for i in range(len(told)):
        apart = np.maximum(np.abs(x[placed] - x[i]), np.abs(y[placed] - y[i]))
        if len(placed) < MOST_TILES and (apart > TILE).all():
            placed.append(i)
    tiles = grey_tiles(result.averages.images[told[placed]])
    half = TILE / 2
    for i, tile in zip(placed, tiles, strict=True):
        where = (x[i] - half, x[i] + half, y[i] - half, y[i] + half)
        ax.imshow(tile, cmap="gray", extent=where, origin="lower", zorder=2)
    _frame(ax)


def _frame(ax: Axes) -> None:
    ax.set_xlim(-1.1, 1.1)
    ax.set_ylim(-1.1, 1.1)
