"""A real Bitcoin full node in regtest (`bcoin`, a Node.js program), started, driven, killed and started again by tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import IO, Any

import httpx
import pytest

from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.bitcoin.block import Block
from proofplane.bitcoin.mining import build_block

PLACE = Path(__file__).parents[1] / "interop" / "bcoin"

ADDRESS = "R9HC5WtHbpoa51NCUAz86XLCmGTbkf45NT"
"""Pays nobody: the 20-byte hash of zeros in bcoin's own regtest form (version byte 0x3c)."""

START_SECONDS = 60
"""It takes one on an idle machine."""


def require_node() -> str:
    """The `node` program; skips the test if there is none."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("the real full node needs Node.js, and there is no `node` here")
    assert (PLACE / "node_modules" / "bcoin").is_dir(), "bcoin is not installed: run `make interop`"
    return program


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


class RpcFault(Exception):
    """The node answered with an error."""


class Bcoin:
    """One full node, its chain in memory: a kill loses it. A context manager that stops it."""

    def __init__(self, prefix: Path, api_key: str | None = None) -> None:
        """`prefix` for its files; with `api_key` it wants a password."""
        self._program = require_node()
        self._prefix = prefix
        self._api_key = api_key
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[str] | None = None
        self._drain: Thread | None = None
        self._blocks: dict[BlockId, Block] = {}
        auth = None if api_key is None else httpx.BasicAuth("any", api_key)
        self._http = httpx.Client(auth=auth, timeout=START_SECONDS, trust_env=False)

    def start(self) -> None:
        """Starts it and waits until it answers; its chain is empty, its port the one it had before."""
        auth = ["--no-auth=true"] if self._api_key is None else [f"--api-key={self._api_key}"]
        arguments = ["--network=regtest", f"--prefix={self._prefix}", "--memory=true", "--max-outbound=1", "--listen=false"]
        arguments += ["--no-wallet=true", "--log-file=false", f"--http-port={self.port}", f"--port={free_port()}", *auth]
        process = subprocess.Popen(
            [self._program, "--require", str(PLACE / "hook.cjs"), str(PLACE / "node_modules/bcoin/bin/node"), *arguments],
            env={**os.environ, "NODE_BACKEND": "js"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._process = process
        assert process.stdout is not None
        log: list[str] = []
        for line in process.stdout:
            log.append(line)
            if "HTTP server listening" in line:
                break
        else:
            raise AssertionError(f"bcoin did not start: {''.join(log)}")
        self._drain = Thread(target=_read_to_end, args=(process.stdout,), name="bcoin log", daemon=True)
        self._drain.start()

    def kill(self) -> None:
        """SIGKILL; a second call does nothing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._drain is not None:
                self._drain.join()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def __enter__(self) -> Bcoin:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()
        self._http.close()

    def rpc(self, method: str, *parameters: object) -> Any:
        """Calls the node; raises `RpcFault` if it answers with an error."""
        body = {"id": 0, "method": method, "params": parameters}
        answer = self._http.post(self.url, json=body).json()
        if answer["error"] is not None:
            raise RpcFault(answer["error"])
        return answer["result"]

    def best(self) -> BlockCommitment:
        """The tip that it considers best."""
        return BlockCommitment(Height(self.rpc("getblockcount")), BlockId.from_display(self.rpc("getbestblockhash")))

    def generate(self, count: int) -> BlockCommitment:
        """Has it mine `count` blocks itself; returns the tip."""
        for number in self.rpc("generatetoaddress", count, ADDRESS):
            block_id = BlockId.from_display(number)
            self._blocks[block_id] = Block.decode(bytes.fromhex(self.rpc("getblock", number, False)))
        return self.best()

    def submit(self, parent: BlockCommitment, tag: bytes, op_return: bytes | None = None) -> BlockCommitment:
        """Mines one block on `parent` here and gives it to the node; the coinbase's output 0 is `op_return`, `tag` makes it unique."""
        known = self._blocks.get(parent.block_id)
        time = known.header.time if known else self.rpc("getblockheader", parent.block_id.display(), True)["time"]
        block = build_block(parent, time + 1, coinbase_tag=tag, op_return=op_return)
        self._give(block)
        return BlockCommitment(Height(parent.height + 1), block.block_id)

    def branch(self, parent: BlockCommitment, count: int, tag: bytes, op_returns: Sequence[bytes | None] = ()) -> BlockCommitment:
        """Mines and gives `count` blocks one on the other; returns the last."""
        for number in range(count):
            op_return = op_returns[number] if number < len(op_returns) else None
            parent = self.submit(parent, tag, op_return)
        return parent

    def give_all_again(self) -> None:
        """Gives it every block that it ever had, in their order: what another node of its network would do."""
        for block in list(self._blocks.values()):
            self._give(block)

    def _give(self, block: Block) -> None:
        refusal = self.rpc("submitblock", block.encode().hex())
        assert refusal in (None, "duplicate"), refusal
        self._blocks[block.block_id] = block


def _read_to_end(log: IO[str]) -> None:
    for _ in log:
        pass
