"""What the head of an MRC file claims, so that it is checked before memory is taken."""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEAD_BYTES = 1024
BYTES_PER_VALUE = {0: 1, 1: 2, 2: 4, 4: 8, 6: 2, 12: 2}  # by mode
BIG_ENDIAN = b"\x11\x11"
MACHINE_STAMP, MODE, EXTENDED = slice(212, 214), 12, 92  # places in bytes


@dataclass(frozen=True)
class Claim:
    """Bytes that the extended header and the values would take."""

    extended: int
    values: int

    @property
    def whole_file(self) -> int:
        """Bytes of the file."""
        return HEAD_BYTES + self.extended + self.values


def read_claim(head: bytes, permissive: bool = False) -> Claim:
    """Read a head of 1024 bytes in the byte order in which mrcfile reads it.

    Parameters
    ----------
    head : bytes
        Of the file.
    permissive : bool
        Where the mode makes sense in the other byte order only, that counts.
    """
    order, other = (">", "<") if head[MACHINE_STAMP] == BIG_ENDIAN else ("<", ">")
    if permissive and _mode(head, order) not in BYTES_PER_VALUE:
        order = other if _mode(head, other) in BYTES_PER_VALUE else order
    width, height, depth = struct.unpack_from(f"{order}3i", head)
    (extended,) = struct.unpack_from(f"{order}i", head, EXTENDED)
    bytes_per_value = BYTES_PER_VALUE.get(_mode(head, order), 0)
    return Claim(max(extended, 0), max(width * height * depth, 0) * bytes_per_value)


def _mode(head: bytes, order: str) -> int:
    mode: int = struct.unpack_from(f"{order}i", head, MODE)[0]
    return mode
