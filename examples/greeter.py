"""A service without generated code: messages, a contract, a handler, and a call."""

import asyncio

from proofplane import rpc
from proofplane.wire import Command, Contract, ErrorMessage, Message, Method


class Greeting(Message, frozen=True):
    text: str


class Greet(Command[Greeting], frozen=True):
    name: str


CONTRACT = Contract("Greeter", bytes(32), (Method(Greet, Greeting, "Greet", "GreetResponse"),), ErrorMessage, "ErrorResponse")
service = rpc.Service(CONTRACT)


@service.handles(Greet)
async def greet(request: Greet) -> Greeting:
    return Greeting(f"Hello, {request.name}!")


async def main() -> None:
    async with rpc.serve("greeter.sock", service), rpc.connect("greeter.sock", CONTRACT) as client:
        print((await client.call(Greet("world"))).text)


asyncio.run(main())
