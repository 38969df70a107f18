"""Whether a sphere of views can be trusted, and how far each of its directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Indices = NDArray[np.int32]
Bools = NDArray[np.bool_]

TRUSTED, PARTLY, CANNOT_BE_TOLD = "trusted", "partly", "cannot be told"

FEWEST = 15  # averages: fewer cannot be solved
ENOUGH = 25  # averages kept: the agreement of fewer may be chance
HALVES_AGREE = 0.9  # rank correlation of the angles that two halves give
UNSURE = 15.0  # degrees: directions less certain are counted
MOST_UNSURE = 0.1  # share of the directions, beyond which trust is partial
MOST_LEFT_OUT = 0.3  # share of the averages, beyond which trust is partial
EVEN = 0.6  # lower over upper quartile of agreement, below which some averages hardly belong
SMALLEST = 1.2  # degrees: error that both halves share, from the width of a ray
SPREAD = 1.4  # error of a direction over the difference of the halves


@dataclass(frozen=True)
class ViewSphere:
    """Viewing directions of class averages.

    Attributes
    ----------
    direction : (N, 3) float64 array
        Unit vectors from the particle to the viewer, up to a common rotation and the hand; nan
        for averages left out, and for all where the verdict is ``cannot be told``.
    uncertainty : (N,) float64 array
        Typical error of the direction, degrees; nan where there is none.
    verdict : str
        ``trusted``, ``partly`` or ``cannot be told``.
    reasons : tuple of str
        Why, a sentence each.
    left_out : tuple of N str
        Why an average has no direction: ``blank``, ``lines rarely agree`` (junk, another
        particle) or ``cannot be told``; empty where it has one.
    agreement_of_halves : float
        Rank correlation of the angles between views that two random halves of the averages
        give, each solved without the other; nan where there were too few averages.
    symmetry : str
        Point group given.
    """

    direction: Doubles
    uncertainty: Doubles
    verdict: str
    reasons: tuple[str, ...]
    left_out: tuple[str, ...]
    agreement_of_halves: float
    symmetry: str


@dataclass(frozen=True)
class Witness:
    """What the verdict looks at; arrays over all N averages unless said otherwise."""

    symmetry: str
    direction: Doubles
    misfit: Doubles  # radians; nan where not known
    contrast: Bools
    agreement: Doubles  # share of lines with the others that agree
    rarely: Bools  # lines rarely agree
    n_solved: int  # averages that were solved together
    solved: Indices  # which
    halves: tuple[Doubles, Doubles]  # their mutual angles, degrees, from each half
    agreement_of_halves: float
    likely: str = ""  # point group with which the halves would agree better

    @staticmethod
    def of_too_few(n: int, contrast: Bools, symmetry: str) -> Witness:
        """Averages of which too few show anything."""
        return Witness(
            symmetry=symmetry,
            direction=np.full((n, 3), np.nan),
            misfit=np.full(n, np.nan),
            contrast=contrast,
            agreement=np.zeros(n),
            rarely=np.zeros(n, dtype=bool),
            n_solved=int(contrast.sum()),
            solved=np.zeros(0, np.int32),
            halves=(np.zeros((0, 0)), np.zeros((0, 0))),
            agreement_of_halves=float("nan"),
        )


def judge(witness: Witness) -> ViewSphere:
    """The sphere of views, or the plain word that it cannot be told."""
    refusal = _refusal(witness)
    placed = witness.contrast & ~witness.rarely & (not refusal)
    uncertainty = np.where(placed, _uncertainty(witness), np.nan)
    unsure = np.flatnonzero(uncertainty > UNSURE).astype(np.int32)
    doubts = () if refusal else _doubts(witness, placed, unsure)
    verdict = CANNOT_BE_TOLD if refusal else PARTLY if doubts else TRUSTED
    agree = (
        "two random halves of the averages, solved apart, agree on the angles between views "
        f"(rank correlation {witness.agreement_of_halves:.3f})"
    )
    return ViewSphere(
        direction=np.where(placed[:, None], witness.direction, np.nan),
        uncertainty=uncertainty,
        verdict=verdict,
        reasons=refusal or (agree, *doubts),
        left_out=tuple(_why_left_out(witness, bool(refusal), i) for i in range(len(placed))),
        agreement_of_halves=witness.agreement_of_halves,
        symmetry=witness.symmetry,
    )


def _refusal(w: Witness) -> tuple[str, ...]:
    if w.n_solved < FEWEST:
        return (
            f"only {w.n_solved} averages have common lines that can be compared, and at least "
            f"{FEWEST} are needed",
        )
    if w.likely:
        return (
            "two random halves of the averages, solved apart, agree less on the views without "
            f"symmetry (rank correlation {w.agreement_of_halves:.2f}) than with {w.likely}: if the "
            f"particle has this symmetry, give it (--symmetry {w.likely}), and if it has none, "
            "these averages cannot tell its views",
        )
    if w.agreement_of_halves >= HALVES_AGREE:
        return ()
    cause = "a particle with symmetry that was not given, " if w.symmetry == "C1" else ""
    return (
        "two random halves of the averages, solved apart, give different views (rank correlation "
        f"{w.agreement_of_halves:.2f}, and at least {HALVES_AGREE:g} is needed): possible causes "
        f"are {cause}a mixture of particles, noise, or too few different views",
    )


def _doubts(w: Witness, placed: Bools, unsure: Indices) -> tuple[str, ...]:
    doubts = []
    n_usable, n_placed = int(w.contrast.sum()), int(placed.sum())
    if w.n_solved < ENOUGH:
        doubts.append(
            f"only {w.n_solved} averages were solved together, and the agreement of fewer than "
            f"{ENOUGH} may be chance"
        )
    if n_usable - n_placed > MOST_LEFT_OUT * n_usable:
        doubts.append(
            f"{n_usable - n_placed} of {n_usable} averages were left out, because their lines "
            "rarely agree with those of the others"
        )
    low, high = np.quantile(w.agreement[placed], (0.25, 0.75))
    if low < EVEN * high:
        doubts.append(
            f"the lines of a quarter of the averages agree less than {EVEN:g} times as often as "
            "those of another quarter: some may show another particle"
        )
    if len(unsure) > MOST_UNSURE * n_placed:
        named = ", ".join(str(i) for i in unsure[:10]) + (", ..." if len(unsure) > 10 else "")
        doubts.append(
            f"{len(unsure)} directions are known to no better than {UNSURE:g} degrees "
            f"(averages {named}, counted from 0)"
        )
    return tuple(doubts)


def _why_left_out(w: Witness, refused: bool, i: int) -> str:
    if not w.contrast[i]:
        return "blank"
    if refused:
        return "cannot be told"
    return "lines rarely agree" if w.rarely[i] else ""


def _uncertainty(w: Witness) -> Doubles:
    """Degrees, from how far the halves disagree on the angles with a view, where it was solved;
    elsewhere the typical disagreement, scaled by how badly the view fits."""
    if len(w.solved) < 2:
        return np.full(len(w.misfit), np.nan)
    between_halves = np.median(np.abs(w.halves[0] - w.halves[1]), axis=1)
    typical = float(np.median(between_halves))
    usual = np.nanmedian(w.misfit[w.solved]) if np.isfinite(w.misfit).any() else np.nan
    fit = w.misfit / usual if np.isfinite(usual) and usual > 0 else np.ones(len(w.misfit))
    disagreement = typical * np.where(np.isfinite(fit), fit, 1.0)
    # One disagreement says little about its size: half of it is believed.
    disagreement[w.solved] = (disagreement[w.solved] + between_halves) / 2
    return np.asarray(np.hypot(SMALLEST, SPREAD * disagreement))
