"""Tests of several prover backends as one: who gets what, whose trouble is whose, and the end."""

from __future__ import annotations

import asyncio

import pytest

from kit.native_programs import KEY, PREDICATE, PROGRAMS, program_id
from kit.remote_sim import Offline, RemoteSim
from kit.submissions import submission
from proofplane.base.errors import Broken
from proofplane.base.predicate import Predicate
from proofplane.base.receipt import Receipt
from proofplane.proving.errors import NotReady
from proofplane.proving.routed import RoutedProver
from proofplane.proving.types import Failed, FailureReason, RemoteId, RemotePhase, Submission

OTHER = Predicate(64)


def two() -> tuple[RoutedProver, RemoteSim, RemoteSim]:
    """Backends for everything else, and for kind 64."""
    plain, special = RemoteSim(PROGRAMS, {PREDICATE: KEY}), RemoteSim(PROGRAMS, {OTHER: KEY})
    return RoutedProver("both", plain, {64: special}), plain, special


def job(number: int, predicate: Predicate = PREDICATE) -> Submission:
    return submission(number, program_id("join"), predicate, b"%d" % number)


async def test_each_job_goes_to_the_backend_of_its_predicates_kind_and_answers_come_in_order() -> None:
    routed, plain, special = two()
    ids = await routed.start([job(1), job(2, OTHER), job(3), job(4, OTHER)])
    good = [one for one in ids if isinstance(one, RemoteId)]

    assert [one[0] for one in good] == [0, 1, 0, 1]
    assert (plain.calls["start"], special.calls["start"]) == (1, 1)
    assert await routed.status(good) == [RemotePhase.COMPLETED] * 4
    found = await routed.fetch(good)
    assert [one.public_values for one in found if isinstance(one, Receipt)] == [b"1", b"2", b"3", b"4"]
    assert {await routed.completions.recv() for _ in range(4)} == set(good)
    await routed.close()


async def test_a_backend_that_cannot_be_reached_answers_for_its_own_jobs_only() -> None:
    routed, _, special = two()
    ids = [one for one in await routed.start([job(1), job(2, OTHER)]) if isinstance(one, RemoteId)]
    special.offline = {"start", "status", "fetch"}

    first, second = await routed.start([job(3), job(4, OTHER)])
    assert isinstance(first, RemoteId)
    assert isinstance(second, Offline)
    assert isinstance((await routed.status(ids))[1], Offline)
    assert (await routed.status(ids))[0] is RemotePhase.COMPLETED
    assert isinstance((await routed.fetch(ids))[1], Offline)
    await routed.close()


async def test_a_backend_that_is_broken_breaks_the_call() -> None:
    routed, _, special = two()
    special.trouble["start"].append(Broken("no process can be started"))

    with pytest.raises(Broken):
        await routed.start([job(1), job(2, OTHER)])
    await routed.close()


@pytest.mark.parametrize("remote_id", [b"\x00", b"\x02" + bytes(32), b"\xff"])
async def test_an_id_of_no_backend_is_lost(remote_id: bytes) -> None:
    routed, _, _ = two()
    (status,) = await routed.status([RemoteId(remote_id)])
    (receipt,) = await routed.fetch([RemoteId(remote_id)])

    assert isinstance(status, Failed)
    assert status.reason is FailureReason.LOST
    assert isinstance(receipt, NotReady)
    await routed.close()


async def test_it_remembers_only_if_all_do() -> None:
    routed, plain, _ = two()
    assert routed.remembers
    plain.remembers = False
    assert not routed.remembers
    await routed.close()


async def test_closing_ends_the_completions_and_leaves_no_task() -> None:
    routed, _, _ = two()
    await routed.start([job(1)])

    await routed.close()
    await routed.close()

    assert [one async for one in routed.completions][1:] == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


class Unclosable(RemoteSim):
    """Raises when it is closed, and leaves its completions as they are."""

    async def close(self) -> None:
        raise Broken("its process stays")


async def test_a_backend_that_cannot_be_closed_leaves_the_others_closed_and_no_task_and_is_told() -> None:
    plain, special = Unclosable(PROGRAMS, {PREDICATE: KEY}), RemoteSim(PROGRAMS, {OTHER: KEY})
    routed = RoutedProver("both", plain, {64: special})
    await routed.start([job(1)])

    with pytest.RaisesGroup(pytest.RaisesExc(Broken, match="its process stays")):
        await routed.close()

    assert [one async for one in special.completions] == []
    assert [one async for one in routed.completions][1:] == []
    assert asyncio.all_tasks() == {asyncio.current_task()}
