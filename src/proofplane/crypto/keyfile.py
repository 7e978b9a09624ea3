"""The file that holds a signing key: made on first use, readable by its owner alone.

Rules:
1. The file is 64 hex digits and a line feed, mode 0600. One that others may touch is refused, not repaired: the key may be known already.
2. A new key is written and synced under a name of its own, created exclusively, and then linked to the wanted name, which fails if that
   exists. So the wanted name never shows a partial key, of several processes that start together all get the same key, and a key is
   on disk before it signs anything. A kill in between leaves at most a file `.NAME.*.new`, which is never read.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from proofplane.base.errors import Broken, CallerMistake
from proofplane.crypto.schnorr import SECRET_SIZE, MalformedKey, SigningKey

_MODE = 0o600
_OTHERS = 0o077
_TEXT_SIZE = 2 * SECRET_SIZE
_DIGITS = frozenset(b"0123456789abcdefABCDEF")


class KeyFileUnusable(CallerMistake):
    """The key file cannot be used as it is (permissions, content, place); the message says what to change and never shows the key."""


class KeyFileBroken(Broken):
    """The disk failed while the key file was read or made."""


def load_or_create_key(path: Path) -> SigningKey:
    """Returns the key in the file at `path`, which is made with a new key if it does not exist.

    Raises:
        KeyFileUnusable: Its folder is missing or closed to us, it is no regular file, others may touch it, or it holds no key.
        KeyFileBroken: The disk failed or is full.
    """
    with _translated(path):
        key = _load(path)
        if key is None:
            _create(path)
            key = _load(path)
    return _found(path, key)


def load_key(path: Path) -> SigningKey:
    """Returns the key in the file at `path`; raises as `load_or_create_key`, and `KeyFileUnusable` if there is no file."""
    with _translated(path):
        key = _load(path)
    return _found(path, key)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turns what the operating system says into our errors."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        raise KeyFileUnusable(f"key file {path}: {error.strerror}; name a file in a folder that you may write to") from None
    except OSError as error:
        raise KeyFileBroken(f"key file {path}: {error.strerror}") from None


def _found(path: Path, key: SigningKey | None) -> SigningKey:
    if key is None:
        raise KeyFileUnusable(f"key file {path} does not exist, was removed while it was being made, or is a link that leads nowhere")
    return key


def _load(path: Path) -> SigningKey | None:
    """The key in the file, or none if there is no file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe of that name must not hang us
    except FileNotFoundError:
        return None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeyFileUnusable(f"key file {path} is not a regular file")
        if status.st_mode & _OTHERS:
            raise KeyFileUnusable(
                f"key file {path} is open to group or others (mode {stat.S_IMODE(status.st_mode):04o}): "
                "if nobody can have read it, chmod 600 it; otherwise make a new key"
            )
        text = file.read(_TEXT_SIZE + 2)
    return _parse(path, text)


def _parse(path: Path, text: bytes) -> SigningKey:
    digits = text.removesuffix(b"\n")
    if len(digits) != _TEXT_SIZE or not _DIGITS.issuperset(digits):
        raise KeyFileUnusable(f"key file {path} is not {_TEXT_SIZE} hex digits and a line feed: restore it, or remove it to get a new key")
    try:
        return SigningKey(bytes.fromhex(digits.decode()))
    except MalformedKey as error:
        raise KeyFileUnusable(f"key file {path}: {error}") from None


def _create(path: Path) -> None:
    """Makes the file with a new key, unless another process makes it first."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    try:
        with open(descriptor, "wb") as file:
            file.write(SigningKey.generate().reveal().hex().encode() + b"\n")
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):  # another process was first: its key counts
            os.link(draft, path)
    finally:
        os.unlink(draft)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
