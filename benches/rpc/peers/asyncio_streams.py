"""Peer: asyncio streams, as most people write it; frames of u32 and msgpack, FIFO."""

import asyncio
from collections import deque

import msgspec
from messages import LARGE, SMALL, Figures, Large, Small, SmallReply, drive

_LIMIT = 1 << 20
_encode = msgspec.msgpack.Encoder().encode
_envelope = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw])
_small = msgspec.msgpack.Decoder(Small)
_large = msgspec.msgpack.Decoder(Large)
_small_reply = msgspec.msgpack.Decoder(SmallReply)


async def _read(reader: asyncio.StreamReader) -> tuple[str, msgspec.Raw]:
    length = int.from_bytes(await reader.readexactly(4), "little")
    return _envelope.decode(await reader.readexactly(length))


def _write(writer: asyncio.StreamWriter, name: str, value: object) -> None:
    body = _encode((name, value))
    writer.write(len(body).to_bytes(4, "little") + body)


async def _serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            name, payload = await _read(reader)
            if name == "Small":
                request = _small.decode(payload)
                _write(writer, "SmallReply", SmallReply(request.name, request.number, request.digest, request.number + 1))
            else:
                _write(writer, "LargeReply", _large.decode(payload))
            await writer.drain()
    except asyncio.IncompleteReadError:
        writer.close()


def serve(address: str) -> None:
    async def main() -> None:
        server = await asyncio.start_unix_server(_serve_one, address, limit=_LIMIT)
        print("ready", flush=True)
        await server.serve_forever()

    asyncio.run(main())


def drive_calls(address: str, depth: int, seconds: float, large: bool) -> Figures:
    async def main() -> Figures:
        reader, writer = await asyncio.open_unix_connection(address, limit=_LIMIT)
        waiting: deque[asyncio.Future[object]] = deque()
        loop = asyncio.get_running_loop()

        async def replies() -> None:
            while True:
                name, payload = await _read(reader)
                waiting.popleft().set_result(_small_reply.decode(payload) if name == "SmallReply" else _large.decode(payload))

        def call() -> asyncio.Future[object]:
            _write(writer, "Large" if large else "Small", LARGE if large else SMALL)
            waiting.append(loop.create_future())
            return waiting[-1]

        reading = asyncio.create_task(replies())
        try:
            return await drive(call, depth, seconds)
        finally:
            reading.cancel()
            writer.close()

    return asyncio.run(main())
