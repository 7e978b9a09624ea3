"""One block in a file: its size, and the time of its epoch's first block."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proofplane.anchor.anchor_point import AnchorPoint, ContradictedEpochStart
from proofplane.anchor.block_file import MAX_BLOCK, BadBlockFile, BlockFile
from proofplane.anchor.errors import UnknownEpochStart
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.bitcoin.mining import build_block
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.transaction import TxOut

TIME = 1_300_000_000


def write(path: Path, height: int, padding: int = 0) -> Path:
    """A block at `height` (of no network in particular) whose coinbase is `padding` bytes longer."""
    block = build_block(BlockCommitment(Height(height - 1), BlockId(b"parent".ljust(32, b"\0"))), TIME)
    if padding:
        coinbase = block.transactions[0]
        block = replace(block, transactions=(replace(coinbase, outputs=(*coinbase.outputs, TxOut(0, bytes(padding)))),))
    path.write_bytes(block.encode())
    return path


@pytest.mark.parametrize(
    ("network", "height"), [(Network.MAINNET, 4030), (Network.MAINNET, 4032), (Network.REGTEST, 4031)], ids=["inside", "first", "regtest"]
)
def test_an_unknown_epoch_start_is_0_where_the_block_does_not_depend_on_it(tmp_path: Path, network: Network, height: int) -> None:
    parent = BlockCommitment(Height(height - 1), BlockId(b"parent".ljust(32, b"\0")))
    opened = BlockFile(write(tmp_path / "block", height), network)
    assert opened.anchor() == AnchorPoint(network, parent, 0x207FFFFF, 0)
    assert opened.anchor(TIME - 1).epoch_start == TIME - 1


def test_the_last_block_of_an_epoch_needs_the_start_of_its_epoch(tmp_path: Path) -> None:
    opened = BlockFile(write(tmp_path / "block", 4031), Network.MAINNET)
    with pytest.raises(UnknownEpochStart, match="--epoch-start-time"):
        opened.anchor()
    assert opened.anchor(TIME - 1).epoch_start == TIME - 1
    assert BlockFile(write(tmp_path / "block", 2015), Network.MAINNET).anchor().epoch_start == 1231006505


def test_an_epoch_start_that_contradicts_the_built_in_one_is_refused(tmp_path: Path) -> None:
    opened = BlockFile(write(tmp_path / "block", 40_010), Network.MAINNET)
    assert opened.anchor().epoch_start == opened.anchor(1265319794).epoch_start == 1265319794
    with pytest.raises(ContradictedEpochStart, match="1265319794, not 5"):
        opened.anchor(5)


def test_no_more_is_read_than_a_block_can_have(tmp_path: Path) -> None:
    path = write(tmp_path / "block", 3)
    padding = MAX_BLOCK - path.stat().st_size - 13  # value, length in 5 bytes
    assert write(path, 3, padding).stat().st_size == MAX_BLOCK
    assert BlockFile(path, Network.REGTEST).block.height == 3
    with pytest.raises(BadBlockFile, match="more than the 4000000 bytes"):
        BlockFile(write(path, 3, padding + 1), Network.REGTEST)
    with pytest.raises(BadBlockFile, match="more than the 4000000 bytes"):
        BlockFile(Path("/dev/zero"), Network.REGTEST)
