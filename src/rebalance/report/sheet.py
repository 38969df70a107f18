"""The contact sheet: class averages by superclass, in one pose, with their particles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from .._align import align, superclass_references
from .style import PAGE_MM, inches, styled
from .summary import counted, left_out_reasons
from .tiles import grey_limits

if TYPE_CHECKING:
    from ..pipeline import Result

# Lengths are in tiles (the side of one class average) unless they say otherwise.
COLUMNS = 12  # across a page
GAP = 0.25
HEADER = 0.55
CAPTION = 0.5
PAD = 0.08
MOST_INCHES = 200.0  # of height; beyond, everything shrinks together
FONT_POINTS = 6.0  # at the full width of a page
CHARACTER = 0.097  # width of one in a header


@dataclass(frozen=True)
class Block:
    """Averages that stand together under one header.

    Attributes
    ----------
    title, subtitle : str
        The two lines of the header.
    members : (n,) int array
        Indices of the averages, in the order shown.
    left_out : bool
        Whether these averages take no part.
    columns : int
        Tiles that stand side by side on the sheet.
    """

    title: str
    subtitle: str
    members: NDArray[np.integer]
    left_out: bool = False
    columns: int = COLUMNS

    @property
    def width(self) -> float:
        """Wide enough for the tiles and the header, at most the whole sheet."""
        header = CHARACTER * max(len(self.title), len(self.subtitle))
        return min(max(len(self.members), header), self.columns)

    @property
    def n_rows(self) -> int:
        return -(-len(self.members) // self.columns)

    @property
    def height(self) -> float:
        return HEADER + self.n_rows * (1 + CAPTION)


@dataclass(frozen=True)
class Placed:
    """A block with the place of its upper left corner; y counts downward."""

    block: Block
    x: float
    y: float


@styled
def contact_sheet(result: Result, *, width_mm: float = PAGE_MM) -> Figure:
    """Draw all class averages by superclass.

    Each average is laid on the medoid of its superclass, whose class number is bold, and has a
    grey scale of its own. Small superclasses share a row; averages that take no part stand at
    the end with the reason.

    Parameters
    ----------
    result : Result
        What the run found.
    width_mm : float
        Width of the figure; a narrow one has fewer averages side by side.

    Returns
    -------
    matplotlib.figure.Figure
        Under each average: class number and particles. Axis 0 of the images points upward.
    """
    columns = max(4, round(COLUMNS * width_mm / PAGE_MM))
    placed = place(superclass_blocks(result, columns) + left_out_blocks(result, columns))
    width, height = columns + 2 * GAP, max(p.y + p.block.height for p in placed) + 2 * GAP
    full_tile = inches(width_mm, 1)[0] / width
    tile = min(full_tile, MOST_INCHES / height)
    figure = Figure(figsize=(width * tile, height * tile))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    references = superclass_references(result.affinity, result.superclasses.labels)
    aligned = align(result.averages.images, result.affinity, reference=references)
    medoids = set(references[result.superclasses.labels >= 0].tolist())
    font = FONT_POINTS * tile / full_tile
    for item in placed:
        _draw_header(ax, item, font)
        for index, x, y in _tiles(item):
            _draw_average(ax, aligned[index], x, y)
            _draw_caption(ax, result, index, x, y, font, bold=index in medoids)
    ax.set(xlim=(-GAP, columns + GAP), ylim=(GAP - height, GAP), aspect="auto")
    return figure


def superclass_blocks(result: Result, columns: int = COLUMNS) -> list[Block]:
    """Make the block of every superclass, its averages in display order."""
    order = result.superclasses.order
    labels = result.superclasses.labels[order]
    blocks = []
    for k, size in enumerate(result.balance.sizes):
        members = order[labels == k]
        particles = counted(int(size), "particle")
        # A single average is seen to be one; the shorter line keeps its block narrow.
        many = len(members) > 1
        subtitle = f"{counted(len(members), 'average')}, {particles}" if many else particles
        blocks.append(Block(f"superclass {k}", subtitle, members, columns=columns))
    return blocks


def left_out_blocks(result: Result, columns: int = COLUMNS) -> list[Block]:
    """Make a block for every reason to leave averages out."""
    blocks = []
    for reason, members in left_out_reasons(result).items():
        particles = counted(int(result.particles[members].sum()), "particle")
        subtitle = f"{counted(len(members), 'average')}, {particles}"
        title = f"left out: {reason}"
        blocks.append(Block(title, subtitle, members, left_out=True, columns=columns))
    return blocks


def place(blocks: list[Block]) -> list[Placed]:
    """Set blocks side by side in shelves; those left out begin a shelf of their own."""
    placed: list[Placed] = []
    x, y, shelf_height = 0.0, 0.0, 0.0
    for index, block in enumerate(blocks):
        first_left_out = block.left_out and index > 0 and not blocks[index - 1].left_out
        if x > 0 and (x + block.width > block.columns or first_left_out):
            x, y, shelf_height = 0.0, y + shelf_height + GAP, 0.0
        placed.append(Placed(block, x, y))
        x += block.width + GAP
        shelf_height = max(shelf_height, block.height)
    return placed


def _tiles(item: Placed) -> list[tuple[int, float, float]]:
    """Index and upper left corner of every average of a block."""
    tiles = []
    for n, index in enumerate(item.block.members):
        row, column = divmod(n, item.block.columns)
        tiles.append((int(index), item.x + column, item.y + HEADER + row * (1 + CAPTION)))
    return tiles


def _draw_header(ax: Axes, item: Placed, font: float) -> None:
    block = item.block
    corner = (item.x - PAD, -item.y - block.height)
    colour, edge = ("white", "0.5") if block.left_out else ("0.94", "0.94")
    line = "--" if block.left_out else "-"
    ax.add_patch(
        Rectangle(
            corner,
            block.width + 2 * PAD,
            block.height + PAD,
            facecolor=colour,
            edgecolor=edge,
            linestyle=line,
            linewidth=0.5,
        )
    )
    ax.text(item.x, -item.y - 0.02, block.title, size=font + 0.5, weight="bold", va="top")
    ax.text(item.x, -item.y - 0.27, block.subtitle, size=font, va="top")


def _draw_average(ax: Axes, image: NDArray[np.float32], x: float, y: float) -> None:
    low, high = grey_limits(image)
    margin = 0.02
    extent = (x + margin, x + 1 - margin, -y - 1 + margin, -y - margin)
    shown = ax.imshow(image, cmap="gray", vmin=low, vmax=high, extent=extent, origin="lower")
    shown.set_zorder(2)  # above the header's frame


def _draw_caption(
    ax: Axes, result: Result, index: int, x: float, y: float, font: float, *, bold: bool
) -> None:
    number, particles = str(result.averages.class_number[index]), result.particles[index]
    if result.junk[index] and not result.left_out[index]:
        number += f" ({result.junk[index]})"
    weight = "bold" if bold else "normal"
    ax.text(x + 0.5, -y - 1.02, number, size=font, weight=weight, ha="center", va="top")
    ax.text(
        x + 0.5, -y - 1.23, f"{particles:,}", size=font - 0.5, color="0.3", ha="center", va="top"
    )
