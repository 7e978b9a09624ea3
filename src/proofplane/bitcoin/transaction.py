"""Transactions: their fields, their consensus bytes with witness (BIP-144), their ids (BIP-141).

Reading is strict: what is read encodes to the same bytes again, so no two encodings stand for one transaction.
Refused beyond what the form itself demands: no inputs, no outputs, a witness section in which every stack is empty.
Not checked: anything about values, scripts, signatures or what is spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from proofplane.base.ids import HASH_SIZE, Hash32
from proofplane.bitcoin.encoding import MalformedEncoding, Reader, Unencodable, compact_size
from proofplane.crypto.hashes import sha256d

Txid = NewType("Txid", Hash32)
"""sha256d of a transaction without its witness, internal byte order."""

Wtxid = NewType("Wtxid", Hash32)
"""sha256d of a transaction with its witness, internal byte order."""

NULL_INDEX = 2**32 - 1
"""Output index of the outpoint that a coinbase spends."""

FINAL_SEQUENCE = 2**32 - 1

MIN_TRANSACTION_SIZE = 60
"""Bytes of the smallest transaction: one input and one output with empty scripts."""

_MIN_INPUT_SIZE = 41
_MIN_OUTPUT_SIZE = 9
_MARKER = b"\x00\x01"
"""Where the inputs' count stands, a zero and a one announce a witness section."""


class MalformedTransaction(MalformedEncoding):
    """Bytes that are not one transaction in consensus form."""


@dataclass(frozen=True, slots=True)
class OutPoint:
    """Names one output of an earlier transaction."""

    txid: Txid
    index: int


NULL_OUTPOINT = OutPoint(Txid(Hash32(bytes(HASH_SIZE))), NULL_INDEX)
"""What a coinbase spends: nothing."""


@dataclass(frozen=True, slots=True)
class TxIn:
    """One input."""

    outpoint: OutPoint
    script: bytes = b""
    sequence: int = FINAL_SEQUENCE
    witness: tuple[bytes, ...] = ()
    """The witness stack, bottom first; not part of the transaction id."""


@dataclass(frozen=True, slots=True)
class TxOut:
    """One output."""

    value: int
    """Satoshis, signed 64 bits."""
    script: bytes


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction; raises `Unencodable` without an input or an output, which could not be told from a witness marker."""

    version: int
    """Signed 32 bits; not interpreted here."""
    inputs: tuple[TxIn, ...]
    outputs: tuple[TxOut, ...]
    lock_time: int = 0

    def __post_init__(self) -> None:
        if not self.inputs or not self.outputs:
            raise Unencodable("a transaction has at least one input and one output")

    @property
    def has_witness(self) -> bool:
        """Whether any input has a witness."""
        return any(txin.witness for txin in self.inputs)

    @property
    def txid(self) -> Txid:
        """Hash of the transaction without its witness; computed at each use."""
        return Txid(Hash32(sha256d(self.encode_base())))

    @property
    def wtxid(self) -> Wtxid:
        """Hash of the transaction with its witness; computed at each use.

        A block's witness root has zeros in place of the coinbase's; that rule is in `proofplane.bitcoin.body`.
        """
        return Wtxid(Hash32(sha256d(self.encode())))

    def encode(self) -> bytes:
        """Consensus bytes, with the witness if there is one; raises `Unencodable` if a field is out of its range."""
        return self._encode(self.has_witness)

    def encode_base(self) -> bytes:
        """Consensus bytes without the witness; raises `Unencodable` if a field is out of its range."""
        return self._encode(False)

    def _encode(self, with_witness: bool) -> bytes:
        parts: list[bytes] = []
        put = parts.append
        try:
            put(self.version.to_bytes(4, "little", signed=True))
            if with_witness:
                put(_MARKER)
            put(compact_size(len(self.inputs)))
            for txin in self.inputs:
                if len(txin.outpoint.txid) != HASH_SIZE:
                    raise Unencodable(f"a transaction id has {HASH_SIZE} bytes, not {len(txin.outpoint.txid)}")
                put(txin.outpoint.txid)
                put(txin.outpoint.index.to_bytes(4, "little"))
                put(compact_size(len(txin.script)))
                put(txin.script)
                put(txin.sequence.to_bytes(4, "little"))
            put(compact_size(len(self.outputs)))
            for txout in self.outputs:
                put(txout.value.to_bytes(8, "little", signed=True))
                put(compact_size(len(txout.script)))
                put(txout.script)
            if with_witness:
                for txin in self.inputs:
                    put(compact_size(len(txin.witness)))
                    for item in txin.witness:
                        put(compact_size(len(item)))
                        put(item)
            put(self.lock_time.to_bytes(4, "little"))
        except OverflowError as error:
            raise Unencodable(f"a field of the transaction is out of range ({error})") from None
        return b"".join(parts)

    @classmethod
    def decode(cls, raw: bytes) -> Transaction:
        """Reads `encode()`; raises `MalformedTransaction` unless `raw` is exactly one transaction."""
        reader = Reader(raw)
        try:
            transaction = read_transaction(reader)
            reader.finish("transaction")
        except MalformedEncoding as error:
            raise MalformedTransaction(error.reason, error.offset) from None
        return transaction


def read_transaction(reader: Reader) -> Transaction:
    """The next transaction of `reader`; raises `MalformedEncoding`."""
    version = reader.i32("the version")
    start = reader.at
    marked = reader.raw[start : start + len(_MARKER)] == _MARKER
    if marked:
        reader.at += len(_MARKER)
    inputs_at = reader.at
    input_count = reader.count("the number of inputs", _MIN_INPUT_SIZE)
    if input_count == 0:
        raise MalformedEncoding("a transaction without inputs, or an unknown witness flag", inputs_at)
    inputs = tuple([_read_input(reader) for _ in range(input_count)])
    outputs_at = reader.at
    output_count = reader.count("the number of outputs", _MIN_OUTPUT_SIZE)
    if output_count == 0:
        raise MalformedEncoding("a transaction without outputs", outputs_at)
    outputs = tuple([_read_output(reader) for _ in range(output_count)])
    if marked:
        witness_at = reader.at
        inputs = tuple([TxIn(bare.outpoint, bare.script, bare.sequence, _read_stack(reader)) for bare in inputs])
        if not any(txin.witness for txin in inputs):
            raise MalformedEncoding("a witness section in which every stack is empty", witness_at)
    return Transaction(version, inputs, outputs, reader.u32("the lock time"))


def _read_input(reader: Reader) -> TxIn:
    """An input without its witness, which comes after the outputs."""
    outpoint = OutPoint(Txid(Hash32(reader.take(HASH_SIZE, "an input's transaction id"))), reader.u32("an input's index"))
    script = reader.sized("an input's script")
    return TxIn(outpoint, script, reader.u32("an input's sequence"))


def _read_output(reader: Reader) -> TxOut:
    value = reader.i64("an output's value")
    return TxOut(value, reader.sized("an output's script"))


def _read_stack(reader: Reader) -> tuple[bytes, ...]:
    count = reader.count("the number of witness items", 1)
    return tuple([reader.sized("a witness item") for _ in range(count)])
