"""The scripted peer, and the address of a server of ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.rpc.scripted import Scripted


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[Scripted]:
    server = Scripted(tmp_path)
    yield server
    server.close()
