"""The earliest of many deadlines, against a model; what was removed does not stay for long."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from proofplane.barretenberg.service.deadlines import _SLACK, Deadlines
from proofplane.barretenberg.service.tickets import Ticket
from proofplane.barretenberg.service.types import NOBODY, Queue
from proofplane.base.ids import hash32


def ticket(deadline: float) -> Ticket:
    return Ticket(NOBODY, Queue.RPC, deadline, hash32(bytes(32)))


@given(st.lists(st.tuples(st.sampled_from(["add", "add", "remove", "again", "pass"]), st.integers(0, 9)), max_size=60))
def test_tickets_pass_once_in_the_order_of_their_deadlines(steps: list[tuple[str, int]]) -> None:
    deadlines, model, known = Deadlines(), set[Ticket](), [ticket(5.0)]
    for what, number in steps:
        if what == "add":
            known.append(ticket(float(number)))
            deadlines.add(known[-1])
            model.add(known[-1])
        elif what == "remove":
            deadlines.remove(known[number % len(known)])
            model.discard(known[number % len(known)])
        elif what == "again":
            deadlines.add(known[number % len(known)])
            model.add(known[number % len(known)])
        else:
            passed = deadlines.passed(float(number))
            assert set(passed) == {one for one in model if one.deadline <= number}
            assert len(passed) == len(set(passed))
            assert [one.deadline for one in passed] == sorted(one.deadline for one in passed)
            model.difference_update(passed)
        assert deadlines.earliest == min((one.deadline for one in model), default=math.inf)


def test_what_has_no_deadline_is_not_kept_and_what_was_removed_not_for_long() -> None:
    deadlines = Deadlines()
    deadlines.add(ticket(math.inf))
    assert deadlines._heap == []
    for number in range(10 * _SLACK):
        one = ticket(1e9 + number)
        deadlines.add(one)
        deadlines.remove(one)
    assert len(deadlines._heap) <= _SLACK
