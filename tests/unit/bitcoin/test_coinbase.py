"""Unit tests of `proofplane.bitcoin.coinbase`."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.base.ids import Hash32, Height
from proofplane.bitcoin.coinbase import MalformedHeight, decode_height, encode_height, is_coinbase
from proofplane.bitcoin.transaction import NULL_OUTPOINT, OutPoint, Transaction, Txid, TxIn, TxOut

COINBASE = Transaction(1, (TxIn(NULL_OUTPOINT, b"\x51\x51"),), (TxOut(1, b"\x51"),))
OTHER = TxIn(OutPoint(Txid(Hash32(b"\x01" * 32)), 0))


@pytest.mark.parametrize(
    ("height", "script"),
    [
        (0, "00"),
        (1, "51"),
        (16, "60"),
        (17, "0111"),
        (127, "017f"),
        (128, "028000"),
        (227_836, "03fc7903"),
        (702_861, "038db90a"),
        (2**31, "050000008000"),
    ],
)
def test_heights_are_pushed_as_bip_34_says(height: int, script: str) -> None:
    assert encode_height(Height(height)).hex() == script
    assert decode_height(bytes.fromhex(script)) == height


@given(st.integers(0, 2**32 - 1).map(Height), st.binary(max_size=20))
def test_a_height_is_read_whatever_follows_it(height: Height, rest: bytes) -> None:
    assert decode_height(encode_height(height) + rest) == height


@pytest.mark.parametrize(
    "script",
    ["", "0105", "021100", "0281ff", "4f", "0180", "03ffff", "05ffffffffff", "050000000001", "06000000000001", "6a"],
    ids=lambda script: script or "empty",
)
def test_a_script_without_a_height_or_with_a_longer_form_is_refused(script: str) -> None:
    with pytest.raises(MalformedHeight):
        decode_height(bytes.fromhex(script))


def test_a_coinbase_has_one_input_that_spends_the_null_outpoint() -> None:
    assert is_coinbase(COINBASE)


@pytest.mark.parametrize(
    "inputs",
    [
        (OTHER,),
        (*COINBASE.inputs, OTHER),
        (replace(COINBASE.inputs[0], outpoint=replace(NULL_OUTPOINT, index=0)),),
        (replace(COINBASE.inputs[0], outpoint=replace(NULL_OUTPOINT, txid=OTHER.outpoint.txid)),),
    ],
    ids=["another outpoint", "two inputs", "another index", "another transaction id"],
)
def test_anything_else_is_no_coinbase(inputs: tuple[TxIn, ...]) -> None:
    assert not is_coinbase(replace(COINBASE, inputs=inputs))
