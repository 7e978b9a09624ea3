"""A server of frames on a thread of its own, which answers exactly as the test tells it to: any peer that a client may meet."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

Received = list[Any]


class Peer:
    """The server's side of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def read(self) -> Any:
        """The next request's body, unpacked."""
        (length,) = struct.unpack("<I", self._exactly(4))
        return msgspec.msgpack.decode(self._exactly(length))

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._connection.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def send(self, *replies: Any) -> None:
        """Sends replies, in one write."""
        bodies = [msgspec.msgpack.encode(reply) for reply in replies]
        self._connection.sendall(b"".join(struct.pack("<I", len(body)) + body for body in bodies))

    def send_raw(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self._connection.sendall(data)

    def refuse_hello(self) -> None:
        """Says what a server says that knows no `Hello`."""
        assert self.read()[0][0] == "Hello"
        self.send(["ErrorResponse", {"message": "Unknown type name"}])

    def answer_hello(self, *, ids: bool = True, schema_hash: bytes = bytes(32), max_frame: int = 1 << 20) -> None:
        """Says what our servers say."""
        assert self.read()[0][0] == "Hello"
        self.send(["HelloResponse", {"schema_hash": schema_hash, "ids": ids, "max_frame": max_frame}])


class Scripted:
    """What a script runs on: it is given a `Peer` and returns when it is done with it."""

    def __init__(self, path: Path) -> None:
        self.address = str(path / "peer.sock")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.address)
        self._listener.listen()

    @contextmanager
    def running(self, script: Any) -> Iterator[str]:
        """Runs `script` for the first client; its errors are the test's."""
        failures: list[BaseException] = []

        def run() -> None:
            connection, _ = self._listener.accept()
            with connection:
                try:
                    script(Peer(connection))
                    while connection.recv(1 << 16):
                        pass
                except (EOFError, ConnectionError):
                    pass
                except BaseException as error:
                    failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield self.address
        finally:
            thread.join(20)
            assert not thread.is_alive()
            assert failures == []

    def close(self) -> None:
        """Stops listening."""
        self._listener.close()
