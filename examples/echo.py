"""The echo program: `serve ADDRESS`, `call ADDRESS plain|ids`, and `golden`, as in every language.

`serve` prints `ready` and serves until its input ends or SIGTERM comes.
`call` runs the script of calls, prints the order in which pipelined replies came, and `ok`.
`golden` reads lines `request|reply HEX`, decodes each, and prints it encoded anew.

The types, the client and the service are generated into `echo_generated`:
proofplane codegen --schema schema/echo.jsonc --lang python --out examples/echo_generated
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from echo_generated.echo import (
    CONTRACT,
    EchoBytes,
    EchoBytesResponse,
    EchoClient,
    EchoEverything,
    EchoEverythingResponse,
    Everything,
    Fail,
    FailResponse,
    Forget,
    ForgetResponse,
    Measure,
    MeasureResponse,
    Point,
    Sleep,
    SleepResponse,
)

from proofplane import rpc, wire
from proofplane.base.errors import NeverAgain, ProofplaneError
from proofplane.wire import envelopes

SIZES = (0, 1, 31, 32, 255, 256, 65535, 65536, 100_000)
U32_MAX, U64_MAX = 2**32 - 1, 2**64 - 1


class AsAsked(NeverAgain):
    """What `Fail` is answered with."""


class Mismatch(NeverAgain):
    """A reply is not what it must be."""


class Echo:
    """The service. It is no `EchoService`, because one of its handlers takes a responder."""

    async def echo_bytes(self, request: EchoBytes) -> EchoBytesResponse:
        return EchoBytesResponse(data=request.data)

    async def echo_everything(self, request: EchoEverything) -> EchoEverythingResponse:
        return EchoEverythingResponse(value=request.value)

    async def measure(self, request: Measure) -> MeasureResponse:
        return MeasureResponse(name=request.name, number=request.number, digest=request.digest, tag=request.number + 1)

    async def sleep(self, request: Sleep) -> SleepResponse:
        await asyncio.sleep(request.milliseconds / 1000)
        return SleepResponse(token=request.token)

    async def fail(self, request: Fail) -> FailResponse:
        raise AsAsked(request.message)

    async def forget(self, request: Forget, responder: rpc.Responder[ForgetResponse]) -> None:
        """Leaves without a reply: the runtime answers an error."""


async def serve(address: str) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    async with rpc.serve(address, rpc.Service.of(CONTRACT, Echo())):
        print("ready", flush=True)
        threading.Thread(target=at_end_of_input, args=(lambda: loop.call_soon_threadsafe(stop.set),), daemon=True).start()
        await stop.wait()


def at_end_of_input(act: Callable[[], object]) -> None:
    """Reads what comes without a lock that would be held when the interpreter ends."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    act()


def lower() -> Everything:
    zero = bytes(32)
    return Everything(
        small=0,
        medium=0,
        word=0,
        large=0,
        ratio=-1.5,
        flag=False,
        text="",
        blob=b"",
        field=zero,
        maybe=None,
        numbers=[],
        pair=(zero, b"\1" * 32),
        state={},
        nested=wire.Packed(Point(zero, zero)),
        points=[],
        maybe_point=None,
    )


def upper() -> Everything:
    one, most = b"\1" * 32, b"\xff" * 32
    return Everything(
        small=2**8 - 1,
        medium=2**16 - 1,
        word=U32_MAX,
        large=U64_MAX,
        ratio=sys.float_info.max,
        flag=True,
        text="Grüße, 世界 🌍",
        blob=b"\7" * 300,
        field=most,
        maybe=U32_MAX,
        numbers=[0, 127, 128, 255, 256, 65535, 65536, U32_MAX, U32_MAX + 1, U64_MAX],
        pair=(one, most),
        state={300: (one, 2**32), 0: (most, 0), U32_MAX: (one, U64_MAX)},
        nested=wire.Packed(Point(one, most)),
        points=[Point(one, most), Point(most, one)],
        maybe_point=Point(one, one),
    )


def expect(got: object, wanted: object, what: str) -> None:
    if got != wanted:
        raise Mismatch(f"{what} came back different")


async def message_of(call: Coroutine[Any, Any, Any]) -> str:
    try:
        await call
    except rpc.CallFailed as error:
        return error.message
    raise Mismatch("an error was expected, and a reply came")


async def call(address: str, ids: bool) -> None:
    async with rpc.connect(address, CONTRACT, ids=None if ids else False) as connection:
        if ids and not connection.ids:
            raise Mismatch("the server knows no request ids")
        echo = EchoClient(connection)
        for size in SIZES:
            data = bytes(index % 251 for index in range(size))
            expect((await echo.echo_bytes(data=data)).data, data, f"EchoBytes of {size} bytes")
        for value in (lower(), upper()):
            expect((await echo.echo_everything(value=value)).value, value, "EchoEverything")
        measured = await echo.measure(name="measure", number=U32_MAX, digest=b"\2" * 32)
        expect(measured, MeasureResponse(name="measure", number=U32_MAX, digest=b"\2" * 32, tag=U32_MAX + 1), "Measure")
        expect(await message_of(echo.fail(message="as asked")), "as asked", "the message of Fail")
        await message_of(echo.forget())
        print("order:", *await in_order_of_replies(echo))
    print("ok")


async def in_order_of_replies(echo: EchoClient) -> list[int]:
    """Sends four requests at once, the slowest first."""
    order: list[int] = []

    async def sleep(milliseconds: int, token: int) -> None:
        order.append((await echo.sleep(milliseconds=milliseconds, token=token)).token)

    async with asyncio.TaskGroup() as group:
        for token, milliseconds in enumerate((150, 100, 50, 0), start=1):
            group.create_task(sleep(milliseconds, token))
    return order


def message_types() -> dict[tuple[str, str], type[wire.Message]]:
    """(kind, name on the wire) -> class."""
    types: dict[tuple[str, str], type[wire.Message]] = {
        ("request", "Hello"): wire.Hello,
        ("reply", "HelloResponse"): wire.HelloResponse,
        ("reply", CONTRACT.error_name): CONTRACT.error,
    }
    for method in CONTRACT.methods:
        types["request", method.name] = method.request
        types["reply", method.response_name] = method.response
    return types


def again(kind: str, body: bytes) -> bytes:
    """Decodes one frame's body and encodes it anew."""
    read, write = _ENVELOPES[kind]
    envelope = read(body)
    type_ = _TYPES.get((kind, envelope.name))
    if type_ is None:
        raise Mismatch(f"unknown name {envelope.name}")
    value = msgspec.msgpack.decode(envelope.payload, type=type_, dec_hook=wire.dec_hook)
    return write(envelope.name, msgspec.msgpack.encode(value, enc_hook=wire.enc_hook), envelope.id)


_TYPES = message_types()
_ENVELOPES: dict[str, tuple[Callable[[bytes], envelopes.Envelope], Callable[[str, bytes, int | None], bytes]]] = {
    "request": (envelopes.read_request, envelopes.write_request),
    "reply": (envelopes.read_reply, envelopes.write_reply),
}


def golden() -> None:
    for line in sys.stdin:
        kind, _, text = line.strip().partition(" ")
        try:
            print(again(kind, bytes.fromhex(text)).hex())
        except (ProofplaneError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:  # all that msgspec raises
            print("error", error)


def main(arguments: list[str]) -> None:
    match arguments:
        case ["serve", address]:
            asyncio.run(serve(address))
        case ["call", address, "plain" | "ids" as mode]:
            try:
                asyncio.run(call(address, mode == "ids"))
            except* ProofplaneError as errors:
                sys.exit("; ".join(str(error) for error in errors.exceptions))
        case ["golden"]:
            golden()
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
