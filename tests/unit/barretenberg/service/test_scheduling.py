"""What a free core does next, one rule at a time."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from proofplane.barretenberg.service.scheduling import (
    LINGER,
    MAX_BATCH,
    MAX_BATCH_BESIDE_RPC,
    MAX_GOSSIP_WAIT,
    RPC_RECENT,
    SHARE,
    Alone,
    Load,
    Rest,
    Together,
    choose,
    expected_after,
    wide_threads,
)

NOTHING = Load(
    cores=2,
    busy=0,
    rpc_waiting=0,
    rpc_head_is_chonk=False,
    rpc_quiet=float("inf"),
    gossip_waiting=0,
    gossip_waited=0.0,
    gossip_idle=0.0,
    gossip_expected=1,
    batches=0,
)


def gossip(count: int, *, waited: float = 0.0, **others: float) -> Load:
    """A load of so many proofs in the gossip queue."""
    return replace(NOTHING, gossip_waiting=count, gossip_waited=waited, gossip_idle=waited, **others)  # type: ignore[arg-type] - numbers


def test_with_nothing_to_do_it_rests_until_something_happens() -> None:
    assert choose(NOTHING) == Rest(None)


def test_with_every_core_taken_it_rests_whatever_waits() -> None:
    assert choose(replace(gossip(100, waited=9.0), busy=2, rpc_waiting=5)) == Rest(None)


def test_an_ultra_honk_proof_has_one_thread() -> None:
    assert choose(replace(NOTHING, rpc_waiting=1)) == Alone(1)


def test_a_chonk_proof_alone_on_an_idle_machine_is_wide() -> None:
    assert choose(replace(NOTHING, rpc_waiting=1, rpc_head_is_chonk=True)) == Alone(2)


def test_a_chonk_proof_in_company_is_narrow() -> None:
    alone = replace(NOTHING, rpc_waiting=1, rpc_head_is_chonk=True)
    assert choose(replace(alone, rpc_waiting=2)) == Alone(1)
    assert choose(replace(alone, busy=1)) == Alone(1)
    assert choose(replace(alone, gossip_waiting=1)) == Alone(1)


def test_a_lone_gossip_proof_is_sent_at_once() -> None:
    assert choose(gossip(1)) == Together(1, 2)


def test_a_crowd_that_is_expected_is_waited_for_but_not_for_long() -> None:
    assert choose(gossip(3, gossip_expected=4)) == Rest(LINGER)
    assert choose(gossip(4, gossip_expected=4)) == Together(4, 2)
    assert choose(gossip(3, waited=LINGER, gossip_expected=4)) == Together(3, 2)


def test_a_batch_has_at_most_64() -> None:
    assert choose(gossip(1000, gossip_expected=1000)) == Together(MAX_BATCH, 1)


def test_a_crowd_is_shared_among_the_free_cores_if_each_share_is_worth_a_batch() -> None:
    assert choose(gossip(2 * SHARE)) == Together(SHARE, 1)
    assert choose(gossip(SHARE, busy=1, batches=1)) == Together(SHARE, 1)
    assert choose(gossip(2 * SHARE - 1)) == Together(2 * SHARE - 1, 2)


def test_while_the_rpc_queue_is_in_use_a_batch_leaves_one_core_free() -> None:
    assert choose(gossip(9, rpc_quiet=1.0)) == Together(9, 1)
    assert choose(gossip(9, rpc_quiet=1.0, busy=1, batches=1)) == Rest(RPC_RECENT - 1.0)
    assert choose(gossip(9, rpc_quiet=RPC_RECENT, busy=1, batches=1)) == Together(9, 1)


def test_on_one_core_a_batch_beside_the_rpc_queue_is_short() -> None:
    assert choose(gossip(40, cores=1, rpc_quiet=0.0)) == Together(MAX_BATCH_BESIDE_RPC, 1)
    assert choose(gossip(40, cores=1)) == Together(40, 1)


def test_the_rpc_queue_goes_first_until_gossip_has_waited_for_long() -> None:
    crowded = gossip(9, rpc_waiting=50, rpc_quiet=0.0, busy=1)
    assert choose(crowded) == Alone(1)
    assert choose(replace(crowded, gossip_waited=MAX_GOSSIP_WAIT, gossip_idle=MAX_GOSSIP_WAIT)) == Together(9, 1)
    assert choose(replace(crowded, gossip_waited=MAX_GOSSIP_WAIT, batches=1)) == Alone(1)


def test_it_looks_again_when_gossip_will_have_waited_for_long() -> None:
    assert choose(gossip(9, waited=0.25, rpc_quiet=0.0, busy=1)) == Rest(MAX_GOSSIP_WAIT - 0.25)


def test_who_asked_in_the_last_batch_is_expected_with_those_behind_it() -> None:
    assert expected_after(3, 1) == 4
    assert expected_after(60, 30) == MAX_BATCH


LOADS = st.builds(
    Load,
    cores=st.integers(1, 16),
    busy=st.integers(0, 16),
    rpc_waiting=st.integers(0, 100),
    rpc_head_is_chonk=st.booleans(),
    rpc_quiet=st.floats(0, 20),
    gossip_waiting=st.integers(0, 200),
    gossip_waited=st.floats(0, 5),
    gossip_idle=st.floats(0, 5),
    gossip_expected=st.integers(1, MAX_BATCH),
    batches=st.integers(0, 4),
).filter(lambda load: load.busy <= load.cores)


@given(LOADS)
def test_whatever_the_load_threads_stay_within_the_cores_and_nobody_rests_for_ever_beside_free_cores(load: Load) -> None:
    match choose(load):
        case Rest(seconds=None):
            assert load.busy == load.cores or not (load.rpc_waiting or load.gossip_waiting)
        case Rest(seconds=float(seconds)):
            assert 0 < seconds <= RPC_RECENT
            assert load.gossip_waiting
            assert not load.rpc_waiting
        case Alone(threads=threads):
            assert load.rpc_waiting
            assert load.busy + threads <= load.cores
            assert threads in (1, wide_threads(load.cores))
        case Together(size=size, threads=threads):
            assert 1 <= size <= min(load.gossip_waiting, MAX_BATCH)
            assert load.busy + threads <= load.cores
            assert threads in (1, wide_threads(load.cores))
