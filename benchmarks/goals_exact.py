"""Goals of exactness. Every function measures one and returns lines of the table."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
from goal import Measured
from instruction_sets import instruction_set, runnable
from numpy.typing import NDArray
from scipy import ndimage
from stacks import Images, data_folder, mixture, real_stacks, simulated
from truth_sets import TruthSet, truth_sets

import rebalance
from rebalance._defaults import complete
from rebalance._images import shift_grid, soft_mask
from rebalance.config import AffinitySettings
from rebalance.metrics import roc_area

sys.path.append(str(Path(__file__).parents[1] / "tests"))
import slow_twin

MISSING = "not measured: REBALANCE_TEST_DATA is not set"


def twin() -> list[Measured]:
    """Largest difference from the double-precision slow twin, on the same grid."""
    images, name = mixture()
    cases = {
        f"12 of {name}": images[::8][:12],
        "12 simulated, 48 px": simulated(12, 48),
        "12 simulated, 49 px": simulated(12, 49),
    }
    return [
        Measured(
            "largest difference from the double-precision twin: 1e-5",
            f"{twin_difference(some):.1e}",
            f"{case}, default grid, every instruction set",
        )
        for case, some in cases.items()
    ]


def twin_difference(images: Images) -> float:
    """The largest over all pairs and instruction sets."""
    chosen = complete(AffinitySettings(refine=False), images)
    settings = dataclasses.replace(chosen, weights=None)  # the twin's: the radius of the ring
    assert settings.band
    assert settings.mask_diameter
    assert settings.rings
    assert settings.angles
    assert settings.max_shift is not None
    assert settings.shift_step
    mask, rim = (m.astype(float) for m in soft_mask(images.shape[1], settings.mask_diameter))
    under_mask = slow_twin.masked(images, mask, rim)
    rings = slow_twin.polar_rings(under_mask, settings.band, settings.rings, settings.angles)
    shifts = shift_grid(settings.max_shift, settings.shift_step)
    expected = slow_twin.search(images, rings, settings.band, shifts).value
    largest = 0.0
    for name in runnable():
        with instruction_set(name):
            values = rebalance.affinity(images, **dataclasses.asdict(settings)).values
        largest = max(largest, float(np.abs(values - expected).max()))
    return largest


def order() -> list[Measured]:
    """Transposes, and the same averages in another order."""
    images, name = mixture()
    values = rebalance.affinity(images).values
    differ = np.count_nonzero(values != values.T)
    shuffled = np.random.default_rng(0).permutation(len(images))
    again = rebalance.affinity(images[shuffled]).values
    pairs = np.triu_indices(len(images), 1)
    difference = np.abs(again - values[np.ix_(shuffled, shuffled)])[pairs]
    within = 100 * float((difference <= 1e-4).mean())
    return [
        Measured(
            "values equal their transpose bit for bit",
            f"{differ} of {values.size:,} differ",
            f"{name}, defaults",
        ),
        Measured(
            "permuting the input permutes the result within 1e-4",
            f"largest difference {difference.max():.1e}, {within:.2f} % of pairs within 1e-4",
            f"{name}, defaults, one permutation",
        ),
    ]


def agreement() -> list[Measured]:
    """How far the default search stays from the refined exhaustive one, on every set."""
    goal = "default within 0.002 of exhaustive refined: 99.9 % of pairs"
    folder = data_folder()
    if folder is None:
        return [Measured(goal, MISSING, "")]
    sets = real_stacks() | {truth.name: truth.images for truth in truth_sets(folder)}
    differences = {name: default_difference(images) for name, images in sets.items()}
    every = {"all pairs of these sets": np.concatenate(list(differences.values()))}
    return [
        Measured(
            goal,
            f"{100 * float((difference <= 0.002).mean()):.2f} %, "
            f"largest difference {difference.max():.4f}",
            f"{name}, defaults, {len(difference):,} pairs",
        )
        for name, difference in (differences | every).items()
    ]


def default_difference(images: Images) -> NDArray[np.float32]:
    """(P,) differences of the pairs between the default search and the exhaustive one, refined."""
    pairs = np.triu_indices(len(images), 1)
    settings = dataclasses.asdict(complete(AffinitySettings(), images))
    values = rebalance.affinity(images, **settings).values
    settings |= {"exhaustive": True, "shift_step": 1.0}
    exhaustive = rebalance.affinity(images, **settings).values
    return np.asarray(np.abs(values - exhaustive)[pairs])


def recovery(most: int = 40) -> list[Measured]:
    """Whether moved copies find their originals among all averages and copies."""
    goal = "every turned, mirrored, shifted (3 px) copy finds its original"
    stacks = real_stacks()
    if not stacks:
        return [Measured(goal, MISSING, "")]
    return [_recovered(goal, name, images[:most]) for name, images in stacks.items()]


def _recovered(goal: str, name: str, images: Images) -> Measured:
    n = len(images)
    values = rebalance.affinity(np.concatenate([images, moved(images)])).values.copy()
    np.fill_diagonal(values, -1)
    own = values[np.arange(n) + n, np.arange(n)]
    to_originals = (values[n:, :n].argmax(axis=1) == np.arange(n)).sum()
    to_all = (values[n:].argmax(axis=1) == np.arange(n)).sum()
    return Measured(
        goal,
        f"{to_originals} of {n}; affinity {own.min():.4f} to {own.max():.4f}",
        f"{name} without blank averages, defaults; {to_all} of {n} also against all other copies",
    )


def moved(images: Images, length: float = 3.0) -> Images:
    """Mirrored (every other one), turned and shifted copies, by cubic splines."""
    rng = np.random.default_rng(1)
    copies = np.empty_like(images)
    centre = np.full(2, images.shape[1] // 2, dtype=float)
    for i, image in enumerate(images):
        angle, towards = rng.uniform(0, 2 * np.pi, 2)
        c, s = np.cos(angle), np.sin(angle)
        matrix = np.diag([1.0, 1.0 if i % 2 else -1.0]) @ np.array([[c, -s], [s, c]])
        shift = length * np.array([np.sin(towards), np.cos(towards)])
        offset = centre - matrix @ (centre + shift)
        rim = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]).mean()
        copies[i] = ndimage.affine_transform(
            image, matrix, offset, order=3, mode="grid-constant", cval=rim
        )
    return copies


BANDS = (0.10, 0.15, 0.20, 0.25)  # upper limits, cycles/px
RANGES = (4.0, 6.0, 8.0, 10.0, 12.0)  # px


def views() -> list[Measured]:
    """Area under ROC of "same view" with defaults, beside the best of a grid of settings."""
    folder = data_folder()
    sets = [] if folder is None else [s for s in truth_sets(folder) if s.label is not None]
    if not sets:
        return [Measured("area under ROC", MISSING, "")]
    areas = [(same_view(truth), best_same_view(truth)) for truth in sets]
    default = np.array([area for area, _ in areas])
    behind = np.array([best - area for area, best in areas])
    how = f"{len(sets)} labelled sets, defaults"
    grid = (
        f"band limits {BANDS[0]} to {BANDS[-1]} by shift ranges {RANGES[0]:g} to {RANGES[-1]:g} px"
    )
    return [
        Measured("area under ROC, mean: 0.985", f"{default.mean():.4f}", how),
        Measured("none below 0.975", f"{default.min():.4f}", how),
        Measured("none more than 0.003 below the best", f"{behind.max():.4f}", f"{how}; {grid}"),
    ]


def same_view(truth: TruthSet, **settings: Any) -> float:
    """Area under ROC of the affinity of one set for "same view"."""
    assert truth.label is not None
    values = rebalance.affinity(truth.images, **settings).values
    pairs: tuple[NDArray[np.intp], ...] = np.triu_indices(len(truth.label), 1)
    return roc_area(values[pairs], (truth.label[:, None] == truth.label)[pairs])


def best_same_view(truth: TruthSet) -> float:
    """The best over band limits and shift ranges."""
    low = complete(AffinitySettings(), truth.images).band
    assert low
    return max(
        same_view(truth, band=(low[0], high), max_shift=reach) for high in BANDS for reach in RANGES
    )
