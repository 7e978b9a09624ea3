"""Runner of the ssz family: bytes decode strictly, encode to the same bytes again, and have the recorded root and value."""

from __future__ import annotations

import re
from typing import Any

from proofplane.chain.vectors.fields import Fields, hex_bytes, typed
from proofplane.chain.vectors.types import Case, VectorFailed, compare, verdict_of
from proofplane.crypto.ssz_codec import Codec, MalformedSsz
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.ssz_names import named_codec

_FIELD_ELEMENT = re.compile(r"Fp\(value=(\d+)\)")


def run_ssz(vector: Fields, case: Case) -> None:
    """One value, or bytes that must not decode (`rawBytes`; then `value` only shows the type, and there is no root)."""
    codec = named_codec(vector.text("typeName"), case.scheme)
    value, root = vector.take("value"), vector.text("root")
    serialized = hex_bytes(vector.take("serialized"), "serialized")
    raw = hex_bytes(vector.take("rawBytes"), "rawBytes") if "rawBytes" in vector else serialized
    with verdict_of(case.reason):
        decoded = _decode(codec, raw)
    if case.reason is not None:
        return
    compare("the value, encoded again", codec.encode(decoded).hex(), serialized.hex())
    compare("root", f"0x{codec.root(decoded).hex()}", root)
    compare("the root of the value's tree", f"0x{codec.tree(decoded).merkle_root().hex()}", root)
    if not _agrees(value, decoded, _Nested(case)):
        raise VectorFailed(f"the value is {decoded!r:.160}, recorded is {value!r:.160}")


def _decode(codec: Codec, raw: bytes) -> Any:
    try:
        return codec.decode(raw)
    except MalformedSsz as error:
        raise Rejected(Reason.DECODE_ERROR, str(error)) from None


class _Nested:
    """Keys and signatures, which are written as the hexadecimal of their SSZ bytes."""

    def __init__(self, case: Case) -> None:
        self._codecs = [named_codec(name, case.scheme) for name in ("PublicKey", "Signature")]

    def agrees(self, raw: bytes, plain: Any) -> bool:
        """Whether `raw` is the SSZ form of a key or signature with this plain value."""
        sized = [codec for codec in self._codecs if codec.size == len(raw)]
        return any(codec.decode(raw) == plain for codec in sized)


def _agrees(value: object, plain: Any, nested: _Nested) -> bool:
    """Whether a JSON value is the form of a plain value of `crypto.ssz`; the names of fields are not looked at, only their order."""
    match value:
        case bool():
            return bool(plain == int(value))
        case int():
            return bool(plain == value)
        case str() if isinstance(plain, int):
            digits = _FIELD_ELEMENT.fullmatch(value)
            return str(plain) == (digits[1] if digits else value)
        case str():
            raw = hex_bytes(value, "value")
            return plain == raw or (not isinstance(plain, bytes) and nested.agrees(raw, plain))
        case {"data": str(text), **rest}:
            return not rest and plain == hex_bytes(text, "value.data")
        case {"data": list(items), **rest}:
            return not rest and _items_agree(items, plain, nested)
        case dict():
            return len(value) == len(plain) and all(_agrees(one, part, nested) for one, part in zip(value.values(), plain, strict=True))
        case _:
            return False


def _items_agree(items: list[object], plain: Any, nested: _Nested) -> bool:
    if (items and isinstance(items[0], bool)) or plain == (0, 0):
        mask = sum(1 << position for position, bit in enumerate(items) if typed(bit, bool, "value.data"))
        return plain in (mask, (mask, len(items)))
    return len(items) == len(plain) and all(_agrees(one, part, nested) for one, part in zip(items, plain, strict=True))
