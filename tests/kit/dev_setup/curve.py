"""The few points that follow from the known tau and are compiled into `bb`: tau*G, [tau]_2, and one fixed commitment."""

from __future__ import annotations

from py_ecc import optimized_bn128 as bn128

from kit.dev_setup.insecure import SCALARS, TAU

_LARGEST = 2**14 - 1
_STEP = 3
_REPEATED = 5


def generator(scalar: int) -> bytes:
    """`scalar` times the generator of G1: x, y, 32 bytes each, big-endian."""
    x, y = bn128.normalize(bn128.multiply(bn128.G1, scalar % SCALARS))
    return b"".join(int(part).to_bytes(32, "big") for part in (x, y))


def tau_g1() -> bytes:
    """tau*G, the second point of every ceremony file: 64 bytes."""
    return generator(TAU)


def tau_g2() -> bytes:
    """[tau]_2, what the pairing is checked against: x.c0 x.c1 y.c0 y.c1, 128 bytes."""
    x, y = bn128.normalize(bn128.multiply(bn128.G2, TAU))
    return b"".join(int(part).to_bytes(32, "big") for one in (x, y) for part in one.coeffs)


def translator_commitment() -> bytes:
    """The commitment that Chonk's verifier has built in, over tau: 64 bytes.

    It is to the polynomial "ordered extra range constraints numerator" of Barretenberg's translator (TranslatorProvingKey, barretenberg
    repository, cpp/src/barretenberg/translator_vm): every value that sorted 14-bit limbs must pass through in steps of at most 3, from
    the largest down to 0, each five times. Over the genuine points it gives the constants of the released binary.
    """
    return generator(sum(value * pow(TAU, power, SCALARS) for power, value in enumerate(fixed_values())))


def fixed_values() -> list[int]:
    """The polynomial's coefficients, from that of tau^0 on; 16383 is a multiple of 3, so the steps end at 0."""
    return [value for value in range(_LARGEST, -1, -_STEP) for _ in range(_REPEATED)]
