"""What the system refuses, in a sentence that says what to do."""

from __future__ import annotations

import errno

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def sentence(error: OSError | MemoryError) -> str:
    """The sentence for an error that no part of the program expected."""
    if isinstance(error, MemoryError):
        return "There is not enough memory; end other programs, or run where there is more."
    name = "A file" if error.filename is None else str(error.filename)
    if error.errno in NO_SPACE:
        return (
            f"{name} cannot be written: {error.strerror}; nothing half-written stays; make room "
            "on the disk, and run again."
        )
    reason = error.strerror or str(error)
    return (
        f"{name} cannot be read or written: {reason}; check that it is there, the disk and the "
        "permissions, and run again."
    )
