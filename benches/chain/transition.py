"""What does the whole transition cost over the bare work on views?

A chain of blocks with one attestation each, unsigned, in the steady state: every block justifies its parent, or, where half of the
validators vote, adds a pending tally. The block measured is the last one; its parent's root is remembered, as that of every stored state is.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns

from bare_state import bare_transition
from measuring import Case, Ratio

from proofplane.lean.clock import proposer_of
from proofplane.lean.codec import make_block, state_root
from proofplane.lean.genesis import genesis_block, genesis_state
from proofplane.lean.ssz import State
from proofplane.lean.transition import checkpoints, process_attestations, process_header, process_slots, transition
from proofplane.lean.types import ZERO_ROOT, AggregatedAttestation, AttestationData, Block, Checkpoint, Participants, Root, Slot, Validator

VALIDATORS = (8, 64, 512, 4096)

_SLOTS = 16
"""Blocks of the chain: enough for justification and finality to run evenly."""

_CALLS = 30
"""Transitions a measurement; the fastest counts."""


def cases() -> list[Case]:
    """A case for each number of validators, all of whom vote; one more for a tally that stays."""
    found = [_case(f"transition, {count:,} validators, all vote", *steady_state(count, count)) for count in VALIDATORS]
    most = VALIDATORS[-1]
    return [*found, _case(f"transition, {most:,} validators, half of them vote", *steady_state(most, most // 2))]


def steady_state(validators: int, voters: int, blocks: int = _SLOTS) -> tuple[State, Block]:
    """The last block of a chain and its parent's state; the first so many validators vote in every slot."""
    state = genesis_state(0, made_up_registry(validators))
    block, parent = genesis_block(state), state
    participants = Participants((1 << voters) - 1, validators)
    for number in range(1, blocks + 1):
        block, parent, state = _next(state, block, Slot(number), participants, validators)
    return parent, block


def made_up_registry(count: int) -> list[Validator]:
    """Validators whose keys nobody has."""
    return [Validator((index * 2 + 1).to_bytes(52, "little"), (index * 2 + 2).to_bytes(52, "little")) for index in range(count)]


def _next(state: State, parent: Block, slot: Slot, participants: Participants, validators: int) -> tuple[Block, State, State]:
    justified, _ = checkpoints(state)
    source = Checkpoint(parent.root, Slot(0)) if justified.root == ZERO_ROOT else justified
    head = Checkpoint(parent.root, parent.slot)
    votes = (AggregatedAttestation(participants, AttestationData(parent.slot, head, head, source)),)
    proposer = proposer_of(slot, validators)
    sketch = make_block(slot, proposer, parent.root, ZERO_ROOT, votes)
    post = process_attestations(process_header(process_slots(state, slot), sketch), votes)
    return make_block(slot, proposer, parent.root, Root(state_root(post)), votes), state, post


def _case(name: str, state: State, block: Block) -> Case:
    contestants = {
        "ours, whole": _fastest(lambda: transition(state, block)),
        "bare remerkleable work": _fastest(lambda: bare_transition(state, block)),
    }
    return Case(name, "us", contestants, (Ratio("ours, whole", "bare remerkleable work", "goal <= 1.5 at 4,096"),))


def _fastest(work: Callable[[], object]) -> Callable[[], list[float]]:
    def run() -> list[float]:
        best = 1 << 62
        for _ in range(_CALLS):
            start = perf_counter_ns()
            work()
            best = min(best, perf_counter_ns() - start)
        return [best / 1000]

    return run
