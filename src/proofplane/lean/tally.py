"""What the votes of a block do to a state: justification and finality (3SF-mini).

The votes are taken in the order of the body, and each sees what the ones before it changed. A vote that does not fit is passed over
(rules 1 to 5); a vote that would count but cannot be read refuses the block.

 1. The source's slot is justified.
 2. The target's slot is not. (Slots up to the finalized one are justified; one behind the window refuses the block, here and in 1.)
 3. Source, target and head are blocks of this chain.
 4. The target is later than the source.
 5. The target's slot is justifiable after the finalized one.
 6. The voters' flags are set in the target root's tally; no voter, or one beyond the registry, refuses the block.
 7. With two thirds of the registry the target is justified and its tally goes.
 8. Then the source is finalized, if it is later than the finalized slot and nothing between it and the target could be justified;
    the window of justified slots moves up to it, and tallies of targets that are not later than it go.

Invariants: a tally's root is in the history at a slot behind the finalized one (4 and 5 let no other in, 8 drops what falls behind);
tallies are stored by ascending root.

Reference: leanSpec, `forks/lstar/state_transition.py`, `process_attestations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from proofplane.crypto.ssz_tree import list_length
from proofplane.lean import history
from proofplane.lean.codec import checkpoint_of
from proofplane.lean.config import MAX_ATTESTATIONS_DATA
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.justification import any_justifiable_between, is_justifiable
from proofplane.lean.state_fields import StateFields
from proofplane.lean.types import AggregatedAttestation, AttestationData, Checkpoint, Participants, Root, Slot


def tally_attestations(fields: StateFields, attestations: Sequence[AggregatedAttestation]) -> None:
    """Applies the votes of a block, in order.

    Raises:
        Rejected: `TOO_MANY_ATTESTATION_DATA`, `JUSTIFIED_SLOT_OUT_OF_RANGE`, `EMPTY_AGGREGATION_BITS`, `VALIDATOR_INDEX_OUT_OF_RANGE`;
            then `fields` is of no more use.
    """
    distinct = {attestation.data for attestation in attestations}
    if len(distinct) > MAX_ATTESTATIONS_DATA:
        raise Rejected(Reason.TOO_MANY_ATTESTATION_DATA, f"{len(distinct)} distinct attestation data; at most {MAX_ATTESTATIONS_DATA}")
    count = _Count(fields)
    on_chain = {data: count.on_chain(data) for data in distinct}
    for attestation in attestations:
        count.vote(attestation.data, attestation.participants, on_chain[attestation.data])
    count.store(fields)


class _Count:
    """Checkpoints, window and tallies while the votes of one block are counted."""

    def __init__(self, fields: StateFields) -> None:
        self._past = fields.node("historical_block_hashes")
        self._validators = list_length(fields.node("validators"))
        self._justified = checkpoint_of(fields.value("latest_justified"))
        self._finalized = checkpoint_of(fields.value("latest_finalized"))
        self._window, self._length = fields.value("justified_slots")
        roots = fields.value("justifications_roots")
        flags, _ = fields.value("justifications_validators")
        self._tallies: dict[Root, int] = dict(zip(roots, _segments(flags, len(roots), self._validators), strict=True))

    def on_chain(self, data: AttestationData) -> bool:
        """Rule 3, which no vote of the block changes."""
        return all(history.contains(self._past, block) for block in (data.source, data.target, data.head))

    def vote(self, data: AttestationData, voters: Participants, on_chain: bool) -> None:
        """Counts one attestation, or passes it over."""
        source, target = data.source, data.target
        if not self._is_justified(source.slot) or self._is_justified(target.slot) or not on_chain:
            return
        if target.slot <= source.slot or not is_justifiable(target.slot, self._finalized.slot):
            return
        if not voters.mask:
            raise Rejected(Reason.EMPTY_AGGREGATION_BITS)
        if voters.highest() >= self._validators:
            raise Rejected(Reason.VALIDATOR_INDEX_OUT_OF_RANGE, f"validator {voters.highest()} of {self._validators} votes")
        tally = self._tallies.get(target.root, 0) | voters.mask
        self._tallies[target.root] = tally
        if 3 * tally.bit_count() >= 2 * self._validators:
            self._justify(source, target)

    def store(self, fields: StateFields) -> None:
        """Puts the outcome into the state."""
        for name, checkpoint in (("latest_justified", self._justified), ("latest_finalized", self._finalized)):
            if checkpoint_of(fields.value(name)) != checkpoint:
                fields.put(name, (checkpoint.root, checkpoint.slot))
        fields.put_bits("justified_slots", (self._window, self._length))
        roots = sorted(self._tallies)
        if fields.value("justifications_roots") != tuple(roots):
            fields.put("justifications_roots", roots)
        flags = _joined([self._tallies[root] for root in roots], self._validators)
        fields.put_bits("justifications_validators", (flags, len(roots) * self._validators))

    def _is_justified(self, slot: Slot) -> bool:
        index = slot - self._finalized.slot - 1
        if index < 0:
            return True
        if index >= self._length:
            raise Rejected(
                Reason.JUSTIFIED_SLOT_OUT_OF_RANGE,
                f"slot {slot} is beyond the {self._length} slots after the finalized slot {self._finalized.slot}",
            )
        return bool(self._window >> index & 1)

    def _justify(self, source: Checkpoint, target: Checkpoint) -> None:
        finalized = self._finalized.slot
        if target.slot > self._justified.slot:
            self._justified = target
        self._window |= 1 << (target.slot - finalized - 1)
        del self._tallies[target.root]
        if source.slot > finalized and not any_justifiable_between(source.slot, target.slot, finalized):
            self._finalize(source)

    def _finalize(self, source: Checkpoint) -> None:
        passed = source.slot - self._finalized.slot
        if self._tallies:
            fallen = history.roots_between(self._past, Slot(self._finalized.slot + 1), source.slot)
            self._tallies = {root: tally for root, tally in self._tallies.items() if root not in fallen}
        self._window >>= passed
        self._length -= passed
        self._finalized = source


def _segments(flags: int, count: int, width: int) -> list[int]:
    """`flags` cut into `count` integers of `width` bits, the lowest first."""
    size = -(-count * width // 8)
    packed = (flags & ((1 << count * width) - 1)).to_bytes(size, "little")
    mask = (1 << width) - 1
    cut = []
    for start in range(0, count * width, width or 1):
        around = int.from_bytes(packed[start >> 3 : (start + width + 7) >> 3], "little")
        cut.append(around >> (start & 7) & mask)
    return cut


def _joined(segments: Iterable[int], width: int) -> int:
    """The inverse of `_segments`; by pairs, because adding one by one would copy the whole for each."""
    level = list(segments)
    while len(level) > 1:
        if len(level) % 2:
            level.append(0)
        level = [level[i] | level[i + 1] << width for i in range(0, len(level), 2)]
        width *= 2
    return level[0] if level else 0
