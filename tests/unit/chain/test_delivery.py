"""Blocks of a directory are delivered in order, at their slots, and held against what was recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from kit.lean_directories import STEPS, small
from proofplane.chain.delivery import Comparison, Delivered, deliver
from proofplane.chain.directory import ChainDirectory, ChainStep, read_chain
from proofplane.chain.options import ImportOptions
from proofplane.chain.types import Outcome
from proofplane.crypto.xmss import TEST
from proofplane.lean.codec import decode_signed_block, encode_signed_block, make_block
from proofplane.lean.config import INTERVALS_PER_SLOT, MAX_SLOT_GAP
from proofplane.lean.errors import Reason
from proofplane.lean.types import ZERO_ROOT, Root, SignedBlock, Slot, ValidatorIndex
from proofplane.node.chain_session import ChainSession, checked_anchor


@pytest.fixture
def chain(tmp_path: Path) -> ChainDirectory:
    return read_chain(small(tmp_path / "chain"))


@pytest.fixture
async def session(chain: ChainDirectory) -> AsyncIterator[ChainSession]:
    anchor = checked_anchor(chain.state, chain.anchor, TEST)
    async with ChainSession(None, anchor, ImportOptions(threads=1, waiting_blocks=0)) as opened:
        yield opened


NOW_MS = 4_000 * 20
"""Slot 20: these chains begin at time 0."""


async def delivered(session: ChainSession, *steps: ChainStep) -> list[Delivered]:
    return [one async for one in deliver(session.importer, session.storage, steps, lambda: NOW_MS)]


def unrecorded(steps: Sequence[ChainStep]) -> list[ChainStep]:
    return [ChainStep(step.path) for step in steps]


async def test_a_generated_chain_imports_as_the_rules_alone_had_said(chain: ChainDirectory, session: ChainSession) -> None:
    found = await delivered(session, *chain.steps)

    assert [one.difference for one in found] == [""] * STEPS
    assert {one.comparison for one in found} == {Comparison.AS_RECORDED}
    assert [one.outcome for one in found].count(Outcome.IMPORTED) == 8
    assert [one.outcome for one in found].count(Outcome.ALREADY_KNOWN) == 1


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("rejection", "WRONG_PROPOSER", "verdict accepted, expected: WRONG_PROPOSER"),
        ("head", "0x00", "head 0x"),
        ("headSlot", 7, "head slot 1, expected: 7"),
        ("justified", 7, "justified 0, expected: 7"),
        ("finalized", 7, "finalized 0, expected: 7"),
        ("blockRoot", "0x00", "block 0x"),
        ("postStateRoot", "0x00", "post state 0x"),
    ],
)
async def test_every_recorded_field_is_compared(chain: ChainDirectory, session: ChainSession, field: str, value: object, word: str) -> None:
    first = chain.steps[0]
    assert first.recorded is not None
    wrong = replace(first, recorded=replace(first.recorded, **{field: value}))

    (found,) = await delivered(session, wrong)

    assert found.comparison is Comparison.NOT_AS_RECORDED
    assert word in found.difference


async def test_a_block_that_does_not_decode_is_refused_and_not_as_recorded(chain: ChainDirectory, session: ChainSession) -> None:
    first = chain.steps[0]
    first.path.write_bytes(first.read()[:-1][:80])

    (found,) = await delivered(session, first)

    assert found.refusal is not None
    assert (found.root, found.refusal.reason) == (None, Reason.DECODE_ERROR)
    assert "verdict DECODE_ERROR, expected: accepted" in found.difference


@pytest.mark.parametrize("slot", [MAX_SLOT_GAP + 1, 2**64 - 1])
async def test_nobody_waits_for_a_slot_that_no_state_can_reach(
    chain: ChainDirectory, session: ChainSession, tmp_path: Path, slot: int
) -> None:
    block = decode_signed_block(chain.steps[0].read()).block
    far = make_block(Slot(slot), block.proposer_index, block.parent_root, block.state_root, ())
    file = tmp_path / "far.ssz"
    file.write_bytes(encode_signed_block(SignedBlock(far, b"")))

    (found,) = await delivered(session, ChainStep(file, slot=Slot(slot)))

    assert found.refusal is not None
    assert found.refusal.reason is Reason.BLOCK_SLOT_GAP_TOO_LARGE
    assert session.importer.store.time == 0


@pytest.mark.parametrize(("slot", "reason"), [(200_000, Reason.BLOCK_SLOT_IN_FUTURE), (21, Reason.INVALID_BLOCK_PROOF)])
@pytest.mark.parametrize("parent", [None, ZERO_ROOT])
async def test_no_file_moves_the_clock_beyond_the_machines(
    chain: ChainDirectory, session: ChainSession, tmp_path: Path, slot: int, reason: Reason, parent: Root | None
) -> None:
    block = make_block(Slot(slot), ValidatorIndex(0), parent or chain.anchor.root, ZERO_ROOT, ())
    file = tmp_path / "hostile.ssz"
    file.write_bytes(encode_signed_block(SignedBlock(block, b"")))

    (found,) = await delivered(session, ChainStep(file))

    assert found.refusal is not None
    assert found.refusal.reason is (reason if parent is None else Reason.UNKNOWN_PARENT_BLOCK)
    assert session.importer.store.time == 20 * INTERVALS_PER_SLOT


async def test_without_a_record_nothing_is_compared(chain: ChainDirectory, session: ChainSession) -> None:
    (found,) = await delivered(session, ChainStep(chain.steps[0].path))

    assert (found.comparison, found.outcome) == (Comparison.NOT_RECORDED, Outcome.IMPORTED)
    assert session.importer.store.time == 20 * INTERVALS_PER_SLOT


async def test_an_earlier_run_is_gone_on_with_and_compared_from_where_it_ended(chain: ChainDirectory, session: ChainSession) -> None:
    await delivered(session, *chain.steps[:10])

    found = await delivered(session, *chain.steps)

    assert [one.difference for one in found] == [""] * STEPS
    whole = [one.comparison is Comparison.AS_RECORDED for one in found]
    assert whole == [False] * 9 + [True] * 5, "the last block of the first run is step 9"
    assert [one.comparison for one in found[:9]] == [Comparison.VERDICT_AS_RECORDED] * 9
    assert [one.outcome for one in found].count(Outcome.IMPORTED) == 8 - 4


async def test_a_duplicate_at_the_end_keeps_nothing_before_it_out(chain: ChainDirectory, session: ChainSession) -> None:
    await delivered(session, *chain.steps[:2])

    found = await delivered(session, *unrecorded(chain.steps), ChainStep(chain.steps[0].path))

    assert [one.outcome for one in found].count(Outcome.IMPORTED) == 6
    assert found[-1].outcome is Outcome.ALREADY_KNOWN


async def test_a_sibling_that_was_left_out_is_imported_and_its_record_does_not_know_the_store(
    chain: ChainDirectory, session: ChainSession
) -> None:
    accepted = [step for step in chain.steps if step.recorded is not None and step.recorded.rejection is None]
    left_out = next(step for step in accepted if step.slot == 7)  # the blocks of slots 8 and 9 are on the other branch
    await delivered(session, *(step for step in accepted if step is not left_out))

    found = await delivered(session, *accepted)

    assert [one.step for one in found if one.outcome is Outcome.IMPORTED] == [left_out]
    assert [one.difference for one in found] == [""] * len(accepted)
    assert found[-1].comparison is Comparison.AS_RECORDED


@pytest.mark.parametrize(("field", "value"), [("rejection", "WRONG_PROPOSER"), ("blockRoot", "0x00"), ("postStateRoot", "0x00")])
async def test_a_verdict_is_compared_whatever_else_is_stored(
    chain: ChainDirectory, session: ChainSession, field: str, value: object
) -> None:
    await delivered(session, *chain.steps[:2])
    first = chain.steps[0]
    assert first.recorded is not None
    wrong = replace(first, recorded=replace(first.recorded, head="0x00", **{field: value}))

    (found,) = await delivered(session, wrong)

    assert found.comparison is Comparison.NOT_AS_RECORDED or field == "rejection"
    assert "head" not in found.difference


async def test_an_accepted_block_is_never_as_recorded_if_the_record_refused_it(chain: ChainDirectory, session: ChainSession) -> None:
    await delivered(session, chain.steps[0])
    second = chain.steps[1]
    assert second.recorded is not None
    wrong = replace(second, recorded=replace(second.recorded, rejection="WRONG_PROPOSER"))

    (found,) = await delivered(session, wrong)

    assert "verdict accepted, expected: WRONG_PROPOSER" in found.difference


async def test_the_next_block_comes_after_the_children_that_the_last_one_released(chain: ChainDirectory) -> None:
    accepted = [
        step for step in chain.steps if step.recorded is not None and step.recorded.rejection is None and "duplicate" not in step.note
    ]
    first, second, third, fourth, *_ = unrecorded(accepted)
    async with ChainSession(None, checked_anchor(chain.state, chain.anchor, TEST), ImportOptions(threads=1)) as session:
        found = await delivered(session, first, third, second, fourth)

        assert [one.outcome for one in found] == [Outcome.IMPORTED, None, Outcome.IMPORTED, Outcome.IMPORTED]
        assert len(session.importer.store.blocks) == 1 + 4
