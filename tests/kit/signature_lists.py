"""Proofs that are lists of signatures, written and read by hand: the model of `proofplane.lean.signature_list`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from kit import xmss_keys
from proofplane.lean.proof import Component
from proofplane.lean.types import Root, Slot

Entry = tuple[bytes, bytes]
"""Key and signature."""


def component(numbers: Sequence[int], slot: int, message: Root) -> Component:
    """What the keys of these numbers have to sign."""
    return Component(tuple(xmss_keys.public(number) for number in numbers), message, Slot(slot))


def entry(number: int, slot: int, message: bytes) -> Entry:
    """What the key of this number signed."""
    return xmss_keys.public(number), xmss_keys.signature(number, slot, message)


def signed(wanted: Component) -> list[Entry]:
    """The entries that prove a component of `component`."""
    numbers = {xmss_keys.public(number): number for number in range(8)}
    return sorted(entry(numbers[key], wanted.slot, wanted.message) for key in wanted.keys)


def proof_of(*components: Component) -> bytes:
    """The proof of these components."""
    return written([(wanted.message, wanted.slot, signed(wanted)) for wanted in components])


def written(components: Sequence[tuple[bytes, int, Sequence[Entry]]]) -> bytes:
    """The bytes, whatever they claim."""
    raw = b"NV" + len(components).to_bytes(2, "little")
    for message, slot, entries in components:
        raw += message + slot.to_bytes(8, "little") + len(entries).to_bytes(2, "little")
        for key, signature in entries:
            raw += key + len(signature).to_bytes(4, "little") + signature
    return raw


@dataclass
class NaiveProof:
    """A proof that may be wrong in any way that the layout allows."""

    components: list[tuple[bytes, int, list[Entry]]]

    @classmethod
    def draw(cls, data: st.DataObject, wanted: Sequence[Component]) -> NaiveProof:
        """One for these components, often right, sometimes with entries left out, doubled or exchanged."""
        components = []
        for one in wanted:
            entries = data.draw(st.permutations(signed(one)))
            if data.draw(st.integers(0, 3)) == 0:
                entries = data.draw(
                    st.lists(st.sampled_from([*entries, entry(7, one.slot, one.message), entry(1, 0, one.message)]), max_size=3)
                )
            components.append((one.message, int(one.slot), entries))
        return cls(components)

    def write(self) -> bytes:
        """The bytes."""
        return written(self.components)

    @staticmethod
    def proves(proof: bytes, wanted: Sequence[Component]) -> bool:
        """Whether the bytes prove the components; a signature is true if it is the one that the key really made."""
        rest = proof

        def take(size: int) -> bytes:
            nonlocal rest
            if size > len(rest):
                raise EOFError
            taken, rest = rest[:size], rest[size:]
            return taken

        try:
            if take(2) != b"NV" or int.from_bytes(take(2), "little") != len(wanted):
                return False
            for one in wanted:
                true = dict(entry(number, one.slot, one.message) for number in range(8))
                if take(32) != one.message or int.from_bytes(take(8), "little") != one.slot:
                    return False
                keys = set()
                for _ in range(int.from_bytes(take(2), "little")):
                    key = take(52)
                    keys.add(key)
                    if take(int.from_bytes(take(4), "little")) != true.get(key):
                        return False
                if keys != set(one.keys):
                    return False
        except EOFError:
            return False
        return not rest
