"""Groth16 verification over BN254 with gnark's point encodings, in plain Python (about half a second a proof).

Importing this module imports py_ecc, which takes a tenth of a second: import it only where a proof is verified.
py_ecc computes pairings of whatever it is given, so every point is checked here first.
Source: Groth, "On the Size of Pairing-based Non-interactive Arguments" (2016); encodings of gnark-crypto, `ecc/bn254/marshal.go`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from py_ecc.fields import optimized_bn128_FQ as FQ
from py_ecc.fields import optimized_bn128_FQ2 as FQ2
from py_ecc.fields import optimized_bn128_FQ12 as FQ12
from py_ecc.optimized_bn128 import optimized_curve as curve
from py_ecc.optimized_bn128 import optimized_pairing as pairing
from py_ecc.typing import Optimized_Point3D

from proofplane.base.errors import CallerMistake, Refused

_RECURSION_LIMIT = 1000
"""CPython's own. py_ecc raises it to 100,000 at import, for arithmetic that is not used here; nested JSON or msgpack of a peer would
then overflow the C stack and kill the process, where it should raise `RecursionError`."""

sys.setrecursionlimit(_RECURSION_LIMIT)

G1 = Optimized_Point3D[FQ]
"""A point of the curve over the base field, in projective coordinates."""

G2 = Optimized_Point3D[FQ2]
"""A point of the twist over the quadratic extension, in projective coordinates."""

COORDINATE_SIZE = 32
"""Bytes of a base field element, big-endian."""

G1_SIZE = 2 * COORDINATE_SIZE
G2_SIZE = 4 * COORDINATE_SIZE
PROOF_SIZE = 2 * G1_SIZE + G2_SIZE
"""Bytes of A, B, C uncompressed."""

SCALAR_ORDER: int = curve.curve_order
"""Order of the groups; public inputs are below it."""

_MODULUS: int = curve.field_modulus

_FLAGS = 0xC0
"""gnark keeps the choice of y in the top two bits, which a 254-bit coordinate leaves free."""
_SMALLER = 0x80
_LARGER = 0xC0
_INFINITY = 0x40

_I = FQ2([0, 1])


class PointFlaw(Enum):
    """Why bytes are not a point that may go into a pairing."""

    COORDINATE_RANGE = "coordinate not below the field's modulus"
    INFINITY = "point at infinity"
    FLAG = "not flagged as a compressed point"
    NOT_ON_CURVE = "not on the curve"
    NOT_IN_SUBGROUP = "not in the subgroup of prime order"


class MalformedPoint(Refused):
    """A point that must not be used; `flaw` says why, `name` which one."""

    def __init__(self, name: str, flaw: PointFlaw) -> None:
        super().__init__(f"point {name}: {flaw.value}")
        self.name = name
        self.flaw = flaw


class WrongInputs(CallerMistake):
    """Public inputs of the wrong number for the key, or not below the group order."""


class PairingMismatch(Refused):
    """The points are fine, but the proof does not hold for these inputs under this key."""


@dataclass(frozen=True, slots=True)
class Groth16Key:
    """A verifying key of checked points."""

    alpha_beta: FQ12
    """e(alpha, beta) before the final exponentiation, the same in every verification."""
    gamma: G2
    delta: G2
    k: tuple[G1, ...]
    """One more than there are public inputs."""


@dataclass(frozen=True, slots=True)
class Groth16Proof:
    """A proof of checked points."""

    a: G1
    b: G2
    c: G1

    @classmethod
    def parse(cls, raw: bytes) -> Groth16Proof:
        """Reads `PROOF_SIZE` bytes: A (x, y), B (x.c1, x.c0, y.c1, y.c0), C (x, y); raises `MalformedPoint`."""
        numbers = [int.from_bytes(raw[at : at + COORDINATE_SIZE], "big") for at in range(0, PROOF_SIZE, COORDINATE_SIZE)]
        return cls(_g1("A", *numbers[:2]), _g2("B", *numbers[2:6]), _g1("C", *numbers[6:]))


def miller(g2: G2, g1: G1) -> FQ12:
    """The pairing e(g1, g2) without the final exponentiation, which a product of pairings needs only once."""
    return pairing.pairing(g2, g1, final_exponentiate=False)


def verify(key: Groth16Key, proof: Groth16Proof, inputs: Sequence[int]) -> None:
    """Checks e(-A, B) e(K0 + sum inputs[i] K[i+1], gamma) e(C, delta) e(alpha, beta) = 1.

    Raises:
        PairingMismatch: The product is not 1.
        WrongInputs: Not one input less than the key has K points, or one not in 0 to `SCALAR_ORDER` - 1 (it would be an alias of another).
    """
    if len(inputs) != len(key.k) - 1:
        raise WrongInputs(f"the key takes {len(key.k) - 1} public inputs, not {len(inputs)}")
    accumulated = key.k[0]
    for number, point in zip(inputs, key.k[1:], strict=True):
        if not 0 <= number < SCALAR_ORDER:
            raise WrongInputs(f"public input {number:#x} is not below the group order")
        accumulated = curve.add(accumulated, curve.multiply(point, number))
    product = miller(proof.b, curve.neg(proof.a)) * miller(key.gamma, accumulated) * miller(key.delta, proof.c) * key.alpha_beta
    if pairing.final_exponentiate(product) != FQ12.one():
        raise PairingMismatch("the proof does not hold for these public inputs under this key")


def decompress_g1(name: str, raw: bytes) -> G1:
    """Reads 32 bytes: flags in the top two bits, x; raises `MalformedPoint`, at infinity too."""
    flag, (number,) = _split(name, raw)
    x = FQ(number)
    y = (x**3 + curve.b) ** ((_MODULUS + 1) // 4)
    if y * y != x**3 + curve.b:
        raise MalformedPoint(name, PointFlaw.NOT_ON_CURVE)
    return x, y if (y.n > (-y).n) == (flag == _LARGER) else -y, FQ.one()


def decompress_g2(name: str, raw: bytes) -> G2:
    """Reads 64 bytes: flags in the top two bits, x.c1, x.c0; raises `MalformedPoint`, at infinity and outside the subgroup too."""
    flag, (c1, c0) = _split(name, raw)
    x = FQ2([c0, c1])
    y = _sqrt(x**3 + curve.b2)
    if y * y != x**3 + curve.b2:
        raise MalformedPoint(name, PointFlaw.NOT_ON_CURVE)
    point = (x, y if (_rank(y) > _rank(-y)) == (flag == _LARGER) else -y, FQ2.one())
    return _in_subgroup(name, point)


def _split(name: str, raw: bytes) -> tuple[int, list[int]]:
    """The flag and the coordinates of a compressed point."""
    flag = raw[0] & _FLAGS
    if flag == _INFINITY:
        raise MalformedPoint(name, PointFlaw.INFINITY)
    if flag not in (_SMALLER, _LARGER):
        raise MalformedPoint(name, PointFlaw.FLAG)
    plain = bytes([raw[0] & ~_FLAGS & 0xFF]) + raw[1:]
    numbers = [int.from_bytes(plain[at : at + COORDINATE_SIZE], "big") for at in range(0, len(plain), COORDINATE_SIZE)]
    _check_range(name, numbers)
    return flag, numbers


def _sqrt(square: FQ2) -> FQ2:
    """A square root in the quadratic extension, or some other element if there is none.

    Source: Adj, Rodriguez-Henriquez, "Square root computation over even extension fields" (2012), algorithm 9, for modulus = 3 mod 4.
    """
    power = square ** ((_MODULUS - 3) // 4)
    root = power * square
    alpha = power * root
    if alpha == -FQ2.one():
        return _I * root
    return (FQ2.one() + alpha) ** ((_MODULUS - 1) // 2) * root


def _rank(element: FQ2) -> tuple[int, int]:
    """The key of gnark's order of extension elements: c1 first, then c0."""
    c0, c1 = element.coeffs
    return int(c1), int(c0)


def _g1(name: str, x: int, y: int) -> G1:
    _check_range(name, (x, y))
    point = (FQ(x), FQ(y), FQ.one())
    if not curve.is_on_curve(point, curve.b):
        raise MalformedPoint(name, PointFlaw.NOT_ON_CURVE)
    return point


def _g2(name: str, x1: int, x0: int, y1: int, y0: int) -> G2:
    _check_range(name, (x1, x0, y1, y0))
    point = (FQ2([x0, x1]), FQ2([y0, y1]), FQ2.one())
    if not curve.is_on_curve(point, curve.b2):
        raise MalformedPoint(name, PointFlaw.NOT_ON_CURVE)
    return _in_subgroup(name, point)


def _in_subgroup(name: str, point: G2) -> G2:
    """The twist has a cofactor, the curve over the base field has none."""
    if not curve.is_inf(curve.multiply(point, SCALAR_ORDER)):
        raise MalformedPoint(name, PointFlaw.NOT_IN_SUBGROUP)
    return point


def _check_range(name: str, coordinates: Sequence[int]) -> None:
    if not all(number < _MODULUS for number in coordinates):
        raise MalformedPoint(name, PointFlaw.COORDINATE_RANGE)
    if not any(coordinates):
        raise MalformedPoint(name, PointFlaw.INFINITY)
