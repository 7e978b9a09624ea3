"""The ceremony's points: what is known of them, and the form of their file.

A file holds the powers G, xG, x^2 G, ... of the curve BN254, 64 bytes a point: x, then y, big-endian, below the field's prime.
x is the secret that nobody knows; [x]_2, compiled into `bb`, is what proofs are checked against.
The digests are of the genuine points of Aztec's Ignition ceremony (2020).
"""

from __future__ import annotations

from dataclasses import dataclass

from proofplane.base.ids import Hash32, hash32

POINT_SIZE = 64
"""Bytes of a point."""

FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583
"""The prime of the curve's coordinates."""

G = (1, 2)
"""The curve's generator, which is every ceremony's first point."""

G_BYTES = G[0].to_bytes(32, "big") + G[1].to_bytes(32, "big")
"""The file that is enough for verifying: one point."""

START = G_BYTES + bytes.fromhex(
    "2d360628289ff943ff6bd1a87bbe4e62abe7fb61ba83effd266f22bdcf31e6f926b92a79e563c3f48252cce7feeca2f0f8d33dcb4ef7b0643bf07bd405700aaa"
)
"""G and xG: how every genuine file begins, and none of another secret's."""

X_G2 = (
    (
        0x0118C4D5B837BCC2BC89B5B398B5974E9F5944073B32078B7E231FEC938883B0,
        0x260E01B251F6F1C7E7FF4E580791DEE8EA51D87A358E038B4EFE30FAC09383C1,
    ),
    (
        0x22FEBDA3C0C0632A56475B4214E5615E11E6DD3F96E6CEA2854A87D4DACC5E55,
        0x04FC6369F7110FE3D25156C1BB9A72859CF2A04641F99BA4EE413C80DA6A5FE4,
    ),
)
"""[x]_2, as pairs (c0, c1) of coordinates x and y: what `bb` 5.0.0 has compiled in."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """A beginning of the genuine file."""

    points: int
    sha256: Hash32


KNOWN = (
    Prefix(1_025, hash32(bytes.fromhex("66a4608fc6da4f9fc811ce9ec5f3c72985ac5419680e6e3e088851bfe4387f2c"))),
    Prefix(32_769, hash32(bytes.fromhex("d769ac6c98f8fab858a7e9967f2b7f181d8ad9fdcdf55438c915696febf0e99c"))),
)
"""Ascending; in every genuine file the longest one that it has agrees."""

DEFAULT_POINTS = 32_769
"""2^15 + 1: enough for the circuits of header steps, and wholly pinned."""

MAX_POINTS = 2**25 + 1
"""What the ceremony's host has; `bb` has no use for more."""


def more_points(needed: int) -> str:
    """What to do where there are fewer; more than `setup` brings by itself have to be asked for."""
    option = "" if needed <= DEFAULT_POINTS else f" --points {needed}"
    return f"run `proofplane bb setup{option}` (or with --crs-file FILE if you have the points)"
