"""The Lean state transition once more, slow and plain: lists of booleans, a loop for every slot and every vote.

Written from sections 5 and 6 of the rules, on top of `remerkleable` views only, to hold `lean.transition` against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from proofplane.lean import ssz
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.types import ZERO_ROOT, AggregatedAttestation, Block, Checkpoint, Root, Slot


@dataclass
class Model:
    """A state as plain lists."""

    genesis_time: int
    slot: int
    header: dict[str, Any]
    justified: Checkpoint
    finalized: Checkpoint
    history: list[bytes]
    window: list[bool]
    validators: list[tuple[bytes, bytes]]
    tallies: dict[bytes, list[bool]]

    @classmethod
    def of(cls, state: ssz.State) -> Model:
        """Reads a state through its views."""
        header, count = state.latest_block_header, len(state.validators)
        flags = [bool(flag) for flag in state.justifications_validators]
        return cls(
            int(state.config.genesis_time),
            int(state.slot),
            {name: getattr(header, name) for name in header.fields()},
            Checkpoint(Root(bytes(state.latest_justified.root)), Slot(int(state.latest_justified.slot))),
            Checkpoint(Root(bytes(state.latest_finalized.root)), Slot(int(state.latest_finalized.slot))),
            [bytes(root) for root in state.historical_block_hashes],
            [bool(flag) for flag in state.justified_slots],
            [(bytes(entry.attestation_public_key), bytes(entry.proposal_public_key)) for entry in state.validators],
            {bytes(root): flags[place * count : (place + 1) * count] for place, root in enumerate(state.justifications_roots)},
        )

    def view(self) -> Any:
        """The state as a view that `remerkleable` builds."""
        roots = sorted(self.tallies)
        validators = [
            ssz.Validator(attestation_public_key=keys[0], proposal_public_key=keys[1], index=index)
            for index, keys in enumerate(self.validators)
        ]
        return ssz.State(
            config=ssz.GenesisConfig(genesis_time=self.genesis_time),
            slot=self.slot,
            latest_block_header=ssz.BlockHeader(**self.header),
            latest_justified=ssz.Checkpoint(root=self.justified.root, slot=self.justified.slot),
            latest_finalized=ssz.Checkpoint(root=self.finalized.root, slot=self.finalized.slot),
            historical_block_hashes=ssz.HistoricalBlockHashes([ssz.Bytes32(root) for root in self.history]),
            justified_slots=ssz.JustifiedSlots(self.window),
            validators=ssz.Validators(validators),
            justifications_roots=ssz.JustificationRoots([ssz.Bytes32(root) for root in roots]),
            justifications_validators=ssz.JustificationValidators([flag for root in roots for flag in self.tallies[root]]),
        )

    def root(self) -> Root:
        """The state's root."""
        return Root(bytes(self.view().hash_tree_root()))

    def transition(self, block: Block) -> None:
        """The whole transition."""
        self.process_slots(block.slot)
        self.process_header(block)
        self.process_attestations(block.attestations)
        if self.root() != block.state_root:
            raise Rejected(Reason.STATE_ROOT_MISMATCH)

    def process_slots(self, target: int) -> None:
        """One slot after the other."""
        if self.slot >= target:
            raise Rejected(Reason.BLOCK_SLOT_NOT_IN_FUTURE)
        while self.slot < target:
            if self.header["state_root"] == ZERO_ROOT:
                self.header["state_root"] = self.root()
            self.slot += 1

    def process_header(self, block: Block) -> None:
        """Checks the header and puts it in."""
        parent = bytes(ssz.BlockHeader(**self.header).hash_tree_root())
        latest = int(self.header["slot"])
        if block.slot != self.slot:
            raise Rejected(Reason.BLOCK_SLOT_MISMATCH)
        if block.slot <= latest:
            raise Rejected(Reason.BLOCK_OLDER_THAN_LATEST_HEADER)
        if not self.validators:
            raise Rejected(Reason.EMPTY_VALIDATOR_REGISTRY)
        if block.proposer_index != self.slot % len(self.validators):
            raise Rejected(Reason.WRONG_PROPOSER)
        if block.parent_root != parent:
            raise Rejected(Reason.PARENT_ROOT_MISMATCH)
        if latest == 0:
            self.justified = self.finalized = Checkpoint(Root(parent), Slot(0))
        self.history.append(parent)
        for _ in range(latest + 1, block.slot):
            self.history.append(ZERO_ROOT)
        while len(self.window) < block.slot - 1 - self.finalized.slot:
            self.window.append(False)
        self.header = {
            "slot": block.slot,
            "proposer_index": block.proposer_index,
            "parent_root": block.parent_root,
            "state_root": ZERO_ROOT,
            "body_root": block.body_root,
        }

    def process_attestations(self, attestations: tuple[AggregatedAttestation, ...]) -> None:
        """Counts the votes."""
        different: list[Any] = []
        for attestation in attestations:
            if attestation.data not in different:
                different.append(attestation.data)
        if len(different) > 8:
            raise Rejected(Reason.TOO_MANY_ATTESTATION_DATA)
        for attestation in attestations:
            self._vote(attestation)

    def _is_justified(self, slot: int) -> bool:
        if slot <= self.finalized.slot:
            return True
        index = slot - self.finalized.slot - 1
        if index >= len(self.window):
            raise Rejected(Reason.JUSTIFIED_SLOT_OUT_OF_RANGE)
        return self.window[index]

    def _on_chain(self, checkpoint: Checkpoint) -> bool:
        if checkpoint.root == ZERO_ROOT or checkpoint.slot >= len(self.history):
            return False
        return self.history[checkpoint.slot] == checkpoint.root

    def _justifiable(self, slot: int) -> bool:
        distance = slot - self.finalized.slot
        squares = [x * x for x in range(distance + 1)]
        pronic = [x * (x + 1) for x in range(distance + 1)]
        return distance <= 5 or distance in squares or distance in pronic

    def _vote(self, attestation: AggregatedAttestation) -> None:
        source, target, head = attestation.data.source, attestation.data.target, attestation.data.head
        count = len(self.validators)
        if not self._is_justified(source.slot):
            return
        if self._is_justified(target.slot):
            return
        if not (self._on_chain(source) and self._on_chain(target) and self._on_chain(head)):
            return
        if target.slot <= source.slot or not self._justifiable(target.slot):
            return
        voters = [index for index in range(attestation.participants.length) if attestation.participants.mask >> index & 1]
        if not voters:
            raise Rejected(Reason.EMPTY_AGGREGATION_BITS)
        if any(index >= count for index in voters):
            raise Rejected(Reason.VALIDATOR_INDEX_OUT_OF_RANGE)
        tally = self.tallies.setdefault(target.root, [False] * count)
        for index in voters:
            tally[index] = True
        if 3 * sum(tally) < 2 * count:
            return
        if target.slot > self.justified.slot:
            self.justified = target
        self.window[target.slot - self.finalized.slot - 1] = True
        del self.tallies[target.root]
        if source.slot > self.finalized.slot and not any(self._justifiable(slot) for slot in range(source.slot + 1, target.slot)):
            self.window = self.window[source.slot - self.finalized.slot :]
            self.finalized = source
            self.tallies = {root: tally for root, tally in self.tallies.items() if self.history.index(root) > source.slot}
