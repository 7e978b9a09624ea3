"""The scripted peer, and the address of a server of ours."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.rpc.scripted import Scripted


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[Scripted]:
    server = Scripted(tmp_path)
    yield server
    server.close()


@pytest.fixture(params=["socket", "shared memory"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "s.sock") if request.param == "socket" else f"pp-test-{os.getpid()}-{id(tmp_path):x}.shm"
