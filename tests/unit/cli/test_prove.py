"""`prove`: what the arguments alone refuse."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from kit.cli_run import here


@pytest.mark.parametrize("network", ["mainnet", "regtest"])
def test_whole_blocks_by_circuits_are_refused_before_the_full_node_is_connected(tmp_path: Path, network: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as node:
        url = f"http://127.0.0.1:{node.getsockname()[1]}"
        asked = here("prove", "--backend", "barretenberg", "--bitcoind", url, "--network", network, "--data-dir", tmp_path / "data")
        node.setblocking(False)
        with pytest.raises(BlockingIOError):
            node.accept()

    asked.refused(2, "backend barretenberg proves headers only", "--backend native")
    assert list(tmp_path.iterdir()) == []
