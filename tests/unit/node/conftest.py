"""One finished data directory with a reorg, for all tests that only read it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kit.cli_node import Branches, branches, opened, run_over


@pytest.fixture(scope="session")
def chain() -> Branches:
    return branches()


@pytest.fixture(scope="session")
def finished(chain: Branches, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """First branch, then the second; everything proved. Read it only."""
    path = tmp_path_factory.mktemp("finished") / "data"
    with opened(path, chain.chain) as directory:
        asyncio.run(run_over(directory, chain.chain, chain.first[-1], chain.second[-1]))
    return path
