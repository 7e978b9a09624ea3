"""Pools as rows: their order, and what of them is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.chain.pool_rows import NO_POOLS, POOL_STATEMENTS, Pools, moved_positions, read_pools, read_positions, write_pools
from proofplane.lean.types import AggregateProof, AttestationData, Checkpoint, Participants, Root, Slot, ValidatorIndex
from proofplane.storage.database import DATABASE_NAME, Database, Schema

_POINT = Checkpoint(Root(bytes(32)), Slot(0))


def data(number: int) -> AttestationData:
    return AttestationData(Slot(number), _POINT, _POINT, _POINT)


DATA = [data(number) for number in range(8)]
LARGE = [AggregateProof(Participants.of((number,), 4096), bytes([number]) * 2**19) for number in range(3)]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / DATABASE_NAME, [Schema("pools", 1, POOL_STATEMENTS)])
    yield opened
    opened.close()


async def put(database: Database, before: Pools, after: Pools) -> None:
    positions = read_positions(database)
    told = await database.write("pools", lambda tx: write_pools(tx, before, after, positions))
    assert told == read_positions(database)
    found = read_pools(database)
    assert found == after
    assert [list(pool) for _, pool in found.named()] == [list(pool) for _, pool in after.named()]


def count(database: Database, table: str) -> int:
    found = database.row(f"SELECT count(*) FROM {table}")
    assert found is not None
    return int(found[0])


@given(old=st.lists(st.integers(0, 30), unique=True), new=st.lists(st.integers(0, 30), unique=True))
def test_moved_positions_put_any_order_right(old: list[int], new: list[int]) -> None:
    positions = {data(number): place * 3 - 20 for place, number in enumerate(old)}
    order = [data(number) for number in new]
    moved = moved_positions(order, positions)
    places = [(positions | moved)[one] for one in order]
    assert places == sorted(set(places))
    assert all(moved[one] != positions.get(one) for one in moved)


def test_a_blocks_votes_move_to_the_front_without_touching_the_others() -> None:
    positions = {one: place for place, one in enumerate(DATA)}
    order = [data(99), DATA[6], DATA[2], *(one for one in DATA if one not in (DATA[6], DATA[2]))]
    assert set(moved_positions(order, positions)) == {data(99), DATA[6], DATA[2]}


def test_votes_behind_all_others_are_the_only_ones_that_get_positions() -> None:
    positions = {one: place for place, one in enumerate(DATA)}
    assert moved_positions([*DATA, data(99)], positions) == {data(99): 8}


async def test_an_empty_set_of_proofs_and_every_order_survive(database: Database) -> None:
    first = Pools({DATA[1]: frozenset()}, {DATA[3]: frozenset(LARGE[:1]), DATA[0]: frozenset()}, {})
    await put(database, NO_POOLS, first)
    second = Pools({}, {DATA[0]: frozenset(), DATA[3]: frozenset(LARGE[:2])}, {DATA[5]: frozenset()})
    await put(database, first, second)
    await put(database, second, NO_POOLS)


async def test_a_proof_in_two_pools_is_stored_once_and_goes_with_the_last(database: Database) -> None:
    new = Pools({}, {DATA[0]: frozenset(LARGE[:2]), DATA[1]: frozenset(LARGE[:1])}, {})
    await put(database, NO_POOLS, new)
    assert count(database, "chain_proofs") == 2
    both = Pools({}, new.new, {DATA[0]: frozenset(LARGE[:2])})
    await put(database, new, both)
    assert count(database, "chain_proofs") == 2
    known = Pools({}, {}, {DATA[0]: frozenset(LARGE[1:2])})
    await put(database, both, known)
    assert count(database, "chain_proofs") == 1
    await put(database, known, NO_POOLS)
    tables = ("chain_pools", "chain_pool_proofs", "chain_proofs", "chain_signatures")
    assert [count(database, table) for table in tables] == [0, 0, 0, 0]


async def test_moving_a_proof_to_the_other_pool_does_not_write_it_again(database: Database) -> None:
    new = Pools({}, {DATA[0]: frozenset(LARGE[:1])}, {})
    await put(database, NO_POOLS, new)
    rowid = database.row("SELECT rowid FROM chain_proofs")
    await put(database, new, Pools({}, {}, {DATA[0]: frozenset(LARGE[:1])}))
    assert database.row("SELECT rowid FROM chain_proofs") == rowid


async def test_one_voters_two_signatures_of_one_vote_are_two_members(database: Database) -> None:
    voter = ValidatorIndex(7)
    two = Pools({DATA[0]: frozenset({(voter, b"a"), (voter, b"b")})}, {}, {})
    await put(database, NO_POOLS, two)
    one = Pools({DATA[0]: frozenset({(voter, b"b")})}, {}, {})
    await put(database, two, one)
    assert count(database, "chain_signatures") == 1
