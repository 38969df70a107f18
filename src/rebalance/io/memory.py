"""How much memory a process may still take: of the machine, of its control group, of its limits."""

from __future__ import annotations

import resource
from pathlib import Path

PROC, CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")
UNLIMITED = 1 << 60  # what version 1 of control groups says for no limit is larger


def available_memory() -> int | None:
    """Bytes that this process may still take; None where the system does not tell."""
    known = [_of_machine(), *_of_groups(), _of_limit()]
    return min((size for size in known if size is not None), default=None)


def _of_machine() -> int | None:
    for line in _lines(PROC / "meminfo"):
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    return None


def _of_groups() -> list[int]:
    """What each control group that this process belongs to has left, in both versions of them."""
    left = []
    for line in _lines(PROC / "self" / "cgroup"):
        _, controllers, name = line.split(":", 2)
        if controllers in ("", "memory"):
            top = CGROUPS / controllers
            folder = top / name.lstrip("/")
            left += [_left_in(place) for place in (folder, *folder.parents) if top in place.parents]
            left.append(_left_in(top))
    return [size for size in left if size is not None]


def _left_in(group: Path) -> int | None:
    """Limit less use of one group; files that the system keeps in memory can be let go."""
    limit = _number(group / "memory.max") or _number(group / "memory.limit_in_bytes")
    used = _number(group / "memory.current") or _number(group / "memory.usage_in_bytes")
    if limit is None or used is None or limit > UNLIMITED:
        return None
    words = [line.split() for line in _lines(group / "memory.stat")]
    cached = [int(word[1]) for word in words if word[0] == "inactive_file"]
    return max(0, limit - used + sum(cached))


def _of_limit() -> int | None:
    """What the limit of the address space (``ulimit -v``) leaves."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    sizes = _lines(PROC / "self" / "statm")
    if soft == resource.RLIM_INFINITY or not sizes:
        return None
    return max(0, soft - int(sizes[0].split()[0]) * resource.getpagesize())


def _number(path: Path) -> int | None:
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdecimal() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
