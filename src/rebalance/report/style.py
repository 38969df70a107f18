"""How figures look: sizes in print, fonts, and how they are written."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

PAGE_MM, COLUMN_MM = 180.0, 85.0
BELOW_IS_NARROW = 120.0  # mm
DPI = 220
FORMATS = ("png", "pdf", "svg")
LOOK = {
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 6,
    "ytick.labelsize": 6,
    "legend.fontsize": 6.5,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "hatch.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "pdf.fonttype": 42,  # text stays text that can be selected and edited
    "svg.fonttype": "none",
    "svg.hashsalt": "rebalance",  # the same picture is the same file
}

P = ParamSpec("P")
R = TypeVar("R")


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Make a drawing function draw in the package's look, whatever look its caller set."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        look: dict[Any, Any] = {**matplotlib.rcParamsDefault, **LOOK}
        with matplotlib.rc_context(look):
            return draw(*args, **kwargs)

    return drawn


@styled
def save(figure: Figure, path: Path) -> Path:
    """Write a figure in the format that its name ends with; gives the path."""
    figure.savefig(path, dpi=DPI)
    return path


@styled
def png_of(figure: Figure) -> bytes:
    """A figure as the bytes of a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, dpi=DPI)
    return file.getvalue()


@styled
def write_page(figure: Figure, pages: PdfPages) -> None:
    """Write a figure as the next page of a PDF file."""
    pages.savefig(figure, dpi=DPI)  # type: ignore[no-untyped-call]


def inches(width_mm: float, height: float) -> tuple[float, float]:
    """Width and height in inches, for a height in parts of the width."""
    return width_mm / 25.4, height * width_mm / 25.4
