"""The reasons of refusals: the specification's list and ours."""

from __future__ import annotations

from proofplane.lean.errors import OURS, Reason, Rejected

SPECIFIED = """
    UNKNOWN_PARENT_BLOCK DUPLICATE_ATTESTATION_DATA
    PROPOSER_INDEX_OUT_OF_RANGE INVALID_BLOCK_PROOF
    EMPTY_AGGREGATION_BITS VALIDATOR_INDEX_OUT_OF_RANGE
    BLOCK_SLOT_NOT_IN_FUTURE BLOCK_SLOT_MISMATCH BLOCK_OLDER_THAN_LATEST_HEADER EMPTY_VALIDATOR_REGISTRY WRONG_PROPOSER
    PARENT_ROOT_MISMATCH TOO_MANY_ATTESTATION_DATA JUSTIFIED_SLOT_OUT_OF_RANGE STATE_ROOT_MISMATCH
    UNKNOWN_SOURCE_BLOCK UNKNOWN_TARGET_BLOCK UNKNOWN_HEAD_BLOCK SOURCE_AFTER_TARGET HEAD_OLDER_THAN_TARGET SOURCE_SLOT_MISMATCH
    TARGET_SLOT_MISMATCH HEAD_SLOT_MISMATCH SOURCE_NOT_ANCESTOR_OF_TARGET TARGET_NOT_ANCESTOR_OF_HEAD ATTESTATION_SLOT_BEFORE_HEAD
    ATTESTATION_TOO_FAR_IN_FUTURE
    VALIDATOR_NOT_IN_STATE INVALID_SIGNATURE
    ANCHOR_STATE_ROOT_MISMATCH
    DECODE_ERROR
"""
"""Names in leanSpec 43246bd6."""


def test_the_reasons_are_the_31_of_the_specification_and_three_of_ours() -> None:
    assert len(SPECIFIED.split()) == 31
    assert {reason.name for reason in OURS} == {"BLOCK_SLOT_GAP_TOO_LARGE", "BLOCK_SLOT_IN_FUTURE", "HISTORY_FULL"}
    assert sorted(reason.name for reason in Reason) == sorted([*SPECIFIED.split(), *(reason.name for reason in OURS)])


def test_no_two_reasons_say_the_same() -> None:
    assert len({reason.value for reason in Reason}) == len(Reason) == len(Reason.__members__)


def test_a_refusal_says_its_reason_and_the_values_or_else_the_rule() -> None:
    assert str(Rejected(Reason.WRONG_PROPOSER, "validator 3")) == "WRONG_PROPOSER: validator 3"
    assert str(Rejected(Reason.WRONG_PROPOSER)) == f"WRONG_PROPOSER: {Reason.WRONG_PROPOSER.value}"
