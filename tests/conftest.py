"""Fixtures that several test files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("timings never fail a test", deadline=None)
settings.load_profile("timings never fail a test")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of public test data."""
    folder = os.environ.get("REBALANCE_TEST_DATA")
    if not folder:
        pytest.skip("REBALANCE_TEST_DATA is not set: the folder of public test data")
    return Path(folder)
