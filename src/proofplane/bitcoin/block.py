"""Blocks: a header and its transactions in consensus form."""

from __future__ import annotations

from dataclasses import dataclass

from proofplane.base.ids import BlockId
from proofplane.bitcoin.encoding import MalformedEncoding, Reader, compact_size
from proofplane.bitcoin.header import HEADER_SIZE, Header
from proofplane.bitcoin.transaction import MIN_TRANSACTION_SIZE, Transaction, read_transaction


class MalformedBlock(MalformedEncoding):
    """Bytes that are not one block in consensus form; a fault inside a transaction names the transaction."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block; that the transactions belong to the header is checked by `proofplane.bitcoin.body`, not here."""

    header: Header
    transactions: tuple[Transaction, ...]

    @property
    def block_id(self) -> BlockId:
        """The header's id."""
        return self.header.block_id

    def encode(self) -> bytes:
        """Consensus bytes with witnesses; raises `Unencodable` if a field is out of its range."""
        parts = [self.header.encode(), compact_size(len(self.transactions))]
        parts += [transaction.encode() for transaction in self.transactions]
        return b"".join(parts)

    @classmethod
    def decode(cls, raw: bytes) -> Block:
        """Reads `encode()`; raises `MalformedBlock` unless `raw` is exactly one block."""
        reader = Reader(raw)
        try:
            header = Header.decode(reader.take(HEADER_SIZE, "the block's header"))
            count = reader.count("the number of transactions", MIN_TRANSACTION_SIZE)
            transactions = tuple([_read_numbered(reader, number) for number in range(count)])
            reader.finish("block")
        except MalformedEncoding as error:
            raise MalformedBlock(error.reason, error.offset) from None
        return cls(header, transactions)


def _read_numbered(reader: Reader, number: int) -> Transaction:
    try:
        return read_transaction(reader)
    except MalformedEncoding as error:
        raise MalformedEncoding(f"transaction {number}: {error.reason}", error.offset) from None
