"""The report page: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from .groupings import Grouping, groupings
from .markup import items
from .orientation import QUESTION, orientation_sentence
from .payload import payload
from .proof import factor_grid, proof_table, sampling_note
from .sphere_section import LINK, sphere_section
from .spheres import sphere_data
from .summary import answer, cap_sentence, junk_line, number_sentence
from .tables import averages_table, curve_table, pairs_table, settings_table, superclass_table

if TYPE_CHECKING:
    from ..pipeline import Result

# In the order in which they run: each uses names of those before it.
SCRIPTS = (
    *("data", "grouping", "paint", "means", "bars", "curve", "matrix", "sheet", "spheres"),
    *("tables", "svg", "save", "command", "controls"),
)


@dataclass(frozen=True)
class Provenance:
    """Where a result came from.

    Attributes
    ----------
    command : str
        The command line that makes it again.
    words : sequence of str
        That command line without the options that the page sets: number of superclasses, factor,
        maximum size, seed, constraints, classes left out and output.
    constraints : sequence of str
        The options, with their values, that say what is known of averages: ``--constraints``,
        ``--leave-out``, ``--leave-out-file``; empty without one.
    output : str
        The output directory.
    found : sequence of str
        What was read and how, a line each.
    inputs : mapping of str to str
        Input files and their SHA-256.
    versions : mapping of str to str
        Programs and libraries with their versions.
    seconds : mapping of str to float
        Time that each part of the work took.
    """

    command: str
    words: Sequence[str]
    constraints: Sequence[str]
    output: str
    found: Sequence[str]
    inputs: Mapping[str, str]
    versions: Mapping[str, str]
    seconds: Mapping[str, float]


def write_report(result: Result, path: Path, provenance: Provenance) -> None:
    """Write the report page.

    Parameters
    ----------
    result : Result
        What the run found.
    path : Path
        File to write.
    provenance : Provenance
        Where it came from.
    """
    script, every = page_script(), groupings(result)
    parts = {
        "style": _shipped("style.css"),
        "script": script,
        "script_hash": _policy_hash(script),
        "data": payload(result, every, provenance),
        "answer": escape(answer(result)),
        "cap": escape(cap_sentence(result)),
        "orientation": _orientation(result),
        "junk": _paragraph(junk_line(result)),
        "warnings": _warnings(result),
        **_slider(result, every),
        **_curve(result),
        **_proof(result),
        **_spheres(result),
        "superclass_table": superclass_table(result),
        "averages_table": averages_table(result),
        "settings": settings_table(result),
        **_origin(provenance),
    }
    path.write_text(Template(_shipped("page.html")).substitute(parts), encoding="utf-8")


def page_script() -> str:
    """The page's script: its parts one after the other."""
    return '"use strict";\n' + "\n".join(_shipped(f"script/{name}.js") for name in SCRIPTS)


def _policy_hash(script: str) -> str:
    """What the page's policy must name so that this script, and no other, runs."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")


def _shipped(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _paragraph(sentence: str) -> str:
    return f"<p>{escape(sentence[:1].upper() + sentence[1:])}.</p>" if sentence else ""


def _orientation(result: Result) -> str:
    """The question that everybody has, and the answer, which begins with one word."""
    sentence = orientation_sentence(result)
    if not sentence:
        return ""
    answer = sentence.removeprefix(QUESTION).strip().replace("+-", "±")
    return f'<p class="orientation"><strong>{QUESTION}</strong> {escape(answer)}</p>'


def _warnings(result: Result) -> str:
    if not result.warnings:
        return ""
    return (
        '<section class="warnings" aria-labelledby="warnings">\n'
        f'<h2 id="warnings">Warnings</h2>\n{items(result.warnings)}\n</section>'
    )


def _slider(result: Result, every: Sequence[Grouping]) -> dict[str, str]:
    numbers = [grouping.n_superclasses for grouping in every]
    suggested = result.superclasses.suggested
    button = f'<button type="button" id="suggested">suggested: {suggested}</button>'
    return {
        "k": str(result.superclasses.n_superclasses),
        "k_min": str(min(numbers)),
        "k_max": str(max(numbers)),
        "suggested": button if suggested in numbers else "",
    }


def _curve(result: Result) -> dict[str, str]:
    there = bool(result.superclasses.curve)
    return {
        "number": escape(number_sentence(result)),
        "curve_hidden": "" if there else " hidden",
        "curve_table": curve_table(result) if there else "",
    }


def _proof(result: Result) -> dict[str, str]:
    return {
        "proof_table": proof_table(result),
        "proof_note": "" if result.proof is None else escape(sampling_note(result.proof)),
        "factor_table": factor_grid(result),
    }


def _spheres(result: Result) -> dict[str, str]:
    section = sphere_section(result, [sphere["name"] for sphere in sphere_data(result)])
    return {"spheres": section, "sphere_link": LINK if section else ""}


def _origin(provenance: Provenance) -> dict[str, str]:
    seconds = {name: f"{value:.2f}" for name, value in provenance.seconds.items()}
    return {
        "command": escape(provenance.command),
        "found": items(provenance.found),
        "inputs": pairs_table("Input files", ("File", "SHA-256"), provenance.inputs),
        "versions": pairs_table("Versions", ("Program", "Version"), provenance.versions),
        "timing": pairs_table("Timing", ("Part", "Seconds"), seconds),
    }
