"""The one Rust extension: rings, the reactor and XMSS. Bytes and numbers only; `proofplane.rpc` and `proofplane.crypto` give them types."""

from collections.abc import Sequence
from typing import final

__all__ = [
    "BadAddress",
    "Busy",
    "ConnectFailed",
    "Connection",
    "ConnectionBroken",
    "ConnectionEnded",
    "Connector",
    "EchoServer",
    "FrameTooLarge",
    "Handle",
    "InUse",
    "Limits",
    "Server",
    "XMSS_LARGEST_WINDOW",
    "XmssKey",
    "__version__",
    "poseidon1",
    "xmss_kernel",
    "xmss_kernels",
    "xmss_permutations",
    "xmss_verify",
    "xmss_verify_packed",
]

__version__: str
"""The project's version, from Cargo.toml."""

XMSS_LARGEST_WINDOW: int
"""Slots that an `XmssKey` may hold."""

class BadAddress(Exception):
    """The text is no address."""

class InUse(Exception):
    """A living server has this address."""

class ConnectFailed(Exception):
    """Connecting failed, and trying again would not help."""

class ConnectionEnded(Exception):
    """The server closed the connection, died, or cut it off."""

class ConnectionBroken(Exception):
    """The server's bytes make no sense, or the system failed."""

class FrameTooLarge(Exception):
    """The frame is larger than the connection carries."""

class Busy(Exception):
    """Another thread is using this object."""

@final
class Limits:
    """The bounds of one server (per connection unless said) or one client; what is not given has the reactor's default."""

    def __new__(
        cls,
        *,
        max_frame: int | None = None,
        max_in_flight: int | None = None,
        max_queued: int | None = None,
        max_connections: int | None = None,
        max_waiting: int | None = None,
    ) -> Limits: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    @property
    def max_frame(self) -> int:
        """Largest frame body accepted or sent, bytes."""

    @property
    def max_in_flight(self) -> int:
        """Requests accepted and not yet answered; beyond it a server does not read the connection, and a client's caller waits."""

    @property
    def max_queued(self) -> int:
        """Bytes queued for one connection; beyond it a server does not read it, and a client's caller waits."""

    @property
    def max_connections(self) -> int:
        """Connections served at once; further ones wait in the backlog."""

    @property
    def max_waiting(self) -> int:
        """Requests accepted and not yet answered, of the whole server; beyond it nothing is read."""

@final
class Connector:
    """One connecting in progress; raises `BadAddress` at once."""

    def __new__(
        cls,
        address: str,
        *,
        limits: Limits,
        child: int | None = None,
        start_timeout: float = 0.0,
        slot: int | None = None,
        spin_us: int = 0,
    ) -> Connector: ...
    def attempt(self) -> Connection | float:
        """Tries once, without blocking: the connection, or the seconds to wait before the next attempt; raises `ConnectFailed`."""

@final
class Connection:
    """One connection, turned by one thread at a time (`Busy` otherwise); not to be used after a fork."""

    def fileno(self) -> int:
        """Readable when `turn` has something to do."""

    def use_ids(self, ids: bool) -> None:
        """From now on requests carry ids."""

    def limit_requests(self, most: int) -> None:
        """The largest frame body that the server accepts, bytes."""

    def submit(self, name: str, payload: bytes) -> int | None:
        """Queues a request, which `flush`, `turn` or `wait` sends; its number, or None when the queue is full.

        Raises `FrameTooLarge`, `ConnectionEnded`, `ConnectionBroken`.
        """

    def flush(self) -> bool:
        """Sends what goes without blocking; true when nothing is left."""

    def turn(self, spin: bool) -> list[tuple[int, str, bytes]]:
        """The replies that have come: number, name, packed fields. Never blocks; with `spin` it may spin without the GIL.

        Raises `ConnectionEnded` and `ConnectionBroken`, after the replies that came before.
        """

    def wait(self, timeout: float | None) -> list[tuple[int, str, bytes]]:
        """As `turn`, but sleeps without the GIL until a reply has come; empty when `timeout` seconds have passed."""

    def exchange(self, name: str, payload: bytes, timeout: float | None) -> tuple[str, bytes] | None:
        """Submits a request and sleeps without the GIL until its reply has come: name, packed fields.

        Replies to other calls are thrown away. None when `timeout` seconds have passed.
        """

    def wants_write(self) -> bool:
        """Whether anything is unsent."""

    def in_flight(self) -> int:
        """Calls queued or sent, and not answered."""

    def spins(self) -> bool:
        """Whether spinning can pay."""

    def close(self) -> None:
        """Closes at once."""

@final
class Server:
    """A server without a thread, turned by one thread at a time (`Busy` otherwise).

    Raises `BadAddress`, `InUse`, `OSError`.
    """

    def __new__(
        cls,
        address: str,
        schema_hash: bytes,
        methods: Sequence[tuple[str, str]],
        error: str,
        *,
        limits: Limits,
        slots: int = 0,
        request_ring: int = 0,
        response_ring: int = 0,
        peers: Sequence[int] = ...,
        spin_us: int = 0,
        echo: Sequence[int] = ...,
    ) -> Server: ...
    def fileno(self) -> int:
        """Readable when `turn` has something to do."""

    def handle(self) -> Handle:
        """For other threads."""

    def turn(self, replies: list[tuple[int, bytes | str]], linger: bool) -> list[tuple[int, int, bytes]]:
        """Completes replies (bytes: packed fields, str: an error's message), then takes what has come: ticket, method, packed fields.

        With `linger` it spins for more, as learned, without the GIL.
        """

    def finish(self, replies: list[tuple[int, bytes | str]]) -> None:
        """Completes replies and sends what goes without blocking."""

    def lingers(self) -> bool:
        """Whether a lingering turn would wait: always over shared memory, over sockets while spinning pays."""

    def drain(self) -> bool:
        """Stops accepting; true once nothing is in flight and everything is sent."""

    def abort(self) -> None:
        """Ends it: everything is closed and unlinked."""

    def stats(self) -> tuple[int, int, int, int, int, int, int]:
        """accepted, open, requests, replies, refused, orphaned, in flight."""

@final
class Handle:
    """What other threads hold of a server; it outlives the server harmlessly."""

    def complete(self, ticket: int, reply: bytes | str) -> None:
        """Answers a request from any thread."""

@final
class EchoServer:
    """A native server with its own thread, whose methods all answer their request's fields: what the reactor costs without Python."""

    def __new__(
        cls,
        address: str,
        schema_hash: bytes,
        methods: Sequence[tuple[str, str]],
        error: str,
        *,
        limits: Limits,
        workers: int = 0,
    ) -> EchoServer: ...
    def shutdown(self, grace: float) -> None:
        """Drains for at most `grace` seconds, then aborts; joins every thread."""

@final
class XmssKey:
    """A sparse signing key: it can sign for the smallest aligned window of 2^k slots that holds the given ones.

    Made without the GIL, from a seed of 32 bytes. Raises ValueError for slots that the scheme has not, or too large a window.
    """

    def __new__(cls, scheme: str, seed: bytes, first_slot: int, slots: int) -> XmssKey: ...
    @property
    def public_key(self) -> bytes:
        """52 bytes."""

    @property
    def first_slot(self) -> int:
        """The window's first slot."""

    @property
    def slots(self) -> int:
        """The window's slots, a power of two."""

    def sign(self, slot: int, message: bytes) -> bytes:
        """Signs 32 bytes, without the GIL; raises ValueError outside the window, and if no attempt encodes the message.

        Never sign two messages in one slot.
        """

def xmss_verify(
    scheme: str,
    keys: Sequence[bytes],
    slots: Sequence[int],
    messages: Sequence[bytes],
    signatures: Sequence[bytes],
    threads: int,
    *,
    kernel: str | None = None,
) -> tuple[int | None, list[tuple[int, int, int]]]:
    """Verifies a whole batch without the GIL, on at most so many threads, the caller's among them.

    Returns the smallest index that fails, and per thread its number, start and end, nanoseconds of `time.perf_counter_ns`.
    A slot that the scheme has not, a signature of the wrong length and an element that is not canonical fail like a wrong signature.
    Raises ValueError if the lists differ in length, a key has not 52 bytes, a message has not 32, or a name is unknown;
    RuntimeError if the kernel panicked, which says nothing about the signatures.
    """

def xmss_verify_packed(
    scheme: str, data: bytes, runs: Sequence[tuple[bytes, int, int, int]], stride: int, threads: int
) -> tuple[int | None, list[tuple[int, int, int]]]:
    """As `xmss_verify`, for signatures that lie in one buffer, of which nothing is copied.

    A run is (message, slot, offset of its first entry, number of entries).
    An entry has `stride` bytes, the key first and the signature last.
    Raises ValueError if a run reaches beyond the data, and as `xmss_verify`.
    """

def poseidon1(state: Sequence[int]) -> list[int]:
    """Permutes 16 or 24 canonical values; raises ValueError for others."""

def xmss_kernel() -> str:
    """The kernel that is used unless another is asked for."""

def xmss_kernels() -> list[str]:
    """The kernels that this processor can run, fastest first."""

def xmss_permutations(kernel: str, width: int, count: int) -> int:
    """The nanoseconds that `count` permutations of 16 states of that width take; without the GIL."""
