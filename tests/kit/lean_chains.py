"""Hypothesis strategies of Lean states, votes and blocks, small and mostly sensible, so that justification and finality happen."""

from __future__ import annotations

from hypothesis import strategies as st
from kit.lean_model import Model

from proofplane.lean.types import (
    ZERO_ROOT,
    AggregatedAttestation,
    AttestationData,
    Checkpoint,
    Participants,
    Root,
    Slot,
    Validator,
)

FAR = st.sampled_from([2**18, 2**63, 2**64 - 1])
"""Slots that no chain of the tests reaches."""


def registry(count: int) -> list[Validator]:
    """Validators with made-up keys."""
    return [Validator(bytes([index, 1]) * 26, bytes([index, 2]) * 26) for index in range(count)]


def participants(validators: int) -> st.SearchStrategy[Participants]:
    """Whoever; often everybody, sometimes nobody or somebody beyond the registry."""
    everybody = st.just(Participants((1 << validators) - 1, validators))
    some = st.integers(0, (1 << validators) - 1).map(lambda mask: Participants(mask, validators))
    beyond = st.integers(0, 3).map(lambda more: Participants(1 << (validators + more), validators + more + 1))
    kinds = [everybody, everybody, everybody, everybody, some, some, some]
    return st.one_of(*kinds, *kinds, st.builds(Participants, st.just(0), st.integers(0, 3)), beyond)


@st.composite
def checkpoints(draw: st.DrawFn, history: list[bytes], lowest: int = 0) -> Checkpoint:
    """A block of the chain, seldom another root or a slot that does not fit."""
    slots = st.integers(min(lowest, len(history)), len(history) + 1)
    kind = draw(st.integers(0, 24))
    slot = draw(FAR if kind == 0 else slots)
    if slot < len(history) and kind != 1:
        return Checkpoint(Root(history[slot]), Slot(slot))
    return Checkpoint(Root(draw(st.sampled_from([ZERO_ROOT, b"\x77" * 32]))), Slot(slot))


@st.composite
def votes(draw: st.DrawFn, model: Model) -> tuple[AggregatedAttestation, ...]:
    """Votes for the body of a block on top of the model's state; some twice."""
    history = model.history
    blocks = [slot for slot, root in enumerate(history) if root != ZERO_ROOT]
    found = []
    for _ in range(draw(st.integers(0, 6))):
        target = draw(checkpoints(history, model.finalized.slot + 1))
        if blocks and draw(st.integers(0, 5)):
            slot = draw(st.sampled_from(blocks[-6:]))
            target = Checkpoint(Root(history[slot]), Slot(slot))
        source = draw(st.one_of(st.just(model.justified), st.just(model.finalized), checkpoints(history)))
        head = target if draw(st.integers(0, 3)) else draw(checkpoints(history))
        data = AttestationData(Slot(draw(st.integers(0, 2**64 - 1))), head, target, source)
        found.append(AggregatedAttestation(draw(participants(len(model.validators))), data))
        if draw(st.integers(0, 9)) == 0:
            found.append(draw(st.sampled_from(found)))
    return tuple(found)


@st.composite
def midway(draw: st.DrawFn) -> Model:
    """A state in the middle of a chain: any history, any window, some tallies of targets that are not finalized."""
    length = draw(st.integers(1, 30))
    history = [b"" if draw(st.integers(0, 5)) == 0 else bytes([1 + slot, draw(st.integers(0, 255))]) for slot in range(length)]
    history = [root.ljust(32, b"\0") for root in history]
    finalized = draw(st.integers(0, length - 1))
    window = draw(st.lists(st.booleans(), min_size=length - 1 - finalized, max_size=length - finalized))
    count = draw(st.integers(1, 11))
    pending = [root for root in history[finalized + 1 :] if root != ZERO_ROOT and draw(st.booleans())]
    tallies = {root: draw(st.lists(st.booleans(), min_size=count, max_size=count)) for root in pending}
    justified = draw(st.integers(finalized, length - 1))
    header = dict.fromkeys(("parent_root", "state_root", "body_root"), ZERO_ROOT) | {"slot": length, "proposer_index": 0}
    return Model(
        7,
        length,
        header,
        Checkpoint(Root(history[justified]), Slot(justified)),
        Checkpoint(Root(history[finalized]), Slot(finalized)),
        history,
        window,
        [(entry.attestation_key, entry.proposal_key) for entry in registry(count)],
        tallies,
    )
