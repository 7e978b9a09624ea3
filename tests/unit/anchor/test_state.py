"""Tests of the anchor state: its bytes, its commitment, and the state at the anchor."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofplane.anchor import ssz
from proofplane.anchor.state import AnchorState, MalformedState, Section, genesis_state, repeated_leaf
from proofplane.anchor.types import SENTINEL, Mode
from proofplane.base.errors import Refused
from proofplane.base.ids import Hash32
from proofplane.crypto.mmr import MalformedMmr, Mmr
from proofplane.crypto.ssz import codec_of
from unit.anchor.chains import Chain, full_params, naive_peaks, regtest_params


def view_of_state(state: AnchorState) -> Any:
    """The `remerkleable` view that a state stands for, field by field by name."""
    header_state = state.pow
    return ssz.AnchorState(
        magic=state.magic,
        chain=ssz.ChainView(
            pow=ssz.PowState(
                network=int(header_state.network),
                last=ssz.Commitment(height=header_state.last.height, block_id=header_state.last.block_id),
                next_bits=header_state.next_bits,
                epoch_start=header_state.epoch_start,
                window=ssz.Window(buffer=ssz.Times(*header_state.window), head=header_state.head),
                work=header_state.work.to_bytes(32, "little"),
            ),
            history=ssz.Mmr(entries=state.history.entries, peaks=ssz.Peaks(*state.history.peaks)),
        ),
        sections=ssz.Sections(*[ssz.Section(id=section.id, data=section.data) for section in state.sections]),
        spec_id=int(state.mode),
    )


@settings(max_examples=15, deadline=None)
@given(mode=st.sampled_from(Mode), height=st.integers(0, 40), blocks=st.integers(0, 14))
def test_along_random_chains_bytes_and_commitment_are_those_of_a_view_built_afresh(mode: Mode, height: int, blocks: int) -> None:
    chain = Chain(full_params(height) if mode is Mode.FULL_BLOCK else regtest_params(mode, height))
    for _ in range(blocks):
        chain.extend()
    view = view_of_state(chain.state)
    assert chain.state.encode() == view.encode_bytes()
    assert chain.state.commitment() == view.hash_tree_root()
    assert AnchorState.decode(chain.state.encode()) == chain.state


def test_headers_only_and_full_block_never_share_a_commitment() -> None:
    full, headers = Chain(regtest_params(Mode.FULL_BLOCK)), Chain(regtest_params(Mode.HEADERS_ONLY))
    assert full.state.pow == headers.state.pow
    assert full.state.commitment() != headers.state.commitment()
    full.extend()
    headers.extend()
    assert full.state.pow == headers.state.pow
    assert full.state.commitment() != headers.state.commitment()


@pytest.mark.checklist(40)
@given(st.integers(0, 70))
def test_the_prefilled_history_is_that_of_appending_one_by_one(count: int) -> None:
    leaf = Hash32(b"leaf".ljust(32, b"\0"))
    assert repeated_leaf(leaf, count) == Mmr.from_leaves([leaf] * count)
    assert repeated_leaf(leaf, count).peaks == naive_peaks([leaf] * count)


def test_the_state_at_the_anchor_has_a_sentinel_for_every_height_up_to_it() -> None:
    state = genesis_state(full_params(height=6))
    assert state.block == full_params(height=6).block
    assert state.history == Mmr.from_leaves([SENTINEL] * 7)
    assert [section.id for section in state.sections] == [80, 81]
    assert state.pow.work == 0


def test_an_anchor_at_the_greatest_height_is_made_at_once() -> None:
    assert genesis_state(regtest_params(height=2**32 - 1)).history.entries == 2**32


@pytest.mark.parametrize(
    ("upgrade", "exports", "ids"), [(True, True, [80, 81]), (True, False, [80]), (False, True, [81]), (False, False, [])]
)
def test_an_instance_has_the_sections_of_what_it_runs(upgrade: bool, exports: bool, ids: list[int]) -> None:
    params = regtest_params(upgrade=full_params().upgrade if upgrade else None, exports=exports)
    assert [section.id for section in genesis_state(params).sections] == ids


_CODEC = codec_of(ssz.AnchorState)
_PLAIN = _CODEC.decode(genesis_state(full_params()).encode())


def _with(path: tuple[int, ...], change: Callable[[Any], Any], value: Any = _PLAIN) -> Any:
    """`value` with the part at `path` changed."""
    if not path:
        return change(value)
    place, rest = path[0], path[1:]
    return (*value[:place], _with(rest, change, value[place]), *value[place + 1 :])


POW = (1, 0)


@pytest.mark.parametrize(
    ("path", "change", "complaint"),
    [
        ((*POW, 0), lambda _: 1, "1 is no network"),
        ((*POW, 2), lambda _: 0x2100FFFF, "easier than regtest"),
        ((*POW, 2), lambda _: 0, "no target"),
        ((*POW, 2), lambda _: 0x1D80FFFF, "no target"),
        ((*POW, 1, 0), lambda height: height + 1, "height 6 with a history of 6"),
        ((*POW, 4, 0), lambda times: times[:10], "a window of 10 times"),
        ((*POW, 4, 1), lambda _: 11, "slot 11"),
        ((1, 1, 1), lambda peaks: peaks[1:], "peaks"),
        ((2,), lambda sections: sections[::-1], "not in order"),
        ((2,), lambda sections: (*sections, sections[-1]), "repeated"),
        ((2, 0, 0), lambda _: 7, "unknown"),
        ((3,), lambda _: 3, "3 is no spec id"),
        ((3,), lambda _: 2, "a headers-only state with sections"),
    ],
)
def test_a_state_that_breaks_an_invariant_is_refused(path: tuple[int, ...], change: Callable[[Any], Any], complaint: str) -> None:
    raw = _CODEC.encode(_with(path, change))
    with pytest.raises((MalformedState, MalformedMmr), match=complaint):
        AnchorState.decode(raw)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(Refused):
        AnchorState.decode(raw)


def test_every_prefix_of_a_state_and_every_extension_is_refused() -> None:
    raw = genesis_state(regtest_params()).encode()
    for part in [raw[:size] for size in range(len(raw))] + [raw + b"\0"]:
        with pytest.raises(Refused):
            AnchorState.decode(part)


def test_states_that_differ_in_a_section_have_different_commitments() -> None:
    state = genesis_state(full_params())
    other = AnchorState(state.mode, state.magic, state.pow, state.history, (state.sections[0], Section(81, b"other")))
    assert state.commitment() != other.commitment()
