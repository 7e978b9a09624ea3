"""The importer once more as one straight line: verify, then transition, then fork choice; nothing beside anything, nothing remembered.

Written from section 11 of the reference, with the two guards and the buffer of waiting blocks of section 16. Rules of one step each
(a proof, a transition, fork choice, a vote) are the functions of `proofplane.lean`; their own tests hold them against models.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

from kit.lean_chains_cases import Case, Delivery, Tick, Together, Vote
from proofplane.base.errors import TryAgain
from proofplane.chain.types import ImportedBlock, Outcome
from proofplane.lean.aggregation import aggregate
from proofplane.lean.blocks import accept_block, node_of
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.gossip import accept_aggregate, accept_attestation
from proofplane.lean.proof import ProofBackend, verify_block
from proofplane.lean.registry import registry_of
from proofplane.lean.ssz import State
from proofplane.lean.store import Store
from proofplane.lean.ticks import on_tick
from proofplane.lean.transition import transition
from proofplane.lean.types import Registry, Root, SignedAggregate, SignedBlock

Answer = Outcome | Reason | str | None
"""An outcome, a reason, the name of an error that says nothing about the input, or None for a vote or tick that was taken."""

PROOFS_OF_A_ROOT = 4
"""Of one waiting block."""

CONTENT = frozenset({
    Reason.BLOCK_SLOT_NOT_IN_FUTURE, Reason.EMPTY_VALIDATOR_REGISTRY, Reason.WRONG_PROPOSER, Reason.PARENT_ROOT_MISMATCH,
    Reason.TOO_MANY_ATTESTATION_DATA, Reason.JUSTIFIED_SLOT_OUT_OF_RANGE, Reason.STATE_ROOT_MISMATCH, Reason.HISTORY_FULL,
})  # fmt: skip
"""Reasons that only the transition has: the block's content is bad, whatever proof comes with it."""

Checked = dict[tuple[Root, bytes, bool], State | Reason]
"""What verification and transition make of a block, which depends on nothing else: kept for all runs of a case."""


class StraightLine:
    """A store and what has happened to it."""

    def __init__(self, case: Case, backend: ProofBackend, checked: Checked) -> None:
        """`checked` may be shared by several lines of one case."""
        self.store: Store = case.store
        self.emitted: list[ImportedBlock] = []
        self.refusals: list[tuple[Root | None, Reason]] = []
        self._states: dict[Root, State] = {case.anchor.root: case.anchor_state}
        self._registry = registry_of(case.anchor_state)
        self._backend = backend
        self._checked = checked
        self._most = case.waiting
        self._waiting: list[SignedBlock] = []
        self._invalid: set[Root] = set()

    def deliver(self, delivery: Delivery) -> Answer:
        """One block, and then whatever waited for it."""
        answer = self._take(delivery)
        if answer is Outcome.IMPORTED:
            self._children(delivery.signed.block.root)
        return answer

    def at_once(self, together: Together, answers: Sequence[Answer], emitted: Sequence[Root], store: Store) -> StraightLine:
        """What was handed in at once, with the answers, imports and store that came of it: the line of an order that gives just these.

        Imports are made in the order in which they were seen; where the vote falls between them is tried out. Each answer must be right
        between two imports, or at the ends; each import must be of a delivered or waiting block; and nothing may wait whose parent is
        there. Raises `AssertionError` if there is no such order.
        """
        failures: list[AssertionError] = []
        for place in range(len(emitted) + 1):
            line = copy(self)
            line.emitted, line._waiting, line._states = list(self.emitted), list(self._waiting), dict(self._states)
            try:
                line._follow(together, answers, emitted, place)
                assert line.store == store
            except AssertionError as failure:
                failures.append(failure)
            else:
                return line
        raise failures[0]

    def _follow(self, together: Together, answers: Sequence[Answer], emitted: Sequence[Root], vote_at: int) -> None:
        deliveries = together.deliveries
        possible: list[set[Answer]] = [{self._answer(delivery)} for delivery in deliveries]
        for delivery, answer in zip(deliveries, answers, strict=False):
            if answer is Reason.UNKNOWN_PARENT_BLOCK:
                self._keep(delivery)
        for place in range(len(emitted) + 1):
            if place == vote_at and together.vote is not None:
                answer = self.vote(together.vote)
                assert answers[-1] == answer, f"{answers[-1]} for {together.vote}, not {answer}"
            if place < len(emitted):
                self._import(self._importable(emitted[place], deliveries))
            for right, delivery in zip(possible, deliveries, strict=True):
                right.add(self._answer(delivery))
        imported = list[Root]()
        for delivery, answer, right in zip(deliveries, answers, possible, strict=False):
            assert answer in right, f"{answer} for {delivery.signed.block.root.hex()}, which can only be {right}"
            imported += [delivery.signed.block.root] * (answer is Outcome.IMPORTED)
        assert len(imported) == len(set(imported)), "one block was imported twice"
        assert set(imported) <= set(emitted)
        for signed in [signed for signed in self._waiting if signed.block.parent_root in self.store.blocks]:
            assert self._answer(Delivery(signed)) is not Outcome.IMPORTED, (
                f"{signed.block.root.hex()} still waits for a parent that is there"
            )
            self._waiting.remove(signed)

    def _importable(self, root: Root, deliveries: Sequence[Delivery]) -> Delivery:
        offered = [*deliveries, *(Delivery(signed) for signed in self._waiting)]
        found = [one for one in offered if one.signed.block.root == root and self._answer(one) is Outcome.IMPORTED]
        assert found, f"nothing that was handed in or waits makes {root.hex()} importable here"
        return found[0]

    def tick(self, tick: Tick) -> Answer:
        """Time passes."""

        def aggregated(store: Store) -> Store:
            return aggregate(store, self._backend, self._registry)

        self.store = on_tick(self.store, self.store.time + tick.intervals, tick.has_proposal, tick.is_aggregator, aggregated)
        return None

    def vote(self, vote: Vote | SignedAggregate) -> Answer:
        """A gossiped vote."""
        try:
            if isinstance(vote, Vote):
                self.store = accept_attestation(self.store, vote.signed, self._registry_at, self._backend, vote.is_aggregator)
            else:
                self.store = accept_aggregate(self.store, vote, self._registry_at, self._backend, 1)
        except Rejected as refusal:
            return refusal.reason
        except TryAgain as error:
            return type(error).__name__
        return None

    def _registry_at(self, root: Root) -> Registry:
        return registry_of(self._states[root])

    def _take(self, delivery: Delivery) -> Answer:
        answer, block = self._answer(delivery), delivery.signed.block
        if answer is Outcome.IMPORTED:
            self._import(delivery)
        elif isinstance(answer, Reason):
            self.refusals.append((None if answer is Reason.DECODE_ERROR else block.root, answer))
            if answer is Reason.UNKNOWN_PARENT_BLOCK:
                self._keep(delivery)
            elif answer in CONTENT or (delivery.form == "trusted" and answer not in _GUARDS):
                self._forget_descendants(block.root)
        return answer

    def _answer(self, delivery: Delivery) -> Answer:
        """What a delivery gets if it comes now."""
        block, store = delivery.signed.block, self.store
        if delivery.form == "cut":
            return Reason.DECODE_ERROR
        if block.root in store.blocks:
            return Outcome.ALREADY_KNOWN
        if block.parent_root not in self._states:
            return Reason.UNKNOWN_PARENT_BLOCK
        if _has_data_twice(delivery.signed):
            return Reason.DUPLICATE_ATTESTATION_DATA
        if block.slot > store.blocks[block.parent_root].slot + 2**18:
            return Reason.BLOCK_SLOT_GAP_TOO_LARGE
        if not self._slot_has_come(delivery.signed):
            return Reason.BLOCK_SLOT_IN_FUTURE
        checked = self._check(delivery)
        return checked if isinstance(checked, Reason) else Outcome.IMPORTED

    def _check(self, delivery: Delivery) -> State | Reason:
        signed, trusted = delivery.signed, delivery.form == "trusted"
        place = (signed.block.root, signed.proof, trusted)
        if place not in self._checked:
            before = self._states[signed.block.parent_root]
            try:
                if not trusted:
                    verify_block(signed, registry_of(before), self._backend, 1)
                self._checked[place] = transition(before, signed.block)
            except Rejected as refusal:
                self._checked[place] = refusal.reason
        return self._checked[place]

    def _import(self, delivery: Delivery) -> None:
        block, after = delivery.signed.block, self._check(delivery)
        assert not isinstance(after, Reason)
        self.store = store = accept_block(self.store, block, node_of(block, after))
        self._states[block.root] = after
        slot = store.blocks[store.head].slot
        self.emitted.append(
            ImportedBlock(block.slot, block.root, block.parent_root, store.head, slot, store.latest_justified, store.latest_finalized)
        )

    def _children(self, parent: Root) -> None:
        """Imports what waits for a block, then what waits for that, oldest first; nobody hears how that ends but observers."""
        parents = [parent]
        while parents:
            child = next((signed for signed in self._waiting if signed.block.parent_root == parents[0]), None)
            if child is None:
                del parents[0]
                continue
            self._waiting.remove(child)
            if self._take(Delivery(child)) is Outcome.IMPORTED:
                parents.append(child.block.root)

    def _keep(self, delivery: Delivery) -> None:
        signed = delivery.signed
        refused = _has_data_twice(signed) or not self._slot_has_come(signed) or signed.block.parent_root in self._invalid
        if delivery.form == "trusted" or self._most == 0 or refused or signed in self._waiting:
            return
        proofs = [one for one in self._waiting if one.block.root == signed.block.root]
        if len(proofs) == PROOFS_OF_A_ROOT:
            self._waiting.remove(proofs[0])
        self._waiting = [*self._waiting, signed]
        if len(self._waiting) > self._most:  # the fullest slot loses its oldest; of several, the one furthest from the head
            head = self.store.blocks[self.store.head].slot
            slots = [one.block.slot for one in self._waiting]
            fullest = max(slots, key=lambda slot: (slots.count(slot), abs(slot - head)))
            del self._waiting[slots.index(fullest)]

    def _forget_descendants(self, root: Root) -> None:
        """No block can follow on one with bad content: what waits for it gives its room to others."""
        self._invalid.add(root)
        roots = [root]
        for gone in roots:
            roots += [signed.block.root for signed in self._waiting if signed.block.parent_root == gone]
            self._waiting = [signed for signed in self._waiting if signed.block.parent_root != gone]

    def _slot_has_come(self, signed: SignedBlock) -> bool:
        return signed.block.slot <= self.store.time // 5 + 1


_GUARDS = {
    Reason.UNKNOWN_PARENT_BLOCK,
    Reason.DUPLICATE_ATTESTATION_DATA,
    Reason.BLOCK_SLOT_GAP_TOO_LARGE,
    Reason.BLOCK_SLOT_IN_FUTURE,
    Reason.DECODE_ERROR,
}


def _has_data_twice(signed: SignedBlock) -> bool:
    seen = [vote.data for vote in signed.block.attestations]
    return any(data in seen[:place] for place, data in enumerate(seen))
