"""What belongs to a kind of predicate: the backend that meets it, the prover that its receipts name, and how people call it."""

from __future__ import annotations

from dataclasses import dataclass

from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.base.receipt import ProverKind


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of proof that a node makes."""

    backend: str
    """The setting that chooses it for steps."""
    prover: ProverKind
    """What a receipt of this kind says about who made it."""
    key: str
    """Its name in JSON."""
    label: str
    """Its name for people."""
    phrase: str
    """The same in a sentence that explains itself: a proof of this kind, with its article."""


NATIVE = Kind("native", ProverKind.NATIVE, "native", "native", "a signed (native) proof")
"""A signature by whoever ran the program: an attestation."""

ULTRA_HONK = Kind("barretenberg", ProverKind.BARRETENBERG, "ultra_honk", "UltraHonk", "a Barretenberg (UltraHonk) proof")
"""A circuit's proof by `bb`."""

_KINDS = {PredicateKind.SCHNORR: NATIVE, PredicateKind.ULTRA_HONK: ULTRA_HONK}


def kind_of(predicate: Predicate) -> Kind | None:
    """The kind of proof that meets a predicate; None for one that no backend of a node meets."""
    return next((kind for number, kind in _KINDS.items() if number == predicate.kind), None)


def label_of(key: str) -> str:
    """How people call the kind with this name in JSON."""
    return next((kind.label for kind in _KINDS.values() if kind.key == key), key)
