"""The golden frames of the echo service: every boundary of the encoding, made by the reference codec; run it to write the files anew.

`echo.jsonl` are canonical bodies, which every language must decode and encode to the same bytes;
`echo.lenient.jsonl` are other encodings of the same values, which must be accepted and come out canonical;
`echo.refused.jsonl` must be refused.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofplane.wire.bodies import Bodies, Body, UnknownName
from proofplane.wire.dynamic import BadBytes
from proofplane.wire.envelopes import UnreadableEnvelope
from proofplane.wire.schema.canonical import schema_hash
from proofplane.wire.schema.parse import parse_contract

SCHEMAS = Path(__file__).parents[2] / "schema"
FOLDER = SCHEMAS / "golden"
CODEC = Bodies(parse_contract((SCHEMAS / "echo.jsonc").read_text("utf-8")))

INTEGERS = (0, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**64 - 1)
"""The edges of msgpack's integer widths."""
FR = bytes(range(32))
TOP = bytes([0xFF] * 32)
POINT = {"x": FR, "y": TOP}
ORIGIN = b"\x82\xa1x\xc4\x20" + bytes(32) + b"\xa1y\xc4\x20" + bytes(32)
"""A packed point of zeros."""
PLAIN = {
    "small": 0,
    "medium": 0,
    "word": 0,
    "large": 0,
    "ratio": 0.0,
    "flag": False,
    "text": "",
    "blob": b"",
    "field": bytes(32),
    "maybe": None,
    "numbers": [],
    "pair": [bytes(32), bytes(32)],
    "state": {},
    "nested": {"x": bytes(32), "y": bytes(32)},
    "points": [],
    "maybePoint": None,
}
"""Everything at its lower boundary."""
FULL = {
    "small": 255,
    "medium": 65535,
    "word": 2**32 - 1,
    "large": 2**64 - 1,
    "ratio": -1.5,
    "flag": True,
    "text": "Grüße, 世界 🌍",
    "blob": b"\x00\xff",
    "field": TOP,
    "maybe": 2**32 - 1,
    "numbers": list(INTEGERS),
    "pair": [FR, TOP],
    "state": {0: [FR, 2**64 - 1], 3: [TOP, 0]},
    "nested": POINT,
    "points": [POINT],
    "maybePoint": POINT,
}
"""Everything at its upper boundary."""
DOUBLES = {
    "minus-zero": -0.0,
    "one": 1.0,
    "third": 1 / 3,
    "large-negative": -1.5e300,
    "largest": sys.float_info.max,
    "smallest": 5e-324,
    "infinity": math.inf,
    "minus-infinity": -math.inf,
    "2-to-53": 2.0**53,
}
TEXTS = {"umlauts": "Grüße", "chinese": "世界", "emoji": "🌍", "zero-byte": "a\0b", "combining": "e\u0301", "last-code-point": "\U0010ffff"}


@dataclass(frozen=True, slots=True)
class Given:
    """One body to be frozen."""

    name: str
    kind: str
    body: Body


def everything(**changed: object) -> dict[str, Any]:
    return {"value": {**PLAIN, **changed}}


def filled(size: int) -> bytes:
    return bytes(i * 31 % 256 for i in range(size))


def given() -> Iterator[Given]:
    """Every canonical body, in the order of the file."""
    number = CODEC.schema
    hello = {"schema_hash": schema_hash(number)}
    yield Given("hello", "request", Body("Hello", hello))
    yield Given("hello-without-schema", "request", Body("Hello", {"schema_hash": bytes(32)}))
    yield Given("hello-reply", "reply", Body("HelloResponse", {**hello, "ids": True, "max_frame": 64 << 20}))
    for edge in INTEGERS[1:]:
        yield Given(f"request-id-{edge}", "request", Body("Forget", {}, edge))
        yield Given(f"reply-id-{edge}", "reply", Body("ForgetResponse", {}, edge))
    yield Given("request-id-1", "request", Body("Forget", {}, 1))
    yield Given("reply-id-1", "reply", Body("ForgetResponse", {}, 1))
    yield Given("request-without-fields", "request", Body("Forget", {}))
    yield Given("reply-without-fields", "reply", Body("ForgetResponse", {}))
    yield from _integers()
    yield from _lengths()
    yield from _everything()
    for name, text in {"plain": "boom", "empty": "", **TEXTS}.items():
        yield Given(f"error-{name}", "reply", Body("ErrorResponse", {"message": text}))
    yield Given("error-with-id", "reply", Body("ErrorResponse", {"message": "no reply was given"}, 77))


def _integers() -> Iterator[Given]:
    for edge in INTEGERS:
        yield Given(f"u64-{edge}", "reply", Body("SleepResponse", {"token": edge}))
        if edge < 2**32:
            yield Given(f"u32-{edge}", "request", Body("Sleep", {"milliseconds": edge, "token": 0}))
    for edge in (127, 128, 255):
        yield Given(f"u8-{edge}", "request", Body("EchoEverything", everything(small=edge)))
    for edge in (255, 256, 65535):
        yield Given(f"u16-{edge}", "request", Body("EchoEverything", everything(medium=edge)))
    measured = {"name": "measure", "number": 41, "digest": FR}
    yield Given("measure", "request", Body("Measure", measured))
    yield Given("measure-reply", "reply", Body("MeasureResponse", {**measured, "tag": 42}))
    yield Given("measure-with-id", "request", Body("Measure", measured, 300))
    yield Given("measure-reply-with-id", "reply", Body("MeasureResponse", {**measured, "tag": 42}, 300))


def _lengths() -> Iterator[Given]:
    for size in (0, 1, 31, 32, 255, 256, 65535, 65536):
        yield Given(
            f"bytes-{size}", "request" if size % 2 else "reply", Body(f"EchoBytes{'' if size % 2 else 'Response'}", {"data": filled(size)})
        )
    for size in (0, 1, 31, 32, 255, 256, 65536):
        yield Given(f"string-{size}", "request", Body("Fail", {"message": "s" * size}))
    for name, text in TEXTS.items():
        yield Given(f"string-{name}", "request", Body("Fail", {"message": text}, 5))
    for count in (1, 15, 16, 65536):
        yield Given(f"list-{count}", "request", Body("EchoEverything", everything(numbers=[i % 100 for i in range(count)])))


def _everything() -> Iterator[Given]:
    yield Given("everything-lowest", "request", Body("EchoEverything", everything()))
    yield Given("everything-highest", "reply", Body("EchoEverythingResponse", {"value": FULL}))
    yield Given("everything-with-id", "reply", Body("EchoEverythingResponse", {"value": FULL}, 2**32))
    for name, ratio in DOUBLES.items():
        yield Given(f"f64-{name}", "request", Body("EchoEverything", everything(ratio=ratio)))
    states: dict[str, Mapping[int, object]] = {
        "one": {0: [FR, 1]},
        "four": {key: [FR, key] for key in range(4)},
        "fifteen": {key: [FR, 0] for key in range(15)},
        "sixteen": {key: [FR, 0] for key in range(16)},
        "key-edges": {key: [TOP, key] for key in INTEGERS[:8]},
    }
    for name, state in states.items():
        yield Given(f"map-{name}", "reply", Body("EchoEverythingResponse", everything(state=state)))
    yield Given("optional-zero", "request", Body("EchoEverything", everything(maybe=0)))
    yield Given("optional-struct", "request", Body("EchoEverything", everything(maybePoint=POINT)))
    yield Given("packed", "request", Body("EchoEverything", everything(nested=POINT)))
    for count in (2, 15, 16):
        yield Given(f"structs-{count}", "reply", Body("EchoEverythingResponse", everything(points=[POINT] * count)))


def write(kind: str, body: Body) -> bytes:
    return CODEC.write_request(body) if kind == "request" else CODEC.write_reply(body)


def read(kind: str, data: bytes) -> Body:
    return CODEC.read_request(data) if kind == "request" else CODEC.read_reply(data)


def reason_of(kind: str, data: bytes) -> str:
    """Why `data` is refused; `accepted` if it is not."""
    try:
        read(kind, data)
    except UnreadableEnvelope as error:
        return error.reason.value
    except BadBytes as error:
        return error.reason.value
    except UnknownName:
        return "unknown_name"
    return "accepted"


def described(value: object) -> object:
    """A value as JSON for people: bytes as hex, doubles as hexadecimal text, what is long by its size and digest."""
    match value:
        case bytes():
            return value.hex() if len(value) <= 64 else {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}
        case str() if len(value) > 64:
            return {"characters": len(value), "sha256": hashlib.sha256(value.encode()).hexdigest()}
        case float():
            return value.hex()
        case list() if len(value) > 16:
            return {"items": len(value), "first": described(value[0]), "last": described(value[-1])}
        case list():
            return [described(item) for item in value]
        case Mapping():
            return {str(key): described(item) for key, item in value.items()}
    return value


def lenient() -> Iterator[tuple[str, str, bytes]]:
    """Acceptable bodies that are not canonical: name, kind, bytes."""
    token, sleep = b"\x92\xadSleepResponse", b"\x91\x92\xa5Sleep"
    for name, wide in {
        "u8": b"\xcc\x05", "u16": b"\xcd\0\x05", "u32": b"\xce\0\0\0\x05", "u64": b"\xcf" + bytes(7) + b"\x05",
        "i8": b"\xd0\x05", "i16": b"\xd1\0\x05", "i32": b"\xd2\0\0\0\x05", "i64": b"\xd3" + bytes(7) + b"\x05",
    }.items():  # fmt: skip
        yield f"integer-as-{name}", "reply", token + b"\x81\xa5token" + wide
        yield f"id-as-{name}", "reply", b"\x92" + wide + token + b"\x81\xa5token\x01"
    for name, head in {"map16": b"\xde\0\x01", "map32": b"\xdf\0\0\0\x01"}.items():
        yield f"struct-as-{name}", "reply", token + head + b"\xa5token\x01"
    for name, head in {"str8": b"\xd9\x05", "str16": b"\xda\0\x05", "str32": b"\xdb\0\0\0\x05"}.items():
        yield f"name-as-{name}", "request", b"\x91\x92" + head + b"Sleep\x82\xacmilliseconds\x01\xa5token\x02"
        yield f"field-name-as-{name}", "reply", token + b"\x81" + head + b"token\x01"
        yield f"text-as-{name}", "request", b"\x91\x92\xa4Fail\x81\xa7message" + head + b"hello"
    for name, head in {"bin16": b"\xc5\0\x02", "bin32": b"\xc6\0\0\0\x02"}.items():
        yield f"bytes-as-{name}", "request", b"\x91\x92\xa9EchoBytes\x81\xa4data" + head + b"ab"
    fields = b"\x82\xacmilliseconds\x01\xa5token\x02"
    for name, outer, inner in (("array16", b"\xdc\0\x01", b"\xdc\0\x02"), ("array32", b"\xdd\0\0\0\x01", b"\xdd\0\0\0\x02")):
        yield f"envelope-as-{name}", "request", outer + inner + b"\xa5Sleep" + fields
        yield f"envelope-with-id-as-{name}", "request", b"\xdc\0\x02\x07" + inner + b"\xa5Sleep" + fields
        yield f"reply-as-{name}", "reply", inner + b"\xadSleepResponse\x81\xa5token\x01"
    yield "fields-in-another-order", "request", sleep + b"\x82\xa5token\x02\xacmilliseconds\x01"
    yield "field-twice-the-last-counts", "request", sleep + b"\x83\xa5token\x09\xacmilliseconds\x01\xa5token\x02"
    for name, other in {
        "nil": b"\xc0", "map": b"\x81\x01\x91\x02", "extension": b"\xd4\0\0", "extension8": b"\xc7\x01\x05\xff",
        "float": b"\xca\x3f\x80\0\0",
        "negative": b"\xff", "text": b"\xa1x", "deep": b"\x91" * 200 + b"\xc0",
    }.items():  # fmt: skip
        yield f"unknown-field-{name}", "request", sleep + b"\x83\xa5token\x02\xa5other" + other + b"\xacmilliseconds\x01"
    yield "unknown-field-without-fields", "reply", b"\x92\xaeForgetResponse\x81\xa5extra\xa1x"
    full = CODEC.write_request(Body("EchoEverything", everything(state={1: [FR, 1], 2: [TOP, 2]})))
    one, two = b"\x01\x92\xc4\x20" + FR + b"\x01", b"\x02\x92\xc4\x20" + TOP + b"\x02"
    yield "map-keys-descending", "request", full.replace(one + two, two + one)
    yield "map-as-map16", "request", full.replace(b"\x82" + one, b"\xde\0\x02" + one)
    yield "map-keys-wide", "request", full.replace(b"\x82" + one, b"\x82\xcf" + bytes(7) + one)
    yield "tuple-as-array16", "request", full.replace(one, b"\x01\xdc\0\x02" + one[2:])
    yield "list-as-array32", "request", full.replace(b"\xa7numbers\x90", b"\xa7numbers\xdd\0\0\0\0")
    for name, number in {"5": b"\x05", "minus-3": b"\xfd", "2-to-32": b"\xcf\0\0\0\x01\0\0\0\0", "f32": b"\xca\xbf\xc0\0\0"}.items():
        yield f"f64-from-{name}", "request", full.replace(b"\xcb" + bytes(8), number)
    swapped = b"\x82\xa1y\xc5\0\x20" + bytes(32) + b"\xa1x\xc4\x20" + bytes(32)
    yield (
        "packed-not-canonical-inside",
        "request",
        full.replace(b"\xc4" + bytes([len(ORIGIN)]) + ORIGIN, b"\xc4" + bytes([len(swapped)]) + swapped),
    )


def refused() -> Iterator[tuple[str, str, bytes]]:
    """Bodies that must be refused: name, kind, bytes."""
    sleep, fields = b"\x91\x92\xa5Sleep", b"\x82\xacmilliseconds\x01\xa5token\x02"
    token = b"\x92\xadSleepResponse\x81\xa5token"
    yield "empty-body", "request", b""
    yield "empty-reply", "reply", b""
    yield "nil", "request", b"\xc0"
    yield "byte-c1", "request", b"\xc1"
    yield "text", "request", b"\xa5Sleep"
    yield "map", "request", b"\x80"
    yield "no-elements", "request", b"\x90"
    yield "three-elements", "request", b"\x93\x01\x02\x03"
    yield "reply-of-one", "reply", b"\x91" + token + b"\x01"
    yield "head-cut-off", "request", b"\xdc\0"
    yield "only-the-outer-head", "request", b"\x91"
    yield "unwrapped-pair", "request", b"\x92\xa5Sleep" + fields
    yield "id-nil", "request", b"\x92\xc0" + sleep[1:] + fields
    yield "id-float", "request", b"\x92\xcb" + struct.pack(">d", 1.0) + sleep[1:] + fields
    yield "id-negative", "request", b"\x92\xff" + sleep[1:] + fields
    yield "id-zero", "request", b"\x92\x00" + sleep[1:] + fields
    yield "id-zero-wide", "reply", b"\x92\xcf" + bytes(8) + token + b"\x01"
    yield "id-cut-off", "request", b"\x92\xcf\0\0"
    yield "id-and-nothing", "request", b"\x92\x01"
    yield "inner-not-an-array", "request", b"\x91\xa5Sleep"
    yield "inner-of-three", "request", b"\x91\x93\xa5Sleep\x80\x80"
    yield "id-and-wrapped-pair", "request", b"\x92\x01" + sleep + fields
    yield "name-bytes", "request", b"\x91\x92\xc4\x05Sleep" + fields
    yield "name-integer", "request", b"\x91\x92\x05" + fields
    yield "name-of-256-bytes", "request", b"\x91\x92\xda\x01\0" + b"n" * 256 + fields
    yield "name-not-utf8", "request", b"\x91\x92\xa2\xc3\x28" + fields
    yield "name-surrogate", "request", b"\x91\x92\xa3\xed\xa0\x80" + fields
    yield "name-cut-off", "request", b"\x91\x92\xa5Sle"
    yield "no-payload", "request", sleep
    yield "unknown-command", "request", b"\x91\x92\xa4Gone\x80"
    yield "response-as-request", "request", b"\x91" + token + b"\x01"
    yield "request-as-reply", "reply", sleep[1:] + fields
    yield "payload-array", "request", sleep + b"\x92\x01\x02"
    yield "payload-nil", "request", sleep + b"\xc0"
    yield "payload-cut-off", "request", sleep + fields[:-1]
    yield "payload-announces-4-billion-fields", "request", sleep + b"\xdf\xff\xff\xff\xff\xa5token\x01"
    yield "bytes-behind-the-payload", "request", sleep + fields + b"\xc0"
    yield "field-missing", "request", sleep + b"\x81\xa5token\x02"
    yield "field-name-integer", "reply", b"\x92\xadSleepResponse\x81\x01\x01"
    yield "integer-negative", "reply", token + b"\xff"
    yield "integer-over-u32", "request", sleep + b"\x82\xacmilliseconds\xcf\0\0\0\x01\0\0\0\0\xa5token\x02"
    yield "integer-as-float", "reply", token + b"\xcb" + struct.pack(">d", 5.0)
    yield "integer-as-bool", "reply", token + b"\xc3"
    yield "integer-as-text", "reply", token + b"\xa15"
    yield "integer-nil", "reply", token + b"\xc0"
    yield "value-c1", "reply", token + b"\xc1"
    yield "unknown-field-c1", "reply", b"\x92\xaeForgetResponse\x81\xa1x\x91\xc1"
    yield "unknown-field-cut-off", "reply", b"\x92\xaeForgetResponse\x81\xa1x\xdd\xff\xff\xff\xff\x01"
    yield "text-as-bytes", "request", b"\x91\x92\xa4Fail\x81\xa7message\xc4\x01x"
    yield "text-not-utf8", "request", b"\x91\x92\xa4Fail\x81\xa7message\xa1\xff"
    yield "text-cut-off", "request", b"\x91\x92\xa4Fail\x81\xa7message\xdb\xff\xff\xff\xffx"
    yield "bytes-as-text", "request", b"\x91\x92\xa9EchoBytes\x81\xa4data\xa1x"
    yield "bytes-as-list", "request", b"\x91\x92\xa9EchoBytes\x81\xa4data\x91\x01"
    yield "bytes-cut-off", "request", b"\x91\x92\xa9EchoBytes\x81\xa4data\xc6\xff\xff\xff\xffx"
    full = CODEC.write_request(Body("EchoEverything", everything(state={1: [FR, 1]})))
    for name, old, new in (
        ("u8-256", b"\xa5small\0", b"\xa5small\xcd\x01\0"),
        ("u16-65536", b"\xa6medium\0", b"\xa6medium\xce\0\x01\0\0"),
        ("fixed-bytes-31", b"\xa5field\xc4\x20" + bytes(32), b"\xa5field\xc4\x1f" + bytes(31)),
        ("fixed-bytes-33", b"\xa5field\xc4\x20", b"\xa5field\xc4\x21\0"),
        ("array-of-1", b"\xa4pair\x92\xc4\x20" + bytes(32), b"\xa4pair\x91"),
        ("tuple-of-3", b"\x01\x92\xc4\x20" + FR, b"\x01\x93\xc4\x20" + FR + b"\0"),
        ("map-key-text", b"\xa5state\x81\x01", b"\xa5state\x81\xa11"),
        ("map-key-negative", b"\xa5state\x81\x01", b"\xa5state\x81\xff"),
        ("map-key-over-u32", b"\xa5state\x81\x01", b"\xa5state\x81\xcf\0\0\0\x01\0\0\0\0"),
        ("map-as-array", b"\xa5state\x81", b"\xa5state\x92"),
        ("bool-as-integer", b"\xa4flag\xc2", b"\xa4flag\x00"),
        ("f64-as-text", b"\xcb" + bytes(8), b"\xa10"),
        ("optional-wrong", b"\xa5maybe\xc0", b"\xa5maybe\xc2"),
        ("optional-struct-empty", b"\xaamaybePoint\xc0", b"\xaamaybePoint\x80"),
        ("list-announces-4-billion", b"\xa7numbers\x90", b"\xa7numbers\xdd\xff\xff\xff\xff"),
        ("packed-not-bytes", b"\xa6nested\xc4\x49\x82", b"\xa6nested\x82"),
        ("packed-with-rest", b"\xa6nested\xc4\x49" + ORIGIN, b"\xa6nested\xc4\x4a" + ORIGIN + b"\xc0"),
        ("packed-cut-off", b"\xa6nested\xc4\x49\x82", b"\xa6nested\xc4\x49\x83"),
    ):
        assert old in full, name
        yield name, "request", full.replace(old, new)


def files() -> dict[str, str]:
    """File name -> what it should hold."""
    canonical = [
        {
            "name": item.name,
            "kind": item.kind,
            "hex": write(item.kind, item.body).hex(),
            **_description(item.kind, write(item.kind, item.body)),
        }
        for item in given()
    ]
    accepted: list[dict[str, object]] = [
        {"name": name, "kind": kind, "hex": data.hex(), "canonical": write(kind, read(kind, data)).hex()} for name, kind, data in lenient()
    ]
    wrong: list[dict[str, object]] = [
        {"name": name, "kind": kind, "hex": data.hex(), "reason": reason_of(kind, data)} for name, kind, data in refused()
    ]
    named: dict[str, list[dict[str, object]]] = {"echo.jsonl": canonical, "echo.lenient.jsonl": accepted, "echo.refused.jsonl": wrong}
    return {name: "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines) for name, lines in named.items()}


def _description(kind: str, data: bytes) -> dict[str, object]:
    body = read(kind, data)
    return {"id": body.id, "message": body.name, "value": described(body.value)}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, text in files().items():
        (FOLDER / file).write_text(text, "utf-8")
        print(f"{FOLDER / file}: {text.count(chr(10))} frames")
