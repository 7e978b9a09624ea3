"""Feeds generated frames through framing, both envelopes and the echo service's codec, and counts every reason that it meets.

    PYTHONPATH=tests python tests/kit/fuzz_frames.py COUNT [SEED]

Half of the frames are mutations of valid ones; the others are random bytes, random msgpack, and values of the contract,
some with a wrong part.
For every frame: framing gives back the same bodies however they are cut; a reader either raises its own typed error or gives a value;
what it gives is written canonically and read again to the same; and no frame that was cut off is accepted.
"""

from __future__ import annotations

import random
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from kit.golden_frames import CODEC, given, lenient, read, reason_of, write
from proofplane.wire import envelopes
from proofplane.wire.dynamic import ValueReason
from proofplane.wire.envelopes import Envelope, EnvelopeReason, UnreadableEnvelope
from proofplane.wire.frames import FrameCutOff, FrameDecoder, OversizedFrame, encode_frame
from proofplane.wire.schema.model import Array, FixedBytes, List, Map, Optional, Packed, Scalar, Struct, Tuple, Type

LIMIT = 4096
"""The limit of a body here: small, so that frames over it are cheap."""

EVERY_REASON = frozenset(
    [f"envelope:{reason.value}" for reason in EnvelopeReason]
    + [f"body:{reason.value}" for reason in (*EnvelopeReason, *ValueReason)]
    + ["body:unknown_name", "frame:too_large", "frame:cut_off", "frame:whole"]
    + [f"{kind}:accepted" for kind in ("envelope", "body", "mutated")]
)
"""What a run must have met, each at least once."""

HEADS = [bytes([first]) for first in range(0x80, 0x100)] + [
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
]


@dataclass(slots=True)
class Fuzz:
    """One run; `seen` counts what was met."""

    rng: random.Random
    seen: Counter[str] = field(default_factory=Counter)
    seeds: list[tuple[str, bytes]] = field(default_factory=list)
    """Valid bodies with their kind; the short ones of the golden files."""

    def __post_init__(self) -> None:
        bodies = [(item.kind, write(item.kind, item.body)) for item in given()] + [(kind, data) for _, kind, data in lenient()]
        self.seeds = [(kind, data) for kind, data in bodies if len(data) <= 1200]

    def run(self, count: int) -> None:
        batch: list[bytes] = []
        for number in range(count):
            kind, body = self.mutated() if number % 2 else self.generated()
            self.envelopes(body)
            accepted = self.bodies(kind, body)
            if number % 2 and accepted:
                self.seen["mutated:accepted"] += 1
            batch.append(body)
            if len(batch) == 8:
                self.framing(batch)
                batch = []

    def mutated(self) -> tuple[str, bytes]:
        kind, data = self.rng.choice(self.seeds)
        body = bytearray(data)
        for _ in range(self.rng.choice((1, 1, 1, 2, 4))):
            self.rng.choice(_MUTATIONS)(self, body)
        return kind, bytes(body)

    def generated(self) -> tuple[str, bytes]:
        kind = self.rng.choice(("request", "reply"))
        way = self.rng.random()
        if way < 0.2:
            return kind, self.rng.randbytes(self.rng.choice((0, 1, 2, 3, 5, 8, 40, 300)))
        names = list(CODEC.requests if kind == "request" else CODEC.replies)
        name = msgspec.msgpack.encode(self.rng.choice(names)) if way < 0.9 else self.value(1)
        plain = b"\x91" if kind == "request" else b""
        head = self.rng.choice((plain, plain, plain, b"\x92\x07", b"\x92\x07", b"\x92" + self.value(2), b"\x91", b"\x93\x01"))
        return kind, head + b"\x92" + name + (self.struct(name) if way < 0.8 else self.value(0))

    def struct(self, name: bytes) -> bytes:
        """A map with the fields of the message, in any order, now and then with one too many or a wrong one."""
        return self.typed((CODEC.requests | CODEC.replies)[msgspec.msgpack.decode(name)])

    def typed(self, type_: Type | Struct) -> bytes:
        """A value of the type nearly always, in no particular width."""
        rng = self.rng
        if rng.random() < 0.02:
            return self.value(2)
        match type_ if isinstance(type_, Struct) else CODEC.schema.resolve(type_):
            case Struct(fields=fields):
                parts = [msgspec.msgpack.encode(field.name) + self.typed(field.type) for field in rng.sample(fields, len(fields))]
                parts += [b"\xa5other" + self.value(2)] * (rng.random() < 0.1)
                return b"\xde" + struct.pack(">H", len(parts)) + b"".join(parts)
            case Optional(inner=inner):
                return rng.choice((b"\xc0", self.typed(inner)))
            case List(inner=inner):
                return b"\x93" + self.typed(inner) + self.typed(inner) + self.typed(inner)
            case Array(inner=inner, size=size):
                return bytes([0x90 | size]) + b"".join(self.typed(inner) for _ in range(size))
            case Tuple(items=items):
                return bytes([0x90 | len(items)]) + b"".join(map(self.typed, items))
            case Map(key=key, value=value):
                return b"\x82" + self.typed(key) + self.typed(value) + self.typed(key) + self.typed(value)
            case Packed(inner=inner):
                return msgspec.msgpack.encode(self.typed(inner))
            case FixedBytes(size=size):
                return msgspec.msgpack.encode(rng.randbytes(size))
            case Scalar.BOOL:
                return rng.choice((b"\xc2", b"\xc3"))
            case Scalar.STRING:
                return msgspec.msgpack.encode(rng.choice(("", "text", "Grüße", "x" * 300)))
            case Scalar.BYTES:
                return msgspec.msgpack.encode(rng.randbytes(rng.choice((0, 1, 300))))
            case Scalar.F64:
                return msgspec.msgpack.encode(rng.choice((0.0, -2.5, 7, -1)))
        return rng.choice((b"\x00", b"\xcc\xff", b"\xcd\x00\xff", b"\xd3" + bytes(7) + b"\x07"))

    def value(self, depth: int) -> bytes:
        """A random msgpack value, in a random width."""
        rng = self.rng
        match rng.randrange(12 if depth < 4 else 9):
            case 0:
                return rng.choice((b"\xc0", b"\xc1", b"\xc2", b"\xc3"))
            case 1 | 2:
                return msgspec.msgpack.encode(rng.choice((0, 1, 127, 128, 2**16, 2**32 - 1, 2**32, 2**64 - 1, -1, -(2**40))))
            case 3:
                return b"\xd3" + struct.pack(">q", rng.choice((-5, 5)))
            case 4:
                return msgspec.msgpack.encode(rng.choice((0.0, -1.5, 1e300)))
            case 5:
                text = rng.choice((b"", b"text", "Grüße".encode(), b"\xff\xfe", b"x" * 300))
                return b"\xda" + struct.pack(">H", len(text)) + text
            case 6 | 7:
                return msgspec.msgpack.encode(rng.randbytes(rng.choice((0, 1, 31, 32, 32, 33))))
            case 8:
                return b"\xc7\x02\x01ab"
            case 9 | 10:
                count = rng.randrange(4)
                return bytes([0x90 | count]) + b"".join(self.value(depth + 1) for _ in range(count))
            case _:
                count = rng.randrange(3)
                return bytes([0x80 | count]) + b"".join(self.value(depth + 1) + self.value(depth + 1) for _ in range(count))

    def envelopes(self, body: bytes) -> None:
        for reader, writer in ((envelopes.read_request, envelopes.write_request), (envelopes.read_reply, envelopes.write_reply)):
            try:
                envelope: Envelope = reader(body)
            except UnreadableEnvelope as error:
                self.seen[f"envelope:{error.reason.value}"] += 1
                continue
            self.seen["envelope:accepted"] += 1
            assert body.endswith(envelope.payload)
            assert reader(writer(envelope.name, envelope.payload, envelope.id)) == envelope

    def bodies(self, kind: str, body: bytes) -> bool:
        reason = reason_of(kind, body)
        self.seen[f"body:{reason}"] += 1
        if reason != "accepted":
            return False
        canonical = write(kind, read(kind, body))
        assert write(kind, read(kind, canonical)) == canonical
        cut = body[: self.rng.randrange(len(body))]
        assert reason_of(kind, cut) in ("truncated", "empty"), cut.hex()
        return True

    def framing(self, bodies: list[bytes]) -> None:
        """The bodies as one stream, in pieces, which sometimes ends in a frame over the limit or in the middle of one."""
        stream = b"".join(encode_frame(body, LIMIT) for body in bodies)
        end = self.rng.randrange(3)
        if end == 1:
            stream += (LIMIT + self.rng.randrange(1, 2**31)).to_bytes(4, "little") + b"more"
        elif end == 2:
            stream = stream[: -self.rng.randrange(1, 4 + len(bodies[-1]))] if len(bodies[-1]) else stream + b"\0"
            bodies = bodies[:-1] if len(bodies[-1]) else bodies
        decoder = FrameDecoder(LIMIT)
        found: list[bytes] = []
        at = 0
        try:
            while at < len(stream):
                step = self.rng.choice((1, 2, 3, 5, 50, 1000, 5000))
                decoder.receive(stream[at : at + step])
                at += step
                while (frame := decoder.next_frame()) is not None:
                    found.append(frame)
            decoder.end()
            self.seen["frame:whole"] += 1
            assert end == 0
        except OversizedFrame:
            self.seen["frame:too_large"] += 1
            assert end == 1
        except FrameCutOff:
            self.seen["frame:cut_off"] += 1
            assert end == 2
        assert found == bodies


def _flip(fuzz: Fuzz, body: bytearray) -> None:
    if body:
        body[fuzz.rng.randrange(len(body))] ^= 1 << fuzz.rng.randrange(8)


def _set(fuzz: Fuzz, body: bytearray) -> None:
    if body:
        at = fuzz.rng.randrange(min(len(body), fuzz.rng.choice((4, 16, 1200))))
        head = fuzz.rng.choice(HEADS)
        body[at : at + 1] = head


def _value(fuzz: Fuzz, body: bytearray) -> None:
    at = fuzz.rng.randrange(len(body) + 1)
    body[at : at + fuzz.rng.randrange(3)] = fuzz.value(2)


def _insert(fuzz: Fuzz, body: bytearray) -> None:
    at = fuzz.rng.randrange(len(body) + 1)
    body[at:at] = fuzz.rng.randbytes(fuzz.rng.randrange(1, 5))


def _remove(fuzz: Fuzz, body: bytearray) -> None:
    at = fuzz.rng.randrange(len(body) + 1)
    del body[at : at + fuzz.rng.randrange(1, 9)]


def _cut(fuzz: Fuzz, body: bytearray) -> None:
    del body[fuzz.rng.randrange(len(body) + 1) :]


def _extend(fuzz: Fuzz, body: bytearray) -> None:
    body += fuzz.rng.randbytes(fuzz.rng.randrange(1, 4))


def _splice(fuzz: Fuzz, body: bytearray) -> None:
    other = fuzz.rng.choice(fuzz.seeds)[1]
    at = fuzz.rng.randrange(len(body) + 1)
    body[at:] = other[fuzz.rng.randrange(len(other)) :][:1200]


_MUTATIONS: tuple[Callable[[Fuzz, bytearray], None], ...] = (_flip, _flip, _set, _set, _value, _insert, _remove, _cut, _extend, _splice)


def fuzz(count: int, seed: int) -> Counter[str]:
    """Runs `count` frames; returns what was met, how often."""
    run = Fuzz(random.Random(seed))
    run.run(count)
    return run.seen


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(2**32)
    print(f"{count} frames, seed {seed}", flush=True)
    started = time.perf_counter()
    seen = fuzz(count, seed)
    for reason, times in sorted(seen.items()):
        print(f"{times:9} {reason}")
    missing = sorted(EVERY_REASON - seen.keys())
    print(f"{time.perf_counter() - started:.1f} s; reasons not reached: {', '.join(missing) or 'none'}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
