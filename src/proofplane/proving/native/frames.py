"""The messages between the native prover and its child processes: u32 little-endian length, then msgpack.

```
parent -> child   Batch | Withdraw ...           end of file: stop now
child -> parent   Ready, then for each Batch, in order, one or more Results that together answer all its jobs, in order;
                  or, if the batch was withdrawn before it was begun, one Withdrawn
```

Both ends are the same release of this package on one machine, so there is no version to negotiate.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from proofplane.base.errors import Broken
from proofplane.base.ids import Hash32
from proofplane.base.receipt import ProverKind, Receipt

HEADER_SIZE = 4
"""Bytes of the length in front of each message."""

MAX_FRAME = 32 * 1024 * 1024
"""Bytes of one message. A full 4 MB block with its states and auxiliary data must fit; a longer one is a damaged stream, not work."""

MAX_PUBLIC_VALUES = 16 * 1024
"""Bytes that a program may return: the longest claim of the project has 1,161.
It bounds a batch of results and every prerequisite that travels along."""

MAX_REASON = 500
"""Characters of a program's failure message that are kept, stored and shown."""

_Digest: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Claim: TypeAlias = Annotated[bytes, msgspec.Meta(max_length=MAX_PUBLIC_VALUES)]
_Signature: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
_Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=MAX_REASON)]
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


class MalformedFrame(Broken):
    """The other end of a worker's pipe sent bytes that are none of these messages: end the process and start another."""


class FrameTooLong(Broken):
    """A message over `MAX_FRAME` was to be sent, though the bounds on jobs and results exclude it: our bug."""


class Job(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One run of a program."""

    program: _Digest
    """Program id."""
    predicate: bytes
    """SSZ form: under which key the public values are to be signed."""
    body: bytes
    """The program's serialised input."""
    prerequisites: list[bytes | _Count]
    """Receipts in their file form, or the index of an earlier job of the same batch."""


class Batch(msgspec.Struct, array_like=True, tag=1, frozen=True):
    """Jobs to run in order."""

    number: _Count
    """Names the batch in its results; never used twice for one process."""
    jobs: list[Job]


class Withdraw(msgspec.Struct, array_like=True, tag=4, frozen=True):
    """Do not begin this batch, another worker is idle; without effect once it is begun."""

    number: _Count


class Withdrawn(msgspec.Struct, array_like=True, tag=5, frozen=True):
    """The batch was not begun and never will be."""

    number: _Count


class Ready(msgspec.Struct, array_like=True, tag=2, frozen=True):
    """The process has its programs and keys and waits for work."""

    version: Annotated[str, msgspec.Meta(max_length=64)]
    """Goes into the receipts."""


class Proved(msgspec.Struct, array_like=True, tag=1, frozen=True, gc=False):
    """The program ran; its public values and the signature over them."""

    public_values: _Claim
    signature: _Signature


class Unexecutable(msgspec.Struct, array_like=True, tag=2, frozen=True, gc=False):
    """The program is unknown, refused its input or crashed."""

    reason: _Text


class Unfulfillable(msgspec.Struct, array_like=True, tag=3, frozen=True, gc=False):
    """This process holds no key for the job's predicate, or the program could not run here and now."""

    reason: _Text


class PrerequisiteFailed(msgspec.Struct, array_like=True, tag=4, frozen=True, gc=False):
    """A job of the batch that this one builds on failed."""

    reason: _Text


_CHAINED = "prerequisite failed: "


def prerequisite_failed(cause: str) -> str:
    """The reason of a job that builds on one that failed; along a chain every job names the first cause, once."""
    return cause if cause.startswith(_CHAINED) else _CHAINED + cause


def native_receipt(program_id: Hash32, outcome: Proved, version: str) -> Receipt:
    """The receipt that says what `outcome` says; the same one whichever end makes it."""
    return Receipt(outcome.signature, outcome.public_values, ProverKind.NATIVE, version, program_id)


Outcome: TypeAlias = Proved | Unexecutable | Unfulfillable | PrerequisiteFailed


class Results(msgspec.Struct, array_like=True, tag=3, frozen=True):
    """The outcomes of consecutive jobs of one batch."""

    number: _Count
    first: _Count
    """Index of the job that `outcomes[0]` belongs to."""
    outcomes: Annotated[list[Outcome], msgspec.Meta(min_length=1)]


Order: TypeAlias = Batch | Withdraw
"""What a parent says."""

Report: TypeAlias = Ready | Results | Withdrawn
"""What a child says."""

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""All that msgspec raises on damaged bytes: wrong structure, text that is not UTF-8, nesting without end."""

_ENCODER = msgspec.msgpack.Encoder()
_ORDER: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
_REPORT: msgspec.msgpack.Decoder[Report] = msgspec.msgpack.Decoder(Report)


def encode(message: Order | Report) -> bytes:
    """Returns the whole frame; raises `FrameTooLong`."""
    frame = bytearray(HEADER_SIZE)
    _ENCODER.encode_into(message, frame, HEADER_SIZE)
    size = len(frame) - HEADER_SIZE
    if size > MAX_FRAME:
        raise FrameTooLong(f"a message of {size} bytes is over the limit of {MAX_FRAME}")
    frame[:HEADER_SIZE] = size.to_bytes(HEADER_SIZE, "little")
    return bytes(frame)


def length(header: bytes | bytearray) -> int:
    """Reads a frame's header of `HEADER_SIZE` bytes; raises `MalformedFrame` if it announces more than `MAX_FRAME`."""
    size = int.from_bytes(header, "little")
    if size > MAX_FRAME:
        raise MalformedFrame(f"a frame claims {size} bytes, the limit is {MAX_FRAME}")
    return size


def decode_order(payload: bytes | bytearray) -> Order:
    """Reads what a child receives; raises `MalformedFrame`."""
    try:
        return _ORDER.decode(payload)
    except _UNREADABLE as error:
        raise MalformedFrame(f"{len(payload)} bytes are no order to a worker: {error}") from None


def decode_report(payload: bytes) -> Report:
    """Reads what the parent receives; raises `MalformedFrame`."""
    try:
        return _REPORT.decode(payload)
    except _UNREADABLE as error:
        raise MalformedFrame(f"{len(payload)} bytes are no report of a worker: {error}") from None
