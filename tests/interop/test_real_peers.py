"""Our Python clients call the real `bb` and `aztec-wsdb`, through bindings generated from the contracts that these servers print."""

from __future__ import annotations

import asyncio
import hashlib
import signal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from kit.bbjs import generated, running
from kit.echo_program import TRANSPORTS
from proofplane import rpc

ABC = b"abc" * 10

POSEIDON2_OF_1_AND_2 = bytes.fromhex("038682aa1cb5ae4e0a3f13da432a95c77c5c111f6f030faf9cad641ce1ed7383")

POSEIDON2_OF_NOTHING = bytes.fromhex("18dfb8dc9b82229cff974efefc8df78b1ce96d9d844236b496785c698bc6732e")

GENESIS = (
    ("18935581a8ed73d08ffd00386fba55ba6c89f3ab848a76b8fedfa9034cee0454", 128, 42),
    ("2590f2aab19dd791700b4a43d3f52bb88ef2409a3731da8e848663559202e4c6", 0, 42),
    ("1bef38b621017d3c7416663d0cd81369424560710526a3fbaaec13e356b9d084", 128, 40),
    ("0fef6d80d31109ddb56d6b3f607cbc9c0af0bff3ea0d43e8f278983c64c11f7a", 0, 36),
    ("177a4955b31ecaafad999753938a44e526b54c5ba5d536688227f85f15cfbdf5", 1, 30),
)
"""Root, leaves and height of the five trees before the first block."""

LATEST = 2**32 - 1
"""The block number that stands for the tip."""

PIPELINED = 500

pytestmark = pytest.mark.parametrize("transport", TRANSPORTS)


@pytest.fixture(scope="module")
def bb(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return generated("bb", tmp_path_factory.mktemp("bb"))


@pytest.fixture(scope="module")
def wsdb(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return generated("aztec_wsdb", tmp_path_factory.mktemp("wsdb"))


def field(number: int) -> bytes:
    return number.to_bytes(32, "big")


async def test_bb_answers_the_client_of_a_loop(bb: ModuleType, transport: str, tmp_path: Path) -> None:
    with running("bb", transport, tmp_path) as (address, process):
        async with rpc.connect(address, bb.CONTRACT, child=process.pid) as client:
            assert not client.ids
            real = bb.BarretenbergClient(client)
            assert (await real.blake2s(data=ABC)).hash == hashlib.blake2s(ABC).digest()
            assert (await real.poseidon2_hash(inputs=[field(1), field(2)])).hash == POSEIDON2_OF_1_AND_2
            assert (await real.poseidon2_hash(inputs=[])).hash == POSEIDON2_OF_NOTHING
            with pytest.raises(rpc.CallFailed, match="no proofs provided"):
                await real.chonk_batch_verify(proofs=[], vks=[])

            arrived: list[int] = []

            async def hashed(size: int) -> bytes:
                reply = await real.blake2s(data=bytes(size))
                arrived.append(size)
                digest: bytes = reply.hash
                return digest

            digests = await asyncio.gather(*(hashed(size) for size in range(PIPELINED)))
            assert digests == [hashlib.blake2s(bytes(size)).digest() for size in range(PIPELINED)]
            assert arrived == list(range(PIPELINED))
            await real.shutdown()


def test_bb_answers_the_client_of_a_script(bb: ModuleType, transport: str, tmp_path: Path) -> None:
    with running("bb", transport, tmp_path) as (address, process), rpc.connect_blocking(address, bb.CONTRACT, child=process.pid) as client:
        assert not client.ids
        real = bb.BarretenbergBlockingClient(client)
        assert real.blake2s(data=ABC).hash == hashlib.blake2s(ABC).digest()
        assert real.poseidon2_hash(inputs=[field(1), field(2)]).hash == POSEIDON2_OF_1_AND_2
        with pytest.raises(rpc.CallFailed, match="no proofs provided"):
            real.chonk_batch_verify(proofs=[], vks=[])
        replies = client.call_many([bb.Blake2s(data=bytes(size)) for size in range(PIPELINED)])
        assert [reply.hash for reply in replies] == [hashlib.blake2s(bytes(size)).digest() for size in range(PIPELINED)]
        real.shutdown()


async def test_bb_that_is_killed_fails_the_calls_in_flight(bb: ModuleType, transport: str, tmp_path: Path) -> None:
    with running("bb", transport, tmp_path, code=-signal.SIGKILL) as (address, process):
        async with rpc.connect(address, bb.CONTRACT, child=process.pid) as client:
            calls = [asyncio.create_task(client.call(bb.Blake2s(data=bytes(100_000)))) for _ in range(200)]
            await calls[0]
            process.kill()
            ends = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(end) for end in ends} == {bb.Blake2sResponse, rpc.Ended}


def slots(transport: str) -> tuple[int | None, ...]:
    """Which client slots to connect as: over shared memory both that the server has."""
    return (None,) if transport == "socket" else (0, 1)


def state(trees: range) -> dict[int, tuple[bytes, int]]:
    return {tree: (bytes.fromhex(GENESIS[tree][0]), GENESIS[tree][1]) for tree in trees}


def described(info: Any) -> tuple[int, str, int, int]:
    return info.tree_id, info.root.hex(), info.size, info.depth


async def test_the_world_state_at_genesis_is_the_known_one(wsdb: ModuleType, transport: str, tmp_path: Path) -> None:
    tip = wsdb.WorldStateRevision(fork_id=0, block_number=LATEST, include_uncommitted=False)
    with running("aztec-wsdb", transport, tmp_path) as (address, process):
        for slot in slots(transport):
            async with rpc.connect(address, wsdb.CONTRACT, slot=slot, child=process.pid) as client:
                assert not client.ids
                real = wsdb.AztecWsdbClient(client)
                infos = await asyncio.gather(*(real.wsdb_get_tree_info(tree_id=tree, revision=tip) for tree in range(5)))
                assert [described(info) for info in infos] == [(tree, *GENESIS[tree]) for tree in range(5)]
                assert (await real.wsdb_get_state_reference(revision=tip)).state == state(range(4))
                with pytest.raises(rpc.CallFailed, match="Fork not found"):
                    await real.wsdb_delete_fork(fork_id=77)
        async with rpc.connect(address, wsdb.CONTRACT, slot=slots(transport)[0], child=process.pid) as client:
            await client.call(wsdb.WsdbShutdown())


def test_the_world_state_answers_scripts_side_by_side(wsdb: ModuleType, transport: str, tmp_path: Path) -> None:
    tip = wsdb.WorldStateRevision(fork_id=0, block_number=LATEST, include_uncommitted=False)
    first, second = (None, None) if transport == "socket" else (0, 1)
    with (
        running("aztec-wsdb", transport, tmp_path) as (address, process),
        rpc.connect_blocking(address, wsdb.CONTRACT, slot=first, child=process.pid) as one,
        rpc.connect_blocking(address, wsdb.CONTRACT, slot=second, child=process.pid) as other,
    ):
        for client in (one, other, one):
            real = wsdb.AztecWsdbBlockingClient(client)
            assert described(real.wsdb_get_tree_info(tree_id=4, revision=tip)) == (4, *GENESIS[4])
            assert real.wsdb_get_state_reference(revision=tip).state == state(range(4))
        wsdb.AztecWsdbBlockingClient(one).wsdb_shutdown()
