"""The pictures of a run as matplotlib figures; they change no global setting of matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from .directions import directions_figure
from .sheet import contact_sheet
from .summary import cap_sentence

if TYPE_CHECKING:
    from ..pipeline import Result

AFFINITY_PNG, AVERAGES_PNG, PARTICLES_PNG = "affinity.png", "class_averages.png", "particles.png"
DIRECTIONS_PNG = "directions.png"  # where particles have 3D poses
DPI = 150
# Colours that stay apart for people who see colours differently (Okabe and Ito).
KEPT, EXCLUDED, CAP, LEFT_OUT = "#0072B2", "#CFE3F0", "#B34A00", "#8A8A8A"
MOST_NAMED_BARS, MOST_NUMBERED_BARS = 40, 24


def save_figures(result: Result, directory: Path) -> list[Path]:
    """Write the figures as ``affinity.png``, ``class_averages.png`` and ``particles.png``.

    Where particles have 3D poses, ``directions.png`` comes beside them.

    Parameters
    ----------
    result : Result
        What the run found.
    directory : Path
        An existing directory.

    Returns
    -------
    list of Path
        The files written.
    """
    figures = {
        AFFINITY_PNG: affinity_figure(result),
        AVERAGES_PNG: contact_sheet(result),
        PARTICLES_PNG: bars_figure(result),
    }
    if result.proof is not None and result.proof.sampling is not None:
        figures[DIRECTIONS_PNG] = directions_figure(result.proof.sampling)
    for name, figure in figures.items():
        figure.savefig(directory / name, dpi=DPI)
    return [directory / name for name in figures]


def save_pdf(result: Result, path: Path) -> None:
    """Write the figures as the pages of one PDF file.

    Parameters
    ----------
    result : Result
        What the run found.
    path : Path
        File to write.
    """
    with PdfPages(path, metadata={"CreationDate": None}) as pages:  # the same run, the same bytes
        for figure in (affinity_figure(result), contact_sheet(result), bars_figure(result)):
            figure.savefig(pages, format="pdf", dpi=DPI)


def affinity_figure(result: Result) -> Figure:
    """Draw the affinity matrix in input order and in superclass order, with borders.

    Parameters
    ----------
    result : Result
        What the run found.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels and a colour bar from 0 to 1.
    """
    order, values = result.superclasses.order, result.affinity.values
    figure = Figure(figsize=(12, 5.9), layout="constrained")
    by_input, by_superclass = figure.subplots(1, 2)
    image = _draw_matrix(by_input, values)
    _name_classes(by_input, result.averages.class_number)
    _draw_matrix(by_superclass, values[np.ix_(order, order)])
    _draw_superclass_borders(by_superclass, result.superclasses.labels[order])
    figure.colorbar(image, ax=[by_input, by_superclass], label="affinity", shrink=0.9)
    return figure


def bars_figure(result: Result) -> Figure:
    """Draw particles per superclass: kept, with the excluded on top, and the cap.

    Parameters
    ----------
    result : Result
        What the run found.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; a grey bar at the right holds averages that take no part and have particles.
    """
    figure = Figure(figsize=(12, 4.2), layout="constrained")
    ax = figure.subplots()
    _draw_bars(ax, result)
    _draw_cap(ax, result)
    ax.set_title(
        cap_sentence(result) if len(result.balance.sizes) else "There is no superclass.",
        loc="left",
        fontsize=10,
    )
    ax.set_ylabel("particles")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.margins(y=0.1)
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(ncols=4, loc="outside upper right", frameon=False, fontsize=9)
    return figure


def _draw_matrix(ax: Axes, values: NDArray[np.float32]) -> AxesImage:
    ax.tick_params(length=2, labelsize=8)
    return ax.imshow(values, cmap="cividis", vmin=0, vmax=1)


def _name_classes(ax: Axes, class_number: NDArray[np.int32]) -> None:
    ticks = np.unique(np.linspace(0, len(class_number) - 1, 9).round().astype(int))
    names = [str(class_number[index]) for index in ticks]
    ax.set_xticks(ticks, names)
    ax.set_yticks(ticks, names)
    ax.set_title("input order")
    ax.set_xlabel("class number")
    ax.set_ylabel("class number")


def _draw_superclass_borders(ax: Axes, labels: NDArray[np.int32]) -> None:
    """Frame the squares of `labels`, which stand in display order, and name those with room."""
    starts = np.flatnonzero(np.diff(labels, prepend=-2))
    lengths = np.diff(starts, append=len(labels))
    corners = np.stack([starts, starts + lengths]) - 0.5
    squares = [[(a, a), (a, b), (b, b), (b, a), (a, a)] for a, b in corners.T]
    thin = float(np.clip(120 / len(labels), 0.4, 1.3))
    for colour, width in (("black", 2 * thin), ("white", thin)):  # seen on dark and on light
        ax.add_collection(LineCollection(squares, colors=colour, linewidths=width, clip_on=False))
    named = _ticks_with_room(starts + (lengths - 1) / 2, len(labels) / 36)
    names = ["left out" if labels[starts[i]] < 0 else str(labels[starts[i]]) for i in named]
    middles = [starts[i] + (lengths[i] - 1) / 2 for i in named]
    ax.set_xticks(middles, names, rotation=90)
    ax.set_yticks(middles, names)
    ax.set_title("superclass order")
    ax.set_xlabel("superclass")
    ax.set_ylabel("superclass")


def _ticks_with_room(positions: NDArray[np.float64], room: float) -> list[int]:
    """Choose indices of positions that stand at least `room` apart, from the first on."""
    chosen: list[int] = []
    for index, position in enumerate(positions):
        if not chosen or position - positions[chosen[-1]] >= room:
            chosen.append(index)
    return chosen


def _draw_bars(ax: Axes, result: Result) -> None:
    sizes, kept = result.balance.sizes, result.balance.kept
    position = np.arange(len(sizes))
    ax.bar(position, kept, color=KEPT, label="kept")
    if (sizes > kept).any():
        ax.bar(
            position,
            sizes - kept,
            bottom=kept,
            color=EXCLUDED,
            edgecolor=KEPT,
            hatch="///",
            linewidth=0.5,
            label="excluded",
        )
    outside = int(result.particles[result.superclasses.labels < 0].sum())
    if outside:
        ax.bar(len(sizes), outside, color=LEFT_OUT, label="averages left out")
    _name_bars(ax, result, outside)


def _name_bars(ax: Axes, result: Result, outside: int) -> None:
    sizes = result.balance.sizes
    heights, names = list(sizes), [str(k) for k in range(len(sizes))]
    if outside:
        heights, names = [*heights, outside], [*names, "left out"]
    if len(names) <= MOST_NAMED_BARS:
        ax.set_xticks(range(len(names)), names)
    if len(names) <= MOST_NUMBERED_BARS:
        for x, height in enumerate(heights):
            _write_height(ax, x, height)
    ax.set_xlim(-0.6, max(len(names), 6) - 0.4)
    ax.set_xlabel("superclass")


def _write_height(ax: Axes, x: int, height: int) -> None:
    ax.annotate(
        f"{height:,}",
        (x, height),
        (0, 3),
        textcoords="offset points",
        ha="center",
        size=8,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},  # clear of the cap line
        zorder=4,
    )


def _draw_cap(ax: Axes, result: Result) -> None:
    cap, limiting = result.balance.cap, result.balance.limiting
    if cap is None:
        return
    ax.axhline(cap, color=CAP, linestyle="--", linewidth=1.5, label=f"cap {cap:,}")
    if limiting is not None:
        ax.annotate(
            "sets the cap",
            (limiting, max(cap, int(result.balance.sizes[limiting]))),
            (0, 16),
            textcoords="offset points",
            color=CAP,
            rotation=90,
            ha="center",
            size=9,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )
