"""The Bitcoin networks: their rules, their genesis headers and the block ids that are built in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from proofplane.base.ids import BlockId, Hash32
from proofplane.bitcoin.header import Header

BLOCKS_PER_EPOCH = 2016
"""Blocks between two retargets, on every network."""


class Network(IntEnum):
    """Networks by the u8 that header states carry.

    Numbered in the order of the `bitcoin` crate for Rust (bitcoin, testnet, signet, regtest), which the public anchor state machine uses.
    Testnet (1) and signet (2) have rules that are not built (minimum-difficulty blocks, signed blocks), so they have no member.
    """

    MAINNET = 0
    REGTEST = 3


@dataclass(frozen=True, slots=True)
class NetworkRules:
    """What differs between networks (Bitcoin Core, `kernel/chainparams.cpp`)."""

    network: Network
    limit_bits: int
    """Compact form of the easiest target allowed."""
    no_retarget: bool
    """Whether every block keeps its parent's bits."""
    halving_interval: int
    """Blocks between two halvings of the subsidy."""
    segwit_height: int
    """The first height at which witness commitments count (BIP-141)."""
    genesis: Header


def rules_of(network: Network) -> NetworkRules:
    """The rules of `network`."""
    return _RULES[network]


_GENESIS_MERKLE_ROOT = Hash32(bytes.fromhex("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b")[::-1])
"""Both networks begin with the same coinbase."""

_NO_PARENT = BlockId(bytes(32))

_RULES = {
    Network.MAINNET: NetworkRules(
        network=Network.MAINNET,
        limit_bits=0x1D00FFFF,
        no_retarget=False,
        halving_interval=210_000,
        segwit_height=481_824,
        genesis=Header(1, _NO_PARENT, _GENESIS_MERKLE_ROOT, 1231006505, 0x1D00FFFF, 2083236893),
    ),
    Network.REGTEST: NetworkRules(
        network=Network.REGTEST,
        limit_bits=0x207FFFFF,
        no_retarget=True,
        halving_interval=150,
        segwit_height=0,
        genesis=Header(1, _NO_PARENT, _GENESIS_MERKLE_ROOT, 1296688602, 0x207FFFFF, 2),
    ),
}

KNOWN_BLOCKS: Mapping[Network, Mapping[int, BlockId]] = {
    Network.MAINNET: {
        0: _RULES[Network.MAINNET].genesis.block_id,
        38_304: BlockId.from_display("0000000015bb50096055846954f7120e30d6aa2bd5ab8d4a4055ceacc853328a"),
        40_000: BlockId.from_display("00000000504d5fa0ad2cb90af16052a4eb2aea70fa1cba653b90a4583c5193e4"),
        40_001: BlockId.from_display("000000004f5399dec71dd54b434bbb35a1c30488a37eadd9be7ee61399b4ac90"),
        45_000: BlockId.from_display("0000000007758365e4eef39e396f257a3caebb2850906f054066a58ffe657e3b"),
        49_999: BlockId.from_display("000000000845517b31c6820d83f25cff46429bf136a7515fe504116427e60f8e"),
        702_861: BlockId.from_display("000000000000000000000c835b2adcaedc20fdf6ee440009c249452c726dafae"),
    },
    Network.REGTEST: {0: _RULES[Network.REGTEST].genesis.block_id},
}
"""Block ids by height: by them a wrong starting height or network is noticed before anything is proved."""

KNOWN_EPOCH_STARTS: Mapping[Network, Mapping[int, tuple[int, BlockId]]] = {
    Network.MAINNET: {
        0: (_RULES[Network.MAINNET].genesis.time, KNOWN_BLOCKS[Network.MAINNET][0]),
        38_304: (1265319794, KNOWN_BLOCKS[Network.MAINNET][38_304]),
    },
    Network.REGTEST: {0: (_RULES[Network.REGTEST].genesis.time, KNOWN_BLOCKS[Network.REGTEST][0])},
}
"""Time and id of the first block of an epoch, by height: what an anchor in mid-epoch needs for its first retarget."""


_KNOWN_PLACES = {block_id: (network, height) for network, blocks in KNOWN_BLOCKS.items() for height, block_id in blocks.items()}


def known_block(network: Network, height: int) -> BlockId | None:
    """The built-in id of the block at `height`, if there is one."""
    return KNOWN_BLOCKS[network].get(height)


def known_place(block_id: BlockId) -> tuple[Network, int] | None:
    """Where a built-in block stands: its network and height."""
    return _KNOWN_PLACES.get(block_id)


def known_epoch_start(network: Network, height: int) -> int | None:
    """The built-in time, in seconds, of the first block of the epoch that `height` lies in, if there is one."""
    known = KNOWN_EPOCH_STARTS[network].get(height - height % BLOCKS_PER_EPOCH)
    return None if known is None else known[0]
