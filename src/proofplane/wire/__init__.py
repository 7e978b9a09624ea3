"""The wire: frames, envelopes, messages and service contracts; pure rules over bytes."""

from proofplane.wire.messages import (
    BlockingCaller,
    Caller,
    Command,
    Contract,
    ErrorMessage,
    Hello,
    HelloResponse,
    Message,
    Method,
    Prepared,
    Request,
    command_of,
    same_schema,
)
from proofplane.wire.packed import Packed, dec_hook, enc_hook
from proofplane.wire.sizes import U8, U16, U32, U64, OutOfRange, WrongSize

__all__ = [
    "Message",
    "Command",
    "ErrorMessage",
    "Prepared",
    "Request",
    "command_of",
    "Method",
    "Contract",
    "Caller",
    "BlockingCaller",
    "Hello",
    "HelloResponse",
    "same_schema",
    "U8",
    "U16",
    "U32",
    "U64",
    "OutOfRange",
    "WrongSize",
    "Packed",
    "enc_hook",
    "dec_hook",
]
