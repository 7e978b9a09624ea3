"""A data directory: its lock, its prover keys, and the trust root that says which chain it holds.

```
DIR/lock           held while a node runs
DIR/trust.json     anchor and predicates: all that a verifier has to believe
DIR/keys/*.key     secret keys of the native prover, mode 0600; no step key where circuits prove the steps
DIR/proofplane.db  everything else
```
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from proofplane.anchor.types import AnchorParams
from proofplane.base.errors import CallerMistake, ProofplaneError
from proofplane.base.ids import Hash32
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.crypto.hashes import sha256
from proofplane.crypto.keyfile import load_key, load_or_create_key
from proofplane.crypto.schnorr import SigningKey
from proofplane.node.kinds import NATIVE, kind_of
from proofplane.storage.database import DATABASE_NAME, ReadOnlyDatabase, Schema
from proofplane.storage.errors import DirectoryUnusable
from proofplane.storage.lock import DirectoryLock

TRUST_NAME = "trust.json"
_MAX_BRACKETS = 64
"""Lists and objects of a trust file, which has about six; the decoder recurses into them."""

_MAX_TRUST = 64 * 1024
"""Bytes of a trust file; a real one has one or two thousand."""

_KEYS = "keys"
_STEP_KEY, _MOHO_KEY = "step", "moho"


class WrongChain(CallerMistake):
    """The data directory holds another chain, or was made with other keys, than asked for."""


class WrongBackend(CallerMistake):
    """The data directory was made with another prover backend than asked for: its chain demands proofs of another kind."""


class MalformedTrust(CallerMistake):
    """A trust file that cannot be read as one."""


@dataclass(frozen=True, slots=True)
class TrustRoot:
    """What a verifier believes: the anchor, and the predicates that proofs must satisfy."""

    params: AnchorParams
    step_predicate: Predicate
    """The predicate of the genesis Moho state; later states may carry another one."""
    moho_predicate: Predicate

    def to_json(self) -> str:
        """Canonical JSON (sorted keys, two spaces)."""
        return json.dumps(self._plain(), indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str) -> TrustRoot:
        """Reads `to_json`; raises `MalformedTrust` naming `source` for anything else, unknown keys included."""
        if text.count("{") + text.count("[") > _MAX_BRACKETS:
            raise MalformedTrust(f"{source} is not a trust file: it holds more than {_MAX_BRACKETS} lists and objects")
        try:
            read = msgspec.json.decode(text, type=_TrustText)
            step, moho = (_predicate(raw) for raw in (read.predicates.step, read.predicates.moho))
            return cls(AnchorParams.from_json(read.anchor), step, moho)
        except (ProofplaneError, msgspec.MsgspecError, ValueError) as error:
            raise MalformedTrust(f"{source} is not a trust file: {error}") from None

    def differences(self, other: TrustRoot) -> str:
        """Which parts differ, with both values, for people: `name: ours, not theirs`."""
        ours, theirs = _flat(self._plain()), _flat(other._plain())
        return "; ".join(
            f"{name}: {ours.get(name)}, not {theirs.get(name)}" for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)
        )

    def _plain(self) -> dict[str, Any]:
        predicates = {"step": _predicate_json(self.step_predicate), "moho": _predicate_json(self.moho_predicate)}
        return {"anchor": self.params.to_json(), "predicates": predicates}

    def identity(self) -> Hash32:
        """A digest that names this chain under these keys."""
        return Hash32(sha256(self.to_json().encode()))

    @classmethod
    def read(cls, directory: Path) -> TrustRoot:
        """Reads the trust file of a data directory; raises `DirectoryUnusable` if there is none, `MalformedTrust` if it cannot be read."""
        if not (directory / TRUST_NAME).is_file():
            raise DirectoryUnusable(f"{directory} is no data directory of proofplane (it has no {TRUST_NAME}): name one with --data-dir")
        return cls.read_file(directory / TRUST_NAME)

    @classmethod
    def read_file(cls, path: Path) -> TrustRoot:
        """Reads a trust file; raises `MalformedTrust` if that is impossible."""
        try:
            with path.open("rb") as file:
                raw = file.read(_MAX_TRUST + 1)
        except OSError as error:
            raise MalformedTrust(f"trust file {path} cannot be read: {error.strerror}") from None
        if len(raw) > _MAX_TRUST:
            raise MalformedTrust(f"{path} is not a trust file: it is larger than {_MAX_TRUST} bytes")
        return cls.from_json(raw.decode(errors="replace"), str(path))


class DataDirectory:
    """A data directory in use by this process: locked, with keys and trust root in place."""

    def __init__(self, path: Path, params: AnchorParams, *, fresh: bool = False, step_predicate: Predicate | None = None) -> None:
        """Locks `path`, creating keys and trust root on first use.

        Args:
            path: The directory; created if absent.
            params: Of the chain that it is to hold.
            fresh: Empty it first, if it holds exactly that chain.
            step_predicate: What its step proofs must meet; None: the predicate of a signing key made here.

        Raises:
            DirectoryInUse, DirectoryUnusable: See `DirectoryLock`.
            WrongChain: It was made for another anchor, with other keys or for steps that no backend proves; nothing was written.
            WrongBackend: It was made with another backend; nothing was written.
            KeyFileUnusable, KeyFileBroken: See `load_or_create_key`.
        """
        self._lock = DirectoryLock(path)
        self.path = path
        try:
            if fresh:
                self._forget(params)
            known = (path / TRUST_NAME).exists()
            self.trust = self._opened(params, step_predicate) if known else self._created(params, step_predicate)
        except BaseException:
            self._lock.release()
            raise

    @property
    def key_files(self) -> tuple[Path, ...]:
        """Every signing key that the native prover may use."""
        return tuple(sorted((self.path / _KEYS).glob("*.key")))

    def add_key(self, name: str) -> Predicate:
        """Makes one more signing key (or finds it) and returns its predicate, for a chain that is to be switched to it.

        Raises:
            KeyFileUnusable, KeyFileBroken: See `load_or_create_key`.
        """
        return _schnorr(load_or_create_key(self.path / _KEYS / f"{name}.key"))

    @property
    def database(self) -> Path:
        """The database file."""
        return self.path / DATABASE_NAME

    def _opened(self, params: AnchorParams, step_predicate: Predicate | None) -> TrustRoot:
        found = TrustRoot.read(self.path)
        if found.params != params:
            difference = found.differences(replace(found, params=params))
            raise WrongChain(f"{self.path} holds another chain ({difference}): name another --data-dir")
        made_with = kind_of(found.step_predicate)
        wanted = NATIVE if step_predicate is None else kind_of(step_predicate)
        if made_with is None or wanted is None:
            raise WrongChain(
                f"{self.path} was made for steps under {found.step_predicate}, which no backend of this version meets: "
                "name another --data-dir"
            )
        if made_with != wanted:
            raise WrongBackend(
                f"{self.path} was made with --backend {made_with.backend}, not {wanted.backend}: "
                f"give --backend {made_with.backend}, or name another --data-dir"
            )
        if step_predicate not in (None, found.step_predicate):
            raise WrongChain(
                f"{self.path} was made for circuits with other verification keys ({found.step_predicate}) than this version's: "
                "name another --data-dir"
            )
        step = self._key_predicate(_STEP_KEY) if step_predicate is None else step_predicate
        if (step, self._key_predicate(_MOHO_KEY)) != (found.step_predicate, found.moho_predicate):
            raise WrongChain(f"{self.path / _KEYS} does not hold the keys that {TRUST_NAME} names: restore them or name another --data-dir")
        return found

    def _key_predicate(self, name: str) -> Predicate:
        return _schnorr(load_key(self.path / _KEYS / f"{name}.key"))

    def _created(self, params: AnchorParams, step_predicate: Predicate | None) -> TrustRoot:
        if self.database.exists():
            raise WrongChain(f"{self.path} has a database but no {TRUST_NAME}: restore that file or name another --data-dir")
        try:
            (self.path / _KEYS).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise DirectoryUnusable(f"{self.path / _KEYS}: {error.strerror}") from None
        trust = TrustRoot(params, step_predicate or self.add_key(_STEP_KEY), self.add_key(_MOHO_KEY))
        write_durably(self.path / TRUST_NAME, trust.to_json().encode())
        return trust

    def _forget(self, params: AnchorParams) -> None:
        """Removes what the directory holds if it is exactly the chain of `params`; the trust root goes last, so a kill leaves it named."""
        if not (self.path / TRUST_NAME).exists() or TrustRoot.read(self.path).params != params:
            return
        try:
            for file in (*self.path.glob(f"{DATABASE_NAME}*"), *self.key_files, self.path / TRUST_NAME):
                file.unlink()
        except OSError as error:
            raise DirectoryUnusable(f"{self.path} cannot be emptied: {error.strerror}") from None

    def __enter__(self) -> DataDirectory:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._lock.release()


@contextmanager
def opened_for_reading(path: Path, schemas: Sequence[Schema], trust: Path | None = None) -> Iterator[tuple[ReadOnlyDatabase, TrustRoot]]:
    """The database and the trust root of a data directory, also while a node works on it; `trust` names another trust file.

    Raises:
        DirectoryUnusable: It is no data directory, or nothing was processed there yet.
        MalformedTrust, WrongSchema: See there.
    """
    root = TrustRoot.read(path) if trust is None else TrustRoot.read_file(trust)
    if not (path / DATABASE_NAME).exists():
        raise DirectoryUnusable(f"{path} has no {DATABASE_NAME}: nothing was processed there yet")
    database = ReadOnlyDatabase(path / DATABASE_NAME, schemas)
    try:
        yield database, root
    finally:
        database.close()


def write_durably(path: Path, content: bytes) -> None:
    """Writes a whole file so that after a crash it is either absent (or the old one) or complete; raises `DirectoryUnusable`."""
    temporary = path.with_name(path.name + ".new")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise DirectoryUnusable(f"{path} cannot be written: {error.strerror}") from None


def _schnorr(key: SigningKey) -> Predicate:
    return Predicate(PredicateKind.SCHNORR, key.public().raw)


class _PredicateText(msgspec.Struct, forbid_unknown_fields=True):
    kind: int
    condition: str


class _PredicatesText(msgspec.Struct, forbid_unknown_fields=True):
    step: _PredicateText
    moho: _PredicateText


class _TrustText(msgspec.Struct, forbid_unknown_fields=True):
    anchor: dict[str, Any]
    predicates: _PredicatesText


def _predicate(raw: _PredicateText) -> Predicate:
    return Predicate(raw.kind, bytes.fromhex(raw.condition))


def _predicate_json(predicate: Predicate) -> dict[str, Any]:
    return {"kind": int(predicate.kind), "condition": predicate.condition.hex()}


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested names joined by dots."""
    found: dict[str, Any] = {}
    for name, inner in value.items():
        found |= _flat(inner, f"{prefix}{name}.") if isinstance(inner, dict) else {f"{prefix}{name}": inner}
    return found
