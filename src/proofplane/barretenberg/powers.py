"""Whether points are consecutive powers of the ceremony's secret, in plain Python.

For random r_i, with A = sum r_i P_i and B = sum r_i P_(i+1): e(B, G2) = e(A, [x]_2) holds if every P_(i+1) = x P_i,
and otherwise with a probability of 2^-60 (the curve has prime order, so a point on it is in the group).
Both sums go through buckets: a point is added to the bucket of each digit of its r_i, and the buckets are weighed last.
That is 10 additions a point, 40 to 60 us on one core: two seconds for 2^15 points, two minutes for 2^21.
"""

from __future__ import annotations

import secrets
from array import array
from collections.abc import Callable, Iterable
from itertools import islice
from typing import BinaryIO

from py_ecc.fields import optimized_bn128_FQ as FQ
from py_ecc.fields import optimized_bn128_FQ2 as FQ2
from py_ecc.fields import optimized_bn128_FQ12 as FQ12
from py_ecc.optimized_bn128.optimized_curve import G2
from py_ecc.optimized_bn128.optimized_pairing import final_exponentiate

from proofplane.barretenberg.points import FIELD, POINT_SIZE, X_G2
from proofplane.barretenberg.setup_errors import CrsWrong
from proofplane.crypto.groth16 import miller

Affine = tuple[int, int]
"""A point as it stands in a file: x, y."""

Jacobian = tuple[int, int, int]
"""A point (X, Y, Z) that stands for (X/Z^2, Y/Z^3); Z = 0 is the point at infinity."""

_INFINITY: Jacobian = (1, 1, 0)

_RANDOM_BITS = 60
"""Of each r_i, at least: how sure the check is. Nobody can choose points that suit numbers which are drawn after them."""

_CHUNK = 4_096
"""Points that are read and added at once; bounds memory, and is how often progress is told."""


def check(file: BinaryIO, first: int, points: int, progress: Callable[[int], None] = lambda _done: None) -> None:
    """Checks points `first` to `points` - 1 of a file: on the curve, and each the secret times the one before it.

    Args:
        file: Points, from the ceremony's beginning.
        first: Index of a point that is known to be genuine, with which the chain starts.
        points: How many the file has.
        progress: Told how many points are done.

    Raises:
        CrsWrong: A point is not on the curve, or some point is no such multiple.
        OSError: The file cannot be read.
    """
    file.seek(first * POINT_SIZE)
    [before] = parsed(file.read(POINT_SIZE), first)
    width = min(15, max(4, (points - first).bit_length() - 4))  # bits of a digit: filling the buckets shall outweigh weighing them
    here, following = _Sum(width), _Sum(width)
    done = first + 1
    while done < points:
        chunk = parsed(file.read(min(_CHUNK, points - done) * POINT_SIZE), done)
        if not chunk:
            raise CrsWrong(f"the file ends after {done:,} points, not {points:,}")
        digits = _random_digits(len(chunk) * here.windows, width)
        here.add([before, *chunk[:-1]], digits)
        following.add(chunk, digits)
        before = chunk[-1]
        done += len(chunk)
        progress(done)
    x_g2 = (FQ2(X_G2[0]), FQ2(X_G2[1]), FQ2.one())
    x, y, z = here.total()
    product = miller(G2, _projective(following.total())) * miller(x_g2, _projective((x, FIELD - y, z)))
    if final_exponentiate(product) != FQ12.one():
        raise CrsWrong(f"behind the first {first + 1:,} points, which are genuine, there is one that the ceremony does not have")


def parsed(raw: bytes, first: int) -> list[Affine]:
    """Reads points of 64 bytes; raises `CrsWrong` for one that is not on the curve, its index counted from `first`."""
    points = []
    for at in range(0, len(raw), POINT_SIZE):
        x, y = int.from_bytes(raw[at : at + 32], "big"), int.from_bytes(raw[at + 32 : at + POINT_SIZE], "big")
        if x >= FIELD or y >= FIELD or (y * y - x * x * x - 3) % FIELD:
            raise CrsWrong(f"point {first + at // POINT_SIZE:,} is not on the curve")
        points.append((x, y))
    return points


class _Sum:
    """A sum of points times random numbers, given as digits, in buckets until it is asked for."""

    def __init__(self, width: int) -> None:
        """`width` is the bits of a digit."""
        self.windows = -(-_RANDOM_BITS // width)
        """Digits of a number."""
        self._width = width
        self._buckets: list[list[Jacobian]] = [[_INFINITY] * (1 << width) for _ in range(self.windows)]

    def add(self, points: list[Affine], digits: array[int]) -> None:
        """Adds each point as often as the number says that its digits make, the highest first."""
        for number, buckets in enumerate(self._buckets):
            for point, digit in zip(points, islice(digits, number, None, self.windows), strict=True):
                buckets[digit] = add_affine(buckets[digit], point)

    def total(self) -> Jacobian:
        """The sum."""
        total = _INFINITY
        for buckets in self._buckets:
            for _ in range(self._width):
                total = add(total, total)
            total = add(total, _weighed(buckets))
        return total


def _weighed(buckets: Iterable[Jacobian]) -> Jacobian:
    """The sum of the buckets, each as often as its index says."""
    running = total = _INFINITY
    for bucket in reversed(list(buckets)[1:]):
        running = add(running, bucket)
        total = add(total, running)
    return total


def _random_digits(count: int, width: int) -> array[int]:
    mask = (1 << width) - 1
    return array("H", [digit & mask for digit in array("H", secrets.token_bytes(2 * count))])


def add_affine(p: Jacobian, q: Affine) -> Jacobian:
    """The sum of two points; `q` is not the one at infinity, which no coordinates stand for."""
    x1, y1, z1 = p
    x2, y2 = q
    if not z1:
        return x2, y2, 1
    z1_2 = z1 * z1 % FIELD
    h = (x2 * z1_2 - x1) % FIELD
    r = (y2 * z1_2 * z1 - y1) % FIELD
    if not h:
        return _INFINITY if r else double(p)
    h_2 = h * h % FIELD
    h_3 = h_2 * h % FIELD
    v = x1 * h_2 % FIELD
    x3 = (r * r - h_3 - 2 * v) % FIELD
    return x3, (r * (v - x3) - y1 * h_3) % FIELD, z1 * h % FIELD


def add(p: Jacobian, q: Jacobian) -> Jacobian:
    """The sum of two points."""
    x1, y1, z1 = p
    x2, y2, z2 = q
    if not z1:
        return q
    if not z2:
        return p
    z1_2, z2_2 = z1 * z1 % FIELD, z2 * z2 % FIELD
    u1 = x1 * z2_2 % FIELD
    s1 = y1 * z2_2 * z2 % FIELD
    h = (x2 * z1_2 - u1) % FIELD
    r = (y2 * z1_2 * z1 - s1) % FIELD
    if not h:
        return _INFINITY if r else double(p)
    h_2 = h * h % FIELD
    h_3 = h_2 * h % FIELD
    v = u1 * h_2 % FIELD
    x3 = (r * r - h_3 - 2 * v) % FIELD
    return x3, (r * (v - x3) - s1 * h_3) % FIELD, z1 * z2 * h % FIELD


def double(p: Jacobian) -> Jacobian:
    """Twice a point; the curve has a = 0, and no point of order two."""
    x, y, z = p
    y_2 = y * y % FIELD
    s = 4 * x * y_2 % FIELD
    m = 3 * x * x % FIELD
    x3 = (m * m - 2 * s) % FIELD
    return x3, (m * (s - x3) - 8 * y_2 * y_2) % FIELD, 2 * y * z % FIELD


def _projective(p: Jacobian) -> tuple[FQ, FQ, FQ]:
    """The point as py_ecc has it: (X, Y, Z) for (X/Z, Y/Z)."""
    x, y, z = p
    if not z:
        return FQ.one(), FQ.one(), FQ.zero()
    inverse = pow(z, -1, FIELD)
    return FQ(x * inverse * inverse), FQ(y * inverse * inverse * inverse), FQ.one()
