"""Peer: grpc.aio over a Unix socket, generic handlers with msgspec in the place of protobuf."""

import asyncio

import grpc.aio
import msgspec
from messages import LARGE, SMALL, Figures, Large, Small, SmallReply, drive

_MOST = [("grpc.max_receive_message_length", 1 << 22)]
_encode = msgspec.msgpack.Encoder().encode
_small = msgspec.msgpack.Decoder(Small)
_large = msgspec.msgpack.Decoder(Large)
_small_reply = msgspec.msgpack.Decoder(SmallReply)


async def _on_small(request: Small, context: object) -> SmallReply:
    return SmallReply(request.name, request.number, request.digest, request.number + 1)


async def _on_large(request: Large, context: object) -> Large:
    return request


def serve(address: str) -> None:
    async def main() -> None:
        server = grpc.aio.server(options=_MOST)
        methods = {
            "Small": grpc.unary_unary_rpc_method_handler(_on_small, _small.decode, _encode),
            "Large": grpc.unary_unary_rpc_method_handler(_on_large, _large.decode, _encode),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Bench", methods),))
        server.add_insecure_port(f"unix:{address}")
        await server.start()
        print("ready", flush=True)
        await server.wait_for_termination()

    asyncio.run(main())


def drive_calls(address: str, depth: int, seconds: float, large: bool) -> Figures:
    async def main() -> Figures:
        async with grpc.aio.insecure_channel(f"unix:{address}", options=_MOST) as channel:
            if large:
                method = channel.unary_unary("/Bench/Large", _encode, _large.decode)
                return await drive(lambda: method(LARGE), depth, seconds)
            method = channel.unary_unary("/Bench/Small", _encode, _small_reply.decode)
            return await drive(lambda: method(SMALL), depth, seconds)

    return asyncio.run(main())
