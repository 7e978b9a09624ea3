"""A ceremony whose secret everybody knows, put in the place of the real one in the modules that check points."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from typing import BinaryIO

import pytest
from py_ecc.optimized_bn128.optimized_curve import G2, multiply, normalize

from proofplane.barretenberg import ceremony, crs, download, powers
from proofplane.barretenberg.points import FIELD, POINT_SIZE, G, Prefix
from proofplane.barretenberg.setup_errors import CrsWrong
from proofplane.base.ids import hash32

SECRET = 5

KNOWN_POINTS = 40
"""So many have a known digest."""


@cache
def points(count: int, secret: int = SECRET) -> bytes:
    """The file of the first `count` powers."""
    raw = b""
    point = G
    for _ in range(count):
        raw += point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")
        point = affine(times(point, secret))
    return raw


def times(point: powers.Affine, factor: int) -> powers.Jacobian:
    """A multiple of a point, by doubling and adding."""
    total: powers.Jacobian = (1, 1, 0)
    for bit in bin(factor)[2:]:
        total = powers.double(total)
        if bit == "1":
            total = powers.add_affine(total, point)
    return total


def affine(point: powers.Jacobian) -> powers.Affine:
    """Its coordinates."""
    x, y, z = point
    inverse = pow(z, -1, FIELD)
    return x * inverse**2 % FIELD, y * inverse**3 % FIELD


def compare(file: BinaryIO, first: int, count: int, progress: Callable[[int], None] = lambda _done: None) -> None:
    """Stands for `powers.check`, by comparing with what it would find out by a pairing, which takes 0.7 s."""
    file.seek(first * POINT_SIZE)
    raw = file.read((count - first) * POINT_SIZE)
    powers.parsed(raw, first)
    if raw != points(count)[first * POINT_SIZE :]:
        raise CrsWrong(f"behind the first {first + 1:,} points, which are genuine, there is one that the ceremony does not have")
    progress(count)


def install(monkeypatch: pytest.MonkeyPatch, *, pairing: bool = False) -> None:
    """Has every check take this ceremony for the genuine one until the test ends; without `pairing` points are compared with it."""
    if not pairing:
        monkeypatch.setattr(powers, "check", compare)
    known = points(KNOWN_POINTS)
    for module in (crs, ceremony, download):
        monkeypatch.setattr(module, "START", known[: 2 * POINT_SIZE])
    monkeypatch.setattr(crs, "KNOWN", (Prefix(KNOWN_POINTS, hash32(hashlib.sha256(known).digest())),))
    x, y = normalize(multiply(G2, SECRET))
    monkeypatch.setattr(powers, "X_G2", (tuple(map(int, x.coeffs)), tuple(map(int, y.coeffs))))
