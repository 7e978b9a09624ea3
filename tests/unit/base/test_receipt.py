"""Unit tests of `proofplane.base.receipt`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.base.ids import hash32
from proofplane.base.receipt import MAX_RECEIPT_FIELD, MAX_VERSION, MalformedReceipt, ProofType, ProverKind, Receipt

_PROGRAMS = st.binary(min_size=32, max_size=32).map(hash32)
_VERSIONS = st.text(max_size=20).filter(lambda text: len(text.encode(errors="replace")) <= MAX_VERSION and text.isprintable())
RECEIPTS = st.one_of(
    st.builds(Receipt, st.binary(), st.binary(), st.sampled_from(ProverKind), _VERSIONS, _PROGRAMS, st.sampled_from(ProofType)),
    st.builds(Receipt, st.binary(), st.binary(), st.sampled_from(ProverKind), _VERSIONS, st.none(), st.just(ProofType.GROTH16)),
)
NEWER = Receipt(b"proof", b"values", ProverKind.NATIVE, "v1", hash32(b"\x07" * 32), ProofType.CORE)


def test_the_file_form_is_as_documented() -> None:
    assert NEWER.encode() == (
        b"\x05\0\0\0\0\0\0\0proof" + b"\x06\0\0\0\0\0\0\0values" + b"\0" + b"\x02\0\0\0\0\0\0\0v1" + b"\x07" * 32 + b"\x01"
    )


@given(RECEIPTS)
def test_every_receipt_reads_back(receipt: Receipt) -> None:
    assert Receipt.decode(receipt.encode()) == receipt


def test_a_receipt_cut_anywhere_is_refused_unless_only_the_newer_part_is_missing() -> None:
    encoded = NEWER.encode()
    older = len(encoded) - 33
    for size in range(len(encoded)):
        if size == older:
            assert Receipt.decode(encoded[:size]).program_id is None
        else:
            with pytest.raises(MalformedReceipt):
                Receipt.decode(encoded[:size])


def test_bytes_after_the_end_are_refused() -> None:
    with pytest.raises(MalformedReceipt, match="1 bytes after the end"):
        Receipt.decode(NEWER.encode() + b"\0")


@pytest.mark.parametrize("place", [27, -1], ids=["prover kind", "proof type"])
def test_unknown_kinds_are_refused(place: int) -> None:
    encoded = bytearray(NEWER.encode())
    encoded[place] = 99
    with pytest.raises(MalformedReceipt, match="unknown value"):
        Receipt.decode(bytes(encoded))


def test_a_version_that_is_no_text_is_refused() -> None:
    with pytest.raises(MalformedReceipt):
        Receipt.decode(NEWER.encode().replace(b"v1", b"\xff\xff"))


def test_a_length_beyond_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(MalformedReceipt, match="claims"):
        Receipt.decode((MAX_RECEIPT_FIELD + 1).to_bytes(8, "little") + b"x")


def test_a_receipt_that_could_not_be_read_back_cannot_be_made() -> None:
    with pytest.raises(MalformedReceipt, match="proof"):
        Receipt(bytes(MAX_RECEIPT_FIELD + 1), b"", ProverKind.SP1, "v", None, ProofType.GROTH16)
    with pytest.raises(MalformedReceipt, match="version"):
        Receipt(b"", b"", ProverKind.SP1, "v" * (MAX_VERSION + 1), None, ProofType.GROTH16)
    with pytest.raises(MalformedReceipt, match="without a program id"):
        Receipt(b"", b"", ProverKind.SP1, "v", None, ProofType.CORE)
    with pytest.raises(MalformedReceipt, match="program id has 32"):
        Receipt(b"", b"", ProverKind.SP1, "v", b"short")  # type: ignore[arg-type]  # what a careless caller does
