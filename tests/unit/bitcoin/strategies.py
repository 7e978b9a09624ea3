"""Hypothesis strategies of Bitcoin values, for the codec tests of this folder."""

from hypothesis import strategies as st

from proofplane.base.ids import BlockId, Hash32
from proofplane.bitcoin.block import Block
from proofplane.bitcoin.header import Header
from proofplane.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut

U32 = st.integers(0, 2**32 - 1)
I32 = st.integers(-(2**31), 2**31 - 1)
I64 = st.integers(-(2**63), 2**63 - 1)
HASHES = st.binary(min_size=32, max_size=32).map(Hash32)
SCRIPTS = st.binary(max_size=40) | st.integers(250, 260).map(lambda size: b"\x51" * size)
STACKS = st.lists(st.binary(max_size=10), max_size=3).map(tuple)

HEADERS = st.builds(Header, I32, st.binary(min_size=32, max_size=32).map(BlockId), HASHES, U32, U32, U32)
INPUTS = st.builds(TxIn, st.builds(OutPoint, HASHES, U32), SCRIPTS, U32, STACKS)
OUTPUTS = st.builds(TxOut, I64, SCRIPTS)
TRANSACTIONS = st.builds(
    Transaction,
    I32,
    st.lists(INPUTS, min_size=1, max_size=3).map(tuple),
    st.lists(OUTPUTS, min_size=1, max_size=3).map(tuple),
    U32,
)
BLOCKS = st.builds(Block, HEADERS, st.lists(TRANSACTIONS, max_size=3).map(tuple))
