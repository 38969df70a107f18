"""The summary of a run for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .orientation import orientation_data
from .summary import averages_per_superclass, left_out_reasons

if TYPE_CHECKING:
    from .._spread import Spread
    from ..pipeline import Result


def summary_data(result: Result) -> dict[str, Any]:
    """What the terminal summary says, as plain numbers and words that JSON can hold.

    Parameters
    ----------
    result : Result
        What the run found.

    Returns
    -------
    dict
        ``class_averages``, ``particles``, ``superclasses`` (a list), ``number`` (found, suggested,
        plausible), ``balance``, ``evenness`` (before and after), ``view_sphere`` and ``warnings``.
    """
    balance, found = result.balance, result.superclasses
    kept = int(balance.keep.sum())
    return {
        "class_averages": {
            "all": len(result.averages),
            "left_out": {why: len(which) for why, which in left_out_reasons(result).items()},
        },
        "particles": {
            "all": len(balance.keep),
            "kept": kept,
            "excluded": len(balance.keep) - kept,
        },
        "number": {
            "superclasses": found.n_superclasses,
            "suggested": found.suggested,
            "plausible": list(found.plausible),
        },
        "superclasses": _superclasses(result),
        "balance": {"cap": balance.cap, "set_by_superclass": balance.limiting},
        "evenness": _evenness(result),
        "view_sphere": orientation_data(result),
        "warnings": list(result.warnings),
    }


def _superclasses(result: Result) -> list[dict[str, Any]]:
    columns = zip(
        averages_per_superclass(result).tolist(),
        result.balance.sizes.tolist(),
        result.balance.kept.tolist(),
        result.superclasses.superclass_confidence.tolist(),
        strict=True,
    )
    return [
        {
            "superclass": k,
            "averages": averages,
            "particles": particles,
            "kept": kept,
            "confidence": round(confidence, 4),
        }
        for k, (averages, particles, kept, confidence) in enumerate(columns)
    ]


def _evenness(result: Result) -> dict[str, Any] | None:
    proof = result.proof
    if proof is None:
        return None
    found = {"before": _measures(proof.before), "after": _measures(proof.after)}
    if proof.sampling is not None:
        for at, when in enumerate(("before", "after")):
            found[when]["scf"] = round(proof.sampling.scf[at], 4)
            found[when]["e_od"] = round(proof.sampling.e_od[at], 4)
    return found


def _measures(spread: Spread) -> dict[str, float]:
    return {
        "smallest": spread.smallest,
        "largest": spread.largest,
        "ratio": round(spread.ratio, 4),
        "effective_number": round(spread.effective, 4),
        "gini": round(spread.gini, 4),
    }
