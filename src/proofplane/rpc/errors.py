"""What can go wrong with a call, in anyio's words (closed by us, ended by the peer, broken, busy), each in its family of base.errors."""

from __future__ import annotations

from proofplane import _native
from proofplane.base.errors import Broken, CallerMistake, NeverAgain, ProofplaneError, TryAgain


class BadAddress(CallerMistake):
    """An address is neither `PATH.sock` nor `NAME.shm`, or the system cannot bind it."""


class BadService(CallerMistake):
    """A service lacks a handler, has two for a method, or was given one that cannot be called with a request."""


class UnknownRequest(CallerMistake):
    """A request is of no class (or name) of the contract that this client was connected with."""


class BadRequest(CallerMistake):
    """A request has a value that the wire cannot carry; nothing was sent."""


class BadOptions(CallerMistake):
    """A bound, a size or a time that no server or client can have."""


class FrameTooLarge(CallerMistake):
    """A request needs a larger frame than the connection carries; nothing was sent."""


class AlreadyAnswered(CallerMistake):
    """A responder was used a second time."""


class Closed(CallerMistake):
    """This client or server was closed by us."""


class ForkedClient(CallerMistake):
    """The client was made before a fork and is used in the child: its connection belongs to the parent. Connect anew."""


class Ended(TryAgain):
    """The server closed the connection, died, or cut it off; every call in flight fails with this at once.

    Whether the server did what was asked is not known.
    """


class CannotConnect(TryAgain):
    """No server was reached: it is absent or refuses, and the time for it has passed; or connecting cannot succeed, as the message says."""


class DeadlinePassed(TryAgain):
    """No reply came in time. Whether the server did what was asked is not known; its late reply is thrown away."""


class AddressInUse(TryAgain):
    """A living server has this address."""


class ConnectionBroken(Broken):
    """The server's bytes make no sense, or the system failed: the connection is over."""


class BadReply(Broken):
    """A reply is not what the contract promises: another name, or fields that cannot be read."""


class CannotServe(Broken):
    """The system refused what a server needs, or took it away."""


class SchemaMismatch(NeverAgain):
    """Client and server were generated from different contracts: generate one of them anew."""

    def __init__(self, service: str, ours: bytes, theirs: bytes) -> None:
        super().__init__(f"the server's contract is not ours: {service} here has the hash {ours.hex()}, there {theirs.hex()}")
        self.ours = ours
        """Hash of the client's contract, 32 bytes."""
        self.theirs = theirs
        """Hash of the server's."""


class NotServed(NeverAgain):
    """A server has no handler for a method of its contract, and says so."""


class CallFailed(NeverAgain):
    """The server answered with an error: it says the same to the same request, as far as one can know from here."""

    def __init__(self, message: str, method: str) -> None:
        super().__init__(f"{method}: {message}")
        self.message = message
        """What the server said."""
        self.method = method
        """The request's name on the wire."""


_FAMILIES: dict[type[Exception], type[ProofplaneError]] = {
    _native.BadAddress: BadAddress,
    _native.InUse: AddressInUse,
    _native.ConnectFailed: CannotConnect,
    _native.ConnectionEnded: Ended,
    _native.ConnectionBroken: ConnectionBroken,
    _native.FrameTooLarge: FrameTooLarge,
    OSError: CannotServe,
}

NATIVE: tuple[type[Exception], ...] = tuple(error for error in _FAMILIES if error is not OSError)
"""What the extension raises on purpose; `typed` gives it its family."""

NATIVE_OR_SYSTEM: tuple[type[Exception], ...] = tuple(_FAMILIES)
"""The same and the system's errors, which only a server's start lets through."""


def typed(error: Exception) -> ProofplaneError:
    """The error of ours for one of `NATIVE`."""
    return next(ours for native, ours in _FAMILIES.items() if isinstance(error, native))(str(error))
