"""Targets: the compact form in headers, the number that a block hash must not exceed, and the work it stands for.

Follows `arith_uint256` (SetCompact, GetCompact) and `GetBlockProof` of Bitcoin Core.
"""

from __future__ import annotations

from proofplane.base.errors import CallerMistake, Refused

_SIGN = 0x0080_0000
_MANTISSA = 0x007F_FFFF
_HASH_SPACE = 2**256


class MalformedTarget(Refused):
    """Compact bits that stand for no usable target: negative, zero or wider than 256 bits; no hash can meet them."""

    def __init__(self, bits: int) -> None:
        super().__init__(bits)
        self.bits = bits

    def __str__(self) -> str:
        return f"bits {self.bits:#010x} stand for no target (negative, zero or over 256 bits)"


def target_from_bits(bits: int) -> int:
    """The target, 1 to 2^256 - 1, of compact `bits` (u32); raises `MalformedTarget` where Bitcoin Core finds none.

    Several compact forms can stand for one target; `bits_from_target` gives the canonical one.
    """
    size = bits >> 24
    mantissa = bits & _MANTISSA
    target = mantissa >> 8 * (3 - size) if size <= 3 else mantissa << 8 * (size - 3)
    if not 0 < target < _HASH_SPACE or bits & _SIGN:
        raise MalformedTarget(bits)
    return target


def bits_from_target(target: int) -> int:
    """The canonical compact form of a target of 0 to 2^256 - 1: the three leading bytes, the rest is dropped.

    A leading byte of 0x80 or more would read as the sign, so one byte more is dropped then.
    """
    if not 0 <= target < _HASH_SPACE:
        raise CallerMistake(f"a target is 0 to 2^256 - 1, not {target}")
    size = (target.bit_length() + 7) // 8
    mantissa = target << 8 * (3 - size) if size <= 3 else target >> 8 * (size - 3)
    if mantissa & _SIGN:
        mantissa >>= 8
        size += 1
    return size << 24 | mantissa


def work_of(bits: int) -> int:
    """Expected number of hashes to meet `bits`: 2^256 // (target + 1); raises `MalformedTarget`."""
    return _HASH_SPACE // (target_from_bits(bits) + 1)
