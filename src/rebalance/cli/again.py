"""A finished run again, from what it recorded: same inputs, same affinity, same settings."""

from __future__ import annotations

import argparse
import shlex
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
    _check_inputs(record)
    parser = argparse.ArgumentParser(allow_abbrev=False)
    main_job.add_arguments(parser)
    return main_job.recompute(parser.parse_args(words[2:]), affinity)


def _check_inputs(record: dict[str, Any]) -> None:
    for name, checksum in record["input_sha256"].items():
        path = Path(name)
        if not path.is_file() or results.file_sha256(path) != checksum:
            raise RebalanceError(
                f"input {path} must be there, from the directory where the run was started, and as "
                f"the run read it, and it is {'not' if path.is_file() else 'missing'}: go there, "
                "or run it again"
            )
