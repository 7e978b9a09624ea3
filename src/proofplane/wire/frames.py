"""Frames: a u32 little-endian body length, then the body; cut out of a stream piece by piece, never trusting the length.

Rules:

1. A frame is given out when all of it is there, in the order of the stream, however the bytes were cut.
2. A length over the limit ends the stream: every further call raises the same error, since nothing behind it can be found.
3. A frame of no bytes is a frame (it counts as a request).

Invariants: memory held is what was received and not yet taken, never what a prefix promises.
"""

from __future__ import annotations

from proofplane.base.errors import CallerMistake, Refused

PREFIX_BYTES = 4
"""Bytes of the length prefix."""

MAX_BODY = 64 << 20
"""Default limit of a body, bytes: the largest that `bb` was measured with."""


class OversizedFrame(Refused):
    """A peer announced a frame over the limit: end the connection."""

    def __init__(self, size: int, limit: int) -> None:
        """`size` bytes were announced."""
        super().__init__(f"a frame of {size} bytes was announced, the limit is {limit}: end the connection")
        self.size = size
        self.limit = limit


class FrameCutOff(Refused):
    """The stream ended inside a frame."""

    def __init__(self, pending: int) -> None:
        """`pending` bytes of it had come, its prefix included."""
        super().__init__(f"the stream ended inside a frame, after {pending} of its bytes")
        self.pending = pending


class BodyTooLarge(CallerMistake):
    """A body to be sent is over the limit."""


class FrameDecoder:
    """One direction of one connection, without any I/O: `receive` bytes, then take frames until there is none."""

    __slots__ = ("_buffer", "_failure", "_limit")

    def __init__(self, limit: int = MAX_BODY) -> None:
        """`limit` is the largest body, bytes."""
        self._buffer = bytearray()
        self._limit = limit
        self._failure: OversizedFrame | None = None

    @property
    def pending(self) -> int:
        """Bytes received and not yet given out."""
        return len(self._buffer)

    def receive(self, data: bytes | bytearray | memoryview) -> None:
        """Takes what the stream gave next, any number of bytes."""
        if self._failure is None:
            self._buffer += data

    def next_frame(self) -> bytes | None:
        """Returns the next frame's body, or None until more has been received.

        Raises:
            OversizedFrame: The next frame is over the limit; again at every further call.
        """
        if self._failure is not None:
            raise self._failure
        if len(self._buffer) < PREFIX_BYTES:
            return None
        size = int.from_bytes(self._buffer[:PREFIX_BYTES], "little")
        if size > self._limit:
            self._failure = OversizedFrame(size, self._limit)
            self._buffer.clear()
            raise self._failure
        end = PREFIX_BYTES + size
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[PREFIX_BYTES:end])
        del self._buffer[:end]
        return body

    def end(self) -> None:
        """To be called when the stream has ended and no frame is left; raises `FrameCutOff` if it ended inside one."""
        if self._buffer:
            raise FrameCutOff(len(self._buffer))


def encode_frame(body: bytes, limit: int = MAX_BODY) -> bytes:
    """Returns `body` with its prefix; raises `BodyTooLarge` over `limit` bytes."""
    if len(body) > limit:
        raise BodyTooLarge(f"a body of {len(body)} bytes is over the limit of {limit}: send less at once")
    return len(body).to_bytes(PREFIX_BYTES, "little") + body
