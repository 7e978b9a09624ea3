"""Fork choice written straight from the specification with dicts and loops over validators: the model of the fast one."""

from __future__ import annotations

from dataclasses import dataclass, field

from kit.fork_choice import label_of
from proofplane.lean.codec import aggregate_proof_bytes
from proofplane.lean.store import BlockNode
from proofplane.lean.types import AggregateProof, AttestationData, Checkpoint, Participants, Root, Slot, ValidatorIndex

Pool = dict[AttestationData, set[AggregateProof]]


@dataclass
class NaiveStore:
    """Changed in place; a method that takes an input returns the reason why it was refused, or None."""

    head: Root
    blocks: dict[Root, BlockNode]
    safe_target: Root = field(init=False)
    time: int = field(init=False)
    latest_justified: Checkpoint = field(init=False)
    latest_finalized: Checkpoint = field(init=False)
    signatures: dict[AttestationData, set[tuple[ValidatorIndex, bytes]]] = field(default_factory=dict)
    new: Pool = field(default_factory=dict)
    known: Pool = field(default_factory=dict)

    def __post_init__(self) -> None:
        anchor = self.blocks[self.head]
        self.safe_target = self.head
        self.time = 5 * anchor.slot
        self.latest_justified = self.latest_finalized = Checkpoint(self.head, anchor.slot)

    # Section 11, steps 6 to 9.

    def on_block(self, root: Root, node: BlockNode, body: list[AttestationData]) -> None:
        before = self.latest_finalized.slot
        if node.justified.slot > self.latest_justified.slot:
            self.latest_justified = node.justified
        known: Pool = {data: set() for data in body}
        for data, proofs in self.known.items():
            known[data] = proofs
        self.known = known
        self.blocks[root] = node
        self.update_head()
        if self.latest_finalized.slot > before:
            for pool in (self.signatures, self.new, self.known):
                for data in list(pool):
                    if data.head.slot <= self.latest_finalized.slot or not self.descends(self.latest_finalized, data.head):
                        del pool[data]

    # Section 8.

    def on_tick(self, target: int, has_proposal: bool, is_aggregator: bool) -> None:
        while self.time < target:
            self.time += 1
            interval = self.time % 5
            if interval == 0 and has_proposal and self.time == target:
                self.accept_new()
            elif interval == 2 and is_aggregator:
                self.aggregate()
            elif interval == 3:
                threshold = next(m for m in range(5000) if 3 * m >= 2 * self.blocks[self.head].validators)
                self.safe_target = self.walk(self.new, threshold)
            elif interval == 4:
                self.accept_new()

    def accept_new(self) -> None:
        for data, proofs in self.new.items():
            self.known.setdefault(data, set()).update(proofs)
        self.new = {}
        self.update_head()

    # Section 10.

    def aggregate(self) -> None:
        fresh: Pool = {}
        for data in list(self.new) + [data for data in self.signatures if data not in self.new]:
            covered: set[int] = set()
            children: list[AggregateProof] = []
            for pool in (self.new, self.known):
                left = set(pool.get(data, set()))
                while left:
                    best = max(left, key=lambda p: (len(set(p.participants.indices()) - covered), aggregate_proof_bytes(p)))
                    if not set(best.participants.indices()) - covered:
                        break
                    left.remove(best)
                    children.append(best)
                    covered.update(best.participants.indices())
            raw = {}
            for index, signature in sorted(self.signatures.get(data, set())):
                if index not in covered:
                    raw.setdefault(index, signature)
            if raw or len(children) >= 2:
                proof = label_of([*(child.proof for child in children), *raw.values()])
                fresh[data] = {AggregateProof(Participants.of(covered | set(raw)), proof)}
        self.new = fresh
        for data in fresh:
            self.signatures.pop(data, None)

    # Section 9.

    def validate(self, data: AttestationData) -> str | None:
        for name, checkpoint in (("SOURCE", data.source), ("TARGET", data.target), ("HEAD", data.head)):
            if checkpoint.root not in self.blocks:
                return f"UNKNOWN_{name}_BLOCK"
        if data.source.slot > data.target.slot:
            return "SOURCE_AFTER_TARGET"
        if data.head.slot < data.target.slot:
            return "HEAD_OLDER_THAN_TARGET"
        for name, checkpoint in (("SOURCE", data.source), ("TARGET", data.target), ("HEAD", data.head)):
            if self.blocks[checkpoint.root].slot != checkpoint.slot:
                return f"{name}_SLOT_MISMATCH"
        if not self.descends(data.source, data.target):
            return "SOURCE_NOT_ANCESTOR_OF_TARGET"
        if not self.descends(data.target, data.head):
            return "TARGET_NOT_ANCESTOR_OF_HEAD"
        if data.slot < data.head.slot:
            return "ATTESTATION_SLOT_BEFORE_HEAD"
        if 5 * data.slot > self.time + 1:
            return "ATTESTATION_TOO_FAR_IN_FUTURE"
        return None

    def on_vote(self, data: AttestationData, index: int, signature: bytes, is_aggregator: bool) -> str | None:
        reason = self.validate(data)
        if reason is None and index >= self.blocks[data.target.root].validators:
            reason = "VALIDATOR_NOT_IN_STATE"
        if reason is None and is_aggregator:
            self.signatures.setdefault(data, set()).add((ValidatorIndex(index), signature))
        return reason

    def on_aggregate(self, data: AttestationData, proof: AggregateProof) -> str | None:
        reason = self.validate(data)
        if reason is None and not proof.participants.indices():
            reason = "EMPTY_AGGREGATION_BITS"
        if reason is None and any(index >= self.blocks[data.target.root].validators for index in proof.participants.indices()):
            reason = "VALIDATOR_NOT_IN_STATE"
        if reason is None:
            self.new.setdefault(data, set()).add(proof)
        return reason

    # Section 12.

    def descends(self, ancestor: Checkpoint, descendant: Checkpoint) -> bool:
        if ancestor.slot > descendant.slot:
            return False
        root = descendant.root
        while root in self.blocks:
            if self.blocks[root].slot == ancestor.slot:
                return root == ancestor.root
            if self.blocks[root].slot < ancestor.slot:
                return False
            root = self.blocks[root].parent_root
        return False

    def latest_votes(self, pool: Pool) -> dict[int, AttestationData]:
        latest: dict[int, AttestationData] = {}
        for data, proofs in pool.items():
            if data.head.slot <= self.latest_finalized.slot:
                continue
            for proof in proofs:
                for index in proof.participants.indices():
                    if index not in latest or latest[index].slot < data.slot:
                        latest[index] = data
        return latest

    def weights(self, pool: Pool, start_slot: Slot) -> dict[Root, int]:
        weights = dict.fromkeys(self.blocks, 0)
        for data in self.latest_votes(pool).values():
            root = data.head.root
            while root in self.blocks and self.blocks[root].slot > start_slot:
                weights[root] += 1
                root = self.blocks[root].parent_root
        return weights

    def walk(self, pool: Pool, threshold: int | None) -> Root:
        root = self.latest_justified.root
        weights = self.weights(pool, self.blocks[root].slot)
        while True:
            children = [child for child, node in self.blocks.items() if node.parent_root == root]
            if threshold is not None:
                children = [child for child in children if weights[child] >= threshold]
            if not children:
                return root
            root = max(children, key=lambda child: (weights[child], child))

    def update_head(self) -> None:
        self.head = root = self.walk(self.known, None)
        finalized_slot = self.blocks[self.head].finalized.slot
        while self.blocks[root].slot > finalized_slot and self.blocks[root].parent_root in self.blocks:
            root = self.blocks[root].parent_root
        if self.blocks[root].slot == finalized_slot:
            self.latest_finalized = Checkpoint(root, finalized_slot)

    def block_weights(self) -> dict[Root, int]:
        start = self.latest_finalized.slot
        weights = self.weights(self.known, start)
        return {root: weights[root] for root in sorted(self.blocks) if self.blocks[root].slot > start}

    def attestation_target(self) -> Checkpoint:
        root, finalized = self.head, self.latest_finalized.slot
        for _ in range(3):
            if self.blocks[root].slot > max(self.blocks[self.safe_target].slot, finalized):
                root = self.blocks[root].parent_root
        while self.blocks[root].slot > finalized and not _justifiable(self.blocks[root].slot - finalized):
            root = self.blocks[root].parent_root
        return Checkpoint(root, self.blocks[root].slot)


def _justifiable(distance: int) -> bool:
    return distance <= 5 or any(distance in (x * x, x * (x + 1)) for x in range(distance))
