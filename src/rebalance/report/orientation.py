"""The answer to "do I have preferred orientation?", in one sentence and in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .._sphere_sampling import SphereSampling
    from ..pipeline import Result

QUESTION = "Do I have preferred orientation?"
EVEN_ENOUGH = 0.8  # predicted SCF: as even as views all round one axis, 8 / pi^2
BAD = 0.5


def orientation_sentence(result: Result) -> str:
    """The answer; empty where viewing directions were not asked for."""
    sphere, foretold = result.sphere, result.foretold
    if sphere is None:
        return ""
    if foretold is None:
        return f"{QUESTION} The class averages cannot tell: {sphere.reasons[0]}."
    doubt = (
        "" if sphere.verdict == "trusted" else f" This is trusted in part: {sphere.reasons[-1]}."
    )
    return f"{QUESTION} {_degree(foretold.scf[0])}: {_measured(foretold)}{_after(foretold)}.{doubt}"


def _degree(scf: float) -> str:
    if scf >= EVEN_ENOUGH:
        return "No"
    return "Somewhat" if scf >= BAD else "Yes"


def _measured(foretold: SphereSampling) -> str:
    unseen = (
        f"{100 * foretold.unseen:.0f} % of all directions have no view within 15 degrees"
        if foretold.unseen >= 0.005
        else "every direction has a view within 15 degrees"
    )
    return (
        f"{unseen}, and the predicted SCF is {foretold.scf[0]:.2f} +- {foretold.error[0]:.2f} "
        "(1 is even, 0.81 views all round one axis)"
    )


def _after(foretold: SphereSampling) -> str:
    if foretold.scf[0] == foretold.scf[1]:
        return ""
    return f", {foretold.scf[1]:.2f} +- {foretold.error[1]:.2f} after the balance"


def orientation_data(result: Result) -> dict[str, Any] | None:
    """Verdict and prediction as plain numbers and words; None where not asked for."""
    sphere, foretold = result.sphere, result.foretold
    if sphere is None:
        return None
    agreement = sphere.agreement_of_halves
    found: dict[str, Any] = {
        "verdict": sphere.verdict,
        "reasons": list(sphere.reasons),
        "agreement_of_halves": round(agreement, 4) if np.isfinite(agreement) else None,
        "symmetry": sphere.symmetry,
        "averages_told": int(np.isfinite(sphere.direction[:, 0]).sum()),
        "balance_by": result.views_from or None,
    }
    if foretold is not None:
        found["predicted_scf"] = [round(scf, 4) for scf in foretold.scf]
        found["predicted_scf_error"] = [round(error, 4) for error in foretold.error]
        found["unseen_share"] = round(foretold.unseen, 4)
    return found
