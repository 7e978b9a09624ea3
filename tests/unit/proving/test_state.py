"""The job state machine is the one that the design draws."""

import pytest

from proofplane.proving.errors import WrongState
from proofplane.proving.state import ARROWS, IN_FLIGHT, require, sent_again_at_start, sources
from proofplane.proving.types import JobStatus

S = JobStatus

DRAWN = {
    (S.PLANNED, S.SUBMITTING),
    (S.SUBMITTING, S.SUBMITTING),
    (S.SUBMITTING, S.SUBMITTED),
    (S.SUBMITTED, S.SUBMITTING),
    (S.SUBMITTED, S.DONE),
    *((status, S.FAILED) for status in (S.PLANNED, S.SUBMITTING, S.SUBMITTED)),
    *((status, S.ABORTED) for status in (S.PLANNED, S.SUBMITTING, S.SUBMITTED)),
}


@pytest.mark.parametrize("found", S)
@pytest.mark.parametrize("then", S)
def test_exactly_the_drawn_arrows_exist(found: JobStatus, then: JobStatus) -> None:
    assert (then in ARROWS[found]) == ((found, then) in DRAWN)
    assert (found in sources(then)) == ((found, then) in DRAWN)
    if (found, then) in DRAWN:
        require(found, then)
    else:
        with pytest.raises(WrongState):
            require(found, then)


def test_a_start_sends_again_what_has_no_answer_and_all_that_a_forgetful_prover_had() -> None:
    assert {status for status in IN_FLIGHT if sent_again_at_start(status, prover_remembers=True)} == {S.SUBMITTING}
    assert {status for status in IN_FLIGHT if sent_again_at_start(status, prover_remembers=False)} == IN_FLIGHT


def test_stored_numbers_of_statuses_never_change() -> None:
    assert [(status.name, int(status)) for status in S] == [
        ("PLANNED", 0),
        ("SUBMITTING", 1),
        ("SUBMITTED", 2),
        ("DONE", 3),
        ("FAILED", 4),
        ("ABORTED", 5),
    ]
