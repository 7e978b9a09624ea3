"""Tests of the state transition, against the slow model of `kit.lean_model` and on chains of a few blocks."""

from copy import deepcopy
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.lean_chains import midway, registry, votes
from kit.lean_model import Model
from proofplane.lean.codec import decode_state, encode_state, make_block, state_root
from proofplane.lean.config import HISTORICAL_ROOTS_LIMIT
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.genesis import genesis_block, genesis_state
from proofplane.lean.registry import registry_root
from proofplane.lean.ssz import State
from proofplane.lean.transition import (
    TransitionStopped,
    checkpoints,
    process_attestations,
    process_header,
    process_slots,
    transition,
)
from proofplane.lean.types import (
    ZERO_ROOT,
    AggregatedAttestation,
    AttestationData,
    Block,
    Checkpoint,
    Participants,
    Root,
    Slot,
    ValidatorIndex,
)


def block_on(state: State, slot: int, attestations: tuple[AggregatedAttestation, ...] = ()) -> Block:
    """The block that is right at a slot on top of a state; its post-state's root is the model's."""
    model = Model.of(state)
    model.process_slots(slot)
    parent = bytes(process_slots(state, Slot(slot)).latest_block_header.hash_tree_root())
    proposer = ValidatorIndex(slot % len(model.validators))
    block = make_block(Slot(slot), proposer, Root(parent), ZERO_ROOT, attestations)
    model.process_header(block)
    model.process_attestations(attestations)
    return make_block(Slot(slot), proposer, Root(parent), model.root(), attestations)


def vote(source: Checkpoint, target: Checkpoint, voters: int) -> AggregatedAttestation:
    """The first `voters` validators vote for a target that is also their head."""
    return AggregatedAttestation(Participants((1 << voters) - 1, voters), AttestationData(target.slot, target, target, source))


def tally_beside_the_model(random: Random) -> None:
    """Some votes on some state."""
    model = midway(random)
    attestations = votes(random, model)
    state = decode_state(model.view().encode_bytes())
    before = encode_state(state)
    reason = None
    try:
        model.process_attestations(attestations)
    except Rejected as rejected:
        reason = rejected.reason
    if reason is not None:
        with pytest.raises(Rejected) as refused:
            process_attestations(state, attestations)
        assert refused.value.reason is reason
    else:
        after = process_attestations(state, attestations)
        assert encode_state(after) == model.view().encode_bytes()
        assert state_root(after) == model.root()
        assert checkpoints(after) == (model.justified, model.finalized)
    assert encode_state(state) == before


@settings(max_examples=50, deadline=None)
@given(random=st.randoms(use_true_random=True))
def test_votes_on_any_state_do_what_the_slow_model_does(random: Random) -> None:
    tally_beside_the_model(random)


@pytest.mark.slow
@settings(max_examples=5000, deadline=None)
@given(random=st.randoms(use_true_random=True))
def test_many_votes_on_many_states_do_what_the_slow_model_does(random: Random) -> None:
    tally_beside_the_model(random)


def chain_beside_the_model(random: Random) -> None:
    """Twelve blocks with some votes and gaps."""
    state = genesis_state(5, registry(random.randrange(1, 6)))
    for _ in range(12):
        slot = int(state.slot) + random.choice([1, 1, 1, 2, 3, 9])
        model = Model.of(state)
        model.process_slots(slot)
        proposer, parent = slot % len(model.validators), bytes(process_slots(state, Slot(slot)).latest_block_header.hash_tree_root())
        hollow = make_block(Slot(slot), ValidatorIndex(proposer), Root(parent), ZERO_ROOT, ())
        model.process_header(hollow)
        attestations = votes(random, model)
        ahead = deepcopy(model)
        reason, root = None, ZERO_ROOT
        try:
            ahead.process_attestations(attestations)
            body_root = make_block(Slot(slot), ValidatorIndex(proposer), Root(parent), ZERO_ROOT, attestations).body_root
            ahead.header["body_root"] = body_root
            root = ahead.root()
        except Rejected as rejected:
            reason = rejected.reason
        block = make_block(Slot(slot), ValidatorIndex(proposer), Root(parent), root, attestations)
        if reason is None:
            state = transition(state, block)
            assert encode_state(state) == ahead.view().encode_bytes()
        else:
            with pytest.raises(Rejected) as refused:
                transition(state, block)
            assert refused.value.reason is reason


@settings(max_examples=10, deadline=None)
@given(random=st.randoms(use_true_random=True))
def test_chains_of_blocks_do_what_the_slow_model_does(random: Random) -> None:
    chain_beside_the_model(random)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(random=st.randoms(use_true_random=True))
def test_many_chains_of_blocks_do_what_the_slow_model_does(random: Random) -> None:
    chain_beside_the_model(random)


def test_the_checkpoints_of_the_worked_example_are_reached() -> None:
    """Votes in every slot, slot 5 missed: finality waits at 3 although 6 is justified, because 5 could have been."""
    state = genesis_state(0, registry(3))
    roots = {0: genesis_block(state).root}
    seen = {}
    for slot, source, target in [(1, 0, 0), (2, 0, 1), (3, 1, 2), (4, 2, 3), (6, 3, 4), (7, 4, 6), (8, 6, 7)]:
        named = [Checkpoint(roots[place], Slot(place)) for place in (source, target)]
        block = block_on(state, slot, (vote(named[0], named[1], 2),) if slot > 1 else ())
        state = transition(state, block)
        roots[slot] = block.root
        justified, finalized = checkpoints(state)
        assert (justified.root, finalized.root) == (roots[justified.slot], roots[finalized.slot])
        seen[slot] = (justified.slot, finalized.slot)
    assert seen == {1: (0, 0), 2: (1, 0), 3: (2, 1), 4: (3, 2), 6: (4, 3), 7: (6, 3), 8: (7, 6)}


def test_many_empty_slots_cost_as_much_as_one_and_a_history_that_would_not_fit_is_refused() -> None:
    state = genesis_state(0, registry(2))
    parent = Root(bytes(process_slots(state, Slot(1)).latest_block_header.hash_tree_root()))
    for slot, reason in [
        (HISTORICAL_ROOTS_LIMIT, Reason.STATE_ROOT_MISMATCH),
        (HISTORICAL_ROOTS_LIMIT + 1, Reason.HISTORY_FULL),
        (2**64 - 1, Reason.HISTORY_FULL),
    ]:
        with pytest.raises(Rejected) as refused:
            transition(state, make_block(Slot(slot), ValidatorIndex(slot % 2), parent, ZERO_ROOT, ()))
        assert refused.value.reason is reason


def test_the_checks_of_a_header_come_in_their_order() -> None:
    state = genesis_state(0, registry(2))
    right = block_on(state, 1)
    at_one = process_slots(state, Slot(1))

    def reason(on: State, **changed: int | bytes) -> Reason:
        fields = {"slot": 1, "proposer_index": 1, "parent_root": right.parent_root} | changed
        block = make_block(fields["slot"], fields["proposer_index"], fields["parent_root"], ZERO_ROOT, ())  # type: ignore[arg-type]  # of the drawn kinds
        with pytest.raises(Rejected) as refused:
            process_header(on, block)
        return refused.value.reason

    nobody = process_slots(genesis_state(0, []), Slot(1))
    assert reason(at_one, slot=2, proposer_index=9) is Reason.BLOCK_SLOT_MISMATCH
    assert reason(state, slot=0, proposer_index=9) is Reason.BLOCK_OLDER_THAN_LATEST_HEADER
    assert reason(nobody, proposer_index=9) is Reason.EMPTY_VALIDATOR_REGISTRY
    assert reason(at_one, proposer_index=0, parent_root=bytes(32)) is Reason.WRONG_PROPOSER
    assert reason(at_one, parent_root=bytes(32)) is Reason.PARENT_ROOT_MISMATCH


def test_a_block_at_its_parents_slot_and_a_wrong_state_root_are_refused() -> None:
    state = genesis_state(0, registry(2))
    post = transition(state, block_on(state, 1))
    again = block_on(state, 1)
    with pytest.raises(Rejected, match="BLOCK_SLOT_NOT_IN_FUTURE"):
        transition(post, again)
    wrong = make_block(again.slot, again.proposer_index, again.parent_root, Root(b"\x55" * 32), ())
    with pytest.raises(Rejected, match="STATE_ROOT_MISMATCH"):
        transition(state, wrong)


def test_nine_different_data_are_too_many_but_a_data_counts_once_however_often_it_comes() -> None:
    state = genesis_state(0, registry(2))
    nowhere = Checkpoint(ZERO_ROOT, Slot(0))
    several = tuple(AggregatedAttestation(Participants(0, 0), AttestationData(Slot(i), nowhere, nowhere, nowhere)) for i in range(9))
    assert encode_state(process_attestations(state, several[:8] * 3)) == encode_state(state)
    with pytest.raises(Rejected, match="TOO_MANY_ATTESTATION_DATA"):
        process_attestations(state, several)


def test_a_transition_leaves_its_state_alone_and_shares_the_registry() -> None:
    state = genesis_state(0, registry(4))
    before = encode_state(state)
    post = transition(state, block_on(state, 1))
    assert encode_state(state) == before
    assert post.validators.get_backing() is state.validators.get_backing()
    assert registry_root(post) == registry_root(state)


@pytest.mark.parametrize("stage", range(3))
def test_a_transition_can_be_stopped_between_its_stages(stage: int) -> None:
    state = genesis_state(0, registry(2))
    asked = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > stage

    with pytest.raises(TransitionStopped):
        transition(state, block_on(state, 1), stop)
    assert len(asked) == stage + 1
