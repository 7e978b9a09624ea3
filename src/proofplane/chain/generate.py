"""Signed chains for tests: every block proposed, voted on and signed as a network of honest validators would, from one seed.

Rules
1. The proposer of a slot builds on the head. At a slot of `forks` it has not seen the head and builds on that one's parent: two branches.
   Then the chain goes on from wherever fork choice finds the head. At a slot of `missed` it does nothing.
2. A block carries the votes that were cast in its parent's slot for the parent: source is what the parent's state calls justified, target
   the latest justifiable block up to the parent. Nobody votes in slot 0.
3. So each key signs one message a slot. Only at a slot of `bad`, whose valid block is preceded by five that must be refused and followed
   by itself, the proposer signs others, too.
4. `voters` of the validators vote in a slot, in turns. A proof has room for so many signatures; whoever wants more validators lets fewer
   of them vote at a time. With less than two thirds nothing is ever justified.
5. The recorded verdicts come from the rules alone, one after the other, without the importer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from proofplane.base.errors import CallerMistake
from proofplane.chain.chain_keys import ChainKeys
from proofplane.chain.directory import DeliveredBlock, Recorded
from proofplane.crypto.hashes import sha256
from proofplane.crypto.xmss import MAX_WINDOW, Scheme
from proofplane.lean.blocks import accept_block, node_of, store_from_anchor
from proofplane.lean.clock import first_interval, proposer_of
from proofplane.lean.codec import attestation_data_root, make_block, state_root
from proofplane.lean.config import VALIDATOR_REGISTRY_LIMIT
from proofplane.lean.errors import Reason
from proofplane.lean.fork_choice import attestation_target, vote_source
from proofplane.lean.genesis import genesis_block, genesis_state
from proofplane.lean.proof import Component
from proofplane.lean.signature_list import SignatureList
from proofplane.lean.ssz import State
from proofplane.lean.store import Store
from proofplane.lean.ticks import on_tick
from proofplane.lean.transition import process_attestations, process_header, process_slots
from proofplane.lean.types import (
    ZERO_ROOT,
    AggregatedAttestation,
    AttestationData,
    Block,
    Checkpoint,
    Participants,
    Root,
    SignedBlock,
    Slot,
    ValidatorIndex,
)

GENESIS_TIME = 0
"""Unix seconds: such a chain belongs to no time, and its importers are ticked by its blocks."""

Told = Callable[[str, int, int], None]
"""Hears what is being made, how many of it are done, and how many there will be."""


class BadPlan(CallerMistake):
    """A chain that cannot be made as asked for."""


@dataclass(frozen=True, slots=True)
class ChainPlan:
    """What a chain is to look like."""

    scheme: Scheme
    validators: int
    slots: int
    """The last slot; the first block is that of slot 1."""
    seed: str
    """Any text; the same plan gives the same files."""
    voters: int | None = None
    """How many vote in a slot; None: all of them."""
    missed: frozenset[int] = frozenset()
    """Slots without a block."""
    forks: frozenset[int] = frozenset()
    """Slots whose proposer has not seen the head."""
    bad: frozenset[int] = frozenset()
    """Slots before whose block the five bad ones come."""

    def __post_init__(self) -> None:
        """Raises `BadPlan`."""
        if not 1 <= self.validators <= VALIDATOR_REGISTRY_LIMIT:
            raise BadPlan(f"a chain has 1 to {VALIDATOR_REGISTRY_LIMIT} validators, not {self.validators}")
        longest = min(self.scheme.lifetime, MAX_WINDOW) - 1
        if not 1 <= self.slots <= longest:
            raise BadPlan(f"a chain of {self.scheme.name} keys has 1 to {longest} slots, not {self.slots}")
        if not 1 <= self.voting <= self.validators:
            raise BadPlan(f"1 to {self.validators} validators vote in a slot, not {self.voting}")
        room = SignatureList(self.scheme).capacity - 1  # one is the proposer's
        if self.voting > room:
            raise BadPlan(
                f"a block's proof holds the {self.scheme.name} signatures of its proposer and {room} voters, not {self.voting}: "
                f"let {room} or fewer vote in a slot (they take turns)"
            )
        if self.missed & (self.forks | self.bad):
            raise BadPlan("a slot that is missed has no block that could be a fork or follow bad ones")
        for name, slots in (("missed", self.missed), ("fork", self.forks), ("bad", self.bad)):
            if slots and not 1 <= min(slots) <= max(slots) <= self.slots:
                raise BadPlan(f"{name}: the slots of this chain are 1 to {self.slots}")

    @property
    def voting(self) -> int:
        """How many vote in a slot."""
        return self.validators if self.voters is None else self.voters


@dataclass(frozen=True, slots=True)
class GeneratedChain:
    """A chain that is made while it is read."""

    state: State
    anchor: Block
    blocks: Iterator[DeliveredBlock]


def generate(plan: ChainPlan, keys: ChainKeys, told: Told) -> GeneratedChain:
    """Begins a chain; `keys` are those of the plan's validators and must live as long as blocks are taken."""
    state = genesis_state(GENESIS_TIME, keys.registry())
    anchor = genesis_block(state)
    return GeneratedChain(state, anchor, _Network(plan, keys, state, anchor).blocks(told))


def keys_of(plan: ChainPlan, told: Told) -> ChainKeys:
    """The keys of a plan's validators."""
    seed = sha256(plan.seed.encode())
    return ChainKeys(plan.scheme, seed, plan.validators, plan.slots, lambda done: told("keys", done, plan.validators))


@dataclass(frozen=True, slots=True)
class _Draft:
    """A block before it is signed."""

    block: Block
    post: State
    voted: tuple[tuple[Component, tuple[tuple[bytes, bytes], ...]], ...]
    """Each attestation of the body with key and signature of each voter."""

    @property
    def signatures(self) -> int:
        """With the proposer's."""
        return 1 + sum(len(votes) for _, votes in self.voted)


class _Network:
    """All validators together, who agree on everything."""

    def __init__(self, plan: ChainPlan, keys: ChainKeys, state: State, anchor: Block) -> None:
        self._plan = plan
        self._keys = keys
        self._backend = SignatureList(plan.scheme)
        self._store = store_from_anchor(state, anchor)
        self._states = {anchor.root: state}

    def blocks(self, told: Told) -> Iterator[DeliveredBlock]:
        for number in range(1, self._plan.slots + 1):
            if number not in self._plan.missed:
                yield from self._slot(Slot(number))
            told("slots", number, self._plan.slots)

    def _slot(self, slot: Slot) -> Iterator[DeliveredBlock]:
        self._store = on_tick(self._store, first_interval(slot), has_proposal=True, is_aggregator=False, aggregate=_nobody_aggregates)
        parent, note = self._store.head, "canonical"
        if slot in self._plan.forks and self._store.blocks[parent].parent_root in self._store.blocks:
            parent, note = self._store.blocks[parent].parent_root, "fork sibling of the head"
        draft = self._draft(slot, parent)
        signed = self._signed(draft, draft.block)
        if slot in self._plan.bad:
            yield from self._bad(draft)
        yield self._accepted(signed, draft, note)
        if slot in self._plan.bad:
            yield self._accepted(signed, draft, f"duplicate of {note}")

    def _bad(self, draft: _Draft) -> Iterator[DeliveredBlock]:
        block = draft.block
        wrong = _changed(block, state_root=Root(sha256(block.state_root)))
        orphan = _changed(block, parent_root=Root(sha256(block.parent_root)))
        for note, other, spoil, reason in (
            ("bad signature", block, True, Reason.INVALID_BLOCK_PROOF),
            ("bad state root", wrong, False, Reason.STATE_ROOT_MISMATCH),
            ("bad signature and bad state root", wrong, True, Reason.INVALID_BLOCK_PROOF),
            ("unknown parent", orphan, False, Reason.UNKNOWN_PARENT_BLOCK),
        ):
            yield DeliveredBlock(self._signed(draft, other, spoil), note, draft.signatures, self._recorded(other, reason))
        yield DeliveredBlock(SignedBlock(block, b""), "empty proof", 0, self._recorded(block, Reason.INVALID_BLOCK_PROOF))

    def _accepted(self, signed: SignedBlock, draft: _Draft, note: str) -> DeliveredBlock:
        self._store = accept_block(self._store, draft.block, node_of(draft.block, draft.post))
        self._states[draft.block.root] = draft.post
        return DeliveredBlock(signed, note, draft.signatures, self._recorded(draft.block, None))

    def _recorded(self, block: Block, reason: Reason | None) -> Recorded:
        store = self._store
        return Recorded(
            blockRoot=_hex(block.root),
            rejection=None if reason is None else reason.name,
            head=_hex(store.head),
            headSlot=store.blocks[store.head].slot,
            justified=store.latest_justified.slot,
            finalized=store.latest_finalized.slot,
            postStateRoot=_hex(block.state_root) if reason is None else None,
        )

    def _draft(self, slot: Slot, parent: Root) -> _Draft:
        voted = self._votes(parent)
        attestations = tuple([attestation for attestation, _, _ in voted])
        proposer = proposer_of(slot, self._plan.validators)
        sketch = make_block(slot, proposer, parent, ZERO_ROOT, attestations)
        post = process_attestations(process_header(process_slots(self._states[parent], slot), sketch), attestations)
        block = make_block(slot, proposer, parent, state_root(post), attestations)
        return _Draft(block, post, tuple([(component, votes) for _, component, votes in voted]))

    def _votes(self, parent: Root) -> list[tuple[AggregatedAttestation, Component, tuple[tuple[bytes, bytes], ...]]]:
        """The votes of the parent's slot: one attestation, none if the parent is the anchor."""
        slot = self._store.blocks[parent].slot
        if slot == 0:
            return []
        data = self._data(parent)
        count, voting = self._plan.validators, self._plan.voting
        voters = sorted(ValidatorIndex((slot * voting + turn) % count) for turn in range(voting))
        root = attestation_data_root(data)
        votes = tuple(self._keys.attest(voters, slot, root))
        component = Component(tuple([key for key, _ in votes]), root, slot)
        return [(AggregatedAttestation(Participants.of(tuple(voters)), data), component, votes)]

    def _data(self, head: Root) -> AttestationData:
        """What an honest validator says in the slot of the block `head`, if that is its head and safe, and finality what its state says."""
        node = self._store.blocks[head]
        seen = replace(self._store, head=head, safe_target=head, latest_finalized=node.finalized)
        return AttestationData(node.slot, Checkpoint(head, node.slot), attestation_target(seen), vote_source(seen))

    def _signed(self, draft: _Draft, block: Block, spoil: bool = False) -> SignedBlock:
        """The draft's votes with the proposer's signature of `block`, maybe another than the draft's; `spoil` makes the first one bad."""
        sign = self._keys.propose if block is draft.block else self._keys.equivocate
        proposer = sign(block.slot, block.root)
        parts = [*draft.voted, (Component((proposer[0],), block.root, block.slot), (proposer,))]
        if spoil:
            component, ((key, signature), *others) = parts[0]
            parts[0] = component, ((key, signature[:-_ELEMENT] + bytes(_ELEMENT)), *others)
        return SignedBlock(block, self._backend.join([self._backend.merge(component, [], votes) for component, votes in parts]))


_ELEMENT = 4
"""Bytes of a field element; a signature whose last one is made zero does not hold, but for one chance in two billion."""


def _changed(block: Block, state_root: Root | None = None, parent_root: Root | None = None) -> Block:
    return make_block(
        block.slot, block.proposer_index, parent_root or block.parent_root, state_root or block.state_root, block.attestations
    )


def _nobody_aggregates(store: Store) -> Store:
    return store


def _hex(root: Root) -> str:
    return f"0x{root.hex()}"
