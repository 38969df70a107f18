"""The section of the page with the spheres, and what is said about them."""

from __future__ import annotations

from html import escape
from string import Template
from typing import TYPE_CHECKING

from .markup import Column, items, table
from .summary import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._sphere_sampling import SphereSampling
    from .._view_verdict import ViewSphere
    from ..pipeline import Result

VERDICTS = {
    "trusted": "The directions can be trusted.",
    "partly": "The directions can be trusted in part.",
    "cannot be told": "The directions cannot be told from these averages.",
}
ORIGIN = "They come from the lines that the transforms of any two averages share, without a 3D map."
NO_GLOBE = (
    "A globe would be a guess, so none is shown; balance by superclasses does not need it. If the "
    "particle is symmetric, name its point group (<code>--symmetry</code>)."
)
TITLES = {"views": "Views, from the class averages alone", "poses": "3D poses of the particles"}
LABELS = {
    "views": "Sphere of the views of the class averages",
    "poses": "Sphere of the 3D poses of the particles",
}
HINTS = {
    "views": "Point at a spot to see its average; click it to choose the average.",
    "poses": "Point at a spot to see how many particles look this way.",
}
LINK = '<a href="#spheres">Sphere of views</a>'

SECTION = Template("""<section id="spheres">
<h2>Where the views lie on the sphere</h2>
$verdict
$globes
$agreement
$foretold
</section>""")

GLOBES = Template("""<p><strong>What should I see here?</strong> Every spot is a direction from
which particles were seen; one direction and its opposite show the same view. Spots all over the
globe: a 3D map will be seen from everywhere. Crosses mark regions without a view, a sign of
preferred orientation. $explanation Drag a globe to turn it, or use the arrow keys; the keys N and P
walk from spot to spot.</p>
<div class="row">
<fieldset>
<legend>Particles</legend>
<label><input type="radio" name="sphere-particles" value="before" checked> all</label>
<label><input type="radio" name="sphere-particles" value="kept"> kept</label>
</fieldset>
<label><input type="checkbox" id="far-side" checked> Show the far side through the globe</label>
<button type="button" id="turn-back">Turn back</button>
</div>
<div class="spheres">
$figures
</div>""")

FIGURE = Template("""<figure class="sphere">
<figcaption>$title</figcaption>
<canvas id="sphere-$name" role="application" tabindex="0" aria-label="$label; arrow keys turn it, \
N and P walk over its spots"></canvas>
<div class="spot">
$thumbnail
<p id="sphere-$name-text" role="status">$hint</p>
</div>
<p><button type="button" data-canvas="sphere-$name">Save as PNG</button>
<button type="button" data-svg="sphere-$name">Save as SVG</button></p>
</figure>""")

THUMBNAIL = Template("""<canvas id="sphere-$name-average" width="96" height="96" role="img" \
aria-label="The average of the spot"></canvas>""")


def sphere_section(result: Result, names: Sequence[str]) -> str:
    """Make the section, with a globe for each of `names`; empty where there is nothing to say."""
    if result.sphere is None and not names:
        return ""
    return SECTION.substitute(
        verdict=_verdict(result.sphere) if result.sphere is not None else "",
        globes=_globes(names),
        agreement=_agreement(result),
        foretold=_foretold(result),
    )


def _verdict(sphere: ViewSphere) -> str:
    kind, told = sphere.verdict.replace(" ", "-"), sphere.verdict != "cannot be told"
    reasons = items(_sentence(reason) for reason in (*sphere.reasons, *_left_out(sphere)))
    return (
        f'<div class="verdict {escape(kind)}"><p><strong>{VERDICTS[sphere.verdict]}</strong> '
        f"{ORIGIN if told else NO_GLOBE}</p>\n{reasons}</div>"
    )


def _left_out(sphere: ViewSphere) -> list[str]:
    """How many averages have no direction, and why; nothing where none has one."""
    reasons = [reason for reason in sphere.left_out if reason]
    if not reasons or len(reasons) == len(sphere.left_out):
        return []
    kinds = ", ".join(f"{reasons.count(kind)} {kind}" for kind in dict.fromkeys(reasons))
    return [f"{counted(len(reasons), 'average')} without a direction: {kinds}"]


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}."


def _globes(names: Sequence[str]) -> str:
    if not names:
        return ""
    explanation = ""
    if "views" in names:
        explanation += (
            "A spot of the views is as large as its average has particles and has the colour of "
            "its superclass; hollow spots are known to no better than 15 degrees. "
        )
    if "poses" in names:
        explanation += "The brighter a spot of the poses, the more particles look this way. "
    return GLOBES.substitute(
        explanation=explanation.rstrip(), figures="\n".join(_figure(name) for name in names)
    )


def _figure(name: str) -> str:
    thumbnail = THUMBNAIL.substitute(name=name) if name == "views" else ""
    return FIGURE.substitute(
        name=name,
        title=TITLES[name],
        label=LABELS[name],
        hint=HINTS[name],
        thumbnail=thumbnail,
    )


def _agreement(result: Result) -> str:
    found = result.agreement
    if found is None:
        return ""
    return (
        f"<p>Views and poses of {counted(found.n_averages, 'average')} agree with a rank "
        f"correlation of {found.rank_correlation:.2f} between the angles of pairs; the two "
        f"directions of an average are {found.median_angle:.1f}° apart in the median. The views "
        "are turned onto the poses.</p>"
    )


def _foretold(result: Result) -> str:
    """The sampling compensation factor: foretold, and that of the 3D poses where they are there."""
    found, proof = result.foretold, result.proof
    if found is None:
        return ""
    rows = [["foretold by the views", *_with_errors(found)]]
    if proof is not None and proof.sampling is not None:
        rows.append(["of the 3D poses", *(f"{value:.2f}" for value in proof.sampling.scf)])
    columns = [Column("Source", number=False), Column("Before"), Column("After")]
    covered = f"{100 * found.covered:.0f} %"
    return (
        f"{table('Sampling compensation factor (SCF) of a 3D map', columns, rows)}\n"
        '<p class="quiet">1 is even, 0.81 are views all round one axis, near 0 is a single view. '
        f"The averages with a direction hold {covered} of the particles; the error is that of the "
        "directions.</p>"
    )


def _with_errors(found: SphereSampling) -> list[str]:
    pairs = zip(found.scf, found.error, strict=True)
    return [f"{value:.2f} ± {max(error, 0.01):.2f}" for value, error in pairs]
