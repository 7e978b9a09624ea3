"""Tests of the state and block that a chain begins with, against the specification's check values."""

import pytest

from kit.lean_chains import registry
from proofplane.base.errors import CallerMistake
from proofplane.lean.codec import encode_block, encode_state, make_block, state_root
from proofplane.lean.config import VALIDATOR_REGISTRY_LIMIT
from proofplane.lean.genesis import BadGenesis, genesis_block, genesis_state
from proofplane.lean.registry import registry_of, registry_root
from proofplane.lean.types import ZERO_ROOT, Slot, Validator, ValidatorIndex


def test_roots_and_sizes_are_the_published_ones() -> None:
    state = genesis_state(0, [])
    assert state_root(state).hex() == "3c694e468bdcfe6ae7ab7cddb64c396302b953c9015383ffc6fcd4426331e6e0"
    assert state.latest_block_header.body_root.hex() == "dba9671bac9513c9482f1416a53aabd2c6ce90d5a5f865ce5a55c775325c9136"
    assert len(encode_state(genesis_state(0, registry(8)))) == 1126
    assert len(encode_block(genesis_block(state))) == 88


def test_more_validators_than_a_registry_holds_are_refused() -> None:
    most = [Validator(bytes(52), bytes(52))] * VALIDATOR_REGISTRY_LIMIT
    assert len(genesis_state(0, most).validators) == VALIDATOR_REGISTRY_LIMIT
    with pytest.raises(BadGenesis, match="4097 validators"):
        genesis_state(0, [*most, most[0]])


@pytest.mark.parametrize("sizes", [(40, 52), (52, 60), (0, 0)])
def test_a_key_of_another_size_is_refused(sizes: tuple[int, int]) -> None:
    with pytest.raises(BadGenesis, match="validator 2") as caught:
        genesis_state(0, [*registry(2), Validator(*map(bytes, sizes))])
    assert isinstance(caught.value, CallerMistake)


def test_the_block_commits_to_the_state() -> None:
    state = genesis_state(1234, registry(3))
    assert genesis_block(state) == make_block(Slot(0), ValidatorIndex(0), ZERO_ROOT, state_root(state), ())
    assert state.config.genesis_time == 1234


def test_the_registry_is_read_back_and_its_root_tells_registries_apart() -> None:
    entries = registry(5)
    state = genesis_state(0, entries)
    assert registry_of(state).validators == tuple(entries)
    assert len(registry_of(state)) == 5
    assert registry_root(state) == state.validators.hash_tree_root() == registry_root(genesis_state(9, entries))
    assert registry_root(state) != registry_root(genesis_state(0, [*entries[:4], Validator(bytes(52), bytes(52))]))
