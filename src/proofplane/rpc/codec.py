"""Which bytes a contract's messages are, for a client: an encoder, and a decoder per method, made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import msgspec

from proofplane.rpc.errors import BadReply, BadRequest, CallFailed, UnknownRequest
from proofplane.wire import Contract, Message, Prepared, Request, command_of, dec_hook, enc_hook
from proofplane.wire.messages import ERROR

M = TypeVar("M", bound=Message)

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading a peer's fields raises: msgspec lets text that is not UTF-8, and nesting beyond the interpreter's stack, out as they are."""


UNWRITABLE = (ValueError, TypeError, OverflowError, RecursionError, NotImplementedError)
"""What writing a message raises: an integer beyond 64 bits, text that UTF-8 cannot carry, a value of a type that the wire does not have."""


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
        self.exchanges: dict[type[Any], Exchange] = {}
        """What is known of each class of commands."""
        for method in contract.methods if contract is not None else ():
            self.exchanges[method.request] = Exchange(method.name, method.response_name, decoder(method.response))
        self._error_name = contract.error_name if contract is not None else ERROR
        self._decode_error = decoder(_AnyError)

    def pack(self, request: Request[Any]) -> tuple[Exchange, bytes]:
        """What there is to know of a request's method, and its packed fields.

        Raises:
            UnknownRequest: It is of no class of the contract.
            BadRequest: It has a value that the wire cannot carry.
        """
        exchange = self.exchanges.get(type(request))
        if exchange is None:
            return self._pack_other(request)
        try:
            return exchange, self.encode(request)
        except UNWRITABLE as error:
            raise BadRequest(f"{type(request).__name__} has a value that the wire cannot carry: {error}") from error

    def _pack_other(self, request: Request[Any]) -> tuple[Exchange, bytes]:
        if isinstance(request, Prepared) and (exchange := self.exchanges.get(request.command)) is not None:
            return exchange, request.payload
        service = self.contract.service if self.contract is not None else "a client without a contract"
        raise UnknownRequest(f"{command_of(request).__name__} is no request of {service}: connect with the contract that it belongs to")

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
        if not self.is_error(name, payload):
            raise BadReply(f"{exchange.name} was answered by {name}, not {exchange.response_name}")
        raise CallFailed(self.error_text(payload), exchange.name)

    def is_error(self, name: str, payload: bytes) -> bool:
        """Whether a reply, which is not the one that was hoped for, is an error.

        The plain name always is: a server says it before it knows the contract. Without a contract the error's name is not known, and
        whatever reads as one is taken for it.
        """
        return name in (self._error_name, ERROR) or (self.contract is None and self._error_message(payload) is not None)

    def error_text(self, payload: bytes) -> str:
        """What an error reply says."""
        message = self._error_message(payload)
        return message if message is not None else "an error without a readable message"

    def _error_message(self, payload: bytes) -> str | None:
        try:
            return self._decode_error(payload).message
        except UNREADABLE:
            return None


def methods_of(contract: Contract) -> list[tuple[str, str]]:
    """A contract's names by number, as the reactor knows it."""
    return [(method.name, method.response_name) for method in contract.methods]
