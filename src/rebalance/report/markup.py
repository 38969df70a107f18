"""The few pieces of HTML that the page is made of. Every text is escaped here, nowhere else."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Column:
    """A table column: its name, and whether it holds numbers, which stand at the right."""

    name: str
    number: bool = True


def table(
    caption: str, columns: Sequence[Column], rows: Iterable[Sequence[str]], name: str = ""
) -> str:
    """Make a table, with an id if a name is given; the first cell of each row heads the row."""
    tag = f'<table id="{escape(name)}">' if name else "<table>"
    head = "".join(_cell("th", c.name, c, ' scope="col"') for c in columns)
    body = "\n".join(_row(columns, row) for row in rows)
    return (
        f"{tag}\n<caption>{escape(caption)}</caption>\n"
        f"<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n{body}\n</tbody>\n</table>"
    )


def image(png: bytes, alt: str) -> str:
    """Make an image that carries its own data."""
    data = base64.b64encode(png).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{escape(alt)}">'


def items(sentences: Iterable[str]) -> str:
    """Make a list with an item for each sentence."""
    return "<ul>\n" + "\n".join(f"<li>{escape(s)}</li>" for s in sentences) + "\n</ul>"


def _row(columns: Sequence[Column], row: Sequence[str]) -> str:
    first, *others = zip(columns, row, strict=True)
    head = _cell("th", first[1], first[0], ' scope="row"')
    return f"<tr>{head}{''.join(_cell('td', text, column) for column, text in others)}</tr>"


def _cell(tag: str, text: str, column: Column, scope: str = "") -> str:
    style = ' class="number"' if column.number else ""
    return f"<{tag}{scope}{style}>{escape(text)}</{tag}>"
