"""A chain is opened in memory or in a data directory, which remembers what it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.lean_directories import small
from proofplane.chain.directory import read_chain
from proofplane.chain.errors import BadChainDirectory
from proofplane.crypto.xmss import PROD, TEST
from proofplane.node.chain_session import CHAIN_NAME, Anchor, ChainSession, checked_anchor, read_scheme
from proofplane.storage.errors import DirectoryInUse


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


@pytest.mark.parametrize("text", ["", "{}", '{"scheme": "huge"}', '{"scheme": "test", "mood": "good"}'])
async def test_a_malformed_note_of_the_scheme_is_refused(anchor: Anchor, tmp_path: Path, text: str) -> None:
    (tmp_path / CHAIN_NAME).write_text(text)

    with pytest.raises(BadChainDirectory, match="malformed"):
        await ChainSession(tmp_path, anchor).__aenter__()


async def test_memory_needs_an_anchor() -> None:
    with pytest.raises(BadChainDirectory, match="needs an anchor"):
        await ChainSession(None, None).__aenter__()
