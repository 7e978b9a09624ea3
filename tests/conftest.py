"""Fixtures of every test: where the real inputs are."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real inputs; without PROOFPLANE_DATA the test is skipped (and counted)."""
    place = os.environ.get("PROOFPLANE_DATA")
    if not place:
        pytest.skip("PROOFPLANE_DATA is not set")
    return Path(place)
