"""Toy programs for the native prover; run as a script, a child process that serves them in the manner named by its first argument."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from proofplane.base.ids import Hash32
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.base.receipt import Receipt
from proofplane.crypto.hashes import sha256
from proofplane.crypto.schnorr import SigningKey
from proofplane.proving.native.frames import MAX_PUBLIC_VALUES, Ready, encode
from proofplane.proving.native.keyring import Keyring
from proofplane.proving.native.worker import Program, serve

KEY = SigningKey(b"\x01" * 32)
PREDICATE = Predicate(PredicateKind.SCHNORR, KEY.public().raw)
FOREIGN = Predicate(PredicateKind.SCHNORR, SigningKey(b"\x02" * 32).public().raw)


def argv(manner: str = "serve") -> list[str]:
    """The command line of a child process."""
    return [sys.executable, __file__, manner]


def program_id(name: str) -> Hash32:
    """The id of the program of that name."""
    return Hash32(sha256(name.encode()))


def _join(body: bytes, prerequisites: Sequence[Receipt]) -> bytes:
    return b"".join(one.public_values for one in prerequisites) + body


def _refuse(body: bytes, prerequisites: Sequence[Receipt]) -> bytes:
    raise ValueError(body.decode())


def _die(body: bytes, prerequisites: Sequence[Receipt]) -> bytes:
    os.kill(os.getpid(), int(body))
    return b"not reached, or the signal is ignored"


def _wait_for(body: bytes, prerequisites: Sequence[Receipt]) -> bytes:
    """Blocks until something is written to the named pipe that `body` is the path of."""
    return Path(body.decode()).open("rb").read(1)


def _spin(body: bytes, prerequisites: Sequence[Receipt]) -> bytes:
    """Tells by the named pipe that `body` is the path of that it runs, then computes for ever."""
    Path(body.decode()).write_bytes(b"!")
    while True:
        pass


def _chatter(body: bytes, prerequisites: Sequence[Receipt]) -> bytes:
    print("a program that prints", flush=True)
    return body + sys.stdin.buffer.read() + os.read(0, 1)


def _grow(body: bytes, prerequisites: Sequence[Receipt]) -> bytes:
    return bytes(MAX_PUBLIC_VALUES + 1)


PROGRAMS: Mapping[Hash32, Program] = {
    program_id(name): program
    for name, program in {
        "join": _join,
        "refuse": _refuse,
        "die": _die,
        "wait": _wait_for,
        "spin": _spin,
        "chatter": _chatter,
        "grow": _grow,
    }.items()
}


def _main(manner: str) -> None:
    if manner == "serve":
        serve(PROGRAMS, Keyring([KEY]))
    elif manner.startswith("say:"):  # says that it is ready, then answers its first order with these bytes (hex)
        os.write(1, encode(Ready("say")))
        os.read(0, 1)
        os.write(1, bytes.fromhex(manner.removeprefix("say:")))
        os.read(0, 1 << 20)
    elif manner == "leave":  # ends before it is ready
        sys.exit("the key file is missing")
    elif manner == "babble":  # its first words are no message
        os.write(1, b"Hello, world!\n" * 10)
        os.read(0, 1)
    elif manner == "quit":  # is ready, then ends by itself
        os.write(1, encode(Ready("quit")))


if __name__ == "__main__":
    _main(sys.argv[1])
