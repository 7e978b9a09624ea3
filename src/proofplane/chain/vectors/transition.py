"""Runner of the state_transition family: blocks applied to a state, without signatures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from proofplane.chain.vectors.fields import Fields, root_of, typed
from proofplane.chain.vectors.json_forms import block_of, plain, state_of
from proofplane.chain.vectors.types import Case, VectorFailed, compare, verdict_of
from proofplane.crypto.ssz import codec_of
from proofplane.lean import ssz
from proofplane.lean.clock import proposer_of
from proofplane.lean.codec import encode_state, state_root
from proofplane.lean.errors import Reason
from proofplane.lean.ssz import State
from proofplane.lean.transition import process_attestations, process_header, process_slots, transition
from proofplane.lean.types import Block, Slot

_WITHOUT_SLOTS = frozenset({Reason.BLOCK_SLOT_MISMATCH.name, Reason.BLOCK_OLDER_THAN_LATEST_HEADER.name})
"""Reasons that a whole transition cannot give: these vectors apply header and attestations to the state as it is, for all their blocks."""


def run_state_transition(vector: Fields, case: Case) -> None:
    """The state after all blocks, or the reason why one is refused."""
    state = state_of(vector.take("pre"), "pre")
    blocks = [block_of(value, f"blocks[{at}]") for at, value in enumerate(vector.items("blocks"))]
    post = vector.take("post") if "post" in vector else None
    root = vector.root("postStateRoot") if "postStateRoot" in vector else None
    if (root is None) == (case.reason is None):
        raise VectorFailed("it must have either a postStateRoot or a rejectionReason")
    with verdict_of(case.reason):
        state = _replay(state, blocks, case.reason)
    if root is not None:
        compare("the root of the state after the blocks", state_root(state).hex(), root.hex())
    if post is not None:
        _check_post(state, blocks, post)


def _replay(state: State, blocks: Sequence[Block], reason: str | None) -> State:
    if not blocks and reason is not None:
        return _build_nothing(state, reason)
    for block in blocks:
        if reason in _WITHOUT_SLOTS:
            state = process_attestations(process_header(state, block), block.attestations)
        else:
            state = transition(state, block)
    return state


def _build_nothing(state: State, reason: str) -> State:
    """Two vectors have no block because building one already failed; the step that failed is what must be refused."""
    slot = Slot(int(state.slot))
    if reason == Reason.EMPTY_VALIDATOR_REGISTRY.name:
        proposer_of(Slot(slot + 1), len(state.validators))
    elif reason == Reason.BLOCK_SLOT_NOT_IN_FUTURE.name:
        process_slots(state, slot)
    else:
        raise VectorFailed(f"there are no blocks, and nothing else is known that gives {reason}")
    return state


def _check_post(state: State, blocks: Sequence[Block], post: object) -> None:
    """The readable part of the expectation; the root says it all again."""
    header, lists = state.latest_block_header, dict(zip(State.fields(), codec_of(State).decode(encode_state(state)), strict=True))
    numbers: dict[str, Any] = {
        "slot": state.slot,
        "latestJustifiedSlot": state.latest_justified.slot,
        "latestFinalizedSlot": state.latest_finalized.slot,
        "validatorCount": len(state.validators),
        "configGenesisTime": state.config.genesis_time,
        "latestBlockHeaderSlot": header.slot,
        "latestBlockHeaderProposerIndex": header.proposer_index,
        "historicalBlockHashesCount": len(state.historical_block_hashes),
        "justificationsRootsCount": len(state.justifications_roots),
        "justificationsValidatorsCount": len(state.justifications_validators),
    }
    roots: dict[str, Any] = {
        "latestJustifiedRoot": state.latest_justified.root,
        "latestFinalizedRoot": state.latest_finalized.root,
        "latestBlockHeaderParentRoot": header.parent_root,
        "latestBlockHeaderStateRoot": header.state_root,
        "latestBlockHeaderBodyRoot": header.body_root,
    }
    for name, expected in typed(post, dict, "post").items():
        where = f"post.{name}"
        if name in numbers:
            compare(where, int(numbers[name]), typed(expected, int, where))
        elif name in roots:
            compare(where, bytes(roots[name]).hex(), root_of(expected, where).hex())
        elif name in _LISTS:
            schema, field = _LISTS[name]
            compare(where, lists[field], plain(schema, expected, where))
        elif name in _LABELLED:
            _check_labelled(_LABELLED[name](state), blocks, expected, where)
        else:
            raise VectorFailed(f"{where} is no field that is known")


def _check_labelled(found: Sequence[bytes], blocks: Sequence[Block], expected: object, where: str) -> None:
    """This family's blocks carry no labels, so all that can be said is that the roots are some of those blocks', as many as labelled."""
    labels = expected if isinstance(expected, list) else [expected]
    compare(f"{where}, number of roots", len(found), len({typed(label, str, where) for label in labels}))
    known = {block.root for block in blocks} | {block.parent_root for block in blocks}
    if not known.issuperset(found):
        raise VectorFailed(f"{where}: a root is that of none of the vector's blocks")


_LISTS: dict[str, tuple[Any, str]] = {
    "validators": (ssz.Validators, "validators"),
    "historicalBlockHashes": (ssz.HistoricalBlockHashes, "historical_block_hashes"),
    "justifiedSlots": (ssz.JustifiedSlots, "justified_slots"),
    "justificationsRoots": (ssz.JustificationRoots, "justifications_roots"),
    "justificationsValidators": (ssz.JustificationValidators, "justifications_validators"),
}
"""Fields that are compared element by element: type, name in the state."""

_LABELLED: dict[str, Callable[[State], list[bytes]]] = {
    "latestJustifiedRootLabel": lambda state: [bytes(state.latest_justified.root)],
    "latestFinalizedRootLabel": lambda state: [bytes(state.latest_finalized.root)],
    "justificationsRootsLabels": lambda state: [bytes(root) for root in state.justifications_roots],
}
"""Roots that are named by labels only."""
