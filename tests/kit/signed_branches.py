"""Trees of really signed Lean blocks (test parameters) with their bad variants: what a network could deliver, in any order."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from random import Random

from kit.lean_branches import Branches
from proofplane._native import XmssKey
from proofplane.crypto.xmss import TEST
from proofplane.lean.codec import attestation_data_root, make_block
from proofplane.lean.genesis import genesis_block, genesis_state
from proofplane.lean.proof import Component
from proofplane.lean.signature_list import SignatureList
from proofplane.lean.types import (
    AggregatedAttestation,
    AttestationData,
    Block,
    Participants,
    Root,
    SignedBlock,
    Slot,
    Validator,
    ValidatorIndex,
)

VALIDATORS = 4
SLOTS = 32
"""Every key signs in slots 0 to 31."""

BLOCKS = 10
"""Good blocks of a tree; each has up to four bad variants."""

BACKEND = SignatureList(TEST)


@lru_cache(maxsize=2 * VALIDATORS)
def _key(validator: int, purpose: str) -> XmssKey:
    """Signs any number of messages in a slot, as equivocating proposers do."""
    return XmssKey(TEST.name, sha256(f"{purpose} {validator}".encode()).digest(), 0, SLOTS)


class SignedTree(Branches):
    """One tree, made from a number."""

    def __init__(self, number: int) -> None:
        """The same number gives the same tree."""
        super().__init__(VALIDATORS)
        registry = [Validator(_key(n, "vote").public_key, _key(n, "propose").public_key) for n in range(VALIDATORS)]
        self.anchor_state = genesis_state(1_700_000_000, registry)
        self.anchor = genesis_block(self.anchor_state)
        self.blocks, self.states = {self.anchor.root: self.anchor}, {self.anchor.root: self.anchor_state}
        self.deliveries: list[SignedBlock] = []
        """Good blocks and bad ones, parents before their children."""
        random = Random(number)
        made = [self.anchor.root]
        for _ in range(BLOCKS):
            parent = random.choice([made[-1], made[-1], made[-1], random.choice(made)])
            slot = self.blocks[parent].slot + random.choice([1, 1, 1, 2, 3])
            if slot >= SLOTS:
                continue
            good = self.child(parent, slot, voters=random.choice([VALIDATORS, VALIDATORS, 3, 1, 0])).block
            made.append(good.root)
            self.deliveries += [self.signed(good), *self._bad(good, random)]

    def signed(self, block: Block) -> SignedBlock:
        """The block with the proof that its proposer and voters give."""
        parts = [self._proof(one.participants, one.data) for one in block.attestations]
        own = _key(block.proposer_index, "propose")
        component = Component((own.public_key,), block.root, block.slot)
        parts.append(BACKEND.merge(component, [], [(own.public_key, own.sign(block.slot, block.root))]))
        return SignedBlock(block, BACKEND.join(parts))

    def _bad(self, good: Block, random: Random) -> list[SignedBlock]:
        proof = bytearray(self.signed(good).proof)
        proof[-random.randrange(1, 200)] ^= 1
        wrong_state = self._changed(good, good.proposer_index, good.attestations, state_root=Root(bytes(32)))
        wrong_proposer = self._changed(good, (good.proposer_index + 1) % VALIDATORS, good.attestations)
        twice = self._changed(good, good.proposer_index, good.attestations * 2)
        variants = [
            SignedBlock(good, bytes(proof)),
            SignedBlock(good, b""),
            self.signed(wrong_state),
            replace(self.signed(wrong_state), proof=bytes(proof)),
            self.signed(wrong_proposer),
            SignedBlock(twice, b""),
        ]
        orphan = (
            self._changed(self.child(good.root, good.slot + 1).block, 0, (), parent=wrong_state.root) if good.slot + 1 < SLOTS else None
        )
        return random.sample(variants, 3) + ([] if orphan is None else [self.signed(orphan)])

    def _changed(
        self,
        block: Block,
        proposer: int,
        attestations: tuple[AggregatedAttestation, ...],
        *,
        state_root: Root | None = None,
        parent: Root | None = None,
    ) -> Block:
        root = block.state_root if state_root is None else state_root
        return make_block(block.slot, ValidatorIndex(proposer), block.parent_root if parent is None else parent, root, attestations)

    def _proof(self, voters: Participants, data: AttestationData) -> bytes:
        message = attestation_data_root(data)
        signatures = [(_key(n, "vote").public_key, _key(n, "vote").sign(data.slot, message)) for n in voters.indices()]
        return BACKEND.merge(Component(tuple(key for key, _ in signatures), message, Slot(data.slot)), [], signatures)


@lru_cache(maxsize=64)
def signed_tree(number: int) -> SignedTree:
    """The tree of a number, made once a process."""
    return SignedTree(number)
