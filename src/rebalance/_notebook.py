"""How results look in a notebook: small pieces of HTML that need no page around them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
from matplotlib.image import imsave
from numpy.typing import NDArray

from .config import AffinitySettings

MOST_ROWS = 40  # of a table
MOST_PIXELS = 400  # of a side of a picture
BAR = "display:inline-block;height:0.8em;vertical-align:middle;background:"


def affinity_html(values: NDArray[np.float32], settings: AffinitySettings) -> str:
    """Picture of an affinity, and what was compared."""
    rows, columns = values.shape
    facts = [("class averages", f"{rows:,}" if rows == columns else f"{rows:,} with {columns:,}")]
    if settings.band is not None:
        facts.append(("band", f"{settings.band[0]:.3g} to {settings.band[1]:.3g} cycles/px"))
    if settings.mask_diameter is not None:
        facts.append(("mask diameter", f"{settings.mask_diameter:.3g} px"))
    if settings.max_shift is not None:
        facts.append(("shifts", f"to {settings.max_shift:.3g} px"))
    facts.append(("mirror images", "compared too" if settings.mirror else "other views"))
    return _beside(_picture(values), _table("Affinity", (), facts))


def superclasses_html(labels: NDArray[np.integer], confidence: NDArray[np.floating]) -> str:
    """Averages of every superclass, as bars, and their confidence."""
    count = np.bincount(labels[labels >= 0], minlength=len(confidence))
    most = max(1, int(count.max(initial=0)))
    rows = [
        (str(k), f"{n:,}", _bar(n / most, "#0072b2"), f"{float(sure):.2f}")
        for k, (n, sure) in enumerate(zip(count, confidence, strict=True))
    ]
    outside = int(np.count_nonzero(labels < 0))
    title = f"{len(confidence)} superclasses of {len(labels) - outside:,} class averages"
    more = f", {outside:,} left out" if outside else ""
    return _table(title + more, ("superclass", "averages", "", "confidence"), rows)


def balance_html(sizes: NDArray[np.integer], kept: NDArray[np.integer]) -> str:
    """Particles of every superclass before and after, as bars."""
    most = max(1, int(sizes.max(initial=0)))
    rows = [
        (
            str(k),
            f"{before:,}",
            f"{after:,}",
            _bar(after / most, "#0072b2") + _bar((before - after) / most, "#a9cfe6"),
        )
        for k, (before, after) in enumerate(zip(sizes, kept, strict=True))
    ]
    title = f"{kept.sum():,} of {sizes.sum():,} particles of {len(sizes)} superclasses kept"
    return _table(title, ("superclass", "particles", "kept", ""), rows)


def _picture(values: NDArray[np.floating]) -> str:
    step = -(-max(values.shape) // MOST_PIXELS)
    shown, scale = values[::step, ::step], max(1, 240 // max(values.shape))
    file = io.BytesIO()
    imsave(file, np.kron(shown, np.ones((scale, scale))), cmap="cividis", vmin=0, vmax=1)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return f'<img alt="affinity matrix" src="data:image/png;base64,{data}">'


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; cells are trusted to be HTML of this module or plain numbers and words."""
    shown = [*rows[:MOST_ROWS]]
    more = f"<p>and {len(rows) - MOST_ROWS:,} more</p>" if len(rows) > MOST_ROWS else ""
    body = "".join(f"<tr>{_cells('td', row)}</tr>" for row in shown)
    top = f"<thead><tr>{_cells('th', head)}</tr></thead>" if head else ""
    return f"<table><caption>{escape(title)}</caption>{top}<tbody>{body}</tbody></table>{more}"


def _cells(tag: str, texts: Iterable[str]) -> str:
    return "".join(f"<{tag}>{text}</{tag}>" for text in texts)


def _bar(share: float, colour: str) -> str:
    return f'<span style="{BAR}{colour};width:{12 * share:.2f}em"></span>'


def _beside(*parts: str) -> str:
    inner = "".join(f"<div>{part}</div>" for part in parts)
    return f'<div style="display:flex;gap:1em;align-items:flex-start">{inner}</div>'
