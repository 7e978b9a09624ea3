"""Bytes made to hurt: each gets a typed refusal in bounded steps and memory and changes nothing; the valid chain is imported after it."""

from __future__ import annotations

import resource
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kit.fuzz_blocks import counted, mutant
from kit.lean_chains_signed import MODULUS, SignedChain
from kit.lean_imports import Notes, NoWorkers
from kit.signature_lists import written
from proofplane.chain.importer import Importer
from proofplane.chain.memory import MemoryChainStorage
from proofplane.chain.options import ImportOptions
from proofplane.chain.types import ImportResult, Outcome
from proofplane.crypto.xmss import TEST
from proofplane.lean import codec
from proofplane.lean.blocks import store_from_anchor
from proofplane.lean.codec import encode_signed_block, make_block
from proofplane.lean.config import MAX_SLOT_GAP, PROOF_BYTES_LIMIT
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.pool_limits import PoolFull
from proofplane.lean.signature_list import SignatureList
from proofplane.lean.types import (
    AggregatedAttestation,
    AggregateProof,
    Block,
    Participants,
    SignedAggregate,
    SignedAttestation,
    SignedBlock,
    Slot,
    ValidatorIndex,
)

VALIDATORS = 4
CLOCK = 5 * 100
"""Intervals: far enough behind the chain that a changed slot gets past the clock."""

FAR_CLOCK = 5 * 2**64
"""Intervals: no slot is in the future, so that only the gap to the parent bounds what the transition has to pass."""

MIB = 1 << 20

WAITING_BYTES = MIB
"""Of the buffer for blocks without a parent: mutants fill it, and that is no leak."""


@cache
def chain() -> tuple[SignedChain, tuple[SignedBlock, ...]]:
    """A chain with a fork, a gap and votes of some and of all; parents before their children."""
    made = SignedChain(VALIDATORS)
    signed: list[SignedBlock] = []
    at = fork = made.anchor.root
    for slot, mask in ((1, 15), (2, 15), (3, 7), (5, 15), (6, 1), (7, 15), (8, 0)):
        votes = (AggregatedAttestation(Participants(mask, VALIDATORS), made.vote(at)),) if mask else ()
        more = (AggregatedAttestation(Participants(3, 3), made.vote(fork, slot)),) if slot == 6 else ()
        signed.append(made.signed(made.block(at, slot, (*votes, *more))))
        fork, at = at, signed[-1].block.root
    signed.append(made.signed(made.block(fork, 9, ())))
    return made, tuple(signed)


class Target:
    """An importer with the first blocks of the chain, and what was done to it."""

    def __init__(self, imported: int, time: int = CLOCK) -> None:
        self.chain, self.signed = chain()
        self._imported, self._time = imported, time
        self.answers: Counter[Reason | Outcome] = Counter()

    async def open(self) -> Target:
        self.storage = MemoryChainStorage()
        store = replace(store_from_anchor(self.chain.anchor_state, self.chain.anchor), time=self._time)
        await self.storage.begin(self.chain.anchor_state, self.chain.anchor, store)
        options = ImportOptions(threads=1, waiting_bytes=WAITING_BYTES)
        workers = NoWorkers("signatures")  # B runs at once, before A, as it may on a block whose signatures nobody has checked
        self.importer = Importer(self.storage, SignatureList(TEST), workers, store, options, Notes())
        for signed in self.signed[: self._imported]:
            await self.importer.import_signed(signed)
        return self

    async def answer(self, raw: bytes) -> Reason | Outcome:
        """What becomes of these bytes; anything but a result or a refusal that changes nothing fails the test."""
        before = self.importer.store
        try:
            result = await self.importer.import_block(raw)
        except Rejected as refused:
            assert self.importer.store is before
            self.answers[refused.reason] += 1
            return refused.reason
        assert isinstance(result, ImportResult)
        assert result.outcome is Outcome.IMPORTED or self.importer.store is before
        self.answers[result.outcome] += 1
        return result.outcome

    async def takes_the_chain(self) -> bool:
        """Whether the valid blocks are imported, those and no others, and to the head of an importer that has seen nothing else."""
        for signed in self.signed:
            assert await self.answer(encode_signed_block(signed)) in Outcome
        await self.importer.settled()
        clean = await Target(len(self.signed), self._time).open()
        assert self.importer.store == replace(clean.importer.store, children=self.importer.store.children)
        return self.storage.load() is self.importer.store

    def changed(self, *, slot: int = 1, attestations: tuple[AggregatedAttestation, ...]) -> Block:
        """The first block with something else in it."""
        good = self.signed[0].block
        return make_block(Slot(slot), ValidatorIndex(slot % VALIDATORS), good.parent_root, good.state_root, attestations)


@pytest.fixture
async def target() -> Target:
    return await Target(0).open()


@pytest.mark.parametrize("slot", [MAX_SLOT_GAP + 1, 2**40, 2**63, 2**64 - 1])
async def test_a_far_slot_is_refused_before_any_work_even_if_the_clock_allows_it(slot: int) -> None:
    target = await Target(0, time=5 * 2**64).open()
    with counted() as steps:
        answer = await target.answer(encode_signed_block(SignedBlock(target.changed(slot=slot, attestations=()), b"")))
    assert answer is Reason.BLOCK_SLOT_GAP_TOO_LARGE
    assert steps.taken < 2_000


async def test_every_truncation_of_a_block_is_refused(target: Target) -> None:
    raw = encode_signed_block(target.signed[0])
    for length in range(len(raw)):
        assert await target.answer(raw[:length]) in (Reason.DECODE_ERROR, Reason.INVALID_BLOCK_PROOF)
    assert await target.answer(raw + b"\0") is Reason.INVALID_BLOCK_PROOF
    assert await target.takes_the_chain()


async def test_a_proof_beyond_its_limit_is_no_block(target: Target) -> None:
    good = target.signed[0]
    assert await target.answer(encode_signed_block(replace(good, proof=bytes(PROOF_BYTES_LIMIT)))) is Reason.INVALID_BLOCK_PROOF
    assert await target.answer(encode_signed_block(replace(good, proof=bytes(PROOF_BYTES_LIMIT + 1)))) is Reason.DECODE_ERROR
    assert await target.takes_the_chain()


async def test_a_body_full_of_everybodys_votes_is_refused_without_unfolding_them(target: Target) -> None:
    data = target.chain.vote(target.chain.anchor.root)
    crowd = Participants((1 << VALIDATORS) - 1, VALIDATORS)
    votes = tuple(AggregatedAttestation(crowd, replace(data, slot=Slot(number))) for number in range(4_097))
    largest = encode_signed_block(SignedBlock(target.changed(attestations=votes[:4_096]), b""))
    with counted() as decoding:
        codec.decode_signed_block(largest)
    with counted() as all_steps:
        assert await target.answer(largest) is Reason.INVALID_BLOCK_PROOF
    # 28 calls a vote for guards and index checks; hashing and looking up each of them would make it 84.
    assert all_steps.taken - decoding.taken < 40 * 4_096
    assert await target.answer(encode_signed_block(SignedBlock(target.changed(attestations=votes), b""))) is Reason.DECODE_ERROR
    assert await target.takes_the_chain()


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
    votes = (AggregatedAttestation(participants, target.chain.vote(target.chain.anchor.root)),)
    assert await target.answer(encode_signed_block(SignedBlock(target.changed(attestations=votes), b""))) is reason


async def test_signatures_of_another_length_or_with_elements_that_are_none_are_refused(target: Target) -> None:
    good, proof = target.signed[0], target.signed[0].proof
    last = len(proof) - TEST.signature_size
    length = (TEST.signature_size - 1).to_bytes(4, "little")
    for bad in (
        proof[: last - 4] + length + proof[last:-1],
        proof[:-4] + MODULUS,
        proof[:-4] + b"\xff" * 4,
        proof[: last + 4] + MODULUS + proof[last + 8 :],
    ):
        assert await target.answer(encode_signed_block(replace(good, proof=bad))) is Reason.INVALID_BLOCK_PROOF
    assert await target.takes_the_chain()


STEPS, STEPS_A_BYTE = 2_000, 2
"""Calls of functions that an import may take, for whatever input, and those that each of its bytes may add."""

BYTES, BYTES_A_BYTE = 256 << 10, 64
"""Memory that an input may take while it is looked at, and what each of its bytes may add: votes become objects, a state becomes a tree."""


async def assault(count: int, seed: int, *, measured: bool = False) -> Target:
    """Hands in so many mutants, mostly of the next block; `measured` holds every one of them to the bounds."""
    random, imported = Random(seed), seed % 8
    target = await Target(imported, FAR_CLOCK if seed % 2 else CLOCK).open()
    raws = [encode_signed_block(signed) for signed in target.signed]
    while sum(target.answers.values()) < count:
        raw = mutant(raws[imported] if random.random() < 0.7 else random.choice(raws), raws, random)
        if raw in raws:
            continue  # imported, it would make all further mutants of its proof a matter of one look-up
        if measured:
            await measured_answer(target, raw)
        else:
            await target.answer(raw)
        await target.importer.settled()
    return target


LOOKS = 3
"""How often an input that seems to take too much memory is tried: the test runner's own thread allocates too, whenever it likes."""


async def measured_answer(target: Target, raw: bytes) -> None:
    for _ in range(LOOKS):
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        with counted() as steps:
            answer = await target.answer(raw)
        taken = tracemalloc.get_traced_memory()[1] - before
        if answer is not Outcome.IMPORTED:  # which is not what a stranger can cause, and releases who waited
            assert steps.taken <= STEPS + STEPS_A_BYTE * len(raw), f"{steps.taken} calls for {len(raw)} bytes: {raw.hex()}"
        if taken <= BYTES + BYTES_A_BYTE * len(raw):
            return
    raise AssertionError(f"{taken} bytes of memory for {len(raw)}: {raw.hex()}")


async def test_mutated_blocks_are_answered_in_bounded_steps_and_memory_and_hold_nothing_up() -> None:
    tracemalloc.start()
    try:
        target = await assault(1_000, 3, measured=True)
    finally:
        tracemalloc.stop()
    assert {Reason.DECODE_ERROR, Reason.INVALID_BLOCK_PROOF, Reason.UNKNOWN_PARENT_BLOCK, Outcome.ALREADY_KNOWN} <= set(target.answers)
    assert await target.takes_the_chain()


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
async def test_a_hundred_thousand_mutated_blocks_leave_memory_as_it_was(seed: int) -> None:
    await assault(500, seed)  # what is made once: codecs, tables, the full buffer
    before = resident()
    target = await assault(12_500, 8_000 + seed)
    more = resident() - before
    print(f"{more >> 10} KiB more;", *(f"{number} {answer}" for answer, number in target.answers.most_common()))
    assert more < 16 * MIB  # to keep the bytes of every mutant would take twice that, to keep its objects ten times
    wanted = {Reason.DECODE_ERROR, Reason.INVALID_BLOCK_PROOF, Reason.UNKNOWN_PARENT_BLOCK}
    wanted |= set() if seed % 2 else {Reason.BLOCK_SLOT_IN_FUTURE}
    wanted |= {Reason.BLOCK_SLOT_GAP_TOO_LARGE, Reason.EMPTY_AGGREGATION_BITS, Reason.VALIDATOR_INDEX_OUT_OF_RANGE}
    assert wanted | {Reason.PROPOSER_INDEX_OUT_OF_RANGE} <= set(target.answers)
    assert await target.takes_the_chain()


@cache
def votes() -> tuple[SignedAttestation, SignedAggregate]:
    """A vote and an aggregate that an importer with the whole chain takes."""
    made, signed = chain()
    data = made.vote(signed[5].block.root)
    everybody = Participants((1 << VALIDATORS) - 1, VALIDATORS)
    _, _, [(_, signature)] = made.part(Participants(4, 3), data)
    return SignedAttestation(ValidatorIndex(2), data, signature), SignedAggregate(
        data, AggregateProof(everybody, written([made.part(everybody, data)]))
    )


def _decoded_attestation(raw: bytes) -> SignedAttestation:
    return codec.decode_signed_attestation(raw, TEST)


Decoder = tuple[Callable[[bytes], Any], Callable[[Any], bytes], Callable[[], list[bytes]]]

DECODERS: dict[str, Decoder] = {
    "block": (codec.decode_signed_block, encode_signed_block, lambda: [encode_signed_block(signed) for signed in chain()[1]]),
    "bare block": (codec.decode_block, codec.encode_block, lambda: [codec.encode_block(signed.block) for signed in chain()[1]]),
    "vote": (_decoded_attestation, codec.encode_signed_attestation, lambda: [codec.encode_signed_attestation(votes()[0])]),
    "aggregate": (codec.decode_signed_aggregate, codec.encode_signed_aggregate, lambda: [codec.encode_signed_aggregate(votes()[1])]),
    "data": (codec.decode_attestation_data, codec.encode_attestation_data, lambda: [codec.encode_attestation_data(votes()[0].data)]),
    "bits": (codec.decode_participants, codec.encode_participants, lambda: [b"\x1f", b"\xff" * 511 + b"\x01"]),
    "state": (codec.decode_state, codec.encode_state, lambda: [codec.encode_state(state) for state in chain()[0].states.values()]),
}
"""Of each decoder: itself, its way back, valid inputs."""


def decode_mutants(what: str, count: int, seed: int) -> None:
    decode, encode, valid = DECODERS[what]
    random, raws, refused = Random(seed), valid(), 0
    for raw in raws:
        assert encode(decode(raw)) == raw
    for _ in range(count):
        raw = mutant(random.choice(raws), raws, random)
        value = reason = None
        for _ in range(LOOKS):
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            with counted() as steps:
                try:
                    value = decode(raw)
                except Rejected as refusal:
                    reason = refusal.reason
            taken = tracemalloc.get_traced_memory()[1] - before
            assert steps.taken <= STEPS + STEPS_A_BYTE * len(raw), f"{steps.taken} calls for {len(raw)} bytes: {raw.hex()}"
            if taken <= BYTES + BYTES_A_BYTE * len(raw):
                break
        else:
            raise AssertionError(f"{taken} bytes of memory for {len(raw)}: {raw.hex()}")
        assert reason in (None, Reason.DECODE_ERROR)
        refused += reason is not None
        assert value is None or encode(value) == raw, f"read, but not what was written: {raw.hex()}"
    assert 0 < refused < count


def traced_decoding(what: str, count: int, seed: int) -> None:
    tracemalloc.start()
    try:
        decode_mutants(what, count, seed)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("what", DECODERS)
def test_what_a_decoder_reads_is_what_was_written_and_all_else_is_refused(what: str) -> None:
    traced_decoding(what, 200, 1)


@pytest.mark.slow
@pytest.mark.parametrize("what", DECODERS)
def test_ten_thousand_mutants_of_everything_that_is_decoded(what: str) -> None:
    traced_decoding(what, 10_000, 2)


async def vote_mutants(count: int, seed: int) -> Counter[object]:
    random, answers = Random(seed), Counter[object]()
    target = await Target(8).open()
    vote, aggregate = (codec.encode_signed_attestation(votes()[0]), codec.encode_signed_aggregate(votes()[1]))
    for _ in range(count):
        before, single = target.importer.store, random.random() < 0.5
        raw = mutant(vote if single else aggregate, [vote, aggregate], random)
        try:
            if single:
                await target.importer.attestation(_decoded_attestation(raw), is_aggregator=True)
            else:
                await target.importer.aggregate(codec.decode_signed_aggregate(raw))
        except Rejected as refusal:
            assert target.importer.store is before
            answers[refusal.reason] += 1
        except PoolFull as full:
            assert target.importer.store is before
            answers[full.limit] += 1
        else:
            answers["taken"] += 1
    await target.importer.attestation(votes()[0], is_aggregator=True)
    assert votes()[0].data in target.importer.store.attestation_signatures
    return answers


async def test_mutated_votes_are_answered_and_the_good_one_is_taken_after_them() -> None:
    assert {Reason.DECODE_ERROR, Reason.INVALID_SIGNATURE} <= set(await vote_mutants(500, 1))


@pytest.mark.slow
async def test_twenty_thousand_mutated_votes_are_answered_and_the_good_one_is_taken_after_them() -> None:
    answers = await vote_mutants(20_000, 2)
    print(*(f"{number} {answer}" for answer, number in answers.most_common()))
    assert {Reason.DECODE_ERROR, Reason.INVALID_SIGNATURE, Reason.UNKNOWN_SOURCE_BLOCK, Reason.HEAD_SLOT_MISMATCH} <= set(answers)
