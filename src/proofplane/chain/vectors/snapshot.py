"""A store as the fork_choice vectors write it after every step, and its comparison with a recorded one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from proofplane.chain.vectors.fields import Fields, numbers_of, root_of, typed
from proofplane.chain.vectors.types import compare
from proofplane.lean.codec import attestation_data_root
from proofplane.lean.fork_choice import block_weights
from proofplane.lean.store import ProofPool, SignaturePool, Store
from proofplane.lean.types import Checkpoint, Root

UNLISTED_VOTES_SHOW_IN = frozenset({"blockWeights", "knownAggregatedPayloads"})
"""What votes change that no step tells of."""


def snapshot(store: Store) -> dict[str, Any]:
    """What a recording says about a store, in its JSON form."""
    return {
        "time": store.time,
        "headRoot": _hex(store.head),
        "safeTargetRoot": _hex(store.safe_target),
        "latestJustified": _checkpoint(store.latest_justified),
        "latestFinalized": _checkpoint(store.latest_finalized),
        "blockRoots": [_hex(root) for root in sorted(store.blocks)],
        "blockWeights": [{"root": _hex(root), "weight": weight} for root, weight in block_weights(store).items()],
        "attestationSignatures": _signatures(store.attestation_signatures),
        "newAggregatedPayloads": _proofs(store.new_payloads),
        "knownAggregatedPayloads": _proofs(store.known_payloads),
    }


def compare_snapshot(store: Store, recorded: object, where: str, leave_out: Collection[str] = ()) -> None:
    """Raises `VectorFailed` if any recorded field differs, is missing or is not known; those of `leave_out` need only be there."""
    with Fields(recorded, where) as fields:
        for name, value in snapshot(store).items():
            expected = fields.take(name)
            if name not in leave_out:
                compare(f"{where}.{name}", value, expected)


def participant_sets(recorded: object, wanted: Collection[Root], where: str) -> dict[Root, list[tuple[int, ...]]]:
    """The participant sets that a recorded known pool lists for the data in `wanted`: nothing else of the recording is looked at."""
    with Fields(recorded, where) as fields:
        pool = fields.items("knownAggregatedPayloads")
        for name in fields.rest():
            fields.take(name)
    found = {}
    for position, entry in enumerate(pool):
        here = f"{where}.knownAggregatedPayloads[{position}]"
        with Fields(entry, here) as fields:
            root = root_of(fields.take("dataRoot"), here)
            sets = fields.items("participantSets")
            if root in wanted:
                found[root] = [tuple(numbers_of(one, f"{here}.participantSets")) for one in sets]
    return found


def lists_unknown_votes(recorded: object, met: Collection[Root], where: str) -> bool:
    """Whether a recorded known pool counts votes for a data that no step so far has shown."""
    pool = typed(typed(recorded, dict, where).get("knownAggregatedPayloads"), list, where)
    for entry in pool:
        with Fields(entry, where) as fields:
            root, sets = fields.root("dataRoot"), fields.items("participantSets")
        if sets and root not in met:
            return True
    return False


def _signatures(pool: SignaturePool) -> list[dict[str, Any]]:
    rows = [(attestation_data_root(data), sorted(index for index, _ in votes)) for data, votes in pool.items()]
    return [{"dataRoot": _hex(root), "validatorIndices": indices} for root, indices in sorted(rows)]


def _proofs(pool: ProofPool) -> list[dict[str, Any]]:
    """Proofs with the same participants count once: the recorder's signatures are deterministic, so there they are one proof."""
    rows = [(attestation_data_root(data), {proof.participants.indices() for proof in proofs}) for data, proofs in pool.items()]
    return [{"dataRoot": _hex(root), "participantSets": [list(one) for one in sorted(sets)]} for root, sets in sorted(rows)]


def _checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    return {"root": _hex(checkpoint.root), "slot": checkpoint.slot}


def _hex(root: Root) -> str:
    return f"0x{root.hex()}"
