"""The two exchanges of the benches as a service of ours."""

from messages import LARGE_BYTES, SMALL

from proofplane import rpc
from proofplane.wire import Command, Contract, ErrorMessage, Message, Method
from proofplane.wire.messages import NO_HASH


class SmallReply(Message, frozen=True):
    """The small reply's fields."""

    name: str
    number: int
    digest: bytes
    tag: int


class Small(Command[SmallReply], frozen=True):
    """The small request's fields."""

    name: str
    number: int
    digest: bytes


class LargeReply(Message, frozen=True):
    """The large reply's field."""

    data: bytes


class Large(Command[LargeReply], frozen=True):
    """The large request's field."""

    data: bytes


CONTRACT = Contract(
    service="Bench",
    schema_hash=NO_HASH,
    methods=(Method(Small, SmallReply, "Small", "SmallReply"), Method(Large, LargeReply, "Large", "LargeReply")),
    error=ErrorMessage,
    error_name="ErrorResponse",
)
SMALL_REQUEST = Small(SMALL.name, SMALL.number, SMALL.digest)
LARGE_REQUEST = Large(bytes(LARGE_BYTES))
SERVICE = rpc.Service(CONTRACT)


@SERVICE.handles(Small)
async def on_small(request: Small) -> SmallReply:
    """Answers the same, and a tag."""
    return SmallReply(request.name, request.number, request.digest, request.number + 1)


@SERVICE.handles(Large)
async def on_large(request: Large) -> LargeReply:
    """Answers the same."""
    return LargeReply(request.data)
