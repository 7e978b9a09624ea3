"""The anchor's transition on real mainnet data, and the encodings of claims against `remerkleable`."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from remerkleable.byte_arrays import Bytes32
from remerkleable.complex import Container

from proofplane.anchor import ssz
from proofplane.anchor.aux_data import AuxData
from proofplane.anchor.moho import fold, genesis_moho
from proofplane.anchor.programs import encode_step_input, run_step
from proofplane.anchor.state import AnchorState, genesis_state
from proofplane.anchor.transition import apply
from proofplane.anchor.types import SENTINEL, AnchorParams, Mode
from proofplane.base.attestation import RecursiveAttestation, RecursiveClaim, StateAttestation, StepAttestation
from proofplane.base.errors import Refused
from proofplane.base.ids import BlockCommitment, BlockId, Hash32, Height
from proofplane.base.predicate import Predicate
from proofplane.bitcoin.block import Block, MalformedBlock
from proofplane.bitcoin.body import (
    CoinbaseInclusionProof,
    InvalidCoinbaseWitness,
    InvalidInclusionProof,
    MissingInclusionProof,
    WitnessCommitmentMismatch,
    check_body,
)
from proofplane.bitcoin.header import HEADER_SIZE, Header
from proofplane.bitcoin.networks import Network, known_block, known_epoch_start
from proofplane.bitcoin.rules import ContinuityError, PowMismatch, PowNotMet
from proofplane.crypto.mmr import Mmr, proof
from unit.anchor.test_state import view_of_state

FIRST = 40_000
RETARGETS = {40_320: 0x1C654657, 42_336: 0x1C43B3E5, 44_352: 0x1C387F6F, 46_368: 0x1C381375, 48_384: 0x1C2A1115}
WORK = 0xA1FFB81EB48A

GENESIS_COMMITMENT = "4715910e11f979de551446f6574dbd007d85d3cef06f0f2098e0694f7fce9791"
FINAL_COMMITMENT = "a3c78efc1b45d2732b0d7672d5e36b7aaee684cfeb76e746b97ee45ec6968bba"
"""Our own answers, kept so that no change of an encoding goes unseen; that they are right is shown by the view built afresh."""


@pytest.fixture(scope="module")
def headers(data_dir: Path) -> list[bytes]:
    """The headers 40,000 to 49,999."""
    raw = (data_dir / "bitcoin" / "mainnet-headers-40000-49999.raw").read_bytes()
    return [raw[at : at + HEADER_SIZE] for at in range(0, len(raw), HEADER_SIZE)]


@pytest.fixture(scope="module")
def genesis(headers: list[bytes]) -> AnchorState:
    """The state at block 40,000."""
    anchor = Header.decode(headers[0])
    epoch_start = known_epoch_start(Network.MAINNET, FIRST)
    assert epoch_start is not None
    block = BlockCommitment(Height(FIRST), anchor.block_id)
    return genesis_state(AnchorParams(Network.MAINNET, Mode.HEADERS_ONLY, b"ALPN", block, anchor.bits, epoch_start))


@pytest.mark.data
@pytest.mark.checklist(36)
@pytest.mark.checklist(40)
def test_all_headers_go_through_the_transition(headers: list[bytes], genesis: AnchorState) -> None:
    state = genesis
    leaves: list[bytes] = [SENTINEL] * (FIRST + 1)
    changes = {}
    for header in headers[1:]:
        done = apply(state, header, AuxData(), None)
        leaves.append(done.manifest_hash)
        if done.state.pow.next_bits != state.pow.next_bits:
            changes[done.state.block.height + 1] = done.state.pow.next_bits
        state = done.state
        if state.block.height % 1000 == 0:
            view = view_of_state(state)
            assert (state.encode(), state.commitment()) == (view.encode_bytes(), view.hash_tree_root())
            assert AnchorState.decode(state.encode()) == state
    assert changes == RETARGETS
    assert state.pow.work == WORK
    assert state.block == BlockCommitment(Height(49_999), known_block(Network.MAINNET, 49_999) or BlockId(bytes(32)))
    assert state.history == Mmr.from_leaves(leaves)
    state.history.verify(leaves[45_000], 45_000, proof(leaves, len(leaves), 45_000))
    assert (genesis.commitment().hex(), state.commitment().hex()) == (GENESIS_COMMITMENT, FINAL_COMMITMENT)


@pytest.mark.data
def test_the_step_program_chains_over_a_retarget(headers: list[bytes], genesis: AnchorState) -> None:
    state, moho = genesis, genesis_moho(genesis.commitment(), Predicate(1))
    end = StateAttestation(state.block.block_id, moho.commitment())
    for header in headers[1:340]:
        values = run_step(encode_step_input(moho.encode(), state.encode(), header, AuxData().encode(), None), ())
        step = StepAttestation.decode(values)
        done = apply(state, header, AuxData(), None)
        state = done.state
        moho, _ = fold(moho, state.commitment(), done.logs)
        assert step.before == end
        assert step.after == StateAttestation(Header.decode(header).block_id, moho.commitment())
        end = step.after
    assert state.pow.next_bits == RETARGETS[40_320]


@pytest.fixture(scope="module")
def big(data_dir: Path) -> tuple[bytes, Block, CoinbaseInclusionProof, AnchorState]:
    """Block 702,861: its bytes, itself, its inclusion proof and a state at its parent."""
    raw = (data_dir / "bitcoin" / "mainnet-block-702861.raw").read_bytes()
    block = Block.decode(raw)
    parent = BlockCommitment(Height(702_860), block.header.previous)
    params = AnchorParams(Network.MAINNET, Mode.FULL_BLOCK, b"ALPN", parent, block.header.bits, 0, exports=True)
    return raw, block, CoinbaseInclusionProof.make(block), genesis_state(params)


@pytest.mark.data
def test_a_real_block_goes_through_the_transition(big: tuple[bytes, Block, CoinbaseInclusionProof, AnchorState]) -> None:
    raw, block, inclusion, state = big
    done = apply(state, raw, AuxData(), inclusion)
    assert done.state.block == BlockCommitment(Height(702_861), known_block(Network.MAINNET, 702_861) or BlockId(bytes(32)))
    assert done.manifest.wtxids_root == check_body(block, inclusion)
    assert done.logs == ()
    with pytest.raises(MissingInclusionProof):
        apply(state, raw, AuxData(), None)


@pytest.mark.data
@pytest.mark.checklist(37)
@pytest.mark.parametrize(
    ("places", "error"),
    [
        ((0, 3), PowNotMet),
        ((4, 35), ContinuityError),
        ((36, 67), InvalidInclusionProof),
        ((68, 71), PowNotMet),
        ((72, 75), PowMismatch),
        ((76, 79), PowNotMet),
    ],
)
def test_a_flipped_byte_of_the_header_breaks_the_first_rule_that_sees_it(
    big: tuple[bytes, Block, CoinbaseInclusionProof, AnchorState], places: tuple[int, ...], error: type[Refused]
) -> None:
    raw, _, inclusion, state = big
    for place in places:
        with pytest.raises(error):
            apply(state, _flipped(raw, place), AuxData(), inclusion)


@pytest.mark.data
@pytest.mark.checklist(37)
def test_a_flipped_byte_of_a_transaction_or_a_witness_breaks_the_witness_commitment(
    big: tuple[bytes, Block, CoinbaseInclusionProof, AnchorState],
) -> None:
    raw, block, inclusion, state = big
    ordinary = next(transaction for transaction in block.transactions[1:] if transaction.has_witness)
    start = raw.index(ordinary.encode())
    item = ordinary.inputs[0].witness[-1]
    version, spent, witness, lock_time = start, start + 7, start + ordinary.encode().rindex(item), start + len(ordinary.encode()) - 1
    for place in (version, spent, witness, lock_time):
        with pytest.raises(WitnessCommitmentMismatch):
            apply(state, _flipped(raw, place), AuxData(), inclusion)
    with pytest.raises(MalformedBlock):
        apply(state, raw[:-1], AuxData(), inclusion)


@pytest.mark.data
@pytest.mark.checklist(37)
def test_a_flipped_byte_of_the_coinbase_is_found_by_what_commits_to_it(
    big: tuple[bytes, Block, CoinbaseInclusionProof, AnchorState],
) -> None:
    _, block, inclusion, state = big
    coinbase = block.transactions[0]
    script = bytearray(coinbase.inputs[0].script)
    script[-1] ^= 1
    reserved = coinbase.inputs[0].witness[0]
    cases = [
        (replace(coinbase, inputs=(replace(coinbase.inputs[0], script=bytes(script)),)), InvalidInclusionProof),
        (replace(coinbase, inputs=(replace(coinbase.inputs[0], witness=(bytes(31) + b"\1",)),)), WitnessCommitmentMismatch),
        (replace(coinbase, inputs=(replace(coinbase.inputs[0], witness=(reserved, reserved)),)), InvalidCoinbaseWitness),
    ]
    for changed, error in cases:
        payload = replace(block, transactions=(changed, *block.transactions[1:])).encode()
        with pytest.raises(error):
            apply(state, payload, AuxData(), inclusion)


def _flipped(raw: bytes, place: int) -> bytes:
    return raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]


class Attestation(Container):
    """A state attestation."""

    reference: Bytes32
    commitment: Bytes32


class Pair(Container):
    """A step or recursive attestation."""

    first: Attestation
    second: Attestation


class Claim(Container):
    """A recursive claim."""

    attestation: Pair
    moho_predicate: ssz.Predicate


DIGESTS = st.binary(min_size=32, max_size=32)


@given(hashes=st.tuples(DIGESTS, DIGESTS, DIGESTS, DIGESTS), kind=st.integers(0, 255), condition=st.binary(max_size=100))
def test_claims_and_predicates_are_encoded_as_the_schemas_say(hashes: tuple[bytes, ...], kind: int, condition: bytes) -> None:
    first, second = StateAttestation(BlockId(hashes[0]), Hash32(hashes[1])), StateAttestation(BlockId(hashes[2]), Hash32(hashes[3]))
    pair = Pair(first=Attestation(reference=hashes[0], commitment=hashes[1]), second=Attestation(reference=hashes[2], commitment=hashes[3]))
    predicate = ssz.Predicate(id=kind, condition=condition)
    assert StepAttestation(first, second).encode() == pair.encode_bytes()
    assert Predicate(kind, condition).encode() == predicate.encode_bytes()
    claim = RecursiveClaim(RecursiveAttestation(first, second), Predicate(kind, condition))
    assert claim.encode() == Claim(attestation=pair, moho_predicate=predicate).encode_bytes()
