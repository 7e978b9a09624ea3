"""Cases for whole imports, made by hypothesis: a tree of signed blocks, what is delivered of it and in what order, ticks and votes between.

A case is drawn as moves, each a kind and a number that seeds its choices: what is left out by shrinking leaves the others as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from hypothesis import strategies as st

from kit.lean_chains_signed import JUNK_ROOT, LIFETIME, PROOF_FAULTS, SignedChain
from kit.signature_lists import written
from proofplane.lean.blocks import store_from_anchor
from proofplane.lean.config import INTERVALS_PER_SLOT, MAX_SLOT_GAP
from proofplane.lean.ssz import State
from proofplane.lean.store import Store
from proofplane.lean.types import (
    AggregatedAttestation,
    AggregateProof,
    AttestationData,
    Block,
    Checkpoint,
    Participants,
    Root,
    SignedAggregate,
    SignedAttestation,
    SignedBlock,
    Slot,
    ValidatorIndex,
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A block that is handed in."""

    signed: SignedBlock
    form: str = "value"
    """"value", "bytes", "cut" (bytes that lack the last one of the fixed part), or "trusted"."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The clock goes on by so many intervals."""

    intervals: int
    has_proposal: bool
    is_aggregator: bool


@dataclass(frozen=True, slots=True)
class Vote:
    """A gossiped vote."""

    signed: SignedAttestation
    is_aggregator: bool


@dataclass(frozen=True, slots=True)
class Together:
    """Blocks, and perhaps a vote, that are handed in at once."""

    deliveries: tuple[Delivery, ...]
    vote: Vote | SignedAggregate | None


Event = Delivery | Together | Tick | Vote | SignedAggregate


@dataclass(frozen=True, slots=True)
class Case:
    """Where an import begins and what happens then."""

    anchor_state: State
    anchor: Block
    store: Store
    events: tuple[Event, ...]
    waiting: int
    """Blocks that may wait for their parent."""

    @property
    def in_order(self) -> bool:
        """Whether nothing is handed in at once."""
        return not any(isinstance(event, Together) for event in self.events)


BAD = (
    ("state", 6), ("wrong proposer", 3), ("no proposer", 1), ("twice", 1), ("many", 1), ("nobody", 2), ("foreign", 2), ("past", 1),
    ("gap", 1), ("full", 2), ("future", 1), ("window", 2), ("orphan", 3),
)  # fmt: skip
"""What can be wrong with a block itself, and how often."""

MOVES = (
    "line", "good", "good", "good", "fork", "fork", "fork", "hidden", "proof", "proof", "bad", "bad", "bad", "again",
    "vote", "vote", "aggregate", "aggregate", "tick", "tick", "together",
)  # fmt: skip


class Builder:
    """Makes the events of one case."""

    def __init__(self, anchor: str, validators: int, start: int) -> None:
        """`anchor`: "genesis", "crooked" (see `SignedChain`) or "empty" (nobody is in the registry); `start`: the clock, in intervals."""
        self.chain = SignedChain(0 if anchor == "empty" else validators, crooked=anchor == "crooked")
        self.store = replace(store_from_anchor(self.chain.anchor_state, self.chain.anchor), time=start)
        self.events: list[Event] = []
        self._good = [self.chain.anchor.root]
        self._bad = [JUNK_ROOT]
        self._signed: list[SignedBlock] = []
        self._late: list[SignedBlock] = []
        """Blocks, or other proofs of them, that are delivered behind a later move, or never."""

    def move(self, kind: str, number: int) -> None:
        """Makes the event or events of one move."""
        random, count = Random(f"{kind} {number}"), self.chain.validators
        if self._late and random.random() < 0.5:
            self.events.append(self._delivery(self._late.pop(random.randrange(len(self._late))), random))
        match kind:
            case "line":
                for _ in range(random.randrange(2, 5)):
                    block = self._block(random, self._good[-1], self.chain.blocks[self._good[-1]].slot + 1, self._everybody(self._good[-1]))
                    self.events.append(self._delivery(self.chain.signed(block), random))
            case "vote" if count:
                self.events += [self._vote(random) for _ in range(random.randrange(1, 4))]
            case "aggregate" if count:
                self.events += [self._aggregate(random) for _ in range(random.randrange(1, 3))]
                if random.random() < 0.6:
                    self.events.append(Tick(5, True, random.random() < 0.3))  # past the interval in which they begin to count
            case "tick":
                self.events.append(Tick(random.choice([0, 1, 2, 3, 5, 9, 40]), random.random() < 0.5, random.random() < 0.7))
            case "together":
                vote: Vote | SignedAggregate | None = None
                if count and random.random() < 0.7:  # about blocks that are there before these
                    vote = self._vote(random) if random.random() < 0.3 else self._aggregate(random)
                kinds = ["good", "fork", "fork", "proof", "bad", "again"]
                parts = [self._delivered(random.choice(kinds), random) for _ in range(random.randrange(1, 5))]
                if random.random() < 0.6:  # one of them twice
                    parts.insert(random.randrange(len(parts)), random.choice(parts))
                self.events.append(Together(tuple(parts), vote))
            case "hidden":
                self._late.append(self._delivered("good", random).signed)
            case "good" | "fork" | "proof" | "bad" | "again":
                self.events.append(self._delivered(kind, random))
            case _:
                pass

    def _delivered(self, kind: str, random: Random) -> Delivery:
        if kind == "again" and self._signed:
            return self._delivery(random.choice(self._signed), random, again=True)
        parent = self._parent(random, fork=kind == "fork" or (kind != "good" and random.random() < 0.35))
        slot = self.chain.blocks[parent].slot + random.choice([1, 1, 1, 1, 2, 2, 3, 7, 45])
        if kind == "bad":
            return self._delivery(self._faulty(random, parent, slot), random)
        block = self._block(random, parent, slot, self._body(random, parent))
        signed = self.chain.signed(block)
        if kind != "proof":
            return self._delivery(signed, random)
        self._late.append(signed)  # the same block with a proof that holds, for later
        return self._delivery(self.chain.signed(block, random.choice(PROOF_FAULTS), random), random)

    def _delivery(self, signed: SignedBlock, random: Random, *, again: bool = False) -> Delivery:
        if not again:
            self._signed.append(signed)
        if signed.block.slot >= MAX_SLOT_GAP and random.random() < 0.8:
            return Delivery(signed, "trusted")  # no key signs so late
        kinds = ["value"] * 12 + ["bytes"] * 6 + ["cut", "trusted"]
        return Delivery(signed, random.choice([*kinds, *["trusted"] * (0 if self.chain.validators else 9)]))

    def _block(self, random: Random, parent: Root, slot: int, votes: tuple[AggregatedAttestation, ...]) -> Block:
        block = self.chain.block(parent, slot, votes)
        (self._good if block.root in self.chain.states else self._bad).append(block.root)
        return block

    def _faulty(self, random: Random, parent: Root, slot: int) -> SignedBlock:
        chain, count, body = self.chain, self.chain.validators, self._body(random, parent)
        kind = random.choices([name for name, _ in BAD], [weight for _, weight in BAD])[0]
        proposer, fault = None, random.choice(PROOF_FAULTS) if random.random() < 0.4 else None
        match kind:
            case "wrong proposer":
                proposer = (slot + 1) % max(count, 1)
            case "no proposer":
                proposer = random.choice([count, count + 1, 2**64 - 1])
            case "twice":
                body = (*body, *(body or self._everybody(parent) * 2), *body)[: len(body) + 2]
            case "many":
                body = (
                    tuple(AggregatedAttestation(Participants.of([n % max(count, 1)], count), chain.vote(parent, n)) for n in range(9))
                    if count
                    else ()
                )
            case "nobody":
                body = (AggregatedAttestation(Participants(0, random.randrange(9)), chain.vote(parent, random.randrange(9))), *body)
            case "foreign":
                body = (AggregatedAttestation(Participants.of([0, count + random.randrange(3)]), chain.vote(parent, 200)), *body)
            case "past":
                slot = random.randrange(chain.blocks[parent].slot + 1)
            case "gap":
                slot = random.choice([chain.blocks[parent].slot + MAX_SLOT_GAP + 1, 2**63, 2**64 - 1])
            case "full":  # the gap is allowed, but the history has no room for so many slots
                slot = chain.blocks[parent].slot + MAX_SLOT_GAP
            case "future":
                slot = LIFETIME - 1
            case "window" if count:
                vote = chain.vote(parent)
                far = Checkpoint(parent, Slot(random.choice([240, 2**63, 2**64 - 1])))
                data = replace(vote, target=far) if random.random() < 0.5 else replace(vote, source=far)
                body = (AggregatedAttestation(self._some(random), data), *body)
            case "orphan":
                parent = random.choice(self._bad)
            case _:
                pass
        if kind == "past" or slot >= LIFETIME:
            body = ()
        block = chain.block(parent, slot, body, proposer=proposer, wrong_state=kind in ("state", "gap"))
        if block.root in chain.states:
            self._good.append(block.root)
        else:
            self._bad.append(block.root)
        # The same block again later, with the other kind of proof: its root must not have become known as good or bad by the first one.
        self._late += [chain.signed(block, random.choice(PROOF_FAULTS) if fault is None else None, random)] * (random.random() < 0.6)
        return chain.signed(block, fault, random)

    def _parent(self, random: Random, *, fork: bool) -> Root:
        root = random.choice(self._good) if fork else random.choice([self._good[-1]] * 9 + [random.choice(self._good)])
        return root if self.chain.blocks[root].slot < LIFETIME - 50 else self._good[0]

    def _body(self, random: Random, parent: Root) -> tuple[AggregatedAttestation, ...]:
        if not self.chain.validators or random.random() < 0.1:
            return ()
        if random.random() < 0.5:
            return self._everybody(parent)
        found: dict[AttestationData, AggregatedAttestation] = {}
        for _ in range(random.choice([1, 1, 2, 3, 8])):
            data = self.chain.vote(random.choice([parent, parent, random.choice(self._good)]), random.randrange(12))
            found[data] = AggregatedAttestation(self._some(random), data)
        return tuple(found.values())

    def _everybody(self, parent: Root) -> tuple[AggregatedAttestation, ...]:
        count = self.chain.validators
        return (AggregatedAttestation(Participants((1 << count) - 1, count), self.chain.vote(parent)),) if count else ()

    def _some(self, random: Random) -> Participants:
        count = self.chain.validators
        return Participants(random.choice([random.randrange(1, 1 << count), (1 << count) - 1]), count + random.choice([0, 0, 0, 4]))

    def _vote(self, random: Random) -> Vote:
        data, count = self._data(random), self.chain.validators
        index = random.randrange(count) if random.random() < 0.9 else random.choice([count, 2**64 - 1])
        _, _, [(_, made)] = self.chain.part(Participants.of([index % count]), data)
        made = made if random.random() < 0.85 else made[:-1] + bytes([made[-1] ^ 1])
        return Vote(SignedAttestation(ValidatorIndex(index), data, made), random.random() < 0.7)

    def _aggregate(self, random: Random) -> SignedAggregate:
        data, count = self._data(random), self.chain.validators
        voters = self._some(random)
        if random.random() < 0.15:
            voters = random.choice([Participants(0, 3), Participants(2 << count, 9 + count)])
        proof = written([self.chain.part(voters, data)])
        return SignedAggregate(data, AggregateProof(voters, proof if random.random() < 0.85 else proof[:-1]))

    def _data(self, random: Random) -> AttestationData:
        """What a gossiped vote says: mostly sensible, else wrong in one of the ways that are checked."""
        late = {signed.block.root for signed in self._late}
        there_by_now = [root for root in self._good if root not in late]
        head = random.choice(
            [there_by_now[-1], max(there_by_now, key=lambda root: self.chain.blocks[root].slot), random.choice(self._good)]
        )
        at = self.chain.blocks[head].slot
        data = self.chain.vote(head, min(at + random.choice([0, 0, 0, 1]), LIFETIME - 1))
        earlier = [root for root in there_by_now if self.chain.blocks[root].slot < at]
        other = random.choice(earlier or self._good)
        there = Checkpoint(other, self.chain.blocks[other].slot)
        aside = self._aside(head, random) or there
        unknown = Checkpoint(random.choice(self._bad), data.head.slot)
        wrong: list[Callable[[], AttestationData]] = [
            lambda: replace(data, source=unknown),
            lambda: replace(data, target=unknown),
            lambda: replace(data, head=unknown),
            lambda: replace(data, source=replace(data.source, slot=Slot(2**64 - 1))),
            lambda: replace(data, head=there),
            lambda: replace(data, source=there),
            lambda: replace(data, target=there),
            lambda: replace(data, source=aside),
            lambda: replace(data, target=aside, source=Checkpoint(self.chain.anchor.root, Slot(0))),
            lambda: replace(data, source=replace(data.source, slot=Slot(data.source.slot ^ 1))),
            lambda: replace(data, target=replace(data.target, slot=Slot(max(data.target.slot - 1, 0)))),
            lambda: replace(data, head=replace(data.head, slot=Slot(data.head.slot + 1))),
            lambda: replace(data, slot=Slot(max(at - 1, 0))),
            lambda: replace(data, slot=Slot(LIFETIME - 1)),
        ]
        return random.choice(wrong)() if random.random() < 0.5 else data

    def _aside(self, head: Root, random: Random) -> Checkpoint | None:
        """A block that is not later than `head` and not on its branch."""
        blocks, branch = self.chain.blocks, {head}
        at = blocks[head]
        while at.parent_root in blocks and at is not self.chain.anchor:
            at = blocks[at.parent_root]
            branch.add(at.root)
        others = [root for root in self._good if root not in branch and blocks[root].slot <= blocks[head].slot]
        root = random.choice(others) if others else None
        return None if root is None else Checkpoint(root, blocks[root].slot)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any case."""
    anchor = draw(st.sampled_from(["genesis"] * 22 + ["crooked", "empty"]))
    start = draw(st.sampled_from([200 * INTERVALS_PER_SLOT] * 8 + [2 * MAX_SLOT_GAP * INTERVALS_PER_SLOT] * 3 + [0, 12]))
    builder = Builder(anchor, draw(st.integers(3, 8)), start)
    builder.move("line", draw(st.integers(0, 9_999)))
    for kind, number in draw(st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 9_999)), min_size=3, max_size=16)):
        builder.move(kind, number)
    waiting = draw(st.sampled_from([64, 64, 64, 3, 0]))
    events = builder.events
    if waiting == 3:  # what a small buffer drops depends on the order, so there is one
        events = [each for event in events for each in (event.deliveries if isinstance(event, Together) else (event,))]
    order = draw(st.sampled_from(["made", "made", "made", "any", "backwards"]))
    if order == "any":
        Random(draw(st.integers(0, 9_999))).shuffle(events)
    chain, events = builder.chain, events[::-1] if order == "backwards" else events
    return Case(chain.anchor_state, chain.anchor, builder.store, tuple(events), waiting)
