"""SSZ codecs by the specification's type names, as test vectors call them."""

from __future__ import annotations

import re

from remerkleable.basic import boolean, uint8, uint16, uint32, uint64
from remerkleable.bitfields import Bitlist, Bitvector
from remerkleable.byte_arrays import Bytes32, ByteVector
from remerkleable.complex import List, Vector

from proofplane.base.errors import CallerMistake
from proofplane.crypto.ssz import ContainerCodec, ListCodec, codec_of
from proofplane.crypto.ssz_codec import Codec
from proofplane.crypto.xmss import Scheme
from proofplane.lean import ssz
from proofplane.lean.ssz_xmss import xmss_codecs

_UINTS = {"8": uint8, "16": uint16, "32": uint32, "64": uint64}

_BLOCKS_BY_ROOT_LIMIT = 1024
"""Roots of a request."""

_NAMED = {
    "AggregatedAttestation": ssz.AggregatedAttestation,
    "AggregatedAttestations": ssz.AggregatedAttestations,
    "AggregationBits": ssz.AggregationBits,
    "Attestation": ssz.Attestation,
    "AttestationData": ssz.AttestationData,
    "AttestationSubnets": Bitvector[64],
    "Block": ssz.Block,
    "BlockBody": ssz.BlockBody,
    "BlockHeader": ssz.BlockHeader,
    "Boolean": boolean,
    "ByteList512KiB": ssz.Proof,
    "Checkpoint": ssz.Checkpoint,
    "Config": ssz.GenesisConfig,
    "GenesisConfig": ssz.GenesisConfig,
    "HistoricalBlockHashes": ssz.HistoricalBlockHashes,
    "JustificationRoots": ssz.JustificationRoots,
    "JustificationValidators": ssz.JustificationValidators,
    "JustifiedSlots": ssz.JustifiedSlots,
    "MultiMessageAggregate": ssz.MultiMessageAggregate,
    "SignedAggregatedAttestation": ssz.SignedAggregatedAttestation,
    "SignedBlock": ssz.SignedBlock,
    "SingleMessageAggregate": ssz.SingleMessageAggregate,
    "State": ssz.State,
    "Validator": ssz.Validator,
    "Validators": ssz.Validators,
}

_NUMBER = "[1-9][0-9]{0,17}"
"""Elements or bytes: as many as fit the deepest tree of zeros."""

_BITS = re.compile(rf"[A-Za-z]*?Bit(?P<kind>list|vector)(?P<length>{_NUMBER})")
_ITEMS = re.compile(rf"[A-Za-z]*?(?:Uint(?P<bits>8|16|32|64)|Bytes(?P<size>{_NUMBER}))(?P<kind>List|Vector)(?P<length>{_NUMBER})")
"""Types that only the vectors have: any letters, then what the elements are, what holds them, and how many at most."""


class UnknownType(CallerMistake):
    """A name that stands for no type here."""


def named_codec(name: str, scheme: Scheme) -> Codec:
    """The codec of a type.

    Args:
        name: As in the "typeName" of a vector: a container, a basic type, or the shape of one ("SampleUint32List16").
        scheme: The parameter set, for types that hold signatures.

    Raises:
        UnknownType: No such type.
    """
    if name in _NAMED:
        return codec_of(_NAMED[name])
    xmss = xmss_codecs(scheme)
    if name in xmss:
        return xmss[name]
    if name == "SignedAttestation":
        return ContainerCodec([codec_of(uint64), codec_of(ssz.AttestationData), xmss["Signature"]])
    if name == "Status":
        return ContainerCodec([codec_of(ssz.Checkpoint), codec_of(ssz.Checkpoint)])
    if name == "BlocksByRootRequest":
        return ContainerCodec([ListCodec(codec_of(Bytes32), _BLOCKS_BY_ROOT_LIMIT)])
    if basic := re.fullmatch(r"Uint(8|16|32|64)", name):
        return codec_of(_UINTS[basic[1]])
    if basic := re.fullmatch(rf"Bytes({_NUMBER})", name):
        return codec_of(ByteVector[int(basic[1])])
    if shape := _BITS.fullmatch(name):
        return codec_of((Bitlist if shape["kind"] == "list" else Bitvector)[int(shape["length"])])
    if shape := _ITEMS.fullmatch(name):
        item = _UINTS[shape["bits"]] if shape["bits"] else ByteVector[int(shape["size"])]
        return codec_of((List if shape["kind"] == "List" else Vector)[item, int(shape["length"])])
    raise UnknownType(f"no SSZ type is called {name!r}")
