"""The seed rule: votes of a block's own body go into the known pool; of the recording nothing but their participants is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kit.vector_store import HIGH, LOW, block, data, proofs, view
from proofplane.chain.vectors.seed import SeededBackend, seeded
from proofplane.chain.vectors.snapshot import lists_unknown_votes, participant_sets, snapshot
from proofplane.chain.vectors.types import VectorFailed
from proofplane.crypto.xmss import TEST
from proofplane.lean.codec import attestation_data_root
from proofplane.lean.proof import CannotBuildProof, Component
from proofplane.lean.signature_list import SignatureList
from proofplane.lean.types import AggregateProof, Participants, Root, Slot

BODY_DATA = data(1, LOW, 1)
BODY_ROOT = attestation_data_root(BODY_DATA)
OTHER_ROOT = attestation_data_root(data(2, HIGH, 2))


def recording(**changes: Any) -> dict[str, Any]:
    pool = [
        {"dataRoot": "0x" + OTHER_ROOT.hex(), "participantSets": [[0, 1, 2, 3]]},
        {"dataRoot": "0x" + BODY_ROOT.hex(), "participantSets": [[0], [1, 2]]},
    ]
    return {**snapshot(view().store), "knownAggregatedPayloads": pool, **changes}


def listed(recorded: object) -> dict[Root, list[tuple[int, ...]]]:
    return participant_sets(recorded, {BODY_ROOT}, "recorded")


def test_one_proof_for_each_listed_set_is_added_behind_what_is_there() -> None:
    before = view().store

    after = seeded(before, block(), listed(recording()))

    added = AggregateProof(Participants.of((1, 2)), b"")
    assert after == replace(before, known_payloads={**before.known_payloads, BODY_DATA: proofs(0) | {added}})
    assert list(after.known_payloads) == list(before.known_payloads)


def test_a_data_that_is_new_comes_last() -> None:
    before = replace(view().store, known_payloads={data(2, HIGH, 2): proofs(1)})

    assert list(seeded(before, block(), listed(recording())).known_payloads) == [data(2, HIGH, 2), BODY_DATA]


def test_nothing_but_the_sets_of_the_bodys_own_data_is_read() -> None:
    before = view().store
    honest = seeded(before, block(), listed(recording()))
    garbage = {name: "nonsense" for name in recording() if name != "knownAggregatedPayloads"}
    others = [{"dataRoot": "0x" + "ab" * 32, "participantSets": [[3]]}, recording()["knownAggregatedPayloads"][1]]

    assert seeded(before, block(), listed({**garbage, "knownAggregatedPayloads": others})) == honest


def test_without_a_known_parent_or_a_listed_set_nothing_changes() -> None:
    before = view().store
    orphaned = replace(before, blocks=before.blocks.delete(LOW))

    assert seeded(orphaned, block(), listed(recording())) is orphaned
    assert seeded(before, block(), {}) is before
    assert seeded(before, block(), {BODY_ROOT: [(0,)]}) is before, "the pool has that set already"


def test_votes_for_data_that_no_step_has_shown_are_noticed_unless_nobody_cast_them() -> None:
    recorded = recording()
    empty = {"dataRoot": "0x" + "ab" * 32, "participantSets": []}

    assert lists_unknown_votes(recorded, {BODY_ROOT}, "recorded")
    assert not lists_unknown_votes(recorded, {BODY_ROOT, OTHER_ROOT}, "recorded")
    assert not lists_unknown_votes(recording(knownAggregatedPayloads=[empty]), set(), "recorded")


@pytest.mark.parametrize("pool", [7, [7], [{"dataRoot": "0x12", "participantSets": []}], [{"dataRoot": "0x" + "ab" * 32}]])
def test_a_malformed_recording_fails(pool: object) -> None:
    with pytest.raises(VectorFailed, match="recorded"):
        listed(recording(knownAggregatedPayloads=pool))


def test_a_merge_of_seeded_proofs_is_seeded_and_any_other_is_real() -> None:
    backend = SeededBackend(SignatureList(TEST))
    component = Component((bytes(52),), Root(bytes(32)), Slot(1))

    assert backend.merge(component, [b"", b"NV"], []) == b""
    with pytest.raises(CannotBuildProof):
        backend.merge(component, [b"NV"], [])
    assert backend.merge(component, [], [(bytes(52), bytes(424))]).startswith(b"NV")
