"""A host of ceremony points that behaves as hosts do: serves ranges, stops in the middle, refuses, or serves something else."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """How one request is answered."""

    content: bytes
    """The whole file, of which the range is served."""
    status: int = 206
    """200: the range is ignored; others have no content."""
    stops_after: int | None = None
    """The connection ends after so many bytes of the answer, fewer than were announced."""
    announces: int | None = None
    """So many bytes of the answer are announced and sent, as if the file were shorter."""
    shifted: int = 0
    """Bytes by which the served range lies off the asked one."""


@dataclass
class Host:
    """A running host."""

    url: str
    answers: list[Answer]
    """For the requests that come, in this order; the last one for all further ones."""
    ranges: list[str] = field(default_factory=list)
    """What was asked for."""


@contextmanager
def points_host(*answers: Answer) -> Iterator[Host]:
    """Serves on this machine until the context ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            host.ranges.append(self.headers["Range"])
            answer = host.answers[min(len(host.ranges), len(host.answers)) - 1]
            asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
            assert asked is not None
            self._send(answer, int(asked[1]) + answer.shifted, int(asked[2]) + answer.shifted)

        def _send(self, answer: Answer, first: int, last: int) -> None:
            whole = answer.status == 200
            body = answer.content if whole else answer.content[first : last + 1]
            if answer.status not in (200, 206):
                body = b""
            body = body[: answer.announces]
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(body)))
            if answer.status == 206:
                self.send_header("Content-Range", f"bytes {first}-{first + len(body) - 1}/{len(answer.content)}")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body[: answer.stops_after])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the library's name
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host = Host(f"http://127.0.0.1:{server.server_port}/g1.dat", list(answers))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
