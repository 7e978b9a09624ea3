"""Blocks made to hurt: each gets a typed refusal in bounded time and memory, changes nothing, and the next good block is imported."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random

import pytest

from kit.lean_imports import Notes, NoWorkers
from kit.signed_branches import BACKEND, SLOTS, VALIDATORS, SignedTree, signed_tree
from proofplane.chain.importer import Importer
from proofplane.chain.memory import MemoryChainStorage
from proofplane.chain.options import ImportOptions
from proofplane.crypto.xmss import TEST
from proofplane.lean.codec import encode_signed_block, make_block
from proofplane.lean.config import MAX_SLOT_GAP, PROOF_BYTES_LIMIT
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.types import AggregatedAttestation, Block, Participants, SignedBlock, Slot, ValidatorIndex

MODULUS = (2130706433).to_bytes(4, "little")
"""The smallest number that is no field element."""


class Target:
    """An importer with the first good block of a tree ahead of it."""

    def __init__(self, tree: SignedTree, time: int = 5 * SLOTS) -> None:
        self.tree, self.storage, self.notes = tree, MemoryChainStorage(), Notes()
        self.good = tree.deliveries[0]
        self.time = time

    async def open(self) -> Target:
        store = replace(self.tree.store(), time=self.time)
        await self.storage.begin(self.tree.anchor_state, self.tree.anchor, store)
        self.importer = Importer(self.storage, BACKEND, NoWorkers(), store, ImportOptions(threads=1), self.notes)
        return self

    async def refusal(self, raw: bytes) -> Reason | None:
        """Why these bytes are refused, None if they are not; anything but an answer fails the test."""
        before = self.importer.store
        try:
            await self.importer.import_block(raw)
        except Rejected as refused:
            assert self.importer.store is before
            return refused.reason
        return None

    def changed(self, *, slot: int | None = None, attestations: tuple[AggregatedAttestation, ...] | None = None) -> Block:
        """The good block with something else in it."""
        good = self.good.block
        votes = good.attestations if attestations is None else attestations
        at = good.slot if slot is None else Slot(slot)
        return make_block(at, ValidatorIndex(at % VALIDATORS), good.parent_root, good.state_root, votes)


@pytest.fixture
async def target() -> Target:
    return await Target(signed_tree(0)).open()


@pytest.mark.parametrize("slot", [MAX_SLOT_GAP + 1, 2**40, 2**63, 2**64 - 1])
async def test_a_far_slot_is_refused_before_any_work_even_if_the_clock_allows_it(slot: int) -> None:
    target = await Target(signed_tree(0), time=5 * 2**64).open()
    assert await target.refusal(encode_signed_block(SignedBlock(target.changed(slot=slot), b""))) is Reason.BLOCK_SLOT_GAP_TOO_LARGE


async def test_every_truncation_of_a_block_is_refused(target: Target) -> None:
    raw = encode_signed_block(target.good)
    reasons = {await target.refusal(raw[:length]) for length in range(len(raw))}
    assert reasons <= {Reason.DECODE_ERROR, Reason.INVALID_BLOCK_PROOF}
    assert await target.refusal(raw + b"\0") in reasons
    assert await target.refusal(raw) is None


async def test_a_proof_beyond_its_limit_is_no_block(target: Target) -> None:
    assert await target.refusal(encode_signed_block(replace(target.good, proof=bytes(PROOF_BYTES_LIMIT)))) is Reason.INVALID_BLOCK_PROOF
    assert await target.refusal(encode_signed_block(replace(target.good, proof=bytes(PROOF_BYTES_LIMIT + 1)))) is Reason.DECODE_ERROR


async def test_a_body_full_of_everybodys_votes_is_refused_without_unfolding_them(target: Target) -> None:
    data = target.tree.vote(target.tree.anchor.root)
    crowd = Participants((1 << VALIDATORS) - 1, VALIDATORS)
    votes = tuple(AggregatedAttestation(crowd, replace(data, slot=Slot(number))) for number in range(4_096))
    block = SignedBlock(target.changed(attestations=votes), b"")
    assert await target.refusal(encode_signed_block(block)) is Reason.INVALID_BLOCK_PROOF
    more = SignedBlock(target.changed(attestations=(*votes, AggregatedAttestation(crowd, replace(data, slot=Slot(4_096))))), b"")
    assert await target.refusal(encode_signed_block(more)) is Reason.DECODE_ERROR


@pytest.mark.parametrize(
    ("participants", "reason"),
    [
        (Participants(1 << VALIDATORS, VALIDATORS + 1), Reason.VALIDATOR_INDEX_OUT_OF_RANGE),
        (Participants(1 << 4_095, 4_096), Reason.VALIDATOR_INDEX_OUT_OF_RANGE),
        (Participants(0, 4), Reason.EMPTY_AGGREGATION_BITS),
        (Participants(1, 4_097), Reason.DECODE_ERROR),
    ],
)
async def test_bits_of_nobody_are_refused(target: Target, participants: Participants, reason: Reason) -> None:
    votes = (AggregatedAttestation(participants, target.tree.vote(target.tree.anchor.root)),)
    assert await target.refusal(encode_signed_block(SignedBlock(target.changed(attestations=votes), b""))) is reason


async def test_signatures_of_another_length_or_with_elements_that_are_none_are_refused(target: Target) -> None:
    proof = target.good.proof
    last = len(proof) - TEST.signature_size
    length = (TEST.signature_size - 1).to_bytes(4, "little")
    for bad in (
        proof[: last - 4] + length + proof[last:-1],
        proof[:-4] + MODULUS,
        proof[:-4] + b"\xff" * 4,
        proof[: last + 4] + MODULUS + proof[last + 8 :],
    ):
        assert await target.refusal(encode_signed_block(replace(target.good, proof=bad))) is Reason.INVALID_BLOCK_PROOF
    assert await target.refusal(encode_signed_block(target.good)) is None


def mutated(raw: bytes, random: Random) -> bytes:
    """The bytes with one thing wrong, or several."""
    changed = bytearray(raw)
    for _ in range(random.choice([1, 1, 2, 5])):
        at = random.randrange(len(changed))
        match random.randrange(6):
            case 0:
                changed[at] ^= 1 << random.randrange(8)
            case 1:
                changed[at : at + 4] = random.choice([b"\xff" * 4, b"\0" * 4, MODULUS, len(changed).to_bytes(4, "little")])
            case 2:
                changed[at : at + 8] = random.choice([b"\xff" * 8, (1 << 63).to_bytes(8, "little"), b"\0" * 8])
            case 3:
                del changed[at : at + random.randrange(1, 64)]
            case 4:
                changed[at:at] = random.randbytes(random.randrange(1, 64))
            case _:
                other = random.randrange(len(changed))
                changed[at : at + 32] = changed[other : other + 32]
        if not changed:
            break
    return bytes(changed)


async def assault(count: int, seed: int) -> None:
    random = Random(seed)
    target = await Target(signed_tree(seed % 8)).open()
    raws = [encode_signed_block(signed) for signed in target.tree.deliveries]
    found = set[Reason | None]()
    for _ in range(count):
        found.add(await target.refusal(mutated(random.choice(raws), random)))
        await target.importer.settled()
    assert {Reason.DECODE_ERROR, Reason.INVALID_BLOCK_PROOF, Reason.UNKNOWN_PARENT_BLOCK} <= found
    for raw in raws:
        await target.refusal(raw)
    await target.importer.settled()
    wanted = {one.block.root for one in target.tree.deliveries if one.block.root in target.tree.blocks and one.block.slot < SLOTS}
    assert wanted <= set(target.importer.store.blocks)


def test_mutated_blocks_are_answered_and_hold_nothing_up() -> None:
    asyncio.run(assault(2_000, 0))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
def test_a_hundred_thousand_mutated_blocks_are_answered_and_hold_nothing_up(seed: int) -> None:
    asyncio.run(assault(10_000, seed))
