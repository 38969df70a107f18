"""Point groups: the turns that lay a symmetric particle on itself."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from .errors import RebalanceError

Floats = NDArray[np.float64]
Axis = tuple[int, tuple[float, float, float]]  # order, direction

GOLDEN = (1.0 + 5.0**0.5) / 2.0
# Generating axes, in the settings of RELION and CryoSPARC.
POLYHEDRAL: dict[str, tuple[Axis, Axis]] = {
    "T": ((3, (0.0, 0.0, 1.0)), (2, (0.0, 2.0**0.5, 1.0))),
    "O": ((4, (0.0, 0.0, 1.0)), (3, (1.0, 1.0, 1.0))),
    "I1": ((2, (1.0, 0.0, 0.0)), (5, (GOLDEN, 0.0, -1.0))),
    "I2": ((2, (0.0, 0.0, 1.0)), (5, (1.0, 0.0, GOLDEN))),
}
LARGEST = 100  # fold of Cn and Dn


def rotations(symmetry: str) -> Floats:
    """Rotation matrices of a point group.

    Axes stand as in RELION and CryoSPARC: the n-fold axis of Cn and Dn along z, a 2-fold axis of
    Dn along x; T with a 3-fold axis along z; O with its 4-fold axes along x, y and z; I1 and I2
    with 2-fold axes along x, y and z and a 5-fold axis in the xz plane, nearer to x (I1) or to z
    (I2, also called I).

    Parameters
    ----------
    symmetry : str
        C1 to C100, D1 to D100, T, O, I, I1 or I2, in capital or small letters.

    Returns
    -------
    (G, 3, 3) float64 array
        The G turns; the first is the identity.

    Raises
    ------
    RebalanceError
        When the name is none of these.
    """
    generators = [_turn(axis) for axis in _generating_axes(symmetry)]
    group = [np.eye(3)]
    for member in group:  # grows while it is walked: products of all members, until none is new
        for generator in generators:
            product = generator @ member
            if not any(np.allclose(product, known, atol=1e-6) for known in group):
                group.append(product)
    return np.array(group)


def as_symmetry(symmetry: str) -> str:
    """Name of a point group in capital letters; refuses what is none."""
    _generating_axes(symmetry)
    return str(symmetry).strip().upper()


def _generating_axes(symmetry: str) -> list[Axis]:
    name = str(symmetry).strip().upper()
    if name == "I":
        name = "I2"
    if name in POLYHEDRAL:
        return list(POLYHEDRAL[name])
    match = re.fullmatch(r"([CD])([1-9][0-9]*)", name)
    if match is None or int(match[2]) > LARGEST:
        raise RebalanceError(
            f"symmetry must be C1 to C{LARGEST}, D1 to D{LARGEST}, T, O, I, I1 or I2, "
            f"not {symmetry!r}: give the point group of the particle."
        )
    axes: list[Axis] = [(int(match[2]), (0.0, 0.0, 1.0))]
    return axes if match[1] == "C" else [*axes, (2, (1.0, 0.0, 0.0))]


def _turn(axis: Axis) -> Floats:
    """(3, 3) matrix of a turn by 360 degrees / order about an axis."""
    order, direction = axis
    x, y, z = np.array(direction) / np.linalg.norm(direction)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    angle = 2 * np.pi / order
    turn: Floats = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return turn
