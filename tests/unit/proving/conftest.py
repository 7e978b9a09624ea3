"""Fixtures of the proving tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.prover_rig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A prover worker with a simulated prover that takes one job at a time into account."""
    with Rig(tmp_path) as made:
        yield made
