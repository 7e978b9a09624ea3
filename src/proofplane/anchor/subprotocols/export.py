"""Export entries (subprotocol 81): a tagged transaction puts an entry into one of the Moho state's export containers.

| type | aux | entry |
| --- | --- | --- |
| 1 | container u8, entry (32) | the 32 bytes |
| 2 | container u8, height u32 LE | the manifest hash of that height, below the block; heights up to the anchor have none |

Anyone may export. Of a block's well-formed transactions the first 1,000 count, so that its logs fit the manifest; the others are ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofplane.anchor import ssz
from proofplane.anchor.logs import NewExport
from proofplane.anchor.subprotocols.carrier import carrier
from proofplane.anchor.subprotocols.interface import BlockContext, Outcome, TaggedTransaction
from proofplane.anchor.types import SENTINEL, AnchorParams
from proofplane.base.ids import HASH_SIZE, Hash32, Height
from proofplane.bitcoin.sps50 import Tag
from proofplane.bitcoin.transaction import Transaction
from proofplane.crypto.ssz import codec_of

EXPORT_ID = 81
GIVEN_ENTRY = 1
MANIFEST_ENTRY = 2

_SECTION = codec_of(ssz.ExportSection)
_HEIGHT_SIZE = 4

_MAX_ENTRIES = 2**64 - 1
"""The count is a u64. No real instance comes near it; a made-up section stays at it."""


@dataclass(frozen=True, slots=True)
class ManifestExport:
    """Asks that the manifest hash of `height` be exported to `container`."""

    container: int
    height: Height


class ExportEntries:
    """The subprotocol; its section counts the entries exported."""

    id = EXPORT_ID
    max_logs = 1000

    def genesis(self, params: AnchorParams) -> bytes | None:
        """No entries yet."""
        return _SECTION.encode((0,)) if params.exports else None

    def requests(self, transactions: Sequence[TaggedTransaction]) -> tuple[Height, ...]:
        """The heights of the type 2 transactions that count."""
        return tuple([read.height for read in self._read(transactions) if isinstance(read, ManifestExport)])

    def process(self, section: bytes, transactions: Sequence[TaggedTransaction], context: BlockContext) -> Outcome:
        """One log per transaction that counts."""
        (entries,) = _SECTION.decode(section)
        logs = []
        for read in self._read(transactions):
            if isinstance(read, ManifestExport):
                found = context.manifest_hashes.get(read.height, SENTINEL)
                if found == SENTINEL:
                    continue
                read = NewExport(read.container, found)
            logs.append(read.encode())
        return Outcome(_SECTION.encode((min(entries + len(logs), _MAX_ENTRIES),)), tuple(logs))

    def _read(self, transactions: Sequence[TaggedTransaction]) -> list[NewExport | ManifestExport]:
        found = [_read_tag(tagged.tag) for tagged in transactions]
        return [read for read in found if read is not None][: self.max_logs]


def export_tag(container: int, entry: Hash32) -> Tag:
    """The tag that exports `entry` to `container` (u8)."""
    return Tag(EXPORT_ID, GIVEN_ENTRY, bytes([container]) + entry)


def manifest_export_tag(container: int, height: Height) -> Tag:
    """The tag that exports the manifest hash of `height` to `container` (u8)."""
    return Tag(EXPORT_ID, MANIFEST_ENTRY, bytes([container]) + height.to_bytes(_HEIGHT_SIZE, "little"))


def export_transaction(magic: bytes, container: int, entry: Hash32, salt: bytes) -> Transaction:
    """A transaction that exports `entry`; it spends nothing real, and another `salt` makes another transaction."""
    return carrier(magic, export_tag(container, entry), salt)


def manifest_export_transaction(magic: bytes, container: int, height: Height, salt: bytes) -> Transaction:
    """A transaction that exports the manifest hash of `height`; it spends nothing real, and another `salt` makes another transaction."""
    return carrier(magic, manifest_export_tag(container, height), salt)


def _read_tag(tag: Tag) -> NewExport | ManifestExport | None:
    if tag.tx_type == GIVEN_ENTRY and len(tag.aux) == 1 + HASH_SIZE:
        return NewExport(tag.aux[0], Hash32(tag.aux[1:]))
    if tag.tx_type == MANIFEST_ENTRY and len(tag.aux) == 1 + _HEIGHT_SIZE:
        return ManifestExport(tag.aux[0], Height(int.from_bytes(tag.aux[1:], "little")))
    return None
