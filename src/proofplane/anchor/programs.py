"""The two programs that are proved: one block's step, and the recursion that chains steps from the anchor on (alpenlabs/moho).

Both take serialised inputs only and compute everything again; what does not hold they refuse as `Unexecutable`, so a prover that is handed
a false state signs nothing. Their public values are all that a verifier sees:

| program | prerequisites | public values |
| --- | --- | --- |
| step | none | the step attestation, 128 bytes |
| recursive | the step's receipt, then the parent's recursive receipt unless the proof begins at the parent | the SSZ recursive claim |

Not guaranteed by the recursive program: where it began, and under which Moho predicate.
Both are in the claim, and who checks it compares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from proofplane.anchor.aux_data import AuxData
from proofplane.anchor.moho import PREDICATE_INDEX, MohoState, fold, predicate_root
from proofplane.anchor.state import AnchorState
from proofplane.anchor.transition import apply
from proofplane.base.attestation import RecursiveAttestation, RecursiveClaim, StateAttestation, StepAttestation
from proofplane.base.errors import CallerMistake, NeverAgain, Refused
from proofplane.base.ids import HASH_SIZE, Hash32
from proofplane.base.predicate import Predicate
from proofplane.base.receipt import Receipt
from proofplane.bitcoin.body import CoinbaseInclusionProof
from proofplane.crypto import predicates
from proofplane.crypto.hashes import sha256
from proofplane.crypto.merkle import branch_root
from proofplane.crypto.predicates import Check

STEP_PROGRAM_ID = Hash32(sha256(b"proofplane/anchor/step/1"))
"""Names the step program; a change of its meaning or its input takes another version."""

RECURSIVE_PROGRAM_ID = Hash32(sha256(b"proofplane/anchor/recursive/1"))
"""Names the recursive program; a change of its meaning or its input takes another version."""

_REFUSALS = (Refused, CallerMistake, NeverAgain)
"""What an input can be guilty of. Anything else that is raised is our failure, not the input's, and passes through."""

_Digest = Annotated[bytes, msgspec.Meta(min_length=HASH_SIZE, max_length=HASH_SIZE)]


class Unexecutable(NeverAgain):
    """The program does not run on this input, and never will."""


class InvalidMerkleProof(Unexecutable):
    """The step predicate is not the one in the state that the step starts from."""


class InvalidIncrementalProof(Unexecutable):
    """The step's receipt does not hold under the step predicate."""


class InvalidRecursiveProof(Unexecutable):
    """The previous recursive receipt does not hold under the Moho predicate, or was made for another one."""


class InvalidMohoChain(Unexecutable):
    """The step does not start where the previous recursive proof ends."""


class StepInput(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What the step program runs on; the states are the parent's."""

    moho_state: bytes
    """SSZ."""
    anchor_state: bytes
    """SSZ; its tree-hash root must be the Moho state's inner state."""
    payload: bytes
    """The block in consensus bytes, or its header, by the anchor state's mode."""
    aux: bytes
    """Aux data, encoded."""
    inclusion_proof: bytes | None
    """That the coinbase is in the block, encoded; None in headers-only mode, or where it is not needed."""


class RecursiveInput(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What the recursive program runs on, besides its prerequisites."""

    moho_predicate: bytes
    """SSZ; under which recursive proofs are made."""
    step_predicate: bytes
    """SSZ; under which the step was proved."""
    opening: tuple[_Digest, _Digest]
    """Siblings, lowest first, that lead from the step predicate's root to the commitment that the step starts from."""


def encode_step_input(moho_state: bytes, anchor_state: bytes, payload: bytes, aux: bytes, inclusion_proof: bytes | None) -> bytes:
    """The step program's input; the fields are those of `StepInput`."""
    return msgspec.msgpack.encode(StepInput(moho_state, anchor_state, payload, aux, inclusion_proof))


def encode_recursive_input(moho_predicate: Predicate, step_predicate: Predicate, opening: tuple[Hash32, ...]) -> bytes:
    """The recursive program's input; `opening` are the two siblings of `MohoState.opening` of the parent."""
    siblings = (opening[0], opening[1])
    return msgspec.msgpack.encode(RecursiveInput(moho_predicate.encode(), step_predicate.encode(), siblings))


def decode_step_input(body: bytes) -> StepInput:
    """Reads `encode_step_input`; raises `Unexecutable` for anything else."""
    try:
        return _STEP_DECODER.decode(body)
    except msgspec.MsgspecError as error:
        raise Unexecutable(f"no step input: {error}") from None


def run_step(body: bytes, prerequisites: Sequence[Receipt]) -> bytes:
    """Runs the step program on an encoded `StepInput` and returns its public values: the step attestation.

    Raises:
        Unexecutable: The input cannot be read, the states do not belong together, or the block does not follow; the cause is chained.
    """
    if prerequisites:
        raise Unexecutable(f"a step has no prerequisites, not {len(prerequisites)}")
    try:
        return _step(decode_step_input(body)).encode()
    except Unexecutable:
        raise
    except _REFUSALS as error:
        raise Unexecutable(f"the step does not hold: {error}") from error


def run_recursive(body: bytes, prerequisites: Sequence[Receipt], check: Check = predicates.check) -> bytes:
    """Runs the recursive program on an encoded `RecursiveInput` and returns its public values: the recursive claim.

    Args:
        body: The encoded input.
        prerequisites: The step's receipt, then the previous recursive receipt; without the latter the proof begins at the step's start.
        check: Checks the receipts; one that could not look (`TryAgain`, `Broken`) says nothing about them, and its error passes through.

    Raises:
        InvalidMerkleProof, InvalidIncrementalProof, InvalidRecursiveProof, InvalidMohoChain: See there; checked in this order.
        Unexecutable: The input cannot be read.
    """
    if not 1 <= len(prerequisites) <= 2:
        raise Unexecutable(f"a recursive proof has 1 or 2 prerequisites, not {len(prerequisites)}")
    try:
        given = _RECURSIVE_DECODER.decode(body)
        moho_predicate = Predicate.decode(given.moho_predicate)
        step_predicate = Predicate.decode(given.step_predicate)
    except (msgspec.MsgspecError, Refused) as error:
        raise Unexecutable(f"no recursive input: {error}") from None
    step = _proven_step(prerequisites[0], step_predicate, given.opening, check)
    if len(prerequisites) == 1:
        attestation = RecursiveAttestation(step.before, step.after)
    else:
        previous = _proven_chain(prerequisites[1], moho_predicate, check)
        if previous.proven != step.before:
            raise InvalidMohoChain(f"the chain is proven up to {_describe(previous.proven)}, the step starts from {_describe(step.before)}")
        attestation = RecursiveAttestation(previous.genesis, step.after)
    return RecursiveClaim(attestation, moho_predicate).encode()


_STEP_DECODER = msgspec.msgpack.Decoder(StepInput)
_RECURSIVE_DECODER = msgspec.msgpack.Decoder(RecursiveInput)


def _step(given: StepInput) -> StepAttestation:
    moho = MohoState.decode(given.moho_state)
    state = AnchorState.decode(given.anchor_state)
    if state.commitment() != moho.inner:
        raise Unexecutable(f"the anchor state has the commitment {state.commitment().hex()}, the Moho state is over {moho.inner.hex()}")
    proof = None if given.inclusion_proof is None else CoinbaseInclusionProof.decode(given.inclusion_proof)
    after = apply(state, given.payload, AuxData.decode(given.aux), proof)
    moho_after, _ = fold(moho, after.state.commitment(), after.logs)
    return StepAttestation(
        StateAttestation(state.block.block_id, moho.commitment()),
        StateAttestation(after.state.block.block_id, moho_after.commitment()),
    )


def _proven_step(receipt: Receipt, predicate: Predicate, opening: Sequence[bytes], check: Check) -> StepAttestation:
    """The step that `receipt` proves, under a predicate that the state before it authorises."""
    try:
        step = StepAttestation.decode(receipt.public_values)
    except Refused as error:
        raise InvalidIncrementalProof(f"the step's public values: {error}") from None
    if branch_root(predicate_root(predicate), PREDICATE_INDEX, opening) != step.before.commitment:
        raise InvalidMerkleProof(f"the state {_describe(step.before)} does not name the step predicate {predicate}")
    try:
        check(predicate, receipt.public_values, receipt.proof)
    except _REFUSALS as error:
        raise InvalidIncrementalProof(f"the step up to {_describe(step.after)}: {error}") from error
    return step


def _proven_chain(receipt: Receipt, predicate: Predicate, check: Check) -> RecursiveAttestation:
    try:
        claim = RecursiveClaim.decode(receipt.public_values)
        if claim.moho_predicate != predicate:
            raise InvalidRecursiveProof(f"the previous proof was made for the predicate {claim.moho_predicate}, not {predicate}")
        check(predicate, receipt.public_values, receipt.proof)
    except InvalidRecursiveProof:
        raise
    except _REFUSALS as error:
        raise InvalidRecursiveProof(f"the previous recursive proof: {error}") from error
    return claim.attestation


def _describe(state: StateAttestation) -> str:
    return f"{state.commitment.hex()[:16]} at block {state.reference}"
