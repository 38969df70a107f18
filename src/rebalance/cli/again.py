"""A finished run again, from what it recorded: same inputs, same affinity, same settings."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import RebalanceError
from ..io import results
from ..pipeline import Result
from . import run as main_job


def result_of(directory: Path) -> Result:
    """What the run that wrote `directory` found; nothing is compared or written again.

    Raises
    ------
    RebalanceError
        If `directory` holds no results of ``rebalance run``, or their inputs have changed.
    """
    record = results.read_settings(directory / "settings.json")
    affinity = (directory / "affinity.npz").resolve()
    words = shlex.split(str(record["command"]))
    if words[:2] != ["rebalance", "run"]:
        raise RebalanceError(
            f"{directory} must hold results of rebalance run, and was made by {words[:2]}: run it"
        )
    with _inside(Path(record["directory"])):
        _check_inputs(record)
        parser = argparse.ArgumentParser(allow_abbrev=False)
        main_job.add_arguments(parser)
        return main_job.recompute(parser.parse_args(words[2:]), affinity)


@contextmanager
def _inside(directory: Path) -> Iterator[None]:
    """Work where the run was started, which is where its paths lead from."""
    before = Path.cwd()
    try:
        os.chdir(directory)
    except OSError:
        raise RebalanceError(
            f"the directory {directory}, where the run was started, must be there to find its "
            "inputs again, and it is not: run it again"
        ) from None
    try:
        yield
    finally:
        os.chdir(before)


def _check_inputs(record: dict[str, Any]) -> None:
    for name, checksum in record["input_sha256"].items():
        path = Path(name)
        if not path.is_file() or results.file_sha256(path) != checksum:
            raise RebalanceError(
                f"input {path} must be what it was when the run read it, and it is "
                f"{'not' if path.is_file() else 'gone'}: run it again"
            )
