"""Merkle mountain range "Mmr64B32": an append-only list of 32-byte leaves, known by the roots ("peaks") of perfect trees.

Rules:
1. Leaves are inserted raw; an inner node is tagged_hash("node", left || right).
2. n leaves stand under one peak for each set bit of n: bit h is a peak of height h, over 2^h leaves. The highest peak has the first
   leaves. Peaks are kept lowest first, and appending merges them as a binary counter carries.
3. The number of siblings in a proof names the peak that it leads to. A proof is also checked to be for a leaf under that peak,
   because the walk alone looks only at the low bits of the index and would accept the same leaf for another place.

Invariants: len(peaks) = number of set bits of `entries`; a value never changes, so a snapshot can be proved against for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from proofplane.base.errors import CallerMistake, Refused
from proofplane.crypto.hashes import tagged_hash
from proofplane.crypto.merkle import NODE_SIZE, InvalidMerkleProof, check_sizes

MAX_ENTRIES = 2**64 - 1
"""The count is a u64 in the schema."""


class MalformedMmr(Refused):
    """A count and peaks that no sequence of appends can lead to, or a leaf that is not 32 bytes."""


class LeafOutOfRange(CallerMistake):
    """A proof was asked for at an index that the snapshot does not have."""


def join(left: bytes, right: bytes) -> bytes:
    """The 32-byte inner node over two children."""
    return tagged_hash("node", left + right)


@dataclass(frozen=True, slots=True)
class Mmr:
    """A snapshot of the range: leaf count and peaks."""

    entries: int = 0
    """Leaves, 0 to `MAX_ENTRIES`."""
    peaks: tuple[bytes, ...] = ()
    """32 bytes each, only those present, lowest height first."""

    def __post_init__(self) -> None:
        if not 0 <= self.entries <= MAX_ENTRIES:
            raise MalformedMmr(f"an MMR has 0 to {MAX_ENTRIES} leaves, not {self.entries}")
        if len(self.peaks) != self.entries.bit_count():
            raise MalformedMmr(f"an MMR of {self.entries} leaves has {self.entries.bit_count()} peaks, not {len(self.peaks)}")
        for peak in self.peaks:
            if len(peak) != NODE_SIZE:
                raise MalformedMmr(f"a peak has {NODE_SIZE} bytes, not {len(peak)}")

    @classmethod
    def from_leaves(cls, leaves: Iterable[bytes]) -> Mmr:
        """The range over `leaves` in order; raises `MalformedMmr` if one is not 32 bytes."""
        mmr = cls()
        for leaf in leaves:
            mmr = mmr.append(leaf)
        return mmr

    def append(self, leaf: bytes) -> Mmr:
        """This range with one leaf more; raises `MalformedMmr` if `leaf` is not 32 bytes or the range is full."""
        if len(leaf) != NODE_SIZE:
            raise MalformedMmr(f"a leaf has {NODE_SIZE} bytes, not {len(leaf)}")
        node, merged = leaf, 0
        while self.entries >> merged & 1:
            node = join(self.peaks[merged], node)
            merged += 1
        return Mmr(self.entries + 1, (node, *self.peaks[merged:]))

    def verify(self, leaf: bytes, index: int, siblings: Sequence[bytes]) -> None:
        """Checks that `leaf` is the leaf at `index`; `siblings` lowest first.

        Raises:
            InvalidMerkleProof: No peak has that height, the index is not under it, a size is wrong, or the walk ends elsewhere.
        """
        height = len(siblings)
        if not self.entries >> height & 1:
            raise InvalidMerkleProof(f"an MMR of {self.entries} leaves has no peak of height {height}")
        first = _first_under(self.entries, height)
        if not first <= index < first + (1 << height):
            raise InvalidMerkleProof(f"leaf {index} of {self.entries} is not under the peak of height {height}")
        check_sizes(leaf, siblings)
        node = leaf
        for level, sibling in enumerate(siblings):
            node = join(sibling, node) if index >> level & 1 else join(node, sibling)
        peak = self.peaks[(self.entries & (1 << height) - 1).bit_count()]
        if node != peak:
            raise InvalidMerkleProof(f"leaf {index} leads to {node.hex()}, the peak of height {height} is {peak.hex()}")


def proof(leaves: Callable[[int], bytes] | Sequence[bytes], count: int, index: int) -> tuple[bytes, ...]:
    """The siblings, lowest first, of the leaf at `index` in the snapshot of the first `count` leaves.

    Every leaf under the leaf's own peak but itself is read and hashed: O(2^height) for a peak of that height, about 10 ms for 8,192 leaves.
    A store that proves over long ranges keeps the inner nodes instead.

    Args:
        leaves: The leaf at an index, by call or by subscript; what it raises passes through.
        count: Leaves in the snapshot.
        index: 0 to `count` - 1.

    Raises:
        LeafOutOfRange: The snapshot has no leaf at `index`.
    """
    if not 0 <= index < count:
        raise LeafOutOfRange(f"a snapshot of {count} leaves has no leaf {index}")
    leaf_at = leaves if callable(leaves) else leaves.__getitem__
    height = (count ^ index).bit_length() - 1  # the highest bit set in count but not in index: the peak that index is under
    return tuple(_node(leaf_at, level, index >> level ^ 1) for level in range(height))


def _first_under(entries: int, height: int) -> int:
    """The index of the first leaf under the peak of that height: all higher peaks come before it."""
    return entries >> height + 1 << height + 1


def _node(leaf_at: Callable[[int], bytes], level: int, position: int) -> bytes:
    """The root over the leaves position * 2^level and following, 2^level of them."""
    if level == 0:
        return leaf_at(position)
    return join(_node(leaf_at, level - 1, 2 * position), _node(leaf_at, level - 1, 2 * position + 1))
