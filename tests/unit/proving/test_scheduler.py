"""One scheduling pass: order, capacity, parking, the cascade and pipelining."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from proofplane.base.errors import Broken, Refused
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.proving.queue import WorkQueue
from proofplane.proving.scheduler import Pull, schedule
from proofplane.proving.types import AnyProofId, Planned, ProofKey


def block(height: int) -> BlockCommitment:
    return BlockCommitment(Height(height), BlockId(height.to_bytes(32, "big")))


def step(height: int) -> StepId:
    return StepId.of(block(height))


def recursive(height: int) -> RecursiveId:
    return RecursiveId(block(height))


@dataclass
class World:
    """A straight chain above the anchor at height 0."""

    proofs: set[AnyProofId] = field(default_factory=set)
    flying: set[AnyProofId] = field(default_factory=set)
    given_up: set[AnyProofId] = field(default_factory=set)
    errors: dict[AnyProofId, Exception] = field(default_factory=dict)
    queue: WorkQueue = field(default_factory=WorkQueue)

    def plan(self, wanted: Iterable[AnyProofId]) -> None:
        for wanting in self.queue.wanted():
            self.queue.refill(wanting, [])
        for one in wanted:
            self.queue.add(Planned.of(one))

    def prerequisites(self, proof_id: AnyProofId) -> tuple[AnyProofId, ...]:
        if proof_id in self.errors:
            raise self.errors[proof_id]
        if isinstance(proof_id, StepId):
            return ()
        height = proof_id.block.height
        return (step(height), recursive(height - 1)) if height > 1 else (step(height),)

    def stored(self, key: ProofKey) -> bool:
        return key in {one.key() for one in self.proofs}

    def in_flight(self, key: ProofKey) -> bool:
        return key in {one.key() for one in self.flying}

    def unqueued(self, proof_id: AnyProofId) -> Pull | None:
        return None if proof_id in self.given_up else Pull(Planned.of(proof_id), fresh=True)


def run(world: World, capacity: int = 100, pipelines: bool = False) -> list[AnyProofId]:
    """The proofs that one pass chooses."""
    return [one.planned.proof_id for one in schedule(world.queue, capacity, world, pipelines).chosen]


@pytest.mark.checklist(51)
def test_parked_and_dropped_items_use_no_capacity_and_each_is_taken_once() -> None:
    world = World(proofs={step(1)}, flying={step(2), recursive(1)})
    world.plan([step(1), recursive(2), step(2), recursive(3), step(3), step(4), step(5)])
    result = schedule(world.queue, 2, world, False)
    assert [one.planned.proof_id for one in result.chosen] == [step(3), step(4)]
    assert len(result.taken) == len(set(result.taken))
    assert world.queue.parked == 2
    assert world.queue.ready == 1


@pytest.mark.checklist(51)
def test_an_item_that_fails_is_put_aside_and_the_others_go_on() -> None:
    world = World(errors={step(1): Refused("odd")})
    world.plan([step(1), step(2)])
    result = schedule(world.queue, 1, world, False)
    assert [one.planned.proof_id for one in result.chosen] == [step(2)]
    assert [planned.proof_id for planned, _ in result.unready] == [step(1)]


def test_what_was_put_aside_is_not_pulled_in_again_by_those_that_need_it() -> None:
    world = World(errors={step(1): Refused("odd")})
    world.plan([step(1), recursive(1)])
    result = schedule(world.queue, 9, world, False)
    assert result.taken == [step(1).key(), recursive(1).key()]
    assert len(result.unready) == 1


def test_a_broken_store_is_nobodys_single_trouble() -> None:
    world = World(errors={step(1): Broken("disk")})
    world.plan([step(1)])
    with pytest.raises(Broken):
        schedule(world.queue, 1, world, False)


@pytest.mark.checklist(52)
def test_one_request_walks_back_the_whole_gap_in_one_pass() -> None:
    world = World(proofs={recursive(1), step(1)})
    world.plan([recursive(3)])
    result = schedule(world.queue, 100, world, False)
    assert result.taken == [one.key() for one in (recursive(3), recursive(2), step(2), step(3))]
    assert [one.planned.proof_id for one in result.chosen] == [step(2), step(3)]
    assert [one.proof_id for one in result.pulled] == [step(3), recursive(2), step(2)]


@pytest.mark.checklist(53)
def test_the_first_block_needs_no_previous_recursive_proof() -> None:
    world = World(proofs={step(1)})
    world.plan([recursive(1)])
    assert run(world) == [recursive(1)]


@pytest.mark.checklist(54)
def test_steps_of_several_blocks_run_together_while_the_recursive_ones_wait() -> None:
    world = World()
    world.plan([one for height in (1, 2, 3) for one in (step(height), recursive(height))])
    assert run(world) == [step(1), step(2), step(3)]
    assert world.queue.parked == 3


@pytest.mark.checklist(55)
def test_what_is_proved_or_in_flight_is_not_chosen() -> None:
    world = World(proofs={step(1)}, flying={step(2)})
    world.plan([step(1), step(2)])
    assert run(world) == []
    assert len(world.queue) == 0


@pytest.mark.checklist(50)
def test_without_capacity_the_queue_is_untouched() -> None:
    world = World()
    world.plan([step(1), recursive(1)])
    assert run(world, capacity=0) == []
    assert world.queue.ready == 2


def test_a_pipelining_prover_gets_a_whole_chain_in_one_pass() -> None:
    world = World()
    world.plan([one for height in (1, 2, 3) for one in (step(height), recursive(height))])
    assert run(world, pipelines=True) == [step(1), recursive(1), step(2), recursive(2), step(3), recursive(3)]


def test_pipelining_follows_a_gap_back_and_then_forward() -> None:
    world = World(proofs={recursive(1), step(1)})
    world.plan([recursive(3)])
    assert run(world, pipelines=True) == [step(2), recursive(2), step(3), recursive(3)]


def test_a_prerequisite_in_flight_holds_back_even_a_pipelined_job() -> None:
    world = World(flying={recursive(1)}, proofs={step(1), step(2)})
    world.plan([recursive(2)])
    assert run(world, pipelines=True) == []
    assert world.queue.parked == 1


def test_a_prerequisite_that_was_given_up_is_not_pulled_in() -> None:
    world = World(given_up={step(1)})
    world.plan([recursive(1)])
    assert run(world) == []
    assert world.queue.parked == 1
