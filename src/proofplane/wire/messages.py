"""What every message on the wire is, what a contract is once it is Python classes, and who can be asked to call one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Generic, Protocol, TypeAlias, TypeVar

import msgspec

from proofplane.base.errors import CallerMistake
from proofplane.wire.sizes import U32

HASH_BYTES = 32
"""Bytes of a schema hash, SHA-256."""

NO_HASH = bytes(HASH_BYTES)
"""Stands for "no schema": equal to every other hash."""


SchemaHash: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
"""SHA-256 of a contract, as decoders check it."""


class DuplicateMethod(CallerMistake):
    """Two methods of a contract share a name or a request class: a request could not be told from the other's."""


class NotAHash(CallerMistake):
    """A schema hash is not 32 bytes long."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """Base of everything on the wire: a msgpack map with string keys, written in the order of the fields.

    Generated classes name their fields as Python does and give the wire's names by msgspec's `rename`.
    Messages hold plain data and are frozen, so they cannot be part of a cycle and the garbage collector need not follow them.
    """


R = TypeVar("R", bound=Message)


class Command(Message, Generic[R], frozen=True, gc=False):
    """Base of requests; `R` is the response's class, so that `call(EchoBytes(...))` is known to give an `EchoBytesResponse`."""


@dataclass(frozen=True, slots=True)
class Prepared(Generic[R]):
    """A request that is packed already, by whoever can do so in less time than a message can be made and packed, or before its turn."""

    command: type[Command[R]]
    """What it is a request of."""
    payload: bytes
    """Its fields as they go over the wire: what packing a `command` would give."""


Request: TypeAlias = Command[R] | Prepared[R]
"""What can be sent."""


def command_of(request: Request[R]) -> type[Command[R]]:
    """The class of a request's command."""
    return request.command if isinstance(request, Prepared) else type(request)


class ErrorMessage(Message, frozen=True, gc=False):
    """Base of every contract's error reply."""

    message: str
    """What was wrong, for people."""


class Hello(Message, frozen=True, gc=False):
    """The first request to an unknown server, always plain: a server that answers it with an error knows no request ids."""

    schema_hash: SchemaHash
    """The client's schema; all zero: none."""


class HelloResponse(Message, frozen=True, gc=False):
    """What a server says about itself; the reactor answers it, not the service."""

    schema_hash: SchemaHash
    """The server's schema; all zero: none."""

    ids: bool
    """Whether requests may carry ids."""

    max_frame: U32
    """The largest frame body it accepts, bytes."""


HELLO = "Hello"
"""Name of the `Hello` request on the wire; no contract may use it."""

HELLO_RESPONSE = "HelloResponse"
"""Name of its reply; no contract may use it."""


ERROR = "ErrorResponse"
"""Name of the error reply on the wire unless the contract gives another; a server that does not know the contract yet says it too."""

RESPONSE_SUFFIX = "Response"
"""What a command's name gets to be its response's, unless the contract gives another."""


def same_schema(ours: bytes, theirs: bytes) -> bool:
    """Tells whether two ends may talk: equal hashes, or one of them has no schema."""
    return ours == theirs or NO_HASH in (ours, theirs)


@dataclass(frozen=True, slots=True)
class Method:
    """One command of a service, as classes and wire names."""

    request: type[Command[Any]]
    response: type[Message]
    name: str
    """The request's name on the wire."""
    response_name: str
    """The reply's name on the wire."""


@dataclass(frozen=True, slots=True)
class Contract:
    """A service as its generated classes know it; a method's index in `methods` is its number in the reactor."""

    service: str
    schema_hash: bytes
    methods: tuple[Method, ...]
    error: type[ErrorMessage]
    error_name: str
    by_name: Mapping[str, Method] = field(init=False, repr=False, compare=False)
    """Methods by the request's name on the wire."""
    by_request: Mapping[type[Command[Any]], Method] = field(init=False, repr=False, compare=False)
    """Methods by the request's class."""

    def __post_init__(self) -> None:
        """Builds the lookups once.

        Raises:
            NotAHash: `schema_hash` is not 32 bytes long.
            DuplicateMethod: Two methods share a name or a request class.
        """
        if len(self.schema_hash) != HASH_BYTES:
            raise NotAHash(f"the schema hash of {self.service} has {len(self.schema_hash)} bytes, not {HASH_BYTES}")
        by_name: dict[str, Method] = {}
        by_request: dict[type[Command[Any]], Method] = {}
        for method in self.methods:
            if method.name in by_name or method.request in by_request:
                raise DuplicateMethod(f"{self.service} has more than one method {method.name} ({method.request.__name__})")
            by_name[method.name] = method
            by_request[method.request] = method
        object.__setattr__(self, "by_name", MappingProxyType(by_name))
        object.__setattr__(self, "by_request", MappingProxyType(by_request))


class Caller(Protocol):
    """What a generated client needs beneath it: something that sends a request and waits for its reply."""

    async def call(self, request: Command[R], *, timeout: float | None = None) -> R:
        """Returns the reply; `timeout` in seconds, None for the connection's own."""
        ...


class BlockingCaller(Protocol):
    """The same for scripts and threads without an event loop."""

    def call(self, request: Command[R], *, timeout: float | None = None) -> R:
        """Returns the reply, blocking; `timeout` in seconds, None for the connection's own."""
        ...
