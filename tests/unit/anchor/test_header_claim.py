"""Tests of what a header step's receipt carries: the honest one is held, and every part of it, and of the claim, counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kit.header_steps import CHILD, PREDICATE, PROOF, TIME, Step, step_at
from proofplane.anchor.header_claim import HeaderClaimReason, HeaderClaimRefused, HeaderStep, encode, hold
from proofplane.anchor.moho import ExportContainer, genesis_moho
from proofplane.anchor.programs import encode_step_input, run_step
from proofplane.anchor.state import genesis_state, repeated_leaf
from proofplane.anchor.types import Mode
from proofplane.base.attestation import MalformedClaim
from proofplane.base.errors import Refused
from proofplane.base.ids import MAX_HEIGHT, BlockCommitment, Hash32, Height
from proofplane.base.predicate import Predicate
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.rules import following
from proofplane.crypto.mmr import Mmr
from unit.anchor.chains import Chain, full_params, regtest_params


def reason(claim: bytes, raw: bytes) -> HeaderClaimReason:
    with pytest.raises(HeaderClaimRefused) as caught:
        hold(claim, raw)
    return caught.value.reason


def test_the_step_of_a_real_transition_is_held_with_the_header_states_around_it() -> None:
    chain = Chain(regtest_params(Mode.HEADERS_ONLY))
    for _ in range(13):
        before = chain.state
        payload = chain.payload(chain.mine())
        moho = genesis_moho(before.commitment(), PREDICATE)
        claim = run_step(encode_step_input(moho.encode(), before.encode(), payload, chain.aux(payload).encode(), None), ())
        chain.extend()

        found = hold(claim, encode(1, PROOF, moho.inner_siblings(), before, chain.state.pow))

        assert found == HeaderStep(before.pow, chain.state.pow, 1, PROOF)


@pytest.mark.parametrize("height", [5, 2014, 2015, 2016, 46_366])
def test_epochs_and_next_targets_are_computed_where_they_change(height: int) -> None:
    case = step_at(height)

    assert hold(case.claim, case.raw).after == case.after
    assert (case.after.next_bits != case.before.pow.next_bits) == (height == 2014 or height == 46_366)
    assert (case.after.epoch_start == TIME) == (height == 2015)


def test_a_state_with_exports_leads_to_the_same_ones() -> None:
    case = step_at(7)
    moho = replace(case.moho, exports=(ExportContainer(3, Mmr().append(Hash32(bytes(32)))),))
    exporting = replace(case, moho=moho)

    hold(exporting.claim, exporting.raw)
    assert reason(exporting.claim, case.raw) is HeaderClaimReason.START


def test_each_bit_of_the_claim_counts() -> None:
    case = step_at(7)
    claim, raw = case.claim, case.raw
    for bit in range(0, len(claim) * 8, 5):
        place = bit // 8
        damaged = claim[:place] + bytes([claim[place] ^ 1 << bit % 8]) + claim[place + 1 :]
        found = reason(damaged, raw)
        expected = [HeaderClaimReason.START, HeaderClaimReason.START, HeaderClaimReason.HEADER_STATE, HeaderClaimReason.END]
        assert found is expected[place // 32]


def test_each_byte_that_is_no_proof_of_a_circuit_counts() -> None:
    """The circuit's number and its proof are for the verification key to judge; they come out as they were."""
    case = step_at(7)
    claim, raw = case.claim, case.raw
    proof_at = raw.index(PROOF)
    for place in range(len(raw)):
        damaged = raw[:place] + bytes([raw[place] ^ 1 << place % 8]) + raw[place + 1 :]
        if place == 1:
            assert hold(claim, damaged).circuit == damaged[1]
        elif proof_at <= place < proof_at + len(PROOF):
            if place % 97 == 0:
                assert hold(claim, damaged).proof == damaged[proof_at : proof_at + len(PROOF)]
        else:
            with pytest.raises(HeaderClaimRefused):
                hold(claim, damaged)


@pytest.mark.parametrize("raw", [b"", b"\x01", b"\x02" + step_at(7).raw[1:], step_at(7).raw[:-1], step_at(7).raw + b"\0"])
def test_other_versions_and_other_lengths_are_malformed(raw: bytes) -> None:
    assert reason(step_at(7).claim, raw) is HeaderClaimReason.FORM


CHANGES: dict[str, object] = {
    "network": Network.REGTEST,
    "last": BlockCommitment(Height(9), CHILD),
    "next_bits": 0x1B04864D,
    "epoch_start": TIME - 899_999,
    "window": (TIME, *(1,) * 10),
    "head": 2,
    "work": 2**40,
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_header_state_that_does_not_follow_is_refused_by_name_though_the_claim_fits_it(name: str) -> None:
    case = step_at(7)
    false = replace(case, after=replace(case.after, **{name: CHANGES[name]}))  # type: ignore[arg-type]  # the fields vary

    with pytest.raises(HeaderClaimRefused, match=rf"does not follow: {name}$") as caught:
        hold(false.claim, false.raw)
    assert caught.value.reason is HeaderClaimReason.HEADER_STATE


def test_only_the_childs_time_is_free_and_it_reaches_the_states_that_the_circuit_commits_to() -> None:
    case = step_at(7)
    later = replace(case, after=following(case.before.pow, CHILD, TIME + 1))

    assert hold(later.claim, later.raw).after == later.after != case.after
    assert later.claim != case.claim


def test_a_state_that_knows_bodies_is_refused() -> None:
    before = genesis_state(full_params())
    moho = genesis_moho(before.commitment(), PREDICATE)
    case = Step(before, following(before.pow, CHILD, TIME), moho)

    assert reason(case.claim, case.raw) is HeaderClaimReason.MODE


def test_a_state_after_which_no_height_is_left_is_refused_and_not_a_crash() -> None:
    low = step_at(7)
    top = replace(low.before.pow, last=BlockCommitment(Height(MAX_HEIGHT), low.before.block.block_id))
    before = replace(low.before, pow=top, history=repeated_leaf(Hash32(bytes(32)), MAX_HEIGHT + 1))
    case = Step(before, top, genesis_moho(before.commitment(), PREDICATE))

    assert reason(case.claim, case.raw) is HeaderClaimReason.HEADER_STATE


def test_a_foreign_state_before_is_refused() -> None:
    case, other = step_at(7), step_at(8)

    assert reason(case.claim, replace(case, before=other.before).raw) is HeaderClaimReason.START
    assert reason(case.claim, replace(case, moho=replace(case.moho, next_predicate=Predicate(1))).raw) is HeaderClaimReason.START


def test_public_values_that_are_no_step_are_malformed() -> None:
    with pytest.raises(MalformedClaim):
        hold(step_at(7).claim[:-1], step_at(7).raw)


def test_every_refusal_is_the_contents_fault() -> None:
    assert issubclass(HeaderClaimRefused, Refused)
    assert [one.value for one in HeaderClaimReason] == ["form", "mode", "start", "header state", "end"]
