"""Transactions that carry a tag and witness items and nothing else: for regtest blocks that are mined by hand."""

from __future__ import annotations

from proofplane.base.ids import Hash32
from proofplane.bitcoin.mining import OP_TRUE_SCRIPT
from proofplane.bitcoin.sps50 import Tag, tag_script
from proofplane.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from proofplane.crypto.hashes import sha256

_VERSION = 2


def carrier(magic: bytes, tag: Tag, salt: bytes, witness: tuple[bytes, ...] = ()) -> Transaction:
    """A transaction with `tag` in output 0 and `witness` on its one input.

    Its input names an output that nobody ever made (from `salt`, so that two carriers differ): the anchor state machine does not look
    at what is spent, but a full node would refuse it.
    """
    spent = OutPoint(Txid(Hash32(sha256(salt))), 0)
    return Transaction(_VERSION, (TxIn(spent, witness=witness),), (TxOut(0, tag_script(magic, tag)), TxOut(0, OP_TRUE_SCRIPT)))
