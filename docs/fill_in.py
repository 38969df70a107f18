"""What the site takes from elsewhere in the repository while it is built.

``<!-- readme: NAME -->`` becomes the part of README.md between the comments ``NAME`` and
``end of NAME``; ``<!-- refusals: GLOB ... -->`` the sentences that these modules refuse with, and
``<!-- refusals: rest -->`` those of all modules that the page does not name.
"""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "rebalance"
README = re.compile(r"<!-- readme: (\w+) -->")
REFUSALS = re.compile(r"<!-- refusals: (.+?) -->")
OUT_OF_DOCS = re.compile(r"\[([^\]]+)\]\(\.\./(?!README)[^)]+\)")
VALUE = "\N{HORIZONTAL ELLIPSIS}"  # stands for a value


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in what a page asks for; links to files that are not on the site become text."""
    markdown = README.sub(lambda match: part_of_readme(match[1]), markdown)
    named = {path for match in REFUSALS.finditer(markdown) for path in modules(match[1])}
    rest = modules("**/*.py") - named
    markdown = REFUSALS.sub(lambda match: _list_of(modules(match[1]) or rest), markdown)
    return OUT_OF_DOCS.sub(r"\1", markdown)


def part_of_readme(name: str) -> str:
    """The marked part, with links as they are from within docs; code in cells needs no escape."""
    text = (ROOT / "README.md").read_text()
    _, start, after = text.partition(f"<!-- {name} -->\n")
    part, end, _ = after.partition(f"<!-- end of {name} -->\n")
    if not (start and end):
        raise ValueError(f"README.md must mark its part '{name}', and does not")
    return part.replace("](docs/", "](").replace(r"\|", "|")


def modules(globs: str) -> set[Path]:
    """The modules of the package that any of these globs, parted by blanks, finds."""
    return {path for glob in globs.split() for path in PACKAGE.glob(glob)}


def sentences(paths: set[Path]) -> list[str]:
    """Every sentence that these modules refuse with, without repeats; values are an ellipsis."""
    found = [text for path in paths for text in _refusals(ast.parse(path.read_text()))]
    return sorted({text.removesuffix(".") for text in found}, key=str.lower)


def _refusals(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RebalanceError":
            text = _text_of(node.args[0])
            if text.strip(f"{VALUE} .:"):
                yield text


def _text_of(node: ast.AST) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text_of(value) for value in values)
        case ast.BinOp(left=left, right=right):
            return _text_of(left) + _text_of(right)
    return VALUE


def _list_of(paths: set[Path]) -> str:
    items = [html.escape(text).replace(VALUE, f"<var>{VALUE}</var>") for text in sentences(paths)]
    lines = "\n".join(f'<li class="sentence">{item}</li>' for item in items)
    return f"<ul>\n{lines}\n</ul>"
