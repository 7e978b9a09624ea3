"""A chain is opened in memory or in a data directory, which remembers what it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.lean_directories import small
from proofplane.chain.directory import read_chain
from proofplane.chain.errors import BadChainDirectory
from proofplane.chain.storage import SqliteChainStorage
from proofplane.crypto.xmss import PROD, TEST
from proofplane.lean.codec import make_block, state_root
from proofplane.lean.config import MAX_SLOT_GAP
from proofplane.lean.types import ZERO_ROOT, Slot, ValidatorIndex
from proofplane.node.chain_session import CHAIN_NAME, MAX_ANCHOR_SLOT, Anchor, ChainSession, checked_anchor, read_scheme
from proofplane.storage.database import DATABASE_NAME
from proofplane.storage.errors import DirectoryInUse, DirectoryUnusable, StorageFull


@pytest.fixture
def anchor(tmp_path: Path) -> Anchor:
    chain = read_chain(small(tmp_path / "chain"))
    return checked_anchor(chain.state, chain.anchor, TEST)


async def test_a_new_directory_begins_with_the_anchor_and_is_found_again(anchor: Anchor, tmp_path: Path) -> None:
    async with ChainSession(tmp_path / "data", anchor) as session:
        begun = session.found

    async with ChainSession(tmp_path / "data", None) as session:
        assert session.found == begun
        assert (session.found.head, session.scheme) == (anchor.block.root, TEST)
    assert read_scheme(tmp_path / "data") == TEST


async def test_a_directory_is_locked_while_it_is_open(anchor: Anchor, tmp_path: Path) -> None:
    async with ChainSession(tmp_path / "data", anchor):
        with pytest.raises(DirectoryInUse):
            await ChainSession(tmp_path / "data", anchor).__aenter__()
    async with ChainSession(tmp_path / "data", anchor):
        pass


async def test_other_signatures_than_the_directorys_are_refused(anchor: Anchor, tmp_path: Path) -> None:
    async with ChainSession(tmp_path / "data", anchor):
        pass

    with pytest.raises(BadChainDirectory, match="test signatures, not prod"):
        await ChainSession(tmp_path / "data", Anchor(anchor.state, anchor.block, PROD)).__aenter__()


async def test_a_start_that_was_killed_after_the_first_file_is_gone_on_with(anchor: Anchor, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / CHAIN_NAME).write_text('{"scheme": "test"}\n')

    with pytest.raises(BadChainDirectory, match="holds no chain yet"):
        await ChainSession(tmp_path / "data", None).__aenter__()
    async with ChainSession(tmp_path / "data", anchor) as session:
        assert session.found.head == anchor.block.root


async def test_a_first_start_that_failed_binds_no_second_one(anchor: Anchor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: object) -> None:
        raise StorageFull("no space")

    with monkeypatch.context() as patched:
        patched.setattr(SqliteChainStorage, "begin", full)
        with pytest.raises(StorageFull):
            await ChainSession(tmp_path / "data", Anchor(anchor.state, anchor.block, PROD)).__aenter__()

    async with ChainSession(tmp_path / "data", anchor) as session:
        assert (session.found.head, session.scheme) == (anchor.block.root, TEST)
    assert read_scheme(tmp_path / "data") == TEST


async def test_a_database_of_something_else_is_left_as_it_is(anchor: Anchor, tmp_path: Path) -> None:
    (tmp_path / DATABASE_NAME).write_bytes(b"no database at all" * 100)
    with pytest.raises(DirectoryUnusable):
        await ChainSession(tmp_path, anchor).__aenter__()
    assert not (tmp_path / CHAIN_NAME).exists()


@pytest.mark.parametrize(("slot", "good"), [(MAX_ANCHOR_SLOT, True), (MAX_ANCHOR_SLOT + 1, False)])
async def test_an_anchor_is_at_a_slot_that_can_be_counted_on_from(anchor: Anchor, tmp_path: Path, slot: int, good: bool) -> None:
    block = make_block(Slot(slot), ValidatorIndex(0), ZERO_ROOT, state_root(anchor.state), ())
    if not good:
        with pytest.raises(BadChainDirectory, match="counted on from"):
            checked_anchor(anchor.state, block, TEST)
        return
    async with ChainSession(tmp_path / "data", checked_anchor(anchor.state, block, TEST)) as session:
        await session.importer.tick(session.found.time + 5 * MAX_SLOT_GAP, has_proposal=True, is_aggregator=False)
        assert session.importer.store.time == 5 * (slot + MAX_SLOT_GAP)


@pytest.mark.parametrize("text", ["", "{}", '{"scheme": "huge"}', '{"scheme": "test", "mood": "good"}'])
async def test_a_malformed_note_of_the_scheme_is_refused(anchor: Anchor, tmp_path: Path, text: str) -> None:
    (tmp_path / CHAIN_NAME).write_text(text)

    with pytest.raises(BadChainDirectory, match="malformed"):
        await ChainSession(tmp_path, anchor).__aenter__()


async def test_memory_needs_an_anchor() -> None:
    with pytest.raises(BadChainDirectory, match="needs an anchor"):
        await ChainSession(None, None).__aenter__()
