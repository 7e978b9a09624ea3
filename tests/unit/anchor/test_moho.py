"""Tests of the Moho state and of folding a block's logs into it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofplane.anchor import ssz
from proofplane.anchor.logs import MalformedLog, NewExport, NewPredicate
from proofplane.anchor.moho import ExportedLeaf, MohoState, fold, genesis_moho, predicate_root
from proofplane.anchor.state import MalformedState
from proofplane.anchor.subprotocols.export import export_transaction
from proofplane.anchor.subprotocols.upgrade import upgrade_transaction
from proofplane.anchor.types import Log
from proofplane.base.errors import Refused
from proofplane.base.ids import Hash32
from proofplane.base.predicate import Predicate
from proofplane.bitcoin.sps50 import TEST_MAGIC
from proofplane.crypto.merkle import branch_root
from proofplane.crypto.mmr import MalformedMmr, Mmr
from proofplane.crypto.ssz import codec_of
from unit.anchor.chains import SIGNERS, Chain, full_params

INNER = Hash32(b"inner".ljust(32, b"\0"))
FIRST = Predicate(10, bytes(32))
PREDICATES = st.builds(Predicate, st.integers(0, 255), st.binary(max_size=70))
ENTRIES = st.binary(min_size=32, max_size=32).map(Hash32)
LOGS = st.lists(
    st.builds(NewPredicate, PREDICATES).map(NewPredicate.encode)
    | st.builds(NewExport, st.integers(0, 3) | st.just(255), ENTRIES).map(NewExport.encode)
    | st.binary(max_size=5).map(lambda body: Log(b"\x20" + body)),
    max_size=6,
)


def view_of_moho(state: MohoState) -> Any:
    """The `remerkleable` view that a Moho state stands for, field by field by name."""
    containers = [
        ssz.ExportContainer(
            id=exported.id,
            extra=exported.extra,
            entries=ssz.Mmr(entries=exported.entries.entries, peaks=ssz.Peaks(*exported.entries.peaks)),
        )
        for exported in state.exports
    ]
    return ssz.MohoState(
        inner=state.inner,
        next_predicate=ssz.Predicate(id=state.next_predicate.kind, condition=state.next_predicate.condition),
        exports=ssz.ExportState(containers=ssz.ExportContainers(*containers)),
    )


@settings(max_examples=60, deadline=None)
@given(predicate=PREDICATES, blocks=st.lists(LOGS, max_size=5))
@pytest.mark.checklist(47)
def test_folding_follows_a_model_and_the_schema(predicate: Predicate, blocks: list[list[Log]]) -> None:
    state = genesis_moho(INNER, predicate)
    model: dict[int, list[Hash32]] = {}
    for number, logs in enumerate(blocks):
        inner = Hash32(bytes([number]) * 32)
        state, leaves = fold(state, inner, logs)
        predicates = [Predicate.decode(log[1:]) for log in logs if log[:1] == b"\5"]
        predicate = predicates[0] if predicates else predicate
        expected = []
        for log in logs:
            if log[:1] == b"\6":
                entries = model.setdefault(log[1], [])
                expected.append(ExportedLeaf(log[1], len(entries), Hash32(log[2:])))
                entries.append(Hash32(log[2:]))
        assert leaves == tuple(expected)
        assert (state.inner, state.next_predicate) == (inner, predicate)
    assert {exported.id: exported.entries for exported in state.exports} == {
        key: Mmr.from_leaves(entries) for key, entries in model.items()
    }
    view = view_of_moho(state)
    assert state.encode() == view.encode_bytes()
    assert state.commitment() == view.hash_tree_root()
    assert MohoState.decode(state.encode()) == state


@given(PREDICATES, LOGS)
@pytest.mark.checklist(56)
def test_the_opening_leads_from_the_step_predicate_to_the_commitment(predicate: Predicate, logs: list[Log]) -> None:
    state, _ = fold(genesis_moho(INNER, predicate), INNER, logs)
    raw, siblings = state.opening()
    assert Predicate.decode(raw) == state.next_predicate
    assert branch_root(predicate_root(state.next_predicate), 1, siblings) == state.commitment()


@pytest.mark.checklist(56)
def test_the_opening_of_a_parent_does_not_fit_the_predicate_that_its_child_installs() -> None:
    parent = genesis_moho(INNER, FIRST)
    child, _ = fold(parent, INNER, [NewPredicate(Predicate(1)).encode()])
    _, siblings = parent.opening()
    assert branch_root(predicate_root(parent.next_predicate), 1, siblings) == parent.commitment()
    assert branch_root(predicate_root(child.next_predicate), 1, siblings) != parent.commitment()


@pytest.mark.checklist(47)
def test_a_predicate_and_exports_in_a_block_reach_the_moho_state_from_that_block_on() -> None:
    chain = Chain(full_params())
    state = genesis_moho(chain.state.commitment(), FIRST)
    upgraded = Predicate(10, b"\1" * 32)
    entry = Hash32(b"entry".ljust(32, b"\0"))
    chain.extend()
    chain.extend(
        upgrade_transaction(TEST_MAGIC, 0, upgraded, {0: SIGNERS[0], 1: SIGNERS[1]}),
        export_transaction(TEST_MAGIC, 3, entry, b"1"),
    )
    chain.extend()
    seen = []
    for done in chain.done:
        state, leaves = fold(state, done.state.commitment(), done.logs)
        seen.append((state.next_predicate, leaves))
    assert seen == [(FIRST, ()), (upgraded, (ExportedLeaf(3, 0, entry),)), (upgraded, ())]


def test_a_malformed_log_is_refused() -> None:
    with pytest.raises(MalformedLog):
        fold(genesis_moho(INNER, FIRST), INNER, [Log(b"\6\1")])


@pytest.mark.parametrize(
    ("containers", "complaint"),
    [
        ([(2, bytes(32), (1, [bytes(32)])), (1, bytes(32), (1, [bytes(32)]))], "not in order"),
        ([(1, bytes(32), (1, [bytes(32)])), (1, bytes(32), (1, [bytes(32)]))], "repeated"),
        ([(1, bytes(32), (0, []))], "no entry"),
        ([(1, bytes(32), (3, [bytes(32)]))], "peaks"),
    ],
)
def test_a_state_that_breaks_an_invariant_is_refused(containers: list[Any], complaint: str) -> None:
    raw = codec_of(ssz.MohoState).encode((INNER, (1, b""), (containers,)))
    with pytest.raises((MalformedState, MalformedMmr), match=complaint):
        MohoState.decode(raw)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_moho_state_are_refused_or_written_back(raw: bytes) -> None:
    try:
        state = MohoState.decode(raw)
    except Refused:
        return
    assert state.encode() == raw
