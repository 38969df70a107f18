"""The words of a command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def without_options(words: Sequence[str], options: Iterable[str]) -> list[str]:
    """The words without these options and their values.

    Parameters
    ----------
    words : sequence of str
        A command line that was understood.
    options : iterable of str
        Options of one value, as ``-k`` or ``--factor``; and flags, ending with ``!``.

    Returns
    -------
    list of str
        What is left, in order.
    """
    flags = {option.removesuffix("!") for option in options if option.endswith("!")}
    valued = {option for option in options if not option.endswith("!")}
    left: list[str] = []
    skip = False
    for word in words:
        if skip or word in flags:
            skip = False
        elif word in valued:
            skip = True
        elif not _holds_value(word, valued):
            left.append(word)
    return left


def _holds_value(word: str, options: set[str]) -> bool:
    """Whether a word is an option together with its value: ``--factor=0.5``, ``-k12``."""
    if word.startswith("--"):
        return word.partition("=")[0] in options
    return any(len(o) == 2 and word.startswith(o) for o in options)
