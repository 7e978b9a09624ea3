"""The little of Bitcoin's script that is needed: building and reading pushes in their shortest form."""

from __future__ import annotations

from proofplane.base.errors import CallerMistake

OP_0 = 0x00
OP_PUSHDATA1 = 0x4C
OP_PUSHDATA2 = 0x4D
OP_1NEGATE = 0x4F
OP_1 = 0x51
OP_16 = 0x60
OP_RETURN = 0x6A

MAX_DIRECT_PUSH = 75
"""Bytes that one opcode can push by being their number."""

MAX_PUSH = 520
"""Bytes of the largest item that script may push (MAX_SCRIPT_ELEMENT_SIZE of Bitcoin Core)."""

_NEGATIVE_ONE = b"\x81"


def push(data: bytes) -> bytes:
    """The shortest script that pushes `data`; raises `CallerMistake` for more than 520 bytes."""
    size = len(data)
    if size == 0:
        return bytes((OP_0,))
    if size == 1 and 1 <= data[0] <= 16:
        return bytes((OP_1 - 1 + data[0],))
    if data == _NEGATIVE_ONE:
        return bytes((OP_1NEGATE,))
    if size <= MAX_DIRECT_PUSH:
        return bytes((size,)) + data
    if size <= 0xFF:
        return bytes((OP_PUSHDATA1, size)) + data
    if size <= MAX_PUSH:
        return bytes((OP_PUSHDATA2,)) + size.to_bytes(2, "little") + data
    raise CallerMistake(f"a script pushes at most {MAX_PUSH} bytes at once, not {size}")


def read_push(script: bytes, at: int = 0) -> tuple[bytes, int] | None:
    """The item pushed at `at` and where the next opcode begins; None if there is no push, or not in its shortest form."""
    if at >= len(script):
        return None
    opcode = script[at]
    if OP_1 <= opcode <= OP_16:
        data, end = bytes((opcode - OP_1 + 1,)), at + 1
    elif opcode == OP_1NEGATE:
        data, end = _NEGATIVE_ONE, at + 1
    elif opcode <= OP_PUSHDATA2:
        prefix = max(0, opcode - OP_PUSHDATA1 + 1)
        start = at + 1 + prefix
        size = int.from_bytes(script[at + 1 : start], "little") if prefix else opcode
        data, end = script[start : start + size], start + size
    else:
        return None
    # A push that is cut short fails here too: what is left of it has a shorter prefix.
    if len(data) > MAX_PUSH or script[at:end] != push(data):
        return None
    return data, end


def script_number(value: int) -> bytes:
    """`value`, not negative, as script's numbers are: little-endian, shortest, the top bit of the last byte left for the sign."""
    if value < 0:
        raise CallerMistake(f"only numbers from 0 on are built, not {value}")
    return value.to_bytes((value.bit_length() + 8) // 8, "little") if value else b""
