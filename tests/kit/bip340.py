"""BIP-340 in plain Python, written after the specification, for tests that hold the library against it; neither fast nor constant-time."""

from __future__ import annotations

from hashlib import sha256

FIELD = 2**256 - 2**32 - 977
"""Order of the field of coordinates."""

ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
"""Order of the group."""

Point = tuple[int, int] | None
"""Affine coordinates; None is the point at infinity."""

_GENERATOR = (
    0x79BE667E_F9DCBBAC_55A06295_CE870B07_029BFCDB_2DCE28D9_59F2815B_16F81798,
    0x483ADA77_26A3C465_5DA4FBFC_0E1108A8_FD17B448_A6855419_9C47D08F_FB10D4B8,
)


def public_key(secret: int) -> bytes:
    """The 32-byte x-only key of `secret`, 1 to `ORDER` - 1."""
    return even(secret)[1]


def sign(secret: int, message: bytes, auxiliary: bytes) -> bytes:
    """The 64-byte signature over `message` with 32 bytes of auxiliary randomness ("Default Signing")."""
    key, x = even(secret)
    masked = key ^ _number(_tagged("BIP0340/aux", auxiliary))
    nonce, r = even(_number(_tagged("BIP0340/nonce", masked.to_bytes(32, "big") + x + message)) % ORDER)
    return r + ((nonce + challenge(r, x, message) * key) % ORDER).to_bytes(32, "big")


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the 64 bytes of `signature` hold for the 32 bytes of `key` and `message` ("Verification")."""
    public = _lifted(_number(key))
    r, s = _number(signature[:32]), _number(signature[32:])
    if public is None or r >= FIELD or s >= ORDER:
        return False
    found = _sum(_times(s, _GENERATOR), _times(ORDER - challenge(signature[:32], key, message), public))
    return found is not None and found[1] % 2 == 0 and found[0] == r


def even(scalar: int) -> tuple[int, bytes]:
    """`scalar` or its negative, whichever gives a point with even y, and that point's x."""
    point = _times(scalar, _GENERATOR)
    assert point is not None
    return (ORDER - scalar if point[1] % 2 else scalar), point[0].to_bytes(32, "big")


def _lifted(x: int) -> Point:
    """The point with this x and even y, or None if there is none."""
    y = pow(x**3 + 7, (FIELD + 1) // 4, FIELD)
    if x >= FIELD or (y * y - x**3 - 7) % FIELD:
        return None
    return x, FIELD - y if y % 2 else y


def _sum(a: Point, b: Point) -> Point:
    if a is None or b is None:
        return b if a is None else a
    if a[0] == b[0] and (a[1] + b[1]) % FIELD == 0:
        return None
    slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, FIELD) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, FIELD)
    x = (slope * slope - a[0] - b[0]) % FIELD
    return x, (slope * (a[0] - x) - a[1]) % FIELD


def _times(scalar: int, point: Point) -> Point:
    result: Point = None
    while scalar:
        if scalar % 2:
            result = _sum(result, point)
        point, scalar = _sum(point, point), scalar // 2
    return result


def challenge(r: bytes, x: bytes, message: bytes) -> int:
    """The scalar e that binds a signature to its nonce point, key and message."""
    return _number(_tagged("BIP0340/challenge", r + x + message)) % ORDER


def _tagged(tag: str, data: bytes) -> bytes:
    prefix = sha256(tag.encode()).digest()
    return sha256(prefix + prefix + data).digest()


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
