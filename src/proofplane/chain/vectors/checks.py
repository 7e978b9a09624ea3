"""The authored checks of a fork_choice step: each key is compared, and a key that is not known here fails the vector."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from proofplane.chain.vectors.fields import Fields, numbers_of, root_of, typed
from proofplane.chain.vectors.types import VectorFailed, compare
from proofplane.lean.fork_choice import attestation_target, block_weights, latest_votes
from proofplane.lean.store import Store
from proofplane.lean.types import ZERO_ROOT, AttestationData, Block, Root, ValidatorIndex


@dataclass(frozen=True, slots=True)
class StepView:
    """What a step's checks may ask about."""

    store: Store
    """After the step."""
    old_head: Root
    """Before it."""
    block: Block | None
    """Of this step, if it brings one."""
    labels: Mapping[str, Root]
    """Names of blocks; "genesis" is the anchor."""

    def labelled(self, value: object, where: str) -> Root:
        """The root that a label stands for; raises `VectorFailed` if none does."""
        label = typed(value, str, where)
        if label not in self.labels:
            raise VectorFailed(f"{where}: no block has the label {label!r}")
        return self.labels[label]

    def built(self, where: str) -> Block:
        """This step's block; raises `VectorFailed` if it brings none."""
        if self.block is None:
            raise VectorFailed(f"{where} is about a block, and the step brings none")
        return self.block


def run_checks(checks: object, view: StepView, where: str) -> None:
    """Compares everything that `checks` lists; raises `VectorFailed` at the first difference or unknown key."""
    for name, expected in typed(checks, dict, where).items():
        if name not in CHECKS:
            raise VectorFailed(f"{where}.{name} is no check that is known")
        CHECKS[name](view, expected, f"{where}.{name}")


Check = Callable[[StepView, object, str], None]


def _number(read: Callable[[Store], int]) -> Check:
    return lambda view, expected, where: compare(where, read(view.store), typed(expected, int, where))


def _root(read: Callable[[Store], Root]) -> Check:
    return lambda view, expected, where: compare(where, read(view.store).hex(), root_of(expected, where).hex())


def _label(read: Callable[[Store], Root]) -> Check:
    return lambda view, expected, where: compare(where, read(view.store).hex(), view.labelled(expected, where).hex())


def _target_slots(read: Callable[[Store], Iterable[AttestationData]]) -> Check:
    return lambda view, expected, where: compare(
        where, sorted({data.target.slot for data in read(view.store)}), sorted(set(numbers_of(expected, where)))
    )


def _attestation_target_slot(view: StepView, expected: object, where: str) -> None:
    target = attestation_target(view.store)
    compare(where, target.slot, typed(expected, int, where))
    compare(f"{where}, of the block itself", view.store.blocks[target.root].slot, target.slot)


def _attestations(view: StepView, expected: object, where: str) -> None:
    """A validator's latest vote in a pool; nothing is cut off at finality."""
    for position, one in enumerate(typed(expected, list, where)):
        here = f"{where}[{position}]"
        with Fields(one, here) as fields:
            vote = _latest_vote(view.store, fields.text("location"), ValidatorIndex(fields.number("validator")), here)
            for name, slot in (
                ("attestationSlot", vote.slot),
                ("headSlot", vote.head.slot),
                ("sourceSlot", vote.source.slot),
                ("targetSlot", vote.target.slot),
            ):
                if name in fields:
                    compare(f"{here}.{name}", slot, fields.number(name))
            if "sourceRootLabel" in fields:
                compare(f"{here}.sourceRootLabel", vote.source.root, view.labelled(fields.take("sourceRootLabel"), here))


def _latest_vote(store: Store, location: str, validator: ValidatorIndex, where: str) -> AttestationData:
    """The highest data slot wins, the first inserted between equal ones."""
    if location == "signatures":
        cast = [data for data, votes in store.attestation_signatures.items() if any(index == validator for index, _ in votes)]
        found = max(cast, key=lambda data: data.slot, default=None)
    elif location in ("new", "known"):
        pool = store.new_payloads if location == "new" else store.known_payloads
        found = next((votes.data for votes in latest_votes(pool, None) if votes.voters >> validator & 1), None)
    else:
        raise VectorFailed(f"{where}: there is no pool {location!r}")
    if found is None:
        raise VectorFailed(f"{where}: validator {validator} has no vote in pool {location!r}")
    return found


def _new_pool_participants(view: StepView, expected: object, where: str) -> None:
    """The union of participants by target slot, for the slots that are listed."""
    found: dict[int, set[int]] = {}
    for data, proofs in view.store.new_payloads.items():
        for proof in proofs:
            found.setdefault(data.target.slot, set()).update(proof.participants.indices())
    for slot, participants in typed(expected, dict, where).items():
        here = f"{where}[{slot}]"
        if not slot.isdecimal():
            raise VectorFailed(f"{here} is about no slot")
        compare(here, sorted(found.get(int(slot), ())), sorted(set(numbers_of(participants, here))))


def _attestation_count(view: StepView, expected: object, where: str) -> None:
    compare(where, len(view.built(where).attestations), typed(expected, int, where))


def _block_attestations(view: StepView, expected: object, where: str) -> None:
    """Each listed one must be in the body; the first with these participants is meant."""
    body = view.built(where).attestations
    for position, one in enumerate(typed(expected, list, where)):
        here = f"{where}[{position}]"
        with Fields(one, here) as fields:
            participants = tuple(sorted(set(numbers_of(fields.take("participants"), here))))
            found = next((each for each in body if each.participants.indices() == participants), None)
            if found is None:
                raise VectorFailed(f"{here}: no attestation of the block has the participants {participants}")
            for name, slot in (("attestationSlot", found.data.slot), ("targetSlot", found.data.target.slot)):
                if name in fields:
                    compare(f"{here}.{name}", slot, fields.number(name))


def _filled_block(view: StepView, expected: object, where: str) -> None:
    compare(where, view.built(where).root.hex(), view.labelled(expected, where).hex())


def _lexicographic_head(view: StepView, expected: object, where: str) -> None:
    """The labelled blocks weigh the same, and the head is the one with the largest root."""
    roots = [view.labelled(label, where) for label in typed(expected, list, where)]
    if len(roots) < 2:
        raise VectorFailed(f"{where} wants at least two labels")
    known = block_weights(view.store)
    compare(f"{where}, number of different weights", len({known.get(root, 0) for root in roots}), 1)
    compare(where, view.store.head.hex(), max(roots).hex())


def _reorg_depth(view: StepView, expected: object, where: str) -> None:
    """Blocks on the old head's branch that are not on the new one's."""
    compare(where, len(_branch(view.store, view.old_head) - _branch(view.store, view.store.head)), typed(expected, int, where))


def _labels_in_store(view: StepView, expected: object, where: str) -> None:
    for label in typed(expected, list, where):
        if view.labelled(label, where) not in view.store.blocks:
            raise VectorFailed(f"{where}: block {label!r} is not in the store")


def _branch(store: Store, root: Root) -> set[Root]:
    found = set()
    while root in store.blocks and root != ZERO_ROOT:
        found.add(root)
        root = store.blocks[root].parent_root
    return found


CHECKS: dict[str, Check] = {
    "time": _number(lambda store: store.time),
    "headSlot": _number(lambda store: store.blocks[store.head].slot),
    "headRoot": _root(lambda store: store.head),
    "headRootLabel": _label(lambda store: store.head),
    "latestJustifiedSlot": _number(lambda store: store.latest_justified.slot),
    "latestJustifiedRoot": _root(lambda store: store.latest_justified.root),
    "latestJustifiedRootLabel": _label(lambda store: store.latest_justified.root),
    "latestFinalizedSlot": _number(lambda store: store.latest_finalized.slot),
    "latestFinalizedRoot": _root(lambda store: store.latest_finalized.root),
    "latestFinalizedRootLabel": _label(lambda store: store.latest_finalized.root),
    "safeTarget": _root(lambda store: store.safe_target),
    "safeTargetSlot": _number(lambda store: store.blocks[store.safe_target].slot),
    "safeTargetRootLabel": _label(lambda store: store.safe_target),
    "attestationTargetSlot": _attestation_target_slot,
    "attestationTargetRootLabel": _label(lambda store: attestation_target(store).root),
    "attestationSignatureTargetSlots": _target_slots(lambda store: store.attestation_signatures),
    "latestNewAggregatedTargetSlots": _target_slots(lambda store: store.new_payloads),
    "latestKnownAggregatedTargetSlots": _target_slots(lambda store: store.known_payloads),
    "attestationChecks": _attestations,
    "newPoolProofParticipants": _new_pool_participants,
    "blockAttestationCount": _attestation_count,
    "blockAttestations": _block_attestations,
    "filledBlockRootLabel": _filled_block,
    "lexicographicHeadAmong": _lexicographic_head,
    "reorgDepth": _reorg_depth,
    "labelsInStore": _labels_in_store,
}
"""Everything that a check can be about."""
