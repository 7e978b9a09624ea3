"""Peer: what a careful engineer writes by hand with uvloop's BufferedProtocol and msgspec; frames of u32 and msgpack, FIFO."""

import asyncio
from collections import deque
from typing import cast

import msgspec
import uvloop
from messages import LARGE, SMALL, Figures, Large, Small, SmallReply, drive

_BUFFER = 1 << 18
_encode = msgspec.msgpack.Encoder().encode
_requests = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw])
_small = msgspec.msgpack.Decoder(Small)
_large = msgspec.msgpack.Decoder(Large)
_replies = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw])
_small_reply = msgspec.msgpack.Decoder(SmallReply)


class _Frames(asyncio.BufferedProtocol):
    """Reads into one buffer, cuts frames, writes each turn's frames at once."""

    def __init__(self) -> None:
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._have = 0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view[self._have :]

    def buffer_updated(self, nbytes: int) -> None:
        have = self._have + nbytes
        view = self._view
        at = 0
        out: list[bytes] = []
        while have - at >= 4:
            length = int.from_bytes(view[at : at + 4], "little")
            if have - at - 4 < length:
                break
            self.frame(view[at + 4 : at + 4 + length], out)
            at += 4 + length
        if at:
            self._buffer[: have - at] = self._buffer[at:have]
        self._have = have - at
        if out:
            self.transport.write(b"".join(out))

    def frame(self, body: memoryview, out: list[bytes]) -> None:
        raise NotImplementedError


class _Server(_Frames):
    def frame(self, body: memoryview, out: list[bytes]) -> None:
        name, payload = _requests.decode(body)
        if name == "Small":
            request = _small.decode(payload)
            reply = _encode(("SmallReply", SmallReply(request.name, request.number, request.digest, request.number + 1)))
        else:
            reply = _encode(("LargeReply", Large(_large.decode(payload).data)))
        out += (len(reply).to_bytes(4, "little"), reply)


class _Client(_Frames):
    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[asyncio.Future[object]] = deque()
        self._unsent: list[bytes] = []
        self._loop = asyncio.get_running_loop()

    def frame(self, body: memoryview, out: list[bytes]) -> None:
        name, payload = _replies.decode(body)
        self._waiting.popleft().set_result(_small_reply.decode(payload) if name == "SmallReply" else _large.decode(payload))

    def call(self, name: str, request: object) -> asyncio.Future[object]:
        body = _encode((name, request))
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent += (len(body).to_bytes(4, "little"), body)
        future = self._loop.create_future()
        self._waiting.append(future)
        return future

    def _flush(self) -> None:
        self.transport.write(b"".join(self._unsent))
        self._unsent.clear()


def serve(address: str) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_unix_server(_Server, address)
        print("ready", flush=True)
        await server.serve_forever()

    uvloop.run(main())


def drive_calls(address: str, depth: int, seconds: float, large: bool) -> Figures:
    async def main() -> Figures:
        _, client = await asyncio.get_running_loop().create_unix_connection(_Client, address)
        return await drive((lambda: client.call("Large", LARGE)) if large else (lambda: client.call("Small", SMALL)), depth, seconds)

    return uvloop.run(main())
