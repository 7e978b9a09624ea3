"""A raw client of frames over a Unix socket: it sends what no honest client would."""

import asyncio
import struct
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

PATIENCE = 20.0
"""Seconds after which a missing reply is a failure and not slowness."""


def frame(body: bytes) -> bytes:
    """A frame."""
    return struct.pack("<I", len(body)) + body


def plain(name: str, fields: object) -> bytes:
    """A plain request's frame."""
    return frame(msgspec.msgpack.encode([[name, fields]]))


def numbered(number: int, name: str, fields: object) -> bytes:
    """A request's frame with an id."""
    return frame(msgspec.msgpack.encode([number, [name, fields]]))


class RawClient:
    """One connection, bytes in, values out."""

    def __init__(self, path: Path | str) -> None:
        self._path = str(path)
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_unix_connection(self._path)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.writer.close()

    async def send(self, data: bytes) -> None:
        """Writes bytes and waits until the kernel has them."""
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> Any:
        """The next reply, unpacked."""
        async with asyncio.timeout(PATIENCE):
            (length,) = struct.unpack("<I", await self.reader.readexactly(4))
            return msgspec.msgpack.decode(await self.reader.readexactly(length))

    async def ended(self) -> bool:
        """Whether the server has closed the connection; what it still sent is thrown away."""
        async with asyncio.timeout(PATIENCE):
            try:
                while await self.reader.read(1 << 16):
                    pass
            except ConnectionResetError:
                pass
            return True
