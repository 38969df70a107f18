"""What a measured goal is, and how it is written down."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """One line of the table of goals."""

    goal: str  # what is wanted; empty for a figure that stands beside a goal
    measured: str
    how: str

    def __str__(self) -> str:
        return f"| {self.goal} | {self.measured} | {self.how} |"


HEADER = "| goal | measured | how |\n|---|---|---|"
