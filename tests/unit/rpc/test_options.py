"""Options of servers and clients: what cannot be is refused, and the least that can be serves."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kit.rpc_service import CONTRACT, PATIENCE, Data, Echo, service
from proofplane import rpc


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"threads": 0}, "threads is 0: it must be at least 1"),
        ({"grace": -0.1}, "grace is -0.1: it must be at least 0"),
        ({"grace": float("nan")}, "grace is nan"),
        ({"slots": 0}, "slots is 0: it must be 1 to 1024"),
        ({"slots": 1025}, "slots is 1025"),
        ({"request_ring": 4095}, "request_ring is 4095: it must be 4096 to"),
        ({"response_ring": -1}, "response_ring is -1"),
        ({"spin_us": -1}, "spin_us is -1"),
        ({"peers": (-1,)}, "a user id of peers is -1"),
    ],
)
def test_options_with_which_nothing_could_be_served_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(rpc.BadOptions, match=text):
        rpc.ServerOptions(**options)


@pytest.mark.parametrize("name", ["max_frame", "max_in_flight", "max_queued", "max_connections", "max_waiting"])
@pytest.mark.parametrize("value", [-1, 0, 2**32])
def test_limits_with_which_nothing_could_be_served_are_refused(name: str, value: int) -> None:
    with pytest.raises(rpc.BadOptions, match=f"{name} is {value}"):
        rpc.Limits(**{name: value})


async def test_the_least_of_everything_serves(address: str) -> None:
    limits = rpc.Limits(max_frame=512, max_in_flight=1, max_queued=1, max_connections=1, max_waiting=1)
    options = rpc.ServerOptions(limits=limits, threads=1, grace=0, slots=1, request_ring=4096, response_ring=4096, spin_us=0)
    made, _ = service()
    async with rpc.serve(address, made, options=options), rpc.connect(address, CONTRACT, limits=limits) as client:
        assert await asyncio.gather(*[client.call(Echo(b"x"), timeout=PATIENCE) for _ in range(10)]) == [Data(b"x")] * 10


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"slot": -1}, "slot is -1"),
        ({"child": 0}, "child is 0"),
        ({"start_timeout": -1}, "start_timeout is -1"),
        ({"slot": 1024}, "0 to 1023"),
    ],
)
async def test_options_out_of_range_are_refused(tmp_path: Path, options: Any, text: str) -> None:
    with pytest.raises(rpc.BadOptions, match=text):
        async with rpc.connect(str(tmp_path / "absent.sock"), CONTRACT, **options):
            pass
