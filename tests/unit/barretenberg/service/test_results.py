"""What `bb`'s batch verifier writes, in whatever pieces it comes."""

from __future__ import annotations

import asyncio
import os
import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.clock import settle
from proofplane.barretenberg.service.results import BadResult, Result, ResultPipe, ResultReader


def frame(number: int, status: int = 0, message: str = "") -> bytes:
    """A result as `bb` writes it, with fields that are not looked at."""
    body = {"request_id": number, "status": status, "error_message": message, "time_in_queue_ms": 0.5, "batch_failure_count": 0}
    packed = msgspec.msgpack.encode(body)
    return struct.pack(">I", len(packed)) + packed


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 1), st.text(max_size=50)), max_size=8), st.data())
def test_results_come_out_as_they_were_written_however_they_are_cut(written: list[tuple[int, int, str]], data: st.DataObject) -> None:
    raw = b"".join(frame(*one) for one in written)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    reader = ResultReader()
    found = [result for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True) for result in reader.feed(raw[start:end])]
    assert found == [Result(*one) for one in written]


@pytest.mark.parametrize("wrong", [b"\xff\xff\xff\xff", b"\0\0\0\1\xc1", b"\0\0\0\1\x80", struct.pack(">I", 3) + b"\xa2\xff\xff"])
def test_what_is_no_result_is_not_taken_for_one(wrong: bytes) -> None:
    with pytest.raises(BadResult):
        ResultReader().feed(wrong)


async def test_a_pipe_has_no_name_in_any_directory_and_is_read_to_its_end() -> None:
    found: list[int] = []
    with ResultPipe(lambda result: found.append(result.request_id)) as pipe:
        writer = os.open(pipe.path, os.O_WRONLY)
        os.write(writer, frame(1) + frame(2)[:7])
        await settle()
        assert found == [1]
        os.write(writer, frame(2)[7:] + frame(3))
        os.close(writer)
        assert pipe.path.startswith("/proc/")
    assert found == [1, 2, 3]
    assert pipe.failure is None


async def test_after_something_that_is_no_result_the_rest_is_read_and_thrown_away() -> None:
    found: list[int] = []
    with ResultPipe(lambda result: found.append(result.request_id)) as pipe:
        writer = os.open(pipe.path, os.O_WRONLY)
        os.write(writer, b"\xff" * 8)
        await settle()
        assert isinstance(pipe.failure, BadResult)
        await asyncio.to_thread(os.write, writer, b"x" * (1 << 16))  # as much as the pipe holds: somebody must have read before
        os.close(writer)
    assert found == []
