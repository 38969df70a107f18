"""The pictures of a run as matplotlib figures; they change no global setting of matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from .style import BELOW_IS_NARROW, PAGE_MM, inches, save, styled, write_page
from .summary import cap_sentence, qualities
from .views import has_views, views_figure

if TYPE_CHECKING:
    from ..pipeline import Result

# Colours that stay apart for people who see colours differently (Okabe and Ito).
KEPT, EXCLUDED, CAP, LEFT_OUT = "#0072B2", "#CFE3F0", "#B34A00", "#8A8A8A"
RANGE = "#DFE9F2"
LINES = ("#0072B2", "#B34A00", "#00704F", "#8A3D77")
DASHES = ("-", "--", ":", "-.")
MOST_NAMED_BARS = 40  # across a page; half as many have their number on top


def save_figures(
    result: Result,
    directory: Path,
    *,
    formats: Sequence[str] = ("png",),
    width_mm: float = PAGE_MM,
) -> list[Path]:
    """Write every figure that the result has something for.

    Parameters
    ----------
    result : Result
        What the run found.
    directory : Path
        An existing directory.
    formats : sequence of str
        ``png``, ``pdf``, ``svg``: a file of each, ``affinity.png`` and so on. Text stays text.
    width_mm : float
        Width of the figures: 180 for a page, 85 for a column.

    Returns
    -------
    list of Path
        The files written: ``affinity``, ``class_averages``, ``particles``, and ``number`` where
        more than one number was tried, ``directions`` where particles have 3D poses, ``views``
        where the directions of averages could be told.
    """
    drawn = {name: draw(result, width_mm=width_mm) for name, draw in _figures(result).items()}
    return [
        save(figure, directory / f"{name}.{suffix}")
        for name, figure in drawn.items()
        for suffix in formats
    ]


def _figures(result: Result) -> dict[str, Callable[..., Figure]]:
    figures: dict[str, Callable[..., Figure]] = {
        "affinity": affinity_figure,
        "class_averages": contact_sheet,
        "particles": bars_figure,
    }
    if result.superclasses.curve:
        figures["number"] = curve_figure
    if result.proof is not None and result.proof.sampling is not None:
        figures["directions"] = directions_figure
    if has_views(result):
        figures["views"] = views_figure
    return figures


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
        for draw in _figures(result).values():
            write_page(draw(result), pages)


@styled
def affinity_figure(result: Result, *, width_mm: float = PAGE_MM) -> Figure:
    """Draw the affinity matrix in superclass order, with borders, and where wide in input order.

    Parameters
    ----------
    result : Result
        What the run found.
    width_mm : float
        From 120 on there are two panels: input order, superclass order.

    Returns
    -------
    matplotlib.figure.Figure
        The panels and a colour bar from 0 to 1.
    """
    order, values = result.superclasses.order, result.affinity.values
    wide = width_mm >= BELOW_IS_NARROW
    size = inches(width_mm, 0.49 if wide else 0.9)
    figure = Figure(figsize=size, layout="constrained")
    panels = list(figure.subplots(1, 2 if wide else 1, squeeze=False)[0])
    if wide:
        _draw_matrix(panels[0], values)
        _name_classes(panels[0], result.averages.class_number)
    image = _draw_matrix(panels[-1], values[np.ix_(order, order)])
    room = len(order) / (36 if wide else 24)
    _draw_superclass_borders(panels[-1], result.superclasses.labels[order], room)
    figure.colorbar(image, ax=panels, label="affinity", shrink=0.9)
    return figure


@styled
def bars_figure(result: Result, *, width_mm: float = PAGE_MM) -> Figure:
    """Draw particles per superclass: kept, with the excluded on top, and the cap.

    Parameters
    ----------
    result : Result
        What the run found.
    width_mm : float
        Width of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; a grey bar at the right holds averages that take no part and have particles.
    """
    wide = width_mm >= BELOW_IS_NARROW
    figure = Figure(figsize=inches(width_mm, 0.38 if wide else 0.7), layout="constrained")
    ax = figure.subplots()
    _draw_bars(ax, result, most=MOST_NAMED_BARS if wide else MOST_NAMED_BARS // 2)
    _draw_cap(ax, result)
    if wide:
        title = cap_sentence(result) if len(result.balance.sizes) else "There is no superclass."
        ax.set_title(title, loc="left")
    ax.set_ylabel("particles")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.margins(y=0.1)
    figure.legend(ncols=4 if wide else 2, loc="outside upper right", frameon=False)
    return figure


@styled
def curve_figure(result: Result, *, width_mm: float = PAGE_MM) -> Figure:
    """Draw the quality of every number of superclasses, the number taken and its plausible range.

    Parameters
    ----------
    result : Result
        What the run found; its superclasses must have a curve.
    width_mm : float
        Width of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        One panel with a line for each quality.
    """
    wide = width_mm >= BELOW_IS_NARROW
    figure = Figure(figsize=inches(width_mm, 0.38 if wide else 0.7), layout="constrained")
    ax = figure.subplots()
    found = result.superclasses
    for at, (name, values) in enumerate(qualities(result).items()):
        colour, dashes = LINES[at % 4], DASHES[at % 4]
        ax.plot(found.curve["n_superclasses"], values, dashes, color=colour, label=name)
    low, high = found.plausible
    ax.axvspan(low - 0.2, high + 0.2, color=RANGE, label=f"plausible: {low} to {high}")
    ax.axvline(
        found.n_superclasses, color="black", linewidth=0.8, label=f"taken: {found.n_superclasses}"
    )
    ax.set_xlabel("superclasses")
    ax.set_ylabel("quality")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(ncols=4 if wide else 2, loc="outside upper right", frameon=False)
    return figure


def _draw_matrix(ax: Axes, values: NDArray[np.float32]) -> AxesImage:
    ax.tick_params(length=2)
    return ax.imshow(values, cmap="cividis", vmin=0, vmax=1)


def _name_classes(ax: Axes, class_number: NDArray[np.int32]) -> None:
    ticks = np.unique(np.linspace(0, len(class_number) - 1, 9).round().astype(int))
    names = [str(class_number[index]) for index in ticks]
    ax.set_xticks(ticks, names)
    ax.set_yticks(ticks, names)
    ax.set_title("input order")
    ax.set_xlabel("class number")
    ax.set_ylabel("class number")


def _draw_superclass_borders(ax: Axes, labels: NDArray[np.int32], room: float) -> None:
    """Frame the squares of `labels`, which stand in display order; name those `room` apart."""
    starts = np.flatnonzero(np.diff(labels, prepend=-2))
    lengths = np.diff(starts, append=len(labels))
    corners = np.stack([starts, starts + lengths]) - 0.5
    squares = [[(a, a), (a, b), (b, b), (b, a), (a, a)] for a, b in corners.T]
    thin = float(np.clip(60 / len(labels), 0.25, 0.8))
    for colour, width in (("black", 2 * thin), ("white", thin)):  # seen on dark and on light
        ax.add_collection(LineCollection(squares, colors=colour, linewidths=width, clip_on=False))
    named = _ticks_with_room(starts + (lengths - 1) / 2, room)
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


def _draw_bars(ax: Axes, result: Result, most: int) -> None:
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
    _name_bars(ax, result, outside, most)


def _name_bars(ax: Axes, result: Result, outside: int, most: int) -> None:
    sizes = result.balance.sizes
    heights, names = list(sizes), [str(k) for k in range(len(sizes))]
    if outside:
        heights, names = [*heights, outside], [*names, "left\nout"]
    if len(names) <= most:
        ax.set_xticks(range(len(names)), names)
    if len(names) <= most // 2:
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
        size="small",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},  # clear of the cap line
        zorder=4,
    )


def _draw_cap(ax: Axes, result: Result) -> None:
    cap, limiting = result.balance.cap, result.balance.limiting
    if cap is None:
        return
    ax.axhline(cap, color=CAP, linestyle="--", linewidth=1, label=f"cap {cap:,}")
    if limiting is not None:
        ax.annotate(
            "sets the cap",
            (limiting, max(cap, int(result.balance.sizes[limiting]))),
            (0, 16),
            textcoords="offset points",
            color=CAP,
            rotation=90,
            ha="center",
            size="small",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )
