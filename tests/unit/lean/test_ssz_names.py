"""Tests of the SSZ types by name, and of XMSS types among them, against `remerkleable`'s views."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from remerkleable.basic import uint8, uint16, uint32, uint64
from remerkleable.bitfields import Bitlist, Bitvector
from remerkleable.byte_arrays import Bytes32, ByteVector
from remerkleable.complex import Container, List, Vector

from kit.ssz_oracle import values_of, view_of
from proofplane.crypto.koalabear import P
from proofplane.crypto.ssz_codec import MalformedSsz
from proofplane.crypto.xmss import PROD, TEST, Scheme
from proofplane.lean import ssz
from proofplane.lean.ssz_names import UnknownType, named_codec

Digest = Vector[uint32, 8]


class Opening(Container):
    """Siblings of the test parameters."""

    siblings: List[Digest, 32]


class Layer(Container):
    """A row of the signer's tree."""

    start_index: uint64
    nodes: List[Digest, 32]


class Signature(Container):
    """Of the test parameters; `remerkleable` does not know that its size is fixed."""

    path: Opening
    rho: Vector[uint32, 7]
    hashes: List[Digest, 32]


class Request(Container):
    """Blocks that a peer asks for."""

    roots: List[Bytes32, 1024]


SHAPES = {
    "Uint16": uint16,
    "Bytes52": ByteVector[52],
    "SampleBitlist16": Bitlist[16],
    "BoundaryBitlist256": Bitlist[256],
    "DecodeBitvector16": Bitvector[16],
    "BoundaryBitvector257": Bitvector[257],
    "SampleBytes32List8": List[Bytes32, 8],
    "SampleUint32List16": List[uint32, 16],
    "BoundaryUint64List32": List[uint64, 32],
    "SampleUint16Vector3": Vector[uint16, 3],
    "SampleUint64Vector4": Vector[uint64, 4],
    "AnyOtherWordsBitlist7": Bitlist[7],
    "lowerBitvector1": Bitvector[1],
    "Uint8List300": List[uint8, 300],
    "Bytes48Vector2": Vector[ByteVector[48], 2],
    "Config": ssz.GenesisConfig,
    "BlocksByRootRequest": Request,
}


def plain_signature(scheme: Scheme = TEST, filling: int = 3) -> Any:
    """A signature full of one number."""
    digest = (filling,) * 8
    return ((digest,) * scheme.log_lifetime,), (filling,) * 7, (digest,) * scheme.dimension


@pytest.mark.parametrize("name", SHAPES)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_name_stands_for_its_shape(name: str, data: st.DataObject) -> None:
    value = data.draw(values_of(SHAPES[name]))
    codec, view = named_codec(name, TEST), view_of(SHAPES[name], value)
    assert codec.encode(value) == view.encode_bytes()
    assert codec.root(value) == view.hash_tree_root()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Unheard",
        "Uint24",
        "Bytes0",
        "Bytes032",
        "SampleBitlist",
        "SampleBool8",
        "SampleBitList8",
        "SampleBitVector8",
        "SampleBit8list8",
        "SampleBitlist0",
        "SampleBitlist08",
        "SampleBitvector\u0663",
        "Sample Bitlist8",
        "SampleUint24List8",
        "SampleUintList8",
        "SampleUint32list8",
        "SampleUint32Vector0",
        "SampleBytesList8",
        "SampleBytes0Vector8",
        "SampleBytes32vector8",
        "SampleBitlist1000000000000000000000",
    ],
)
def test_a_name_that_nobody_gave_is_unknown(name: str) -> None:
    with pytest.raises(UnknownType):
        named_codec(name, TEST)


@pytest.mark.parametrize("scheme", [TEST, PROD], ids=lambda scheme: scheme.name)
def test_a_signature_has_the_size_of_its_scheme_also_inside_a_vote(scheme: Scheme) -> None:
    signature, vote = named_codec("Signature", scheme), named_codec("SignedAttestation", scheme)
    raw = signature.encode(plain_signature(scheme))
    assert len(raw) == scheme.signature_size == signature.size
    assert signature.decode(raw) == plain_signature(scheme)
    assert vote.size == 136 + scheme.signature_size
    assert vote.decode(bytes(136) + raw)[2] == plain_signature(scheme)


def test_roots_of_xmss_types_are_their_views() -> None:
    digest = tuple(range(8))
    for name, schema, value in [
        ("HashTreeOpening", Opening, ((digest,) * 3,)),
        ("HashTreeLayer", Layer, (42, (digest,) * 2)),
        ("Signature", Signature, plain_signature()),
    ]:
        codec, view = named_codec(name, TEST), view_of(schema, value)
        assert codec.encode(value) == view.encode_bytes()
        assert codec.root(value) == view.hash_tree_root()
        assert codec.untree(codec.tree(value)) == value


@pytest.mark.parametrize("place", [32, 40, 420], ids=["rho", "siblings", "chain values"])
def test_an_element_that_is_not_below_the_modulus_does_not_decode(place: int) -> None:
    codec = named_codec("Signature", TEST)
    raw = codec.encode(plain_signature())
    at = 4 if place == 32 else place
    codec.decode(raw[:at] + (P - 1).to_bytes(4, "little") + raw[at + 4 :])
    with pytest.raises(MalformedSsz):
        codec.decode(raw[:at] + P.to_bytes(4, "little") + raw[at + 4 :])


def test_a_signature_with_a_sibling_less_and_a_chain_value_more_does_not_decode() -> None:
    (siblings,), rho, hashes = plain_signature()
    codec = named_codec("Signature", TEST)
    raw = codec.encode(((siblings[1:],), rho, (*hashes, siblings[0])))
    assert len(raw) == codec.size
    with pytest.raises(MalformedSsz, match="7 siblings and 5 chain values"):
        codec.decode(raw)
