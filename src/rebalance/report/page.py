"""The report page: one HTML file that needs nothing else, made from page.html and style.css."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from .figures import AFFINITY_PNG, AVERAGES_PNG, DIRECTIONS_PNG, PARTICLES_PNG
from .markup import image, items
from .proof import factor_grid, proof_table, sampling_note
from .summary import answer, cap_sentence, counted
from .tables import averages_table, pairs_table, settings_table, superclass_table

if TYPE_CHECKING:
    from ..pipeline import Result


def write_report(
    result: Result,
    path: Path,
    *,
    figures: Sequence[Path],
    command: str,
    found: Sequence[str],
    inputs: Mapping[str, str],
    versions: Mapping[str, str],
) -> None:
    """Write the report page.

    Parameters
    ----------
    result : Result
        What the run found.
    path : Path
        File to write.
    figures : sequence of Path
        What :func:`save_figures` wrote.
    command : str
        The command line that makes this again.
    found : sequence of str
        What was read and how, a line each.
    inputs : mapping of str to str
        Input files and their SHA-256.
    versions : mapping of str to str
        Programs and libraries with their versions.
    """
    parts = {
        "style": _shipped("style.css"),
        "answer": escape(answer(result)),
        "cap": escape(cap_sentence(result)),
        "warnings": _warnings(result),
        **_figures(result, figures),
        "proof_table": proof_table(result),
        "proof_note": "" if result.proof is None else escape(sampling_note(result.proof)),
        "factor_table": factor_grid(result),
        "superclass_table": superclass_table(result),
        "averages_table": averages_table(result),
        "command": escape(command),
        "found": items(found),
        "inputs": pairs_table("Input files", ("File", "SHA-256"), inputs),
        "settings": settings_table(result),
        "versions": pairs_table("Versions", ("Program", "Version"), versions),
    }
    path.write_text(Template(_shipped("page.html")).substitute(parts), encoding="utf-8")


def _shipped(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _warnings(result: Result) -> str:
    if not result.warnings:
        return ""
    return (
        '<section class="warnings" aria-labelledby="warnings">\n'
        f'<h2 id="warnings">Warnings</h2>\n{items(result.warnings)}\n</section>'
    )


def _figures(result: Result, paths: Sequence[Path]) -> dict[str, str]:
    png = {path.name: path.read_bytes() for path in paths}
    n_averages = counted(len(result.averages), "class average")
    n_superclasses = counted(len(result.balance.sizes), "superclass")
    bars = f"Bars: particles of {n_superclasses}, kept and excluded; the table has the numbers."
    sheet = (
        f"Contact sheet of {n_averages} in {n_superclasses}, each in the pose of its superclass."
    )
    matrix = f"Two pictures of the affinity matrix of {n_averages}: input order, superclass order."
    sphere = "Two discs: particles per viewing direction, before and after the balance."
    return {
        "particles_figure": image(png[PARTICLES_PNG], bars),
        "averages_figure": image(png[AVERAGES_PNG], sheet),
        "affinity_figure": image(png[AFFINITY_PNG], matrix),
        "directions_figure": image(png[DIRECTIONS_PNG], sphere) if DIRECTIONS_PNG in png else "",
    }
