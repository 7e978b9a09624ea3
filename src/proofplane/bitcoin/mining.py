"""Building regtest blocks by hand: coinbase, witness commitment, Merkle root and the two tries of proof of work.

A pure function of its arguments: the same call gives the same block. What the transactions do is not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from proofplane.base.errors import CallerMistake
from proofplane.base.ids import HASH_SIZE, BlockCommitment, Height
from proofplane.bitcoin.block import Block
from proofplane.bitcoin.body import COMMITMENT_PREFIX, commit_to_witnesses, witness_root_of
from proofplane.bitcoin.coinbase import encode_height
from proofplane.bitcoin.header import Header
from proofplane.bitcoin.merkle import fold_tree
from proofplane.bitcoin.networks import Network, rules_of
from proofplane.bitcoin.script import OP_1, push
from proofplane.bitcoin.target import target_from_bits
from proofplane.bitcoin.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut

FIRST_SUBSIDY = 50 * 100_000_000
"""Satoshis that the coinbase of each block before the first halving creates."""

REGTEST_BITS = rules_of(Network.REGTEST).limit_bits

OP_TRUE_SCRIPT = bytes((OP_1,))
"""Pays anybody: who spends it needs no signature."""

_VERSION = 0x2000_0000
_TRANSACTION_VERSION = 2
_COINBASE_SCRIPT_SIZES = range(2, 101)
"""Bytes that nodes take for a coinbase script (bad-cb-length of Bitcoin Core)."""

_RESERVED = bytes(HASH_SIZE)
"""The coinbase's witness item; free to choose, zero by custom."""


def build_block(
    parent: BlockCommitment,
    time: int,
    bits: int = REGTEST_BITS,
    transactions: Sequence[Transaction] = (),
    coinbase_tag: bytes = b"proofplane",
    op_return: bytes | None = None,
) -> Block:
    """A regtest block on `parent` that meets its target.

    Args:
        parent: The block to build on.
        time: Seconds, above the median of the last 11 blocks.
        bits: Compact target, regtest's only one.
        transactions: What follows the coinbase; if any has a witness, the coinbase commits to the witnesses.
        coinbase_tag: Pushed behind the height in the coinbase's script; other bytes make another block.
        op_return: A whole script (for example `sps50.tag_script`) for output 0 of the coinbase; the subsidy is the output after it.

    Raises:
        CallerMistake: Other bits than regtest's, or a tag that makes the coinbase's script shorter than 2 or longer than 100 bytes.
        Unencodable: A field does not fit, such as a time of more than 32 bits.
    """
    height = Height(parent.height + 1)
    script = encode_height(height) + push(coinbase_tag)
    if len(script) not in _COINBASE_SCRIPT_SIZES:
        raise CallerMistake(f"a coinbase script has 2 to 100 bytes, not {len(script)}: change the length of the tag")
    outputs = [] if op_return is None else [TxOut(0, op_return)]
    outputs.append(TxOut(subsidy_at(height), OP_TRUE_SCRIPT))
    coinbase = Transaction(_TRANSACTION_VERSION, (TxIn(NULL_OUTPOINT, script),), tuple(outputs))
    if any(transaction.has_witness for transaction in transactions):
        coinbase = _commit(coinbase, transactions)
    body = (coinbase, *transactions)
    merkle_root = fold_tree([transaction.txid for transaction in body]).root
    return Block(grind(Header(_VERSION, parent.block_id, merkle_root, time, bits, 0)), body)


def grind(header: Header) -> Header:
    """`header` with the first nonce, from its own on, that meets the target: two tries on average.

    Raises:
        CallerMistake: The bits are not regtest's; anything harder would take for ever.
    """
    if header.bits != REGTEST_BITS:
        raise CallerMistake(f"only regtest's bits {REGTEST_BITS:#010x} can be ground, not {header.bits:#010x}")
    target = target_from_bits(header.bits)
    candidates = (replace(header, nonce=nonce % 2**32) for nonce in count(header.nonce))
    return next(candidate for candidate in candidates if int.from_bytes(candidate.block_id, "little") <= target)


def subsidy_at(height: int) -> int:
    """Satoshis that a regtest block at `height` may create: 50 bitcoins, halved every 150 blocks."""
    return FIRST_SUBSIDY >> height // rules_of(Network.REGTEST).halving_interval


def _commit(coinbase: Transaction, transactions: Sequence[Transaction]) -> Transaction:
    # The coinbase counts as zeros in the witness root, so the root is known before the output that commits to it.
    commitment = commit_to_witnesses(witness_root_of((coinbase, *transactions)), _RESERVED)
    return replace(
        coinbase,
        inputs=(replace(coinbase.inputs[0], witness=(_RESERVED,)),),
        outputs=(*coinbase.outputs, TxOut(0, COMMITMENT_PREFIX + commitment)),
    )
