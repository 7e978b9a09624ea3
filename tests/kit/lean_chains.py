"""Random Lean states and votes, small and mostly sensible, so that justification and finality happen.

Drawn from a `random.Random` and not by hypothesis strategies: those favour extremes, and hardly any of their votes would count.
"""

from __future__ import annotations

from random import Random

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

FAR = (2**18, 2**63, 2**64 - 1)
"""Slots that no chain of the tests reaches."""


def registry(count: int) -> list[Validator]:
    """Validators with made-up keys."""
    return [Validator(bytes([index, 1]) * 26, bytes([index, 2]) * 26) for index in range(count)]


def participants(random: Random, validators: int) -> Participants:
    """Often everybody, seldom nobody or somebody beyond the registry."""
    kind = random.random()
    if kind < 0.6:
        return Participants((1 << validators) - 1, validators)
    if kind < 0.95:
        return Participants(random.randrange(1, 1 << validators), validators)
    if kind < 0.97:
        return Participants(0, random.randrange(4))
    return Participants(1 << validators, validators + 1 + random.randrange(3))


def votes(random: Random, model: Model) -> tuple[AggregatedAttestation, ...]:
    """Votes for the body of a block on top of the model's state; some twice, some that do not fit."""
    history, finalized = model.history, model.finalized.slot
    blocks = [slot for slot, root in enumerate(history) if root != ZERO_ROOT]
    found: list[AggregatedAttestation] = []
    for _ in range(random.randrange(7)):
        justified = [slot for slot in blocks if slot <= finalized or model.window[slot - finalized - 1]]
        source, target, head = (_checkpoint(random, history, among or blocks) for among in (justified, blocks[-8:], blocks))
        if random.random() < 0.4:
            # The block after the source, which finalizes it.
            after = [slot for slot in blocks if slot > source.slot]
            target = Checkpoint(Root(history[after[0]]), Slot(after[0])) if after else target
        data = AttestationData(Slot(random.choice([*range(9), *FAR])), random.choice([head, target]), target, source)
        found.append(AggregatedAttestation(participants(random, len(model.validators)), data))
        if random.random() < 0.1:
            found.append(random.choice(found))
    return tuple(found)


def midway(random: Random) -> Model:
    """A state in the middle of a chain: any history, any window, some tallies of targets that are not finalized."""
    length = random.randrange(1, 30)
    history = [bytes([random.randrange(256), slot, 1]).ljust(32, b"\0") for slot in range(length)]
    history = [root if random.random() < 0.8 else ZERO_ROOT for root in history]
    finalized = random.randrange(length) if random.random() < 0.3 else max(0, length - random.randrange(1, 9))
    window = [random.random() < 0.4 for _ in range(length - finalized - random.randrange(2))]
    count = random.randrange(1, 12)
    pending = [root for root in history[finalized + 1 :] if root != ZERO_ROOT and random.random() < 0.4]
    justified = random.randrange(finalized, length)
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
        {root: [random.random() < 0.3 for _ in range(count)] for root in pending},
    )


def _checkpoint(random: Random, history: list[bytes], among: list[int]) -> Checkpoint:
    """One of these blocks of the chain; seldom another root, or a slot that no block has."""
    kind = random.random()
    if kind < 0.02 or not among:
        return Checkpoint(ZERO_ROOT, Slot(random.choice([len(history), len(history) + 1, *FAR])))
    slot = Slot(random.choice(among))
    if kind < 0.06:
        return Checkpoint(Root(random.choice([ZERO_ROOT, b"\x77" * 32, history[0]])), slot)
    return Checkpoint(Root(history[slot]), slot)
