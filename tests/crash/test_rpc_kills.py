"""Processes killed with calls in flight: the other side knows at once, and nothing is left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from kit.rpc_service import CONTRACT, Echo, Hold, service
from proofplane import rpc

_SERVER = Path(__file__).resolve().parents[1] / "kit" / "rpc_server_process.py"
_SHM = Path("/dev/shm")


@pytest.fixture(params=["sock", "shm"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    where = str(tmp_path / "s.sock") if request.param == "sock" else f"pp-test-{uuid.uuid4().hex}.shm"
    yield where
    # What a killed server left waits for the next server of its name; here there is none.
    for name in leftovers(where):
        (_SHM if where.endswith(".shm") else tmp_path).joinpath(name).unlink()


@contextmanager
def server_process(address: str, *, wait: bool = True) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, _SERVER, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            if wait:
                assert process.stdout is not None
                assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def leftovers(address: str) -> list[str]:
    """What of this address is still in the file system."""
    if address.endswith(".shm"):
        return sorted(path.name for path in _SHM.glob(f"{address.removesuffix('.shm')}*"))
    return sorted(path.name for path in Path(address).parent.iterdir())


async def test_when_the_server_is_killed_every_call_in_flight_fails_at_once(address: str) -> None:
    with server_process(address) as process:
        async with rpc.connect(address, CONTRACT) as client:
            calls = [asyncio.ensure_future(client.call(Hold(number), timeout=60)) for number in range(8)]
            await client.call(Echo(b"the others are there"))
            process.send_signal(signal.SIGKILL)

            async with asyncio.timeout(20):
                results = await asyncio.gather(*calls, return_exceptions=True)

            assert [type(result) for result in results] == [rpc.Ended] * 8
            with pytest.raises(rpc.Ended):
                await client.call(Echo(b"later"))


def test_when_the_server_is_killed_a_blocking_call_fails_at_once(address: str) -> None:
    with server_process(address) as process, rpc.connect_blocking(address, CONTRACT) as client, ThreadPoolExecutor(1) as threads:
        call = threads.submit(client.call, Hold(1), timeout=60)
        assert process.stdout is not None
        assert process.stdout.readline() == b"held 1\n"
        process.kill()

        assert isinstance(call.exception(20), rpc.Ended)


def test_a_killed_servers_remains_are_replaced_by_the_next_and_removed_at_its_end(address: str) -> None:
    with server_process(address) as process:
        process.kill()
        process.wait()
    assert leftovers(address)

    with server_process(address) as process:
        with rpc.connect_blocking(address, CONTRACT) as client:
            assert client.call(Echo(b"again")).data == b"again"
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0

    assert leftovers(address) == []


def test_a_living_server_is_not_pushed_aside(address: str) -> None:
    with server_process(address):
        with subprocess.Popen([sys.executable, _SERVER, address], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as second:
            _, said = second.communicate(timeout=30)
        assert second.returncode
        assert b"AddressInUse" in said

        with rpc.connect_blocking(address, CONTRACT) as client:
            assert client.call(Echo(b"first")).data == b"first"


async def test_a_killed_clients_place_is_free_again_and_others_do_not_notice(address: str) -> None:
    made, held = service()
    program = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from kit.rpc_service import CONTRACT, Hold\nfrom proofplane import rpc\n"
        "with rpc.connect_blocking(sys.argv[1], CONTRACT) as client:\n    client.call(Hold(7), timeout=600)\n"
    )
    async with rpc.serve(address, made, options=rpc.ServerOptions(slots=2, grace=0.2)) as server, rpc.connect(address, CONTRACT) as other:
        for turn in range(4):
            victim = await asyncio.create_subprocess_exec(sys.executable, "-c", program, address, str(_SERVER.parents[1]))
            await held.until(turn + 1)
            victim.kill()
            await victim.wait()
            assert (await other.call(Echo(b"still here"))).data == b"still here"
        held.gate(7).set()
        assert (await other.call(Echo(b"and after"))).data == b"and after"
        assert server.stats.in_flight == 0


async def test_thousands_of_connections_come_and_go_and_leave_nothing(address: str) -> None:
    made, _ = service()
    async with rpc.serve(address, made):
        async with rpc.connect(address, CONTRACT) as client:
            await client.call(Echo(b"warm"))
        before = (len(os.listdir("/proc/self/fd")), threading.active_count(), len(os.listdir("/proc/self/task")))
        for _ in range(2000):
            async with rpc.connect(address, CONTRACT) as client:
                await client.call(Echo(b"x"))
        await asyncio.sleep(0)

        assert len(os.listdir("/proc/self/fd")) <= before[0] + 2  # the last client's end may still be open on the server's side
        assert threading.active_count() <= before[1]
        assert len(os.listdir("/proc/self/task")) <= before[2]  # a thread of an earlier test may have ended since
    assert leftovers(address) == []


def started(address: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, _SERVER, address], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)


async def test_fifty_servers_started_together_refuse_no_polling_client(tmp_path: Path) -> None:
    addresses = [str(tmp_path / f"{number}.sock") for number in range(50)]
    servers = [started(address) for address in addresses]
    try:

        async def one(address: str, process: "subprocess.Popen[bytes]") -> bytes:
            async with rpc.connect(address, CONTRACT, child=process.pid, start_timeout=120) as client:
                return (await client.call(Echo(address.encode()))).data

        answers = await asyncio.gather(*(one(address, process) for address, process in zip(addresses, servers, strict=True)))
        assert answers == [address.encode() for address in addresses]
    finally:
        for server in servers:
            server.kill()
            server.communicate()


def test_a_client_is_not_to_be_used_in_a_forked_child(address: str) -> None:
    program = (
        "import os, sys; sys.path.insert(0, sys.argv[2])\n"
        "from kit.rpc_service import CONTRACT, Echo\nfrom proofplane import rpc\n"
        "with rpc.connect_blocking(sys.argv[1], CONTRACT) as client:\n"
        "    client.call(Echo(b'before'))\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        try:\n            client.call(Echo(b'in the child'))\n"
        "        except rpc.ForkedClient:\n            os._exit(7)\n"
        "        os._exit(1)\n"
        "    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7\n"
        "    assert client.call(Echo(b'after')).data == b'after'\n"
    )
    with server_process(address):
        done = subprocess.run([sys.executable, "-c", program, address, str(_SERVER.parents[1])], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
