"""Unit tests of `proofplane.bitcoin.transaction`."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.base.ids import Hash32
from proofplane.bitcoin.encoding import Unencodable
from proofplane.bitcoin.transaction import (
    MIN_TRANSACTION_SIZE,
    NULL_OUTPOINT,
    MalformedTransaction,
    OutPoint,
    Transaction,
    Txid,
    TxIn,
    TxOut,
)
from proofplane.crypto.hashes import sha256d
from unit.bitcoin.strategies import TRANSACTIONS

GENESIS_COINBASE = bytes.fromhex(
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a"
    "616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a"
    "01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a"
    "4c702b6bf11d5fac00000000"
)

SMALL = Transaction(2, (TxIn(OutPoint(Txid(Hash32(b"\x01" * 32)), 7)),), (TxOut(5, b""),), 9)
WITNESSED = replace(SMALL, inputs=(replace(SMALL.inputs[0], witness=(b"", b"ab")),))


def test_the_genesis_coinbase_is_read_field_by_field() -> None:
    transaction = Transaction.decode(GENESIS_COINBASE)
    (txin,), (txout,) = transaction.inputs, transaction.outputs
    assert (transaction.version, transaction.lock_time) == (1, 0)
    assert (txin.outpoint, txin.sequence, txin.witness) == (NULL_OUTPOINT, 2**32 - 1, ())
    assert txin.script.endswith(b"The Times 03/Jan/2009 Chancellor on brink of second bailout for banks")
    assert (txout.value, len(txout.script)) == (5_000_000_000, 67)


def test_the_genesis_coinbase_has_the_published_id() -> None:
    transaction = Transaction.decode(GENESIS_COINBASE)
    assert transaction.txid[::-1].hex() == "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
    assert transaction.wtxid == transaction.txid


def test_a_transaction_with_witness_is_laid_out_as_bip_144_says() -> None:
    base = "02000000" + "01" + "01" * 32 + "07000000" + "00" + "ffffffff" + "01" + "0500000000000000" + "00"
    assert SMALL.encode().hex() == base + "09000000"
    assert WITNESSED.encode().hex() == base.replace("02000000", "020000000001", 1) + "02" + "00" + "026162" + "09000000"


def test_the_witness_is_in_the_witness_id_and_not_in_the_id() -> None:
    assert WITNESSED.txid == SMALL.txid == sha256d(SMALL.encode())
    assert WITNESSED.wtxid == sha256d(WITNESSED.encode()) != SMALL.wtxid


@given(TRANSACTIONS)
def test_a_transaction_is_read_as_it_was_written(transaction: Transaction) -> None:
    assert Transaction.decode(transaction.encode()) == transaction


@given(TRANSACTIONS)
def test_without_its_witness_a_transaction_keeps_everything_else(transaction: Transaction) -> None:
    bare = replace(transaction, inputs=tuple(replace(txin, witness=()) for txin in transaction.inputs))
    assert Transaction.decode(transaction.encode_base()) == bare
    assert transaction.txid == bare.txid == bare.wtxid


@given(TRANSACTIONS, st.data())
def test_what_is_read_from_a_damaged_copy_encodes_to_the_same_bytes(transaction: Transaction, data: st.DataObject) -> None:
    raw = bytearray(transaction.encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read = Transaction.decode(bytes(raw))
    except MalformedTransaction:
        return
    assert read.encode() == raw
    assert read != transaction


@pytest.mark.parametrize("transaction", [SMALL, WITNESSED], ids=["bare", "witnessed"])
def test_every_cut_is_refused_and_so_is_a_byte_too_many(transaction: Transaction) -> None:
    raw = transaction.encode()
    for size in range(len(raw)):
        with pytest.raises(MalformedTransaction):
            Transaction.decode(raw[:size])
    with pytest.raises(MalformedTransaction, match="1 bytes follow the transaction") as caught:
        Transaction.decode(raw + b"\0")
    assert caught.value.offset == len(raw)


def test_the_smallest_transaction_has_the_size_that_counts_are_held_against() -> None:
    assert len(SMALL.encode()) == MIN_TRANSACTION_SIZE


def test_many_inputs_and_outputs_of_the_smallest_size_are_not_taken_for_a_hostile_count() -> None:
    for many in (replace(SMALL, inputs=SMALL.inputs * 50), replace(SMALL, outputs=SMALL.outputs * 50)):
        assert Transaction.decode(many.encode()) == many


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda raw: raw[:4] + b"\x00\x02" + raw[6:], "unknown witness flag"),
        (lambda raw: raw[:4] + b"\x00\x00" + raw[6:], "unknown witness flag"),
        (lambda raw: raw[:6] + b"\x00" + raw[7:], "without inputs"),
        (lambda raw: raw[:48] + b"\x00" + raw[58:], "without outputs"),
        (lambda raw: raw[:58] + b"\x00" + raw[-4:], "every stack is empty"),
        (lambda raw: raw[:6] + b"\xfd\x01\x00" + raw[7:], "shortest form"),
        (lambda raw: raw[:6] + b"\xff" + b"\xff" * 8 + raw[7:], "number of inputs .* does not fit"),
        (lambda raw: raw[:48] + b"\xfe\xff\xff\xff\xff" + raw[49:], "number of outputs .* does not fit"),
        (lambda raw: raw[:58] + b"\xfe\xff\xff\xff\xff" + raw[59:], "number of witness items .* does not fit"),
        (lambda raw: raw[:43] + b"\xfe\xff\xff\xff\xff" + raw[44:], "an input's script needs"),
    ],
)
def test_a_malformed_transaction_is_refused_with_its_reason(change: object, reason: str) -> None:
    assert callable(change)
    raw = change(WITNESSED.encode())
    with pytest.raises(MalformedTransaction, match=reason):
        Transaction.decode(raw)


@pytest.mark.parametrize("change", [{"inputs": ()}, {"outputs": ()}], ids=str)
def test_a_transaction_without_inputs_or_outputs_cannot_be_made(change: dict[str, tuple[TxIn, ...]]) -> None:
    with pytest.raises(Unencodable):
        replace(SMALL, **change)


@pytest.mark.parametrize(
    "transaction",
    [
        replace(SMALL, version=2**31),
        replace(SMALL, lock_time=-1),
        replace(SMALL, outputs=(TxOut(2**63, b""),)),
        replace(SMALL, inputs=(TxIn(OutPoint(Txid(Hash32(bytes(32))), 2**32)),)),
        replace(SMALL, inputs=(TxIn(OutPoint(Txid(Hash32(bytes(31))), 0)),)),
    ],
    ids=["version", "lock time", "value", "index", "transaction id"],
)
def test_a_field_out_of_its_range_cannot_be_encoded(transaction: Transaction) -> None:
    with pytest.raises(Unencodable):
        transaction.encode()
