"""Peer: pyzmq, DEALER to ROUTER over an ipc endpoint, with request ids and msgspec."""

import asyncio
import itertools

import msgspec
import uvloop
import zmq
import zmq.asyncio
from messages import LARGE, SMALL, Figures, Large, Small, SmallReply, drive

_encode = msgspec.msgpack.Encoder().encode
_small = msgspec.msgpack.Decoder(Small)
_large = msgspec.msgpack.Decoder(Large)
_small_reply = msgspec.msgpack.Decoder(SmallReply)


def serve(address: str) -> None:
    async def main() -> None:
        socket = zmq.asyncio.Context().socket(zmq.ROUTER)
        socket.bind(f"ipc://{address}")
        print("ready", flush=True)
        while True:
            peer, number, name, body = await socket.recv_multipart()
            if name == b"Small":
                request = _small.decode(body)
                reply = _encode(SmallReply(request.name, request.number, request.digest, request.number + 1))
            else:
                reply = _encode(_large.decode(body))
            await socket.send_multipart([peer, number, reply])

    uvloop.run(main())


def drive_calls(address: str, depth: int, seconds: float, large: bool) -> Figures:
    async def main() -> Figures:
        context = zmq.asyncio.Context()
        socket = context.socket(zmq.DEALER)
        socket.connect(f"ipc://{address}")
        waiting: dict[bytes, asyncio.Future[object]] = {}
        numbers = itertools.count(1)
        loop = asyncio.get_running_loop()
        decode = _large.decode if large else _small_reply.decode
        name, request = (b"Large", LARGE) if large else (b"Small", SMALL)

        async def replies() -> None:
            while True:
                number, body = await socket.recv_multipart()
                waiting.pop(number).set_result(decode(body))

        async def call() -> object:
            number = next(numbers).to_bytes(8, "little")
            waiting[number] = future = loop.create_future()
            await socket.send_multipart([number, name, _encode(request)])
            return await future

        reading = asyncio.create_task(replies())
        try:
            return await drive(call, depth, seconds)
        finally:
            reading.cancel()
            socket.close(0)
            context.term()

    return uvloop.run(main())
