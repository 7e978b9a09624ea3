"""Which bytes a contract's messages are, for a client: an encoder, and a decoder per method, made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import msgspec

from proofplane.rpc.errors import BadReply, CallFailed, UnknownRequest
from proofplane.wire import Command, Contract, Message, Method, dec_hook, enc_hook

M = TypeVar("M", bound=Message)

ERROR_NAME = "ErrorResponse"
"""Name of the error reply where no contract says another."""


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading a peer's fields raises: msgspec lets text that is not UTF-8, and nesting beyond the interpreter's stack, out as they are."""


def encoder() -> msgspec.msgpack.Encoder:
    """The one way in which messages are written: smallest forms; generated classes have put their maps' keys in ascending order."""
    return msgspec.msgpack.Encoder(enc_hook=enc_hook)


def decoder(message: type[M]) -> Callable[[bytes], M]:
    """Reads one class of messages; raises one of `UNREADABLE`."""
    return msgspec.msgpack.Decoder(message, dec_hook=dec_hook).decode


class _AnyError(Message, frozen=True, gc=False):
    message: str


class Exchange(NamedTuple):
    """What a client needs to know of one method."""

    name: str
    """Of the request, on the wire."""
    response_name: str
    """Of its reply."""
    decode: Callable[[bytes], Message]
    """Reads the reply's fields."""


class Codec:
    """The messages of one contract, or only the error's without one."""

    __slots__ = ("_decode_error", "_error_name", "contract", "encode", "exchanges")

    def __init__(self, contract: Contract | None) -> None:
        self.contract = contract
        self.encode = encoder().encode
        """Packs a message's fields."""
        self.exchanges: dict[type[Command[Any]], Exchange] = {}
        """What is known of each class of requests."""
        for method in contract.methods if contract is not None else ():
            self.exchanges[method.request] = Exchange(method.name, method.response_name, decoder(method.response))
        self._error_name = contract.error_name if contract is not None else ERROR_NAME
        self._decode_error: Callable[[bytes], Any] = decoder(_AnyError)

    def exchange(self, request: Command[Any]) -> Exchange:
        """Raises `UnknownRequest` if the request is of no class of the contract."""
        found = self.exchanges.get(type(request))
        if found is None:
            service = self.contract.service if self.contract is not None else "a client without a contract"
            raise UnknownRequest(f"{type(request).__name__} is no request of {service}: connect with the contract that it belongs to")
        return found

    def response(self, exchange: Exchange, name: str, payload: bytes) -> Any:
        """The typed reply.

        Raises:
            CallFailed: The reply is an error.
            BadReply: It has another name, or its fields cannot be read.
        """
        if name == exchange.response_name:
            try:
                return exchange.decode(payload)
            except UNREADABLE as error:
                raise BadReply(f"the reply {name} cannot be read: {error}") from error
        if not self.is_error(name):
            raise BadReply(f"{exchange.name} was answered by {name}, not {exchange.response_name}")
        raise CallFailed(self.error_text(payload), exchange.name)

    def is_error(self, name: str) -> bool:
        """Whether a reply is an error; the plain name always is: a server says it before it knows the contract."""
        return name in (self._error_name, ERROR_NAME)

    def error_text(self, payload: bytes) -> str:
        """What an error reply says."""
        try:
            text: str = self._decode_error(payload).message
        except UNREADABLE:
            return "an error without a readable message"
        return text


def methods_of(contract: Contract) -> list[tuple[str, str]]:
    """A contract's names by number, as the reactor knows it."""
    return [_names(method) for method in contract.methods]


def _names(method: Method) -> tuple[str, str]:
    return method.name, method.response_name
