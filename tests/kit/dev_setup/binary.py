"""A copy of `bb` that believes in the known tau: each compiled-in value is checked to be the genuine one before it is replaced."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from pathlib import Path

import pytest

from kit.bbjs import binary
from kit.dev_setup import curve
from kit.dev_setup.insecure import refuse_outside_tests
from kit.kept import kept
from proofplane.barretenberg.binary import Binary, insecure_development_binary

GENUINE = "c3a4a1125d99953694ab6a7f09e368db5525c368b372e63c3eb7bda4cc5697d5"
"""sha256 of the one binary whose offsets are known: amd64-linux of `@aztec/bb.js` 5.0.0."""

_NAME = "bb-insecure-known-tau"

_G2 = bytes.fromhex(
    "0118c4d5b837bcc2bc89b5b398b5974e9f5944073b32078b7e231fec938883b0260e01b251f6f1c7e7ff4e580791dee8ea51d87a358e038b4efe30fac09383c1"
    "22febda3c0c0632a56475b4214e5615e11e6dd3f96e6cea2854a87d4dacc5e5504fc6369f7110fe3d25156c1bb9a72859cf2a04641f99ba4ee413c80da6a5fe4"
)
_G1 = bytes.fromhex(
    "2d360628289ff943ff6bd1a87bbe4e62abe7fb61ba83effd266f22bdcf31e6f926b92a79e563c3f48252cce7feeca2f0f8d33dcb4ef7b0643bf07bd405700aaa"
)
_TRANSLATOR_X = b"1ddbff0e1f0999f88ffa959e9505e5f489b57d6a7937c17a4d69fc871d5e9221"
_TRANSLATOR_Y = b"14149055853422bf016065386e8ea0ffb9425b454048e1cd14cfdca457aa7e17"


def dev_binary() -> Path:
    """The patched copy; skips the test (and counts it) where the genuine one is missing or this is no x86-64 Linux.

    Raises:
        OutsideTests: No test asks.
        ValueError: The installed `bb` is another one than these offsets are for.
    """
    refuse_outside_tests()
    if platform.machine() != "x86_64":
        pytest.skip("the development setup patches the amd64-linux binary only")
    return _kept(binary("bb")) / _NAME


def insecure_bb() -> Binary:
    """`dev_binary` as the library takes it."""
    return insecure_development_binary(dev_binary())


def replacements() -> list[tuple[int, bytes, bytes]]:
    """What is replaced: offset in the file, the genuine bytes, ours.

    The fixed commitment's coordinates are hexadecimal text, whose last two digits are also the operands of two instructions.
    """
    g2 = curve.tau_g2()
    fixed = curve.translator_commitment()
    x, y = (part.hex().encode() for part in (fixed[:32], fixed[32:]))
    return [
        (0x142BCD, _G2, g2),
        (0x12FD60, hashlib.sha256(_G2).digest(), hashlib.sha256(g2).digest()),
        (0x2337C0, _G1, curve.tau_g1()),
        (0x11A978, _TRANSLATOR_X, x),
        (0x119DCA, _TRANSLATOR_Y, y),
        (0xA6D679, _TRANSLATOR_X[-2:], x[-2:]),
        (0xA6DA2F, _TRANSLATOR_Y[-2:], y[-2:]),
    ]


def patched(genuine: bytes) -> bytes:
    """The binary with every value replaced.

    Raises:
        ValueError: It is not the binary that the offsets are for, or a value is not where it must be.
    """
    if hashlib.sha256(genuine).hexdigest() != GENUINE:
        raise ValueError("the installed bb is not the one that the development setup knows: its offsets have to be found anew")
    image = bytearray(genuine)
    for offset, old, new in replacements():
        if image[offset : offset + len(old)] != old or len(new) != len(old):
            raise ValueError(f"bb does not have the genuine value at {offset:#x}")
        image[offset : offset + len(old)] = new
    return bytes(image)


@cache
def _kept(path: Path) -> Path:
    genuine = path.read_bytes()
    wanted = [b"%x:%s:%s" % change for change in replacements()]
    return kept("insecure-bb", (genuine, *wanted), lambda folder: _write(patched(genuine), folder))


def _write(image: bytes, folder: Path) -> None:
    path = folder / _NAME
    path.write_bytes(image)
    path.chmod(0o755)
