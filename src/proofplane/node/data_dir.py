"""A data directory: its lock, its prover keys, and the trust root that says which chain it holds.

```
DIR/lock           held while a node runs
DIR/trust.json     anchor and predicates: all that a verifier has to believe
DIR/keys/*.key     secret keys of the native prover, mode 0600
DIR/proofplane.db  everything else
```
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from proofplane.anchor.types import AnchorParams
from proofplane.base.errors import CallerMistake
from proofplane.base.ids import Hash32
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.crypto.hashes import sha256
from proofplane.crypto.keyfile import load_or_create_key
from proofplane.storage.database import DATABASE_NAME
from proofplane.storage.errors import DirectoryUnusable
from proofplane.storage.lock import DirectoryLock

TRUST_NAME = "trust.json"
_KEYS = "keys"
_STEP_KEY, _MOHO_KEY = "step", "moho"


class WrongChain(CallerMistake):
    """The data directory holds another chain, or was made with other keys, than asked for."""


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
        predicates = {"step": _predicate_json(self.step_predicate), "moho": _predicate_json(self.moho_predicate)}
        return json.dumps({"anchor": self.params.to_json(), "predicates": predicates}, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str) -> TrustRoot:
        """Reads `to_json`; raises `MalformedTrust` naming `source`."""
        try:
            raw = json.loads(text)
            predicates = raw["predicates"]
            return cls(
                AnchorParams.from_json(raw["anchor"]), _predicate_from_json(predicates["step"]), _predicate_from_json(predicates["moho"])
            )
        except CallerMistake as error:
            raise MalformedTrust(f"{source}: {error}") from None
        except (ValueError, KeyError, TypeError) as error:
            raise MalformedTrust(f"{source} is not a trust file: {error!r}") from None

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
            return cls.from_json(path.read_text(), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise MalformedTrust(f"trust file {path} cannot be read: {error}") from None


class DataDirectory:
    """A data directory in use by this process: locked, with keys and trust root in place."""

    def __init__(self, path: Path, params: AnchorParams) -> None:
        """Locks `path`, creating keys and trust root on first use.

        Raises:
            DirectoryInUse, DirectoryUnusable: See `DirectoryLock`.
            WrongChain: It was made for another anchor or with other keys.
        """
        self._lock = DirectoryLock(path)
        self.path = path
        try:
            try:
                (path / _KEYS).mkdir(mode=0o700, exist_ok=True)
            except OSError as error:
                raise DirectoryUnusable(f"{path / _KEYS}: {error.strerror}") from None
            self.trust = self._settle(TrustRoot(params, self.add_key(_STEP_KEY), self.add_key(_MOHO_KEY)))
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
        return Predicate(PredicateKind.SCHNORR, load_or_create_key(self.path / _KEYS / f"{name}.key").public().raw)

    @property
    def database(self) -> Path:
        """The database file."""
        return self.path / DATABASE_NAME

    def _settle(self, wanted: TrustRoot) -> TrustRoot:
        path = self.path / TRUST_NAME
        if not path.exists():
            if self.database.exists():
                raise WrongChain(f"{self.path} has a database but no {TRUST_NAME}: restore that file or name another directory")
            write_durably(path, wanted.to_json().encode())
            return wanted
        found = TrustRoot.read(self.path)
        if found == wanted:
            return found
        if found.params != wanted.params:
            raise WrongChain(
                f"{self.path} holds another chain ({found.params.describe()}; asked for {wanted.params.describe()}): "
                "name another --data-dir"
            )
        raise WrongChain(f"{self.path / _KEYS} does not hold the keys that {path.name} names: restore them or name another --data-dir")

    def __enter__(self) -> DataDirectory:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._lock.release()


def forget_chain(path: Path, params: AnchorParams) -> None:
    """Empties a data directory if it holds exactly the chain of `params`; any other content is left for `DataDirectory` to judge.

    Raises:
        DirectoryInUse, DirectoryUnusable: See `DirectoryLock`.
    """
    if not (path / TRUST_NAME).exists():
        return
    with DirectoryLock(path):
        if TrustRoot.read(path).params == params:
            for file in (*path.glob(f"{DATABASE_NAME}*"), *(path / _KEYS).glob("*.key"), path / TRUST_NAME):
                file.unlink()


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


def _predicate_json(predicate: Predicate) -> dict[str, Any]:
    return {"kind": int(predicate.kind), "condition": predicate.condition.hex()}


def _predicate_from_json(raw: dict[str, Any]) -> Predicate:
    return Predicate(raw["kind"], bytes.fromhex(raw["condition"]))
