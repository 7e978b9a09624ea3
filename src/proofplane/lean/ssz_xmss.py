"""The SSZ types of XMSS keys and signatures; they depend on the parameter set, so a function makes them.

Verification reads the fixed layout of a signature by itself; these are for whoever needs the types' roots and strict decoding.
Source: leanSpec 43246bd6, `crypto/xmss`; `Signature` counts as of a fixed size although it holds two lists, whose lengths are fixed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from remerkleable.basic import uint64
from remerkleable.tree import Node

from proofplane.base.ids import Hash32
from proofplane.crypto.koalabear import P
from proofplane.crypto.ssz import ContainerCodec, ListCodec, VectorCodec, codec_of
from proofplane.crypto.ssz_basic import UintCodec
from proofplane.crypto.ssz_codec import Codec, MalformedSsz, Raw, expect_size
from proofplane.crypto.xmss import SCHEMES, Scheme

_ELEMENT = UintCodec(4, bound=P)
"""An element of the field ("Fp"); only its canonical form decodes."""

_DIGEST = VectorCodec(_ELEMENT, 8)
_PARAMETER = VectorCodec(_ELEMENT, 5)
_RANDOMNESS = VectorCodec(_ELEMENT, 7)


class _SignatureCodec(Codec):
    """A container of lists whose lengths the scheme fixes, hence of a fixed size."""

    def __init__(self, scheme: Scheme, opening: Codec, digests: Codec) -> None:
        self.size: int = scheme.signature_size
        self._lengths = (scheme.log_lifetime, scheme.dimension)
        self._container = ContainerCodec([opening, _RANDOMNESS, digests])

    def encode(self, value: Any) -> bytes:
        return self._container.encode(value)

    def decode(self, raw: Raw) -> Any:
        expect_size(raw, self.size)
        (siblings,), rho, hashes = self._container.decode(raw)
        if (len(siblings), len(hashes)) != self._lengths:
            raise MalformedSsz(f"a signature with {len(siblings)} siblings and {len(hashes)} chain values; {self._lengths} are due")
        return (siblings,), rho, hashes

    def root(self, value: Any) -> Hash32:
        return self._container.root(value)

    def tree(self, value: Any) -> Node:
        return self._container.tree(value)

    def untree(self, node: Node) -> Any:
        return self._container.untree(node)


@lru_cache(maxsize=len(SCHEMES))
def xmss_codecs(scheme: Scheme) -> Mapping[str, Codec]:
    """The codecs of a parameter set by the specification's type names.

    A layer of the signer's tree is at most two bottom trees wide, which are the square root of the lifetime; that limits every list.
    """
    digests = ListCodec(_DIGEST, 2 << (scheme.log_lifetime // 2))
    opening = ContainerCodec([digests])
    return MappingProxyType(
        {
            "Fp": _ELEMENT,
            "HashTreeOpening": opening,
            "HashTreeLayer": ContainerCodec([codec_of(uint64), digests]),
            "PublicKey": ContainerCodec([_DIGEST, _PARAMETER]),
            "Signature": _SignatureCodec(scheme, opening, digests),
        }
    )
