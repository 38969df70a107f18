"""Results as notebooks show them."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

import rebalance
from rebalance._notebook import MOST_ROWS


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(5, 24, 24)).astype(np.float32)


def test_an_affinity_is_a_picture_with_what_was_compared(images: np.ndarray) -> None:
    aff = rebalance.affinity(images, band=(0.0, 0.25), mask_diameter=16, max_shift=2)
    html = aff._repr_html_()
    assert html.count("data:image/png;base64,") == 1
    assert "<td>class averages</td><td>5</td>" in html
    assert "<td>band</td><td>0 to 0.25 cycles/px</td>" in html
    assert "<td>shifts</td><td>to 2 px</td>" in html


def test_two_stacks_are_named_by_both_sizes(images: np.ndarray) -> None:
    between = rebalance.affinity_between(images[:2], images, band=(0.0, 0.25))
    assert "<td>2 with 5</td>" in between._repr_html_()


def test_superclasses_are_counted() -> None:
    values = np.full((6, 6), 0.1)
    values[:4, :4] = values[4:, 4:] = 0.9
    np.fill_diagonal(values, 1)
    left_out = np.array([0, 0, 0, 1, 0, 0], bool)
    html = rebalance.superclassify(values, 2, leave_out=left_out)._repr_html_()
    assert "2 superclasses of 5 class averages, 1 left out" in html
    assert html.count("<tr>") == 3


def test_a_balance_says_what_is_kept() -> None:
    html = rebalance.balance([0] * 8 + [1] * 2, factor=1)._repr_html_()
    assert "4 of 10 particles of 2 superclasses kept" in html
    widths = [float(w) for w in re.findall(r"width:([\d.]+)em", html)]
    assert widths == [3.0, 9.0, 3.0, 0.0]


def test_long_tables_end() -> None:
    html = rebalance.balance(np.arange(MOST_ROWS + 7))._repr_html_()
    assert html.count("<tr>") == MOST_ROWS + 1
    assert "and 7 more" in html


def test_importing_the_package_does_not_load_the_drawing_library() -> None:
    code = "import sys, rebalance; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
