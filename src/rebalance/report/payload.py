"""What the page's script gets: small whole numbers, as JSON that no text can break out of."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from numpy.typing import NDArray

from .._sphere_sampling import NEAR
from .spheres import sphere_data
from .summary import qualities
from .tiles import grey_tiles

if TYPE_CHECKING:
    from ..config import TakePartSettings
    from ..pipeline import Result
    from .groupings import Grouping
    from .page import Provenance

COLOUR_MAPS = ("cividis", "viridis", "gray")
WEAK_BELOW = 0.25  # confidence below which an average is marked as weak
# Of N averages: pairs with angle and shift up to here, with affinity alone beyond (5 or 1 bytes a
# pair), so that the page of 1,000 averages stays below 10 MB.
MOST_WITH_TRANSFORMS = 1500
ANGLES = 1 << 15  # steps of a full turn; the bit below says whether the second is mirrored


def payload(result: Result, every: Sequence[Grouping], provenance: Provenance) -> str:
    """Everything the page shows, as JSON for a script element.

    Parameters
    ----------
    result : Result
        What the run found.
    every : sequence of Grouping
        What the slider runs through.
    provenance : Provenance
        Where it came from.

    Returns
    -------
    str
        JSON in which ``<``, ``>`` and ``&`` stand as escapes.
    """
    parts = {
        "averages": list(_averages(result)),
        "tiles": _tiles(result),
        "pairs": _pairs(result),
        "colours": {name: _base64(_colour_map(name)) for name in COLOUR_MAPS},
        "groupings": [_grouping(grouping) for grouping in every],
        "weakBelow": WEAK_BELOW,
        "curve": _curve(result),
        "run": _run(result),
        "spheres": sphere_data(result),
        "gapDegrees": NEAR,
        "command": _command(result, provenance),
    }
    text = json.dumps(parts, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _averages(result: Result) -> Iterator[dict[str, Any]]:
    for i, note in enumerate(result.left_out):
        resolution = float(result.averages.resolution[i])
        yield {
            "number": int(result.averages.class_number[i]),
            "particles": int(result.particles[i]),
            "resolution": resolution if np.isfinite(resolution) else None,
            "note": note,
            "junk": result.junk[i],
            "fixed": bool(note) and not _may_be_placed(note),
        }


def _may_be_placed(reason: str) -> bool:
    """Whether the user may put an average left out for this reason into a superclass."""
    return reason == "as asked" or reason.startswith("junk")


def _tiles(result: Result) -> dict[str, Any]:
    tiles = grey_tiles(result.averages.images)
    return {
        "side": tiles.shape[1],
        "box": result.averages.images.shape[1],
        "pixels": _base64(tiles[:, ::-1]),  # axis 0 of an average points upward, of a page downward
    }


def _pairs(result: Result) -> dict[str, Any]:
    aff = result.affinity
    upper = np.triu_indices(len(aff), 1)
    found: dict[str, Any] = {"affinity": _base64(np.rint(aff.values[upper] * 255).astype(np.uint8))}
    if len(aff) > MOST_WITH_TRANSFORMS:
        return found
    turns = np.rint((aff.angle[upper] + 180) * (ANGLES / 360)).astype(np.int64) % ANGLES
    shift = aff.shift[upper]
    unit = max(float(np.abs(shift).max(initial=0)), 1e-6) / 127
    return {
        **found,
        "angle": _base64((2 * turns + aff.mirror[upper]).astype("<u2")),
        "shift": _base64(np.rint(shift / unit).astype(np.int8)),
        "shiftUnit": unit,
    }


def _colour_map(name: str) -> NDArray[np.uint8]:
    colours = matplotlib.colormaps[name](np.arange(256), bytes=True)
    return np.asarray(colours[:, :3], np.uint8)


def _grouping(grouping: Grouping) -> dict[str, Any]:
    return {
        "k": grouping.n_superclasses,
        "labels": _base64(grouping.labels.astype("<i2")),
        "order": _base64(grouping.order.astype("<i2")),
        "references": grouping.references.tolist(),
        "confidence": _base64(_eight_bits(grouping.confidence)),
    }


def _eight_bits(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(np.nan_to_num(values) * 255).astype(np.uint8)


def _curve(result: Result) -> dict[str, Any] | None:
    found = result.superclasses
    if not found.curve:
        return None
    lines = [
        {"name": name, "values": [round(float(v), 4) if np.isfinite(v) else None for v in values]}
        for name, values in qualities(result).items()
    ]
    return {
        "k": [int(k) for k in found.curve["n_superclasses"]],
        "lines": lines,
        "suggested": found.suggested,
        "plausible": list(found.plausible),
    }


def _run(result: Result) -> dict[str, Any]:
    asked = result.settings.balance
    return {
        "k": result.superclasses.n_superclasses,
        "factor": "" if asked.factor is None else f"{asked.factor:f}",
        "maxSize": "" if asked.max_size is None else str(asked.max_size),
        "kept": result.balance.kept.tolist(),  # by whatever rule, which the page may not know
        "cap": result.balance.cap,
        **_before_moves(result),
    }


def _before_moves(result: Result) -> dict[str, Any]:
    """The number of superclasses before the run's moves by hand, some of which they may have
    emptied, and which of those each superclass was."""
    found, moves = result.superclasses, dict(result.settings.take_part.moves)
    number = result.settings.superclasses.n_superclasses or found.suggested
    if not moves or number not in found.labels_by_k:
        return {"asked": found.n_superclasses, "before": list(range(found.n_superclasses))}
    classes = zip(found.labels_by_k[number], result.averages.class_number, strict=True)
    filled = {moves.get(int(c), int(label)) for label, c in classes}
    return {"asked": number, "before": sorted(filled - {-1})}


def _command(result: Result, provenance: Provenance) -> dict[str, Any]:
    asked = result.settings.balance
    rules = {
        "--factor": asked.factor,
        "--max-size": asked.max_size,
        "--cap-percentile": asked.cap_percentile,
        "--target": asked.target,
    }
    given = [(option, str(value)) for option, value in rules.items() if value is not None]
    return {
        "words": list(provenance.words),
        "rule": [word for pair in given for word in pair],
        "constraints": list(provenance.constraints),
        "rows": list(_constraint_rows(result.settings.take_part)),
        "output": provenance.output,
        "seed": asked.seed,
    }


def _constraint_rows(asked: TakePartSettings) -> Iterator[tuple[int, str, str]]:
    """The run's own lines of ``constraints.csv``."""
    yield from ((number, "leave_out", "") for number in asked.leave_out)
    yield from ((number, "group", name) for number, name in asked.groups)
    yield from ((number, "move", str(superclass)) for number, superclass in asked.moves)


def _base64(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
