"""Blocks of a directory are delivered in order, at their slots, and held against what was recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from kit.lean_directories import STEPS, small
from proofplane.chain.delivery import Comparison, Delivered, deliver, first_new
from proofplane.chain.directory import ChainDirectory, ChainStep, read_chain
from proofplane.chain.options import ImportOptions
from proofplane.chain.types import Outcome
from proofplane.crypto.xmss import TEST
from proofplane.lean.codec import decode_signed_block, encode_signed_block, make_block
from proofplane.lean.config import MAX_SLOT_GAP
from proofplane.lean.errors import Reason
from proofplane.lean.types import SignedBlock, Slot
from proofplane.node.chain_session import ChainSession, checked_anchor


@pytest.fixture
def chain(tmp_path: Path) -> ChainDirectory:
    return read_chain(small(tmp_path / "chain"))


@pytest.fixture
async def session(chain: ChainDirectory) -> AsyncIterator[ChainSession]:
    anchor = checked_anchor(chain.state, chain.anchor, TEST)
    async with ChainSession(None, anchor, ImportOptions(threads=1, waiting_blocks=0)) as opened:
        yield opened


async def delivered(session: ChainSession, *steps: ChainStep) -> list[Delivered]:
    return [one async for one in deliver(session.importer, session.storage, steps)]


async def test_a_generated_chain_imports_as_the_rules_alone_had_said(chain: ChainDirectory, session: ChainSession) -> None:
    found = await delivered(session, *chain.steps)

    assert [one.difference for one in found] == [""] * STEPS
    assert {one.comparison for one in found} == {Comparison.AS_RECORDED}
    assert [one.outcome for one in found].count(Outcome.IMPORTED) == 8
    assert [one.outcome for one in found].count(Outcome.ALREADY_KNOWN) == 1


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("rejection", "WRONG_PROPOSER", "rejection None, not WRONG_PROPOSER"),
        ("head", "0x00", "head 0x"),
        ("headSlot", 7, "head slot 1, not 7"),
        ("justified", 7, "justified 0, not 7"),
        ("finalized", 7, "finalized 0, not 7"),
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
    assert "rejection DECODE_ERROR, not None" in found.difference


@pytest.mark.parametrize("slot", [MAX_SLOT_GAP + 1, 2**64 - 1])
async def test_nobody_waits_for_a_slot_that_no_state_can_reach(
    chain: ChainDirectory, session: ChainSession, tmp_path: Path, slot: int
) -> None:
    block = decode_signed_block(chain.steps[0].read()).block
    far = make_block(Slot(slot), block.proposer_index, block.parent_root, block.state_root, ())
    file = tmp_path / "far.ssz"
    file.write_bytes(encode_signed_block(SignedBlock(far, b"")))

    (found,) = await delivered(session, ChainStep(file))

    assert found.refusal is not None
    assert found.refusal.reason is Reason.BLOCK_SLOT_GAP_TOO_LARGE
    assert session.importer.store.time == 0


async def test_without_a_record_nothing_is_compared(chain: ChainDirectory, session: ChainSession) -> None:
    (found,) = await delivered(session, ChainStep(chain.steps[0].path))

    assert (found.comparison, found.outcome) == (Comparison.NOT_RECORDED, Outcome.IMPORTED)
    assert session.importer.store.time == 5, "the clock follows the block"


async def test_what_is_there_already_is_passed_over_with_all_before_it(chain: ChainDirectory, session: ChainSession) -> None:
    assert first_new(chain.steps, session.importer.store) == 0
    await delivered(session, *chain.steps[:8])

    assert first_new(chain.steps, session.importer.store) == 9, "the duplicate after the last one imported is there as well"
