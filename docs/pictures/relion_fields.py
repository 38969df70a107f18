"""Draws relion_fields.svg: the fields of RELION's External job, and what to type into them.

python docs/pictures/relion_fields.py
"""

from __future__ import annotations

from html import escape
from pathlib import Path

PICTURE = Path(__file__).with_name("relion_fields.svg")
TABS = {
    "Input": [
        ("External executable:", "rebalance external"),
        ("Input movies:", ""),
        ("Input micrographs:", ""),
        ("Input particles:", "Class2D/job011/run_it025_data.star"),
        ("Input coordinates:", ""),
        ("Input 3D reference:", ""),
        ("Input 3D mask:", ""),
    ],
    "Params": [
        ("Param1 - label, value:", ("factor", "0.5")),
        ("Param2 - label, value:", ("k", "auto")),
        ("Param3 - label, value:", ("mask_diameter", "180")),
        ("Param4 - label, value:", ("", "")),
    ],
    "Running": [
        ("Number of threads:", "8"),
        ("Submit to queue?", "No"),
        ("Additional arguments:", ""),
    ],
}
WIDTH, ROW, LABEL, LEFT = 660, 27, 180, 14


def call() -> list[str]:
    """The call that RELION makes of these fields."""
    inputs, params, running = (dict(tab) for tab in TABS.values())
    words = [*str(inputs["External executable:"]).split(), "--o", "External/job012/"]
    words += ["--in_parts", str(inputs["Input particles:"])]
    for label, value in params.values():
        words += [f"--{label}", value] if label else []
    return [*words, "--j", str(running["Number of threads:"])]


def draw() -> str:
    """The picture as SVG."""
    parts, y = [], 8
    for tab, fields in TABS.items():
        parts.append(
            f'<rect x="6" y="{y}" width="{WIDTH - 12}" height="{ROW * len(fields) + 40}" rx="4" '
            'fill="#ececec" stroke="#9a9a9a"/>'
            f'<text x="{LEFT}" y="{y + 20}" font-weight="bold">{tab}</text>'
        )
        for row, (label, value) in enumerate(fields):
            parts += _field(label, value, y + 30 + row * ROW)
        y += ROW * len(fields) + 50
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="13">\n'
        f'<rect width="{WIDTH}" height="{y}" fill="white"/>\n{body}\n</svg>\n'
    )


def _field(label: str, value: str | tuple[str, str], y: int) -> list[str]:
    values = (value,) if isinstance(value, str) else value
    room = WIDTH - LABEL - 2 * LEFT - 10
    width = (room - 8 * (len(values) - 1)) / len(values)
    drawn = [f'<text x="{LABEL + LEFT - 6}" y="{y + 15}" text-anchor="end">{escape(label)}</text>']
    for place, text in enumerate(values):
        x = LABEL + LEFT + place * (width + 8)
        drawn.append(
            f'<rect x="{x:g}" y="{y}" width="{width:g}" height="21" '
            f'fill="{"#fffbe0" if text else "white"}" stroke="#9a9a9a"/>'
            f'<text x="{x + 6:g}" y="{y + 15}" font-family="monospace">{escape(text)}</text>'
        )
    return drawn


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
