"""The results that `bb`'s batch verifier writes: frames of u32 big-endian length + msgpack map, and the nameless pipe that they come by.

The pipe has no name in any directory, so nothing can be left behind: `bb` opens it as `/proc/OUR_PID/fd/N`.
We keep a writing end open for as long as the batch runs, since a pipe without writers looks ended before `bb` has opened it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import msgspec

from proofplane.base.errors import Broken

_LENGTH = 4
"""Bytes of a frame's length, which is big-endian here, other than everywhere else in `bb`."""

_MAX_FRAME = 1 << 16
"""Bytes of the longest result that is believed; real ones have 150, and those with an error's text some hundreds more."""

_READ = 1 << 16
"""Bytes read at a time: as much as the system keeps in a pipe."""


HOLDS, FAILS = 0, 1
"""What the status of a result says."""


class BadResult(Broken):
    """What `bb` wrote is no result, or one that nobody asked for."""


class Result(msgspec.Struct, frozen=True, gc=False):
    """What became of one proof of a batch."""

    request_id: int
    status: int
    """`HOLDS` or `FAILS`."""
    error_message: str = ""


class ResultReader:
    """Cuts bytes, in whatever pieces they come, into results."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._decode = msgspec.msgpack.Decoder(Result).decode

    def feed(self, data: bytes) -> list[Result]:
        """The results that are complete with `data`.

        Raises:
            BadResult: A frame is too long, or none of a result.
        """
        self._rest += data
        found = []
        while len(self._rest) >= _LENGTH:
            length = int.from_bytes(self._rest[:_LENGTH], "big")
            if length > _MAX_FRAME:
                raise BadResult(f"a result of {length} bytes: the batch verifier writes something else")
            end = _LENGTH + length
            if len(self._rest) < end:
                break
            try:
                found.append(self._decode(self._rest[_LENGTH:end]))
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise BadResult(f"the batch verifier wrote no result: {error}") from error
            del self._rest[:end]
        return found


class ResultPipe:
    """A pipe for one batch, read on the running loop from when it is entered until it is left."""

    def __init__(self, on_result: Callable[[Result], None]) -> None:
        """`on_result` is called for each result as it comes."""
        self._on_result = on_result
        self._reader = ResultReader()
        self._ends: tuple[int, int] | None = None
        self.failure: BadResult | None = None
        """What ended the reading early, if something did."""

    @property
    def path(self) -> str:
        """What to give to `bb`."""
        assert self._ends is not None
        return f"/proc/{os.getpid()}/fd/{self._ends[0]}"

    def __enter__(self) -> ResultPipe:
        self._ends = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        asyncio.get_running_loop().add_reader(self._ends[0], self.read)
        return self

    def __exit__(self, *_: object) -> None:
        """Reads what is left, then closes both ends."""
        assert self._ends is not None
        self.read()
        asyncio.get_running_loop().remove_reader(self._ends[0])
        for end in self._ends:
            os.close(end)
        self._ends = None

    def read(self) -> None:
        """Reads all that has come; after a failure, to throw it away: a writer that cannot go on would never end."""
        assert self._ends is not None
        while True:
            try:
                data = os.read(self._ends[0], _READ)
            except BlockingIOError:
                return
            if self.failure is not None:
                continue
            try:
                for result in self._reader.feed(data):
                    self._on_result(result)
            except BadResult as error:
                self.failure = error
