"""The block proof that works everywhere: the list of the individual XMSS signatures ("naive" proof, magic "NV").

Layout (integers little-endian): "NV", u16 number of components; of each component: message (32), slot u64, u16 number of entries;
of each entry: key (52), u32 length of the signature, signature.

Rules:
1. A proof holds exactly the components that are asked for, in their order, each with its message and slot, and no byte more.
2. The set of a component's keys is the set of the keys asked for; a key may stand in several entries.
3. Every entry verifies, also those of one key.

Entries are read in any order and written sorted by key, one of each.
Source: leanSpec 43246bd6 puts proofs behind an interface; this one is the recorder's and not that of the devnets.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from proofplane.crypto.xmss import PUBLIC_KEY_SIZE, Claim, InvalidSignature, Run, Scheme, verify, verify_packed
from proofplane.lean.config import PROOF_BYTES_LIMIT
from proofplane.lean.proof import CannotBuildProof, Component, ProofInvalid, ProofVerified
from proofplane.lean.types import Root, Slot

_MAGIC = b"NV"
_HEADER = struct.Struct("<2sH")
_COMPONENT = struct.Struct("<32sQH")


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A component as a proof has it."""

    message: Root
    slot: Slot
    start: int
    """Offset of the first entry."""
    keys: tuple[bytes, ...]
    """One an entry. Signatures stay where they are: a block brings half a megabyte of them."""


class SignatureList:
    """The backend for one parameter set; implements `proof.ProofBackend`."""

    def __init__(self, scheme: Scheme) -> None:
        """All signatures are of `scheme`."""
        self._scheme = scheme
        self._entry = struct.Struct(f"<{PUBLIC_KEY_SIZE}sI{scheme.signature_size}s")
        self._key = struct.Struct(f"<{PUBLIC_KEY_SIZE}sI{scheme.signature_size}x")
        """An entry without its signature."""

    @property
    def capacity(self) -> int:
        """Entries that fit the largest proof: 202 in the production set, 1,092 in the test set."""
        return (PROOF_BYTES_LIMIT - _HEADER.size - _COMPONENT.size) // self._entry.size

    def verify_multi(self, components: Sequence[Component], proof: bytes, threads: int) -> ProofVerified:
        """Checks everything else before the first signature, then all signatures in one call; raises `ProofInvalid`."""
        found = self._parse(proof, len(components))
        for place, (component, parsed) in enumerate(zip(components, found, strict=True)):
            if (parsed.message, parsed.slot) != (component.message, component.slot):
                raise ProofInvalid(
                    f"component {place} is about {parsed.message.hex()} in slot {parsed.slot}, "
                    f"not {component.message.hex()} in slot {component.slot}"
                )
            if frozenset(parsed.keys) != frozenset(component.keys):
                raise ProofInvalid(f"component {place} is signed by other keys than those asked for")
        runs = [Run(parsed.message, parsed.slot, parsed.start, len(parsed.keys)) for parsed in found]
        try:
            verified = verify_packed(self._scheme, proof, runs, self._entry.size, threads)
        except InvalidSignature as invalid:
            key, slot = [(key, parsed.slot) for parsed in found for key in parsed.keys][invalid.index]
            raise _false(key, slot) from None
        return ProofVerified(verified.count, verified.spans)

    def verify_single(self, component: Component, proof: bytes, threads: int) -> ProofVerified:
        """A proof of one message is one of several with one component; raises `ProofInvalid`."""
        return self.verify_multi([component], proof, threads)

    def verify_signature(self, key: bytes, slot: Slot, message: Root, signature: bytes) -> None:
        """Checks one signature on the calling thread; raises `ProofInvalid`."""
        try:
            verify(self._scheme, [Claim(key, slot, message, signature)])
        except InvalidSignature:
            raise _false(key, slot) from None

    def merge(self, component: Component, children: Sequence[bytes], votes: Sequence[tuple[bytes, bytes]]) -> bytes:
        """The union of all entries; of several for one key the first, votes after children.

        Raises:
            CannotBuildProof: A child is no proof of this message, the keys are not the component's, or it gets too large.
        """
        signatures: dict[bytes, bytes] = {}
        for place, child in enumerate(children):
            parsed = self._parse_single(child, f"child {place}")
            if (parsed.message, parsed.slot) != (component.message, component.slot):
                raise CannotBuildProof(f"child {place} is about {parsed.message.hex()} in slot {parsed.slot}")
            for key, signature in self._entries(child, parsed):
                signatures.setdefault(key, signature)
        for key, signature in votes:
            if (len(key), len(signature)) != (PUBLIC_KEY_SIZE, self._scheme.signature_size):
                raise CannotBuildProof(f"a vote with a key of {len(key)} and a signature of {len(signature)} bytes")
            signatures.setdefault(key, signature)
        if signatures.keys() != set(component.keys):
            raise CannotBuildProof(f"{len(signatures)} keys have signed, which are not the {len(set(component.keys))} asked for")
        return self._write([(component.message, component.slot, sorted(signatures.items()))])

    def join(self, proofs: Sequence[bytes]) -> bytes:
        """One component after the other; raises `CannotBuildProof` if a part is no proof of one message, or it gets too large."""
        parsed = [self._parse_single(proof, f"part {place}") for place, proof in enumerate(proofs)]
        return self._write([(one.message, one.slot, self._entries(proof, one)) for proof, one in zip(proofs, parsed, strict=True)])

    def _parse(self, proof: bytes, expected: int) -> list[_Parsed]:
        """Reads a proof of as many components; raises `ProofInvalid` on anything that the layout does not allow."""
        if len(proof) > PROOF_BYTES_LIMIT:
            raise ProofInvalid(f"a proof of {len(proof)} bytes; {PROOF_BYTES_LIMIT} are the limit")
        whole = memoryview(proof)
        try:
            magic, count = _HEADER.unpack_from(proof)
            if magic != _MAGIC or count != expected:
                raise ProofInvalid(f"a proof that begins with {magic!r} and {count} components, not {_MAGIC!r} and {expected}")
            found, sizes, at = [], set(), _HEADER.size
            for _ in range(count):
                message, slot, entries = _COMPONENT.unpack_from(proof, at)
                start = at + _COMPONENT.size
                at = start + entries * self._entry.size
                # Entries that are promised and not there leave `at` beyond the end, which is found below.
                read = list(self._key.iter_unpack(whole[start:at]))
                sizes.update([size for _, size in read])
                found.append(_Parsed(message, slot, start, tuple([key for key, _ in read])))
        except struct.error:
            raise ProofInvalid(f"a proof of {len(proof)} bytes ends too early") from None
        if at != len(proof):
            raise ProofInvalid(f"a proof of {len(proof)} bytes has entries for {at}")
        if others := sizes - {self._scheme.signature_size}:
            raise ProofInvalid(f"a signature of {min(others)} bytes; those of {self._scheme.name} have {self._scheme.signature_size}")
        return found

    def _entries(self, proof: bytes, parsed: _Parsed) -> list[tuple[bytes, bytes]]:
        """Keys and signatures of a component of `proof`."""
        whole = memoryview(proof)[parsed.start : parsed.start + len(parsed.keys) * self._entry.size]
        return [(key, signature) for key, _, signature in self._entry.iter_unpack(whole)]

    def _parse_single(self, proof: bytes, what: str) -> _Parsed:
        try:
            return self._parse(proof, 1)[0]
        except ProofInvalid as invalid:
            raise CannotBuildProof(f"{what}: {invalid.detail}") from None

    def _write(self, components: Sequence[tuple[Root, Slot, Sequence[tuple[bytes, bytes]]]]) -> bytes:
        length = _HEADER.size + sum(_COMPONENT.size + len(entries) * self._entry.size for _, _, entries in components)
        if length > PROOF_BYTES_LIMIT:  # below it, no count outgrows its field
            raise CannotBuildProof(f"a proof of {length} bytes; {PROOF_BYTES_LIMIT} are the limit")
        parts = [_HEADER.pack(_MAGIC, len(components))]
        for message, slot, entries in components:
            parts.append(_COMPONENT.pack(message, slot, len(entries)))
            parts += [self._entry.pack(key, len(signature), signature) for key, signature in entries]
        return b"".join(parts)


def _false(key: bytes, slot: Slot) -> ProofInvalid:
    return ProofInvalid(f"the signature of key {key.hex()} in slot {slot} does not hold")
