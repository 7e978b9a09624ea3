"""Typed local calls between processes, over Unix sockets and shared-memory rings."""

from proofplane.rpc.blocking import BlockingClient
from proofplane.rpc.client import Client
from proofplane.rpc.connect import connect, connect_blocking
from proofplane.rpc.errors import (
    AddressInUse,
    AlreadyAnswered,
    BadAddress,
    BadOptions,
    BadReply,
    BadRequest,
    BadService,
    CallFailed,
    CannotConnect,
    CannotServe,
    Closed,
    ConnectionBroken,
    DeadlinePassed,
    Ended,
    ForkedClient,
    FrameTooLarge,
    NotServed,
    SchemaMismatch,
    UnknownRequest,
)
from proofplane.rpc.options import Limits, ServerOptions
from proofplane.rpc.responder import Responder
from proofplane.rpc.server import Server, serve
from proofplane.rpc.service import Service
from proofplane.rpc.types import Handler, Stats, native_echo

__all__ = [
    "connect",
    "connect_blocking",
    "Client",
    "BlockingClient",
    "serve",
    "Server",
    "ServerOptions",
    "Service",
    "Responder",
    "Handler",
    "native_echo",
    "Limits",
    "Stats",
    "AddressInUse",
    "AlreadyAnswered",
    "BadAddress",
    "BadOptions",
    "BadReply",
    "BadRequest",
    "BadService",
    "CallFailed",
    "CannotConnect",
    "CannotServe",
    "Closed",
    "ConnectionBroken",
    "DeadlinePassed",
    "Ended",
    "ForkedClient",
    "FrameTooLarge",
    "NotServed",
    "SchemaMismatch",
    "UnknownRequest",
]
