"""Branches of binary Merkle trees in the way of SSZ: a node is the plain SHA-256 of its two children."""

from __future__ import annotations

from collections.abc import Sequence

from proofplane.base.errors import Refused
from proofplane.crypto.hashes import sha256

NODE_SIZE = 32
"""Bytes of a leaf and of a node."""


class InvalidMerkleProof(Refused):
    """The siblings do not lead from the leaf to the root, or are not siblings of a leaf at that index."""


def branch_root(leaf: bytes, index: int, siblings: Sequence[bytes]) -> bytes:
    """The 32-byte root over `leaf` at `index` of a tree whose depth is the number of `siblings` (lowest first).

    Raises:
        InvalidMerkleProof: `index` is not 0 to 2^depth - 1 (the walk would ignore its high bits), or leaf or sibling is not 32 bytes
            (a node cut elsewhere would prove a leaf that the tree does not have).

    The depth is that of the proof: who knows the tree's depth must compare it, an inner node is a valid leaf of a shorter proof.
    """
    if not 0 <= index < 1 << len(siblings):
        raise InvalidMerkleProof(f"a tree of depth {len(siblings)} has no leaf {index}")
    check_sizes(leaf, siblings)
    node = leaf
    for level, sibling in enumerate(siblings):
        node = sha256(sibling + node if index >> level & 1 else node + sibling)
    return node


def verify_branch(leaf: bytes, index: int, siblings: Sequence[bytes], root: bytes) -> None:
    """Checks that `leaf` is at `index` under `root`; raises `InvalidMerkleProof`, see `branch_root` (and its word on the depth)."""
    found = branch_root(leaf, index, siblings)
    if found != root:
        raise InvalidMerkleProof(f"leaf {index} leads to root {found.hex()}, not {root.hex()}")


def check_sizes(leaf: bytes, siblings: Sequence[bytes]) -> None:
    """Raises `InvalidMerkleProof` unless the leaf and all siblings are 32 bytes long."""
    for node in (leaf, *siblings):
        if len(node) != NODE_SIZE:
            raise InvalidMerkleProof(f"a Merkle node has {NODE_SIZE} bytes, not {len(node)}")
