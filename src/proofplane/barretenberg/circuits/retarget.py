"""The retarget in a circuit: the bits of the next epoch, from those of this one and the times of its first and last block.

The rule: target * span / 1209600, rounded down, at most the limit, cut to compact form; `proofplane.bitcoin.rules.retarget`.

How it is stated without 256-bit arithmetic. Let the target be mantissa * 256^k and p = mantissa * span.
Rounding down twice is rounding down once: cutting floor(p * 256^k / 1209600) to its leading bytes, that is dividing it by 256^(k + s) and
rounding down, gives floor(p / (1209600 * 256^s)). The span is within a factor 4 of two weeks, so for a canonical mantissa s is -1, 0 or 1.
A compact form is canonical if its mantissa is 0x8000 to 0x7fffff, and one s at most makes it so, because the quotients for s and s + 1
differ by a factor 256. Canonical compact forms are ordered as the targets they stand for, and the limit is one, so the cap is their least.
"""

from __future__ import annotations

from proofplane.barretenberg.acir.builder import Builder
from proofplane.barretenberg.acir.expression import Expression, constant
from proofplane.barretenberg.acir.program import Values
from proofplane.barretenberg.circuits.numbers import bounded, greatest, least, one_of
from proofplane.barretenberg.circuits.target import Compact
from proofplane.bitcoin.networks import Network, rules_of
from proofplane.bitcoin.rules import EPOCH_SECONDS

_LEAST_MANTISSA = 0x8000
_MANTISSA_BITS = 23

_SHIFTS = (-1, 0, 1)
"""By how many bytes the size may change."""

_DIVISOR_BITS = 37
"""Bits of the largest divisor, 1209600 * 256^2."""

_SPAN_BITS = 33
"""Two times of 32 bits, and the clamp's ends, are less than 2^33 apart."""


def retargeted(b: Builder, name: str, bits: Compact, first_time: Expression, last_time: Expression) -> Expression:
    """The next epoch's bits; both times are held to 32 bits, and `witness` refuses bits that are not canonical."""
    with b.part(name):
        span = _clamped(b, last_time - first_time)
        product = b.define("product", bits.mantissa * b.define("span", span))
        return _capped(b, _divided(b, product, bits.size))


def _clamped(b: Builder, span: Expression) -> Expression:
    """The span, signed, held within a quarter and four times of two weeks."""
    at_least = greatest(b, "shortest", span, constant(EPOCH_SECONDS // 4), _SPAN_BITS)
    return least(b, "longest", at_least, constant(EPOCH_SECONDS * 4), _SPAN_BITS)


def _divided(b: Builder, product: Expression, size: Expression) -> Expression:
    """product * 256^(size - 3) / 1209600, rounded down and cut to canonical compact form."""

    def best_shift(values: Values) -> int:
        quotients = [values(product) * 256 // (EPOCH_SECONDS * 256 ** (shift + 1)) for shift in _SHIFTS]
        return next((index for index, quotient in enumerate(quotients) if quotient >> _MANTISSA_BITS == 0), len(_SHIFTS))

    down, same, up = one_of(b, "shift", len(_SHIFTS), best_shift)
    divisor = b.define("divisor", EPOCH_SECONDS * (down + 256 * same + 256**2 * up))
    mantissa = b.hint("mantissa", lambda values: values(product) * 256 // max(values(divisor), 1))
    remainder = b.define("remainder", 256 * product - mantissa * divisor)
    bounded(b, "remainder from 0", remainder, _DIVISOR_BITS)
    bounded(b, "remainder below divisor", divisor - 1 - remainder, _DIVISOR_BITS)
    bounded(b, "mantissa not negative", mantissa, _MANTISSA_BITS)
    bounded(b, "mantissa canonical", mantissa - _LEAST_MANTISSA, _MANTISSA_BITS)
    return (size + up - down) * 2**24 + mantissa


def _capped(b: Builder, bits: Expression) -> Expression:
    limit = rules_of(Network.MAINNET).limit_bits
    return b.define("capped", least(b, "limit", bits, constant(limit), 32))
