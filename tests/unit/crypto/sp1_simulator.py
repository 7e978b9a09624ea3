"""Makes verifying keys and proofs of our own, so that the SP1 verifier is tested without real proofs.

Whoever made a Groth16 key knows its trapdoor (the logarithms of its points) and can forge a proof of anything:
choose A and B, then C = (ab - alpha beta - acc gamma) / delta.
"""

from proofplane.crypto.groth16 import SCALAR_ORDER, curve
from proofplane.crypto.hashes import sha256

ALPHA, BETA, GAMMA, DELTA = 11, 13, 17, 19
K = (23, 29, 31)
G1, G2 = curve.G1, curve.G2


def g1_bytes(scalar: int) -> bytes:
    """scalar * G1, uncompressed: x, y."""
    x, y = curve.normalize(curve.multiply(G1, scalar))
    return _number(x.n) + _number(y.n)


def g2_bytes(scalar: int) -> bytes:
    """scalar * G2, uncompressed: x.c1, x.c0, y.c1, y.c0."""
    x, y = curve.normalize(curve.multiply(G2, scalar))
    return b"".join(_number(int(c)) for c in (x.coeffs[1], x.coeffs[0], y.coeffs[1], y.coeffs[0]))


def g1_compressed(scalar: int) -> bytes:
    """scalar * G1 in gnark's compressed form."""
    x, y = curve.normalize(curve.multiply(G1, scalar))
    return _flagged(_number(x.n), larger=y.n > (-y).n)


def g2_compressed(scalar: int) -> bytes:
    """scalar * G2 in gnark's compressed form."""
    x, y = curve.normalize(curve.multiply(G2, scalar))
    ours, other = (tuple(int(c) for c in reversed(element.coeffs)) for element in (y, -y))
    return _flagged(_number(int(x.coeffs[1])) + _number(int(x.coeffs[0])), larger=ours > other)


def verifying_key() -> bytes:
    """A file of the layout of SP1 v5's key, whose trapdoor is known."""
    points = [
        g1_compressed(ALPHA),
        g1_compressed(BETA),
        g2_compressed(BETA),
        g2_compressed(GAMMA),
        g1_compressed(DELTA),
        g2_compressed(DELTA),
    ]
    return b"".join([*points, (3).to_bytes(4, "big"), *map(g1_compressed, K), bytes(8)])


def forge(program_id: bytes, public_values: bytes, a: int = 101, b: int = 103) -> bytes:
    """A proof under `verifying_key()`: tag, A, B, C."""
    digest = int.from_bytes(sha256(public_values), "big") % 2**253
    accumulated = K[0] + K[1] * int.from_bytes(program_id, "big") + K[2] * digest
    c = (a * b - ALPHA * BETA - accumulated * GAMMA) * pow(DELTA, -1, SCALAR_ORDER) % SCALAR_ORDER
    return sha256(verifying_key())[:4] + g1_bytes(a) + g2_bytes(b) + g1_bytes(c)


def _number(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _flagged(raw: bytes, *, larger: bool) -> bytes:
    return bytes([raw[0] | (0xC0 if larger else 0x80)]) + raw[1:]
