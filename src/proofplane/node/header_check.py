"""The check of predicate `ULTRA_HONK`: a header step's claim, what its receipt carries, and the circuit's proof, held against each other.

Three parts, all of which must hold: everything that needs no header (`anchor.header_claim`), that the circuit is the one for the block's
place in its epoch, and the circuit's proof over the commitments of exactly these header states and this hash, verified by `bb`.
The keys are the committed ones; a predicate that names others cannot be checked by this version.
"""

from __future__ import annotations

from functools import cache

from proofplane.anchor.header_claim import HeaderStep, hold
from proofplane.barretenberg.blocking import BlockingVerifier
from proofplane.barretenberg.circuits.errors import Unprovable
from proofplane.barretenberg.circuits.header_step import circuit_for, public_inputs, step_keys
from proofplane.barretenberg.errors import ProofFlaw, ProofRefused
from proofplane.barretenberg.flavors import Flavor
from proofplane.barretenberg.keys import VerificationKey
from proofplane.barretenberg.proofs import UltraHonkProof
from proofplane.base.errors import NeverAgain, ProofplaneError, Refused, TryAgain
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.crypto.predicates import CheckUnavailable, PredicateNotMet, PredicateReason

FLAVOR = Flavor.NOIR_RECURSIVE_NO_ZK
"""Headers are public, so nothing is hidden, and proofs are smaller and faster for it."""


class UnknownKeys(NeverAgain):
    """The predicate names other verification keys than this version's circuits have: their proofs cannot be checked by it."""


@cache
def step_predicate() -> Predicate:
    """The predicate that proofs of the header circuits meet: the keys' SHA-256, joined."""
    return Predicate(PredicateKind.ULTRA_HONK, b"".join(key.sha256 for key in step_keys()))


class HeaderCheck:
    """Checks with `bb`; may be called from several threads."""

    def __init__(self, verifier: BlockingVerifier) -> None:
        """Takes who asks `bb`."""
        self._verifier = verifier

    def __call__(self, predicate: Predicate, claim: bytes, witness: bytes) -> None:
        """Checks one step.

        Raises:
            PredicateNotMet: The step is not proved.
            UnknownKeys: It is about other circuits.
            TryAgain: `bb` could not be asked; nothing is said about the step.
        """
        if predicate.condition != step_predicate().condition:
            raise UnknownKeys(f"the predicate {predicate} names other verification keys than this version's circuits have")
        try:
            step = hold(claim, witness)
            inputs = public_inputs(step.before, step.after)
            key, proof = _key_for(step), UltraHonkProof(step.proof)
        except (Refused, Unprovable) as error:
            raise PredicateNotMet(predicate, PredicateReason.PROOF, str(error)) from error
        try:
            self._verifier.verify(key, inputs, proof, FLAVOR)
        except ProofRefused as error:
            detail = error.detail if error.reason is ProofFlaw.FALSE else str(error)  # "refused: false" would say nothing more
            raise PredicateNotMet(predicate, PredicateReason.PROOF, detail) from error
        except TryAgain:
            raise
        except ProofplaneError as error:  # of the binary or its files: no verdict, whatever its family
            raise CheckUnavailable(f"the proof could not be checked: {error}") from error


class WrongCircuit(Refused):
    """The proof is said to be of another circuit than the block's place in its epoch asks for."""


def _key_for(step: HeaderStep) -> VerificationKey:
    circuit = circuit_for(step.before)
    if step.circuit != circuit:
        raise WrongCircuit(f"block {step.after.last} takes the circuit {circuit.name.lower()}, the proof is of circuit {step.circuit}")
    return step_keys()[circuit]
