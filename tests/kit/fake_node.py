"""A small HTTP server that answers JSON-RPC like a full node would, from a regtest chain, and misbehaves on command."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

from proofplane.anchor.errors import MissingL1Block
from proofplane.anchor.regtest import RegtestChain
from proofplane.base.ids import BlockCommitment, BlockId

Reply = tuple[int, bytes]


class FakeNode:
    """Serves `chain` on a free port of 127.0.0.1; `best` is what it considers the tip."""

    def __init__(self, chain: RegtestChain, user: str = "user", password: str = "secret") -> None:
        self.chain = chain
        self.best = chain.genesis
        self.calls: list[str] = []
        self.fields: dict[bytes, bytes] = {}
        """Header fields of the last request, names in lower case."""
        self.override: Callable[[str, list[Any]], Reply | None] = lambda method, parameters: None
        """Returns (HTTP status, body) to answer with instead, or None."""
        self.silent = False
        """Whether it reads without ever answering."""
        self._credentials = b"Basic " + base64.b64encode(f"{user}:{password}".encode())
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://user:secret@127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listens, again on the same port after `stop`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Closes the port and all connections."""
        if self._server is not None:
            self._server.close()
            for writer in self._connections.values():
                writer.close()
            await asyncio.gather(*(task for task in self._connections if task is not None))
            await self._server.wait_closed()
            self._server = None

    async def __aenter__(self) -> FakeNode:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections[asyncio.current_task()] = writer
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
                    fields = {name.lower(): value for name, value in fields.items()}
                    self.fields = fields
                    body = await reader.readexactly(int(fields[b"content-length"]))
                    status, answer = self._reply(fields.get(b"authorization"), body)
                    if self.silent:
                        continue
                    writer.write(b"HTTP/1.1 %d x\r\ncontent-length: %d\r\n\r\n" % (status, len(answer)) + answer)
                    await writer.drain()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            del self._connections[asyncio.current_task()]

    def _reply(self, credentials: bytes | None, body: bytes) -> Reply:
        if credentials != self._credentials:
            return 401, b""
        request = json.loads(body)
        method, parameters = request["method"], request["params"]
        self.calls.append(method)
        if (reply := self.override(method, parameters)) is not None:
            return reply
        try:
            return result(self._answer(method, parameters))
        except MissingL1Block:
            return fault(-5, "Block not found")

    def _answer(self, method: str, parameters: list[Any]) -> Any:
        match method:
            case "getblockcount":
                return self.best.height
            case "getbestblockhash":
                return self.best.block_id.display()
            case "getblockhash":
                return self._at(parameters[0]).block_id.display()
            case "getblockheader":
                located = self.chain.located(BlockId.from_display(parameters[0]))
                return {"height": located.commitment.height} if parameters[1] else located.header.encode().hex()
            case "getblock":
                return self.chain.block(self.chain.located(BlockId.from_display(parameters[0])).commitment).encode().hex()
        raise AssertionError(f"no method {method}")

    def _at(self, height: int) -> BlockCommitment:
        block = self.best
        while block.height > height:
            block = self.chain.located(block.block_id).parent()
        return block


def result(value: Any) -> Reply:
    """A proper answer."""
    return 200, json.dumps({"result": value, "error": None, "id": 0}).encode()


def fault(code: int, message: str) -> Reply:
    """A proper error."""
    return 500, json.dumps({"result": None, "error": {"code": code, "message": message}, "id": 0}).encode()
