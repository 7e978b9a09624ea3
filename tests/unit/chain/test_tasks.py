"""Tasks: what each kind of end says, and that A reads nothing but values that nobody can change."""

from __future__ import annotations

import dataclasses
import logging
import threading
import typing
from dataclasses import replace

import pytest

from kit.lean_branches import Branches
from kit.lean_imports import GOOD, FlagBackend
from proofplane.chain.tasks import Failed, Passed, Task, Unknown, apply_transition, check_signatures, transition_task
from proofplane.chain.types import GuardedBlock
from proofplane.lean.codec import encode_state
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.registry import registry_of
from proofplane.lean.store import Store
from proofplane.lean.transition import TransitionStopped
from proofplane.lean.types import Registry, Root, SignedBlock, Validator


def task(work: object, stop: threading.Event | None = None, *, stops_others: bool = True) -> Task[object]:
    def run() -> object:
        if isinstance(work, BaseException):
            raise work
        return work

    return Task("work", run, stop or threading.Event(), stops_others=stops_others)


class Panic(BaseException):
    """No `Exception`, as a panic of the extension is none."""


def test_an_end_is_passed_failed_or_unknown() -> None:
    refusal = Rejected(Reason.WRONG_PROPOSER)
    for work, end in ((7, Passed(7)), (refusal, Failed(refusal))):
        done = task(work)
        done.run()
        assert done.end() == end


@pytest.mark.parametrize("error", [MemoryError(), ValueError("a bug"), Panic(), TransitionStopped("asked to")])
def test_what_is_no_refusal_never_becomes_one(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL):
        done = task(error)
        done.run()
    end = done.end()
    assert isinstance(end, Unknown)
    assert end.cause is error


def test_a_task_that_did_not_run_is_unknown_and_has_no_span() -> None:
    waiting = task(7)
    assert isinstance(waiting.end(), Unknown)
    assert waiting.span is None


@pytest.mark.parametrize(("work", "stops_others", "stopped"), [(7, True, False), (ValueError(), True, True), (ValueError(), False, False)])
def test_only_a_failing_task_that_may_stops_the_others(work: object, stops_others: bool, stopped: bool) -> None:
    stop = threading.Event()
    task(work, stop, stops_others=stops_others).run()
    assert stop.is_set() == stopped


def test_an_interrupt_of_the_program_passes_through_and_stops_the_others() -> None:
    stop = threading.Event()
    with pytest.raises(KeyboardInterrupt):
        task(KeyboardInterrupt(), stop).run()
    assert stop.is_set()


def test_the_transition_leaves_the_parents_state_as_it_was_and_gives_the_named_one() -> None:
    branches = Branches()
    signed = branches.child(branches.anchor.root, 3)
    before = encode_state(branches.anchor_state)
    post = apply_transition(signed.block, branches.anchor_state, lambda: False)
    assert encode_state(branches.anchor_state) == before
    assert encode_state(post.state) == encode_state(branches.states[signed.block.root])


def test_the_state_of_an_old_parent_is_asked_for_only_when_the_transition_begins() -> None:
    branches, asked = Branches(), list[Root]()
    signed = branches.child(branches.anchor.root, 1)

    def replayed(root: Root) -> typing.Any:
        asked.append(root)
        return branches.states[root]

    guarded = GuardedBlock(signed, registry_of(branches.anchor_state), None)
    made = transition_task(guarded, replayed, threading.Event())
    assert asked == []
    made.run()
    assert asked == [branches.anchor.root]
    assert isinstance(made.end(), Passed)


def test_what_a_is_given_is_immutable_by_type() -> None:
    """Nothing but these values, a backend (which keeps no state) and a number reaches A: no state, no store, no storage."""
    parameters = typing.get_type_hints(check_signatures)
    assert {name: kind.__name__ for name, kind in parameters.items() if name != "return"} == {
        "signed": "SignedBlock",
        "registry": "Registry",
        "backend": "ProofBackend",
        "threads": "int",
    }
    seen, left = set[type](), [SignedBlock, Registry]
    while left:
        kind = left.pop()
        if kind in seen:
            continue
        seen.add(kind)
        assert kind.__dataclass_params__.frozen, kind
        for hint in typing.get_type_hints(kind).values():
            assert typing.get_origin(hint) in (None, tuple), hint
            parts = typing.get_args(hint) or (hint,)
            bases = [getattr(part, "__supertype__", part) for part in parts if part is not ...]
            assert all(dataclasses.is_dataclass(base) or base in (int, bytes) for base in bases), hint
            left += [base for base in bases if dataclasses.is_dataclass(base)]
    assert Validator in seen


class Frozen:
    """Reads as the value behind it, notes what was read, and fails on anything that is not listed or would change it."""

    def __init__(self, value: object, readable: set[str]) -> None:
        object.__setattr__(self, "_value", value)
        object.__setattr__(self, "_readable", readable)

    def __getattr__(self, name: str) -> object:
        if name not in self._readable:
            raise AssertionError(f"task A read {name}")
        return getattr(self._value, name)

    def __setattr__(self, name: str, value: object) -> None:
        raise AssertionError(f"task A wrote {name}")

    def __delattr__(self, name: str) -> None:
        raise AssertionError(f"task A deleted {name}")

    def __len__(self) -> int:
        return len(self._value)


def test_a_reads_a_frozen_parent_while_a_writer_changes_everything_else() -> None:
    branches = Branches()
    signed = replace(branches.child(branches.anchor.root, 1), proof=GOOD)
    registry = Frozen(registry_of(branches.anchor_state), {"validators"})
    block = Frozen(signed.block, {"root", "slot", "proposer_index", "attestations"})
    delivery = Frozen(SignedBlock(block, signed.proof), {"block", "proof"})
    before = encode_state(branches.anchor_state)
    written, ended, stores = threading.Event(), threading.Event(), list[Store]()

    def write() -> None:
        store, parent, slot = branches.store(), branches.anchor.root, 1
        while not ended.is_set() or slot < 3:
            made = branches.child(parent, slot)
            store, parent, slot = branches.accept(store, made), made.block.root, slot + 1
            stores.append(store)
            written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.wait(30)
        for _ in range(50):
            result = check_signatures(delivery, registry, FlagBackend(), 1)
            assert result.witness is not None
            assert result.witness.signatures == branches.validators + 1
    finally:
        ended.set()
        writer.join()
    assert encode_state(branches.anchor_state) == before
