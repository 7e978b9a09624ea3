"""One question to a fresh `bb` over its standard streams: for setup and diagnosis, where no pool is there yet."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from proofplane.barretenberg.generated.barretenberg import CONTRACT
from proofplane.barretenberg.setup_errors import NoAnswer
from proofplane.rpc.codec import Codec
from proofplane.wire import Command, Message
from proofplane.wire.envelopes import UnreadableEnvelope, read_reply, write_request
from proofplane.wire.frames import FrameDecoder, OversizedFrame, encode_frame

R = TypeVar("R", bound=Message)

_LAST_WORDS = 300
"""Characters of the process's log that go into a message."""


def run(command: list[str], environment: Mapping[str, str], timeout: float, given: bytes = b"") -> bytes:
    """What a process prints that is given `given` on its standard input; killed and reaped at the deadline.

    Args:
        command: The program and its arguments.
        environment: Its whole environment.
        timeout: Seconds.
        given: Bytes.

    Raises:
        NoAnswer: It cannot be started, did not end in time, or ended with an error.
    """
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=timeout, env=dict(environment), check=False)
    except OSError as error:
        raise NoAnswer(f"{command[0]} cannot be started: {error.strerror or error}") from None
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"{command[0]} did not end within {timeout:.0f} s and was killed") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        last = " ".join(said[-_LAST_WORDS:].split())
        raise NoAnswer(f"{command[0]} ended with {done.returncode}: {last or 'it said nothing'}", said)
    return done.stdout


def ask(path: Path, request: Command[R], crs: Path, timeout: float) -> R:
    """The answer of a fresh process, with one thread, that reads its points from `crs`.

    Args:
        path: The binary.
        request: Of Barretenberg's contract.
        crs: CRS directory; `bb` may write what it generates into it.
        timeout: Seconds, start and end included.

    Raises:
        NoAnswer: It did not answer, or what it printed is no reply.
        CallFailed: It answered with an error.
    """
    codec = Codec(CONTRACT)
    exchange, payload = codec.pack(request)
    frame = encode_frame(write_request(exchange.name, payload))
    environment = {"CRS_PATH": str(crs), "HARDWARE_CONCURRENCY": "1"}
    printed = run([str(path), "msgpack", "run"], environment, timeout, frame)
    decoder = FrameDecoder()
    try:
        decoder.receive(printed)
        body = decoder.next_frame()
        if body is None:
            raise NoAnswer(f"{path} answered {exchange.name} with {len(printed)} bytes, which is no reply")
        reply = read_reply(body)
    except (OversizedFrame, UnreadableEnvelope) as error:
        raise NoAnswer(f"what {path} answered to {exchange.name} is no reply: {error}") from None
    response: R = codec.response(exchange, reply.name, reply.payload)
    return response
