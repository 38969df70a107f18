"""What each release made of a small job, this version reads and makes again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from test_cli import DATA, JOB, status_of

from rebalance import __version__

GOLDEN = Path(__file__).parent / "golden"
RELEASES = sorted(path.name for path in GOLDEN.iterdir() if (path / "options.json").is_file())
SAME = ("superclasses.csv", "particles.star")
# Other processors and libraries round differently; a grid point is never missed by this much.
AFFINITY_TOLERANCE = 1e-4


def test_this_version_has_golden_files() -> None:
    assert __version__ in RELEASES, "make them: python tests/golden/make.py"


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> Path:
    return GOLDEN / str(request.param)


def run(release: Path, output: Path, *more: object) -> Path:
    options = json.loads((release / "options.json").read_text())
    particles = release / JOB / DATA
    assert status_of("run", "--particles", particles, "--output", output, *options, *more) == 0
    return output


def test_results_are_made_again(release, tmp_path):
    made = run(release, tmp_path / "out")
    for name in SAME:
        assert (made / name).read_bytes() == (release / name).read_bytes(), name
    with np.load(made / "affinity.npz") as now, np.load(release / "affinity.npz") as then:
        difference = np.abs(now["values"] - then["values"])
    assert difference.max() < AFFINITY_TOLERANCE


def test_its_affinity_is_read(release, tmp_path):
    made = run(release, tmp_path / "out", "--affinity", release / "affinity.npz")
    for name in SAME:
        assert (made / name).read_bytes() == (release / name).read_bytes(), name
