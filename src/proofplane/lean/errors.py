"""Why an input is refused: the specification's reason codes, and three of ours for what it leaves open."""

from __future__ import annotations

from enum import Enum

from proofplane.base.errors import Refused


class Reason(Enum):
    """The rule that was broken. Names are the specification's, except for the last three, which guard what it does not bound."""

    UNKNOWN_PARENT_BLOCK = "the parent's state is not known"
    DUPLICATE_ATTESTATION_DATA = "two attestations of the body carry the same data"
    PROPOSER_INDEX_OUT_OF_RANGE = "the proposer is not in the registry"
    INVALID_BLOCK_PROOF = "the block's proof does not hold"
    EMPTY_AGGREGATION_BITS = "nobody takes part in an attestation"
    VALIDATOR_INDEX_OUT_OF_RANGE = "a voter is not in the registry"
    BLOCK_SLOT_NOT_IN_FUTURE = "the block's slot is not after its parent state's"
    BLOCK_SLOT_MISMATCH = "the block's slot is not the state's"
    BLOCK_OLDER_THAN_LATEST_HEADER = "the block's slot is not after the latest header's"
    EMPTY_VALIDATOR_REGISTRY = "there are no validators"
    WRONG_PROPOSER = "another validator proposes in this slot"
    PARENT_ROOT_MISMATCH = "the parent root is not the latest header's"
    TOO_MANY_ATTESTATION_DATA = "more than 8 distinct attestation data"
    JUSTIFIED_SLOT_OUT_OF_RANGE = "a vote names a slot beyond the justification window"
    STATE_ROOT_MISMATCH = "the state after the block has another root"
    UNKNOWN_SOURCE_BLOCK = "the vote's source is not known"
    UNKNOWN_TARGET_BLOCK = "the vote's target is not known"
    UNKNOWN_HEAD_BLOCK = "the vote's head is not known"
    SOURCE_AFTER_TARGET = "the vote's source is later than its target"
    HEAD_OLDER_THAN_TARGET = "the vote's head is earlier than its target"
    SOURCE_SLOT_MISMATCH = "the source checkpoint's slot is not its block's"
    TARGET_SLOT_MISMATCH = "the target checkpoint's slot is not its block's"
    HEAD_SLOT_MISMATCH = "the head checkpoint's slot is not its block's"
    SOURCE_NOT_ANCESTOR_OF_TARGET = "the source is not on the target's branch"
    TARGET_NOT_ANCESTOR_OF_HEAD = "the target is not on the head's branch"
    ATTESTATION_SLOT_BEFORE_HEAD = "the vote is older than the head it names"
    ATTESTATION_TOO_FAR_IN_FUTURE = "the vote is from a later slot"
    VALIDATOR_NOT_IN_STATE = "the voter is not in the target state's registry"
    INVALID_SIGNATURE = "the signature does not hold"
    ANCHOR_STATE_ROOT_MISMATCH = "the anchor block's state root is not the anchor state's"
    DECODE_ERROR = "the bytes are not the SSZ form of what was asked for"

    BLOCK_SLOT_GAP_TOO_LARGE = "the block is too many slots after its parent"
    BLOCK_SLOT_IN_FUTURE = "the block's slot has not come yet"
    HISTORY_FULL = "the state has no room for the roots of all slots before the block"


OURS = frozenset({Reason.BLOCK_SLOT_GAP_TOO_LARGE, Reason.BLOCK_SLOT_IN_FUTURE, Reason.HISTORY_FULL})
"""Reasons that the specification does not have."""


class Rejected(Refused):
    """An input that a rule refuses; `reason` says which, `detail` with what values. The store is as it was."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.name}: {detail or reason.value}")
        self.reason = reason
        self.detail = detail
