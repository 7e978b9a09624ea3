"""Really signed Lean blocks of small registries (test parameters), with whatever fault a case asks for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from random import Random

from kit.signature_lists import written
from proofplane._native import XmssKey
from proofplane.crypto.xmss import TEST
from proofplane.lean.codec import attestation_data_root, make_block, state_root
from proofplane.lean.errors import Rejected
from proofplane.lean.genesis import genesis_block, genesis_state
from proofplane.lean.ssz import State
from proofplane.lean.transition import checkpoints, process_attestations, process_header, process_slots
from proofplane.lean.types import (
    ZERO_ROOT,
    AggregatedAttestation,
    AttestationData,
    Block,
    Checkpoint,
    Participants,
    Root,
    SignedBlock,
    Slot,
    Validator,
    ValidatorIndex,
)

LIFETIME = TEST.lifetime
"""Every key signs in slots 0 to 255."""

JUNK_ROOT = Root(b"\x07" * 32)
"""What a block names as its state root if no state can come of it."""

MODULUS = (2**31 - 2**24 + 1).to_bytes(4, "little")
"""The smallest number that is no field element."""

Part = tuple[bytes, int, list[tuple[bytes, bytes]]]
"""Message, slot, (key, signature) of all who sign."""

PROOF_FAULTS = ("vote", "proposer", "signer", "stolen", "missing", "slot", "empty", "cut", "order", "element", "length")
"""Ways to spoil a proof."""


@lru_cache(maxsize=32)
def key(validator: int, duty: str) -> XmssKey:
    """A bare key, which signs any number of messages in a slot, as equivocating validators do."""
    return XmssKey(TEST.name, sha256(f"{duty} {validator}".encode()).digest(), 0, LIFETIME)


@lru_cache(maxsize=50_000)
def signature(validator: int, duty: str, slot: int, message: bytes) -> bytes:
    """What that key signs; zeros where it has no one-time key."""
    return key(validator, duty).sign(slot, message) if slot < LIFETIME else bytes(TEST.signature_size)


class SignedChain:
    """All blocks that were made on one anchor, valid or not, with the states after the valid ones."""

    def __init__(self, validators: int, *, crooked: bool = False) -> None:
        """A `crooked` anchor block differs from the header in its state, so that no block can name it as its parent."""
        self.validators = validators
        registry = [Validator(key(n, "vote").public_key, key(n, "propose").public_key) for n in range(validators)]
        self.anchor_state = genesis_state(1_700_000_000, registry)
        self.anchor = genesis_block(self.anchor_state)
        if crooked:
            self.anchor = make_block(Slot(0), ValidatorIndex(1), ZERO_ROOT, self.anchor.state_root, ())
        self.blocks: dict[Root, Block] = {self.anchor.root: self.anchor}
        self.states: dict[Root, State] = {self.anchor.root: self.anchor_state}

    def block(
        self, parent: Root, slot: int, votes: Sequence[AggregatedAttestation], *, proposer: int | None = None, wrong_state: bool = False
    ) -> Block:
        """A block; valid if the rules let it be and nothing else is asked for."""
        index = ValidatorIndex(slot % max(self.validators, 1) if proposer is None else proposer)
        unfinished = make_block(Slot(slot), index, parent, ZERO_ROOT, votes)
        after = None
        if parent in self.states:
            try:
                after = process_attestations(process_header(process_slots(self.states[parent], Slot(slot)), unfinished), votes)
            except Rejected:
                after = None
        root = JUNK_ROOT if after is None or wrong_state else state_root(after)
        block = make_block(Slot(slot), index, parent, root, votes)
        self.blocks[block.root] = block
        if after is not None and not wrong_state:
            self.states[block.root] = after
        return block

    def vote(self, head: Root, slot: int | None = None) -> AttestationData:
        """A vote for a valid block, as its head and target, from what its state calls justified."""
        here = Checkpoint(head, self.blocks[head].slot)
        justified, _ = checkpoints(self.states[head])
        source = justified if justified.root != ZERO_ROOT else Checkpoint(self.anchor.root, self.anchor.slot)
        return AttestationData(here.slot if slot is None else Slot(slot), here, here, source)

    def signed(self, block: Block, fault: str | None = None, random: Random | None = None) -> SignedBlock:
        """The block with the proof that its proposer and voters give, spoilt by one of `PROOF_FAULTS` if asked for."""
        parts = [self.part(vote.participants, vote.data) for vote in block.attestations]
        proposer = block.proposer_index % max(self.validators, 1)
        own = (key(proposer, "propose").public_key, signature(proposer, "propose", block.slot, block.root))
        parts.append((block.root, block.slot, [own]))
        return SignedBlock(block, written(parts) if fault is None else spoilt(parts, proposer, fault, random or Random(0)))

    def part(self, voters: Participants, data: AttestationData) -> Part:
        """The signatures of these voters; those who are nobody sign nothing."""
        message = attestation_data_root(data)
        who = [index for index in voters.indices() if index < self.validators]
        return message, data.slot, sorted((key(n, "vote").public_key, signature(n, "vote", data.slot, message)) for n in who)


def spoilt(parts: list[Part], proposer: int, fault: str, random: Random) -> bytes:
    """A proof with one thing wrong, as bytes."""
    *votes, (message, slot, [(own_key, own)]) = parts
    signing = [place for place, (_, _, entries) in enumerate(votes) if entries]
    if fault in ("vote", "missing") and not signing:
        fault = "proposer"
    match fault:
        case "vote" | "missing":
            place = random.choice(signing)
            about, at, entries = votes[place]
            chosen = random.randrange(len(entries))
            voter, made = entries[chosen]
            changed = [] if fault == "missing" else [(voter, _flipped(made, random))]
            votes[place] = (about, at, entries[:chosen] + changed + entries[chosen + 1 :])
        case "proposer":
            own = _flipped(own, random)
        case "signer":
            own_key, own = key(proposer, "vote").public_key, signature(proposer, "vote", slot, message)
        case "stolen":
            own = signature((proposer + 1) % 8, "propose", slot, message)
        case "slot":
            own = signature(proposer, "propose", (slot + 1) % LIFETIME, message)
        case "element":
            own = own[:-4] + random.choice([MODULUS, b"\xff" * 4])
        case "length":
            own = random.choice([own[:-1], own + b"\0", b""])
        case _:
            pass
    changed_parts = [*votes, (message, slot, [(own_key, own)])]
    if fault == "order":
        changed_parts = changed_parts[::-1] if votes else changed_parts * 2
    raw = written(changed_parts)
    return b"" if fault == "empty" else raw[: random.randrange(len(raw))] if fault == "cut" else raw


def _flipped(made: bytes, random: Random) -> bytes:
    changed = bytearray(made)
    changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)
