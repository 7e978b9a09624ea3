"""Coinbase transactions: how one is told, and the height in its script (BIP-34)."""

from __future__ import annotations

from proofplane.base.errors import Refused
from proofplane.base.ids import MAX_HEIGHT, Height
from proofplane.bitcoin.script import push, read_push, script_number
from proofplane.bitcoin.transaction import NULL_OUTPOINT, Transaction


class MalformedHeight(Refused):
    """A coinbase script that does not begin with a height; true of mainnet's blocks before BIP-34 (version 1)."""


def is_coinbase(transaction: Transaction) -> bool:
    """Whether the transaction's only input spends the null outpoint."""
    return len(transaction.inputs) == 1 and transaction.inputs[0].outpoint == NULL_OUTPOINT


def encode_height(height: Height) -> bytes:
    """The push of `height` that a coinbase script begins with: an opcode for 0 to 16, else the shortest script number."""
    return push(script_number(height))


def decode_height(script: bytes) -> Height:
    """The height that a coinbase `script` begins with.

    Raises:
        MalformedHeight: It begins with no push, a longer one than needed, a negative number or more than 32 bits.
    """
    pushed = read_push(script)
    if pushed is None:
        raise MalformedHeight(f"a coinbase script that begins with no height: {script[:8].hex()}")
    height = int.from_bytes(pushed[0], "little")
    if height > MAX_HEIGHT or script_number(height) != pushed[0]:
        raise MalformedHeight(f"a coinbase script that begins with {pushed[0][:8].hex()}, which is no height")
    return Height(height)
