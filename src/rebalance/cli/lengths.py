"""Lengths on the command line: A, or px where marked; the library knows px only."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass

from ..errors import RebalanceError

_FORM = re.compile(r"([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*(px|A)?")


@dataclass(frozen=True)
class Length:
    """A length as written: ``180`` or ``180A`` in A, ``60px`` in pixels of the averages."""

    value: float
    unit: str  # "A" or "px"

    def __str__(self) -> str:
        return f"{self.value:g}{self.unit}"

    def in_px(self, option: str, pixel_size: float | None) -> float:
        """px of averages of this pixel size (A per px); refuses A when that is unknown."""
        if self.unit == "px":
            return self.value
        if pixel_size is None:
            raise RebalanceError(
                f"{option} was given in A ({self}), but the pixel size of the averages is "
                f"unknown: give --angpix, or write {option} in px, as {self.value:g}px"
            )
        return self.value / pixel_size


def as_length(text: str) -> Length:
    """Read a length, for argparse."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(
            f"must be a number of A, or of pixels with px behind it (180, 180A, 60px), not {text!r}"
        )
    return Length(float(match[1]), match[2] or "A")
