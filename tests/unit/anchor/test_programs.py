"""Tests of the step and the recursive program."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import msgspec
import pytest

from proofplane.anchor.aux_data import AuxData, AuxRefused
from proofplane.anchor.moho import MohoState, fold, genesis_moho
from proofplane.anchor.programs import (
    RECURSIVE_PROGRAM_ID,
    STEP_PROGRAM_ID,
    InvalidIncrementalProof,
    InvalidMerkleProof,
    InvalidMohoChain,
    InvalidRecursiveProof,
    Unexecutable,
    encode_recursive_input,
    encode_step_input,
    run_recursive,
    run_step,
)
from proofplane.anchor.state import AnchorState, Section
from proofplane.anchor.subprotocols.carrier import carrier
from proofplane.anchor.subprotocols.export import export_transaction, manifest_export_transaction
from proofplane.anchor.subprotocols.upgrade import UpgradeSection, upgrade_transaction
from proofplane.anchor.transition import apply_stored, inclusion_proof
from proofplane.anchor.types import AnchorParams, Mode
from proofplane.base.attestation import RecursiveAttestation, RecursiveClaim, StateAttestation, StepAttestation
from proofplane.base.errors import NeverAgain
from proofplane.base.ids import Hash32, Height
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.base.receipt import ProverKind, Receipt
from proofplane.bitcoin.body import BodyRejected
from proofplane.bitcoin.rules import ContinuityError
from proofplane.bitcoin.sps50 import TEST_MAGIC, Tag
from proofplane.bitcoin.transaction import Transaction
from proofplane.crypto.hashes import sha256
from proofplane.crypto.predicates import CheckUnavailable, PredicateHolds
from proofplane.crypto.schnorr import SigningKey
from unit.anchor.chains import KEYS, SIGNERS, Chain, full_params, regtest_params

STEP_KEY, MOHO_KEY, NEW_STEP_KEY = (SigningKey(bytes([number]) * 32) for number in (7, 8, 9))
NO_AUX = AuxData().encode()


def schnorr(key: SigningKey) -> Predicate:
    """The predicate that a key's signatures meet."""
    return Predicate(PredicateKind.SCHNORR, key.public().raw)


MOHO = schnorr(MOHO_KEY)


def receipt(key: SigningKey, values: bytes, program: Hash32 = STEP_PROGRAM_ID) -> Receipt:
    """What the native prover hands back."""
    return Receipt(key.sign(values), values, ProverKind.NATIVE, "test", program)


@dataclass
class Block:
    """A block with what the programs take for it."""

    before: MohoState
    after: MohoState
    step_input: bytes
    attestation: StepAttestation

    def recursive_input(self, predicate: Predicate | None = None) -> bytes:
        """The recursive input for the block, by default with the predicate of the state before it."""
        return encode_recursive_input(MOHO, predicate or self.before.next_predicate, self.before.opening()[1])


class Proved(Chain):
    """A chain whose Moho states are kept."""

    def __init__(self, params: AnchorParams) -> None:
        super().__init__(params)
        self.moho = genesis_moho(self.state.commitment(), schnorr(STEP_KEY))

    def block(self, *transactions: Transaction) -> Block:
        """Mines a block, takes the states over it."""
        payload = self.payload(self.mine(transactions))
        aux = self.aux(payload).encode()
        proof = inclusion_proof(self.params.mode, payload)
        state, moho = self.state, self.moho
        body = encode_step_input(moho.encode(), state.encode(), payload, aux, None if proof is None else proof.encode())
        done = apply_stored(state, payload, aux)
        self.moho, _ = fold(moho, done.state.commitment(), done.logs)
        self.state = done.state
        self.leaves.append(done.manifest_hash)
        before = StateAttestation(state.block.block_id, moho.commitment())
        after = StateAttestation(done.state.block.block_id, self.moho.commitment())
        return Block(moho, self.moho, body, StepAttestation(before, after))


def altered(body: bytes, place: int, value: object) -> bytes:
    """An encoded input with another field."""
    fields = msgspec.msgpack.decode(body)
    fields[place] = value
    return msgspec.msgpack.encode(fields)


@pytest.fixture
def chain() -> Proved:
    """A headers-only chain."""
    return Proved(regtest_params(Mode.HEADERS_ONLY))


def test_the_program_ids_are_those_of_their_versioned_names() -> None:
    assert sha256(b"proofplane/anchor/step/1") == STEP_PROGRAM_ID
    assert sha256(b"proofplane/anchor/recursive/1") == RECURSIVE_PROGRAM_ID


def test_the_step_attests_the_states_before_and_after_a_header(chain: Proved) -> None:
    for _ in range(3):
        block = chain.block()
        assert run_step(block.step_input, ()) == block.attestation.encode()


def test_the_step_attests_a_full_block_with_every_subprotocol_and_a_witness() -> None:
    chain = Proved(full_params(height=5))
    chain.block()
    block = chain.block(
        export_transaction(TEST_MAGIC, 1, Hash32(bytes(32)), b"1"),
        manifest_export_transaction(TEST_MAGIC, 2, Height(6), b"2"),
        upgrade_transaction(TEST_MAGIC, 0, schnorr(NEW_STEP_KEY), {0: SIGNERS[0], 1: SIGNERS[1]}),
    )
    assert run_step(block.step_input, ()) == block.attestation.encode()
    assert [exported.id for exported in block.after.exports] == [1, 2]
    assert block.after.next_predicate == schnorr(NEW_STEP_KEY)


def test_a_moho_state_over_another_anchor_state_is_unexecutable(chain: Proved) -> None:
    first, second = chain.block(), chain.block()
    with pytest.raises(Unexecutable, match="the Moho state is over"):
        run_step(altered(second.step_input, 0, first.before.encode()), ())


def hostile(state: AnchorState, **changes: object) -> AnchorState:
    """A state with another header state."""
    return replace(state, pow=replace(state.pow, **changes))  # type: ignore[arg-type]  # the fields vary from case to case


HOSTILE: dict[str, Callable[[AnchorState], AnchorState]] = {
    "work": lambda state: hostile(state, work=2**256 - 1),
    "last sequence": lambda state: replace(state, sections=(Section(80, UpgradeSection(2**64 - 1, 2, KEYS).encode()), state.sections[1])),
    "no threshold": lambda state: replace(state, sections=(Section(80, UpgradeSection(0, 0, KEYS).encode()), state.sections[1])),
    "no point": lambda state: replace(
        state, sections=(Section(80, UpgradeSection(0, 2, (Hash32(b"\xff" * 32), *KEYS[1:])).encode()), state.sections[1])
    ),
    "export count": lambda state: replace(state, sections=(state.sections[0], Section(81, b"\xff" * 8))),
    "no section": lambda state: replace(state, sections=(Section(80, b""), state.sections[1])),
    "next bits": lambda state: hostile(state, next_bits=0x217FFFFF),
    "last height": lambda state: hostile(state, last=replace(state.pow.last, height=Height(2**32 - 1))),
}


@pytest.mark.parametrize("damage", HOSTILE.values(), ids=list(HOSTILE))
def test_a_made_up_state_is_executed_or_unexecutable_and_nothing_else(damage: Callable[[AnchorState], AnchorState]) -> None:
    # Given a state that never was, and a Moho state that agrees with it
    chain = Proved(full_params(height=5))
    state = damage(chain.state)
    sequence = UpgradeSection(2**64 - 1, 2, KEYS).sequence
    payload = chain.payload(
        chain.mine(
            [
                export_transaction(TEST_MAGIC, 1, Hash32(bytes(32)), b"1"),
                upgrade_transaction(TEST_MAGIC, 0, schnorr(NEW_STEP_KEY), {0: SIGNERS[0], 1: SIGNERS[1]}, b"2"),
                upgrade_transaction(TEST_MAGIC, sequence, schnorr(NEW_STEP_KEY), {0: SIGNERS[0], 1: SIGNERS[1]}, b"3"),
            ]
        )
    )
    proof = inclusion_proof(Mode.FULL_BLOCK, payload)
    assert proof is not None
    moho = genesis_moho(state.commitment(), schnorr(STEP_KEY))
    body = encode_step_input(moho.encode(), state.encode(), payload, NO_AUX, proof.encode())
    # Then the program ends in one of the two ways that it has
    with suppress(Unexecutable):
        assert len(run_step(body, ())) == 128


def test_a_threshold_of_0_approves_nothing() -> None:
    chain = Proved(full_params(height=5))
    state = HOSTILE["no threshold"](chain.state)
    payload = chain.payload(chain.mine([upgrade_transaction(TEST_MAGIC, 0, schnorr(NEW_STEP_KEY), {})]))
    moho = genesis_moho(state.commitment(), schnorr(STEP_KEY))
    proof = inclusion_proof(Mode.FULL_BLOCK, payload)
    assert proof is not None
    with pytest.raises(Unexecutable, match="quorum"):
        run_step(encode_step_input(moho.encode(), state.encode(), payload, NO_AUX, proof.encode()), ())


def test_a_block_that_does_not_follow_is_unexecutable_with_its_cause(chain: Proved) -> None:
    first, second = chain.block(), chain.block()
    payload = msgspec.msgpack.decode(first.step_input)[2]
    with pytest.raises(Unexecutable) as caught:
        run_step(altered(second.step_input, 2, payload), ())
    assert isinstance(caught.value.__cause__, ContinuityError)
    assert isinstance(caught.value, NeverAgain)


def test_a_missing_inclusion_proof_or_aux_data_is_unexecutable() -> None:
    chain = Proved(full_params(height=5))
    chain.block()
    witness = chain.block(carrier(TEST_MAGIC, Tag(1, 1), b"1", (b"witness",)))
    with pytest.raises(Unexecutable) as caught:
        run_step(altered(witness.step_input, 4, None), ())
    assert isinstance(caught.value.__cause__, BodyRejected)
    asking = chain.block(manifest_export_transaction(TEST_MAGIC, 2, Height(6), b"2"))
    with pytest.raises(Unexecutable) as caught:
        run_step(altered(asking.step_input, 3, NO_AUX), ())
    assert isinstance(caught.value.__cause__, AuxRefused)


@pytest.mark.parametrize("place", range(5))
def test_garbage_in_any_field_is_unexecutable(chain: Proved, place: int) -> None:
    chain.block()
    body = chain.block().step_input
    garbage: object = b"garbage" if place != 4 else 7
    with pytest.raises(Unexecutable):
        run_step(altered(body, place, garbage), ())


@pytest.mark.parametrize("body", [b"", b"\x90", b"\xc1", b"\x96" + b"\xc4\0" * 6])
def test_bytes_that_are_no_input_are_unexecutable(body: bytes) -> None:
    with pytest.raises(Unexecutable):
        run_step(body, ())
    with pytest.raises(Unexecutable):
        run_recursive(body, (receipt(STEP_KEY, bytes(128)),))


def test_a_step_takes_no_prerequisite(chain: Proved) -> None:
    block = chain.block()
    with pytest.raises(Unexecutable, match="no prerequisites"):
        run_step(block.step_input, (receipt(STEP_KEY, bytes(128)),))


def test_receipts_that_could_not_be_checked_are_not_the_inputs_fault(chain: Proved) -> None:
    def busy(predicate: Predicate, claim: bytes, witness: bytes) -> PredicateHolds:
        raise CheckUnavailable("no process answers")

    block = chain.block()
    with pytest.raises(CheckUnavailable):
        run_recursive(block.recursive_input(), (prove_step(block),), busy)


def prove_step(block: Block, key: SigningKey = STEP_KEY) -> Receipt:
    """The step receipt of a block."""
    return receipt(key, run_step(block.step_input, ()))


def prove_chain(blocks: list[Block]) -> Receipt:
    """The recursive receipt over `blocks`."""
    previous: tuple[Receipt, ...] = ()
    for block in blocks:
        values = run_recursive(block.recursive_input(), (prove_step(block), *previous))
        previous = (receipt(MOHO_KEY, values, RECURSIVE_PROGRAM_ID),)
    return previous[0]


def test_the_recursion_claims_from_the_first_state_to_the_last(chain: Proved) -> None:
    blocks = [chain.block() for _ in range(4)]
    claim = RecursiveClaim.decode(prove_chain(blocks).public_values)
    assert claim == RecursiveClaim(RecursiveAttestation(blocks[0].attestation.before, blocks[3].attestation.after), MOHO)


def test_a_base_case_can_begin_at_any_block_and_says_so(chain: Proved) -> None:
    first, second = chain.block(), chain.block()
    claim = RecursiveClaim.decode(prove_chain([second]).public_values)
    assert claim.attestation.genesis == first.attestation.after


@pytest.mark.checklist(56)
def test_the_step_predicate_is_the_one_of_the_parents_moho_state() -> None:
    chain = Proved(full_params())
    upgrade = upgrade_transaction(TEST_MAGIC, 0, schnorr(NEW_STEP_KEY), {0: SIGNERS[0], 1: SIGNERS[1]})
    upgrading, following = chain.block(upgrade), chain.block()
    run_recursive(upgrading.recursive_input(), (prove_step(upgrading),))
    run_recursive(following.recursive_input(), (prove_step(following, NEW_STEP_KEY),))
    with pytest.raises(InvalidMerkleProof):
        run_recursive(upgrading.recursive_input(schnorr(NEW_STEP_KEY)), (prove_step(upgrading, NEW_STEP_KEY),))
    with pytest.raises(InvalidMerkleProof):
        run_recursive(following.recursive_input(schnorr(STEP_KEY)), (prove_step(following),))
    with pytest.raises(InvalidIncrementalProof):
        run_recursive(following.recursive_input(), (prove_step(following),))


def test_a_wrong_opening_is_an_invalid_merkle_proof(chain: Proved) -> None:
    block = chain.block()
    inner, exports = block.before.opening()[1]
    for opening in [(exports, inner), (inner, inner)]:
        body = encode_recursive_input(MOHO, block.before.next_predicate, opening)
        with pytest.raises(InvalidMerkleProof):
            run_recursive(body, (prove_step(block),))


def test_a_forged_step_is_an_invalid_incremental_proof(chain: Proved) -> None:
    block = chain.block()
    good = prove_step(block)
    lie = replace(block.attestation, after=StateAttestation(block.attestation.after.reference, Hash32(bytes(32)))).encode()
    wrong = [
        prove_step(block, NEW_STEP_KEY),
        replace(good, proof=b""),
        replace(good, public_values=lie),
        replace(good, public_values=good.public_values[:-1]),
    ]
    for step in wrong:
        with pytest.raises(InvalidIncrementalProof):
            run_recursive(block.recursive_input(), (step,))


def test_a_step_predicate_that_means_nothing_is_an_invalid_incremental_proof(chain: Proved) -> None:
    chain.moho = genesis_moho(chain.state.commitment(), Predicate(99))
    block = chain.block()
    with pytest.raises(InvalidIncrementalProof):
        run_recursive(block.recursive_input(), (prove_step(block),))


def test_a_forged_previous_proof_is_an_invalid_recursive_proof(chain: Proved) -> None:
    first, second = chain.block(), chain.block()
    good = prove_chain([first])
    claim = RecursiveClaim.decode(good.public_values)
    moved = replace(claim, attestation=replace(claim.attestation, genesis=claim.attestation.proven))
    foreign = replace(claim, moho_predicate=schnorr(NEW_STEP_KEY))
    wrong = [
        receipt(STEP_KEY, good.public_values),
        replace(good, public_values=moved.encode()),
        replace(good, public_values=good.public_values[:-1]),
        receipt(NEW_STEP_KEY, foreign.encode()),
        receipt(MOHO_KEY, foreign.encode()),
    ]
    run_recursive(second.recursive_input(), (prove_step(second), good))
    for previous in wrong:
        with pytest.raises(InvalidRecursiveProof):
            run_recursive(second.recursive_input(), (prove_step(second), previous))


def test_a_step_that_starts_elsewhere_breaks_the_chain(chain: Proved) -> None:
    first, second, third = chain.block(), chain.block(), chain.block()
    for end in [[first], [first, second, third]]:
        with pytest.raises(InvalidMohoChain):
            run_recursive(third.recursive_input(), (prove_step(third), prove_chain(end)))
    proven = second.attestation.after
    for twisted in [replace(proven, commitment=Hash32(bytes(32))), replace(proven, reference=first.attestation.after.reference)]:
        claim = RecursiveClaim(RecursiveAttestation(first.attestation.before, twisted), MOHO)
        with pytest.raises(InvalidMohoChain):
            run_recursive(third.recursive_input(), (prove_step(third), receipt(MOHO_KEY, claim.encode())))


@pytest.mark.parametrize("count", [0, 3])
def test_any_other_number_of_prerequisites_is_unexecutable(chain: Proved, count: int) -> None:
    block = chain.block()
    with pytest.raises(Unexecutable, match="1 or 2 prerequisites"):
        run_recursive(block.recursive_input(), (prove_step(block),) * count)


@pytest.mark.parametrize(("place", "value"), [(0, b"\1\4\0\0\0"), (1, b""), (2, [bytes(32)]), (2, [bytes(32), bytes(31)])])
def test_a_recursive_input_that_cannot_be_read_is_unexecutable(chain: Proved, place: int, value: object) -> None:
    block = chain.block()
    with pytest.raises(Unexecutable, match="no recursive input"):
        run_recursive(altered(block.recursive_input(), place, value), (prove_step(block),))
