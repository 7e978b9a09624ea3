"""Tests of export entries, through the transition."""

import pytest

from proofplane.anchor.logs import NewExport
from proofplane.anchor.ssz import MAX_LOGS, ExportSection
from proofplane.anchor.subprotocols.carrier import carrier
from proofplane.anchor.subprotocols.export import (
    ExportEntries,
    export_tag,
    export_transaction,
    manifest_export_tag,
    manifest_export_transaction,
)
from proofplane.anchor.subprotocols.interface import TaggedTransaction
from proofplane.anchor.subprotocols.registry import SUBPROTOCOLS
from proofplane.base.ids import Hash32, Height
from proofplane.bitcoin.sps50 import TEST_MAGIC, Tag, tag_script
from proofplane.crypto.ssz import codec_of
from unit.anchor.chains import Chain, full_params, regtest_params

ENTRY = Hash32(bytes(range(32)))


def exported(chain: Chain) -> int:
    """How many entries the chain has exported."""
    (entries,) = codec_of(ExportSection).decode(chain.state.sections[-1].data)
    return int(entries)


@pytest.mark.checklist(38)
def test_a_tagged_transaction_and_a_tagged_coinbase_export_in_block_order() -> None:
    chain = Chain(full_params())
    other = Hash32(b"other".ljust(32, b"\0"))
    done = chain.extend(
        export_transaction(TEST_MAGIC, 2, ENTRY, b"1"),
        export_transaction(TEST_MAGIC, 1, ENTRY, b"2"),
        op_return=tag_script(TEST_MAGIC, export_tag(1, other)),
    )
    assert done.logs == (NewExport(1, other).encode(), NewExport(2, ENTRY).encode(), NewExport(1, ENTRY).encode())
    assert exported(chain) == 3


@pytest.mark.parametrize(
    "tag",
    [
        Tag(81, 1, b"\1" + ENTRY[:31]),
        Tag(81, 1, b"\1" + ENTRY + b"\0"),
        Tag(81, 3, b"\1" + ENTRY),
        Tag(82, 1, b"\1" + ENTRY),
        Tag(81, 2, b""),
    ],
)
def test_a_tag_of_another_form_is_ignored(tag: Tag) -> None:
    chain = Chain(full_params())
    assert chain.extend(carrier(TEST_MAGIC, tag, b"salt")).logs == ()
    assert exported(chain) == 0


@pytest.mark.checklist(39)
def test_the_manifest_hash_of_an_earlier_block_is_exported() -> None:
    chain = Chain(full_params(height=5))
    sixth = chain.extend()
    chain.extend()
    done = chain.extend(manifest_export_transaction(TEST_MAGIC, 9, Height(6), b"1"))
    assert done.logs == (NewExport(9, sixth.manifest_hash).encode(),)


@pytest.mark.parametrize("height", [0, 5, 7, 8, 2**32 - 1])
@pytest.mark.checklist(39)
def test_heights_up_to_the_anchor_and_from_the_block_itself_on_export_nothing(height: int) -> None:
    chain = Chain(full_params(height=5))
    chain.extend()
    assert chain.extend(manifest_export_transaction(TEST_MAGIC, 9, Height(height), b"1")).logs == ()
    assert exported(chain) == 0


def test_what_goes_beyond_the_limit_of_a_block_is_ignored() -> None:
    protocol = ExportEntries()
    chain = Chain(full_params())
    transaction = export_transaction(TEST_MAGIC, 1, ENTRY, b"")
    malformed = TaggedTransaction(Tag(81, 1), transaction)
    many = [malformed] + [TaggedTransaction(manifest_export_tag(1, Height(number)), transaction) for number in range(protocol.max_logs + 5)]
    assert protocol.requests(many) == tuple(range(protocol.max_logs))
    done = chain.extend(*[export_transaction(TEST_MAGIC, 1, ENTRY, number.to_bytes(2, "big")) for number in range(protocol.max_logs + 5)])
    assert len(done.logs) == protocol.max_logs
    assert exported(chain) == protocol.max_logs


def test_all_subprotocols_together_stay_within_a_manifest() -> None:
    assert sum(protocol.max_logs for protocol in SUBPROTOCOLS) <= MAX_LOGS
    assert sorted(protocol.id for protocol in SUBPROTOCOLS) == [80, 81]


def test_an_instance_without_exports_ignores_them() -> None:
    assert Chain(regtest_params()).extend(export_transaction(TEST_MAGIC, 1, ENTRY, b"1")).logs == ()
