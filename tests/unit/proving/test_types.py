"""Values of proving refuse what they cannot be, and stored names stay."""

import pytest

from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.base.proof_id import ProofKind, RecursiveId, StepId
from proofplane.proving.errors import RefusalReason, failure
from proofplane.proving.types import MAX_REMOTE_ID, Failed, FailureReason, MalformedRemoteId, RemoteId, RemotePhase
from proofplane.service.retry import ATTEMPT, classify


@pytest.mark.parametrize("raw", [b"", bytes(MAX_REMOTE_ID + 1)])
def test_a_remote_id_has_bytes_but_not_too_many(raw: bytes) -> None:
    with pytest.raises(MalformedRemoteId):
        RemoteId(raw)


def test_the_kind_of_a_proof_is_the_stored_byte_of_its_key() -> None:
    block = BlockCommitment(Height(7), BlockId(bytes(32)))
    assert [(one.kind, one.key()[4]) for one in (StepId.of(block), RecursiveId(block))] == [(ProofKind.STEP, 0), (ProofKind.RECURSIVE, 1)]


def test_a_remote_id_is_shown_as_hex() -> None:
    assert str(RemoteId(b"\x01\xff")) == "01ff"
    assert repr(RemoteId(b"\x01\xff")) == "RemoteId(01ff)"


def test_stored_names_are_these() -> None:
    assert {reason.value for reason in FailureReason} == {"unexecutable", "unfulfillable", "reverted", "expired", "lost", "other"}
    assert {reason.value for reason in RefusalReason} == {"program", "public values", "predicate"}
    assert [(phase.name, int(phase)) for phase in RemotePhase] == [("REQUESTED", 0), ("IN_PROGRESS", 1), ("COMPLETED", 2)]


@pytest.mark.parametrize("reason", FailureReason)
def test_every_failure_but_an_aborted_program_gets_another_attempt(reason: FailureReason) -> None:
    tier = classify(failure(Failed(reason)))
    assert tier is (None if reason is FailureReason.UNEXECUTABLE else ATTEMPT)


def test_a_failure_tells_its_text() -> None:
    assert str(Failed(FailureReason.OTHER, "out of credit")) == "other: out of credit"
    assert str(Failed(FailureReason.EXPIRED)) == "expired"
