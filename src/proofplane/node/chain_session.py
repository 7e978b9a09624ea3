"""Opens a Lean chain for importing, in a data directory or in memory, and wires storage, workers, proofs and importer together.

```
DIR/lock           held while the session lasts
DIR/chain.json     which signatures the chain has; written before the first block is
DIR/proofplane.db  blocks, states, store
```

A first start that fails or is killed may leave all three without a block: then nothing binds the next one, not even to these signatures.
"""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import msgspec

from proofplane.chain.errors import BadChainDirectory
from proofplane.chain.importer import Importer
from proofplane.chain.memory import MemoryChainStorage
from proofplane.chain.options import ImportOptions
from proofplane.chain.ports import Observer
from proofplane.chain.storage import CHAIN_SCHEMA, SqliteChainStorage
from proofplane.chain.workers import ThreadWorkers
from proofplane.crypto.xmss import SCHEMES, Scheme
from proofplane.lean.blocks import store_from_anchor
from proofplane.lean.errors import Rejected
from proofplane.lean.signature_list import SignatureList
from proofplane.lean.ssz import State
from proofplane.lean.store import Store
from proofplane.lean.types import Block
from proofplane.node.data_dir import write_durably
from proofplane.storage.database import DATABASE_NAME, Database
from proofplane.storage.lock import DirectoryLock

CHAIN_NAME = "chain.json"

MAX_ANCHOR_SLOT = 2**60
"""The store's time is five intervals a slot in a u64: this leaves room for more slots than there is time, four seconds each."""

ChainStorage = SqliteChainStorage | MemoryChainStorage


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a chain begins, and what its signatures are."""

    state: State
    block: Block
    scheme: Scheme


class ChainSession:
    """Use as `async with ChainSession(...) as session`; inside, `session.importer` takes blocks."""

    def __init__(
        self, directory: Path | None, anchor: Anchor | None, options: ImportOptions | None = None, observer: Observer | None = None
    ) -> None:
        """A data directory, which may hold the chain of `anchor` already, or memory.

        Args:
            directory: Created if absent; None for memory.
            anchor: Of the chain that it is to hold; None for whatever chain it holds.
            options: Of the importer.
            observer: Sees what importing does.
        """
        self._directory = directory
        self._anchor = anchor
        self._options = options
        self._observer = observer
        self._stack = AsyncExitStack()
        self.scheme: Scheme
        """Of the chain's signatures."""
        self.importer: Importer
        """Takes blocks."""
        self.storage: ChainStorage
        self.found: Store
        """The store as it was when the session began."""

    async def __aenter__(self) -> ChainSession:
        """Opens everything.

        Raises:
            DirectoryInUse, DirectoryUnusable, WrongSchema: See `DirectoryLock` and `Database`.
            BadChainDirectory: The directory holds another chain, or none although none was named.
            MissingState, StorageBroken, StorageFull, StorageBusy: The storage fails.
            Rejected: The anchor contradicts itself.
        """
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def _open(self) -> None:
        if self._directory is None:
            await self._open_memory()
        else:
            await self._open_directory(self._directory)
        workers = self._stack.enter_context(ThreadWorkers())
        self.importer = Importer(self.storage, SignatureList(self.scheme), workers, self.found, self._options, self._observer)
        self._stack.push_async_callback(self.importer.aclose)

    async def _open_memory(self) -> None:
        if self._anchor is None:
            raise BadChainDirectory("a chain in memory needs an anchor to begin with")
        self.storage, self.scheme = MemoryChainStorage(), self._anchor.scheme
        self.found = await _begun(self.storage, self._anchor)

    async def _open_directory(self, directory: Path) -> None:
        anchor = self._anchor
        if anchor is None or (directory / CHAIN_NAME).exists():
            read_scheme(directory)  # nothing is created where no chain is, nothing replaced that we do not understand
        self._stack.enter_context(DirectoryLock(directory))
        database = Database(directory / DATABASE_NAME, [CHAIN_SCHEMA])
        self._stack.callback(database.close)
        self.storage = SqliteChainStorage(database)
        found = self.storage.load()
        if found is None:
            if anchor is None:
                raise BadChainDirectory(f"{directory} holds no chain yet: import a directory with an anchor first")
            _write_scheme(directory, anchor.scheme)
            found = await _begun(self.storage, anchor)
        self.found, self.scheme = found, read_scheme(directory)
        if anchor is not None and anchor.scheme != self.scheme:
            raise BadChainDirectory(
                f"{directory} holds a chain of {self.scheme.name} signatures, not {anchor.scheme.name}: name another --data-dir"
            )
        if anchor is not None and anchor.block.root not in found.blocks:
            raise BadChainDirectory(f"{directory} holds another chain, without block {anchor.block.root.hex()}: name another --data-dir")


def read_scheme(directory: Path) -> Scheme:
    """Which signatures the chain of a data directory has; raises `BadChainDirectory` if there is no chain."""
    path = directory / CHAIN_NAME
    try:
        text = msgspec.json.decode(path.read_bytes(), type=_ChainText)
        return SCHEMES[text.scheme]
    except FileNotFoundError:
        raise BadChainDirectory(f"{directory} holds no chain (it has no {CHAIN_NAME}): name one that `chain import` has made") from None
    except OSError as error:
        raise BadChainDirectory(f"{path} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, KeyError) as error:
        raise BadChainDirectory(f"{path} is malformed: {error}") from None


def checked_anchor(state: State, block: Block, scheme: Scheme) -> Anchor:
    """An anchor from files; raises `BadChainDirectory` if the block is not that of the state, or its slot beyond `MAX_ANCHOR_SLOT`."""
    if block.slot > MAX_ANCHOR_SLOT:
        raise BadChainDirectory(f"the anchor block is of slot {block.slot}, at most {MAX_ANCHOR_SLOT} can be counted on from")
    try:
        store_from_anchor(state, block)
    except Rejected as rejected:
        raise BadChainDirectory(f"the anchor block and the anchor state do not belong together: {rejected.detail}") from None
    return Anchor(state, block, scheme)


class _ChainText(msgspec.Struct, forbid_unknown_fields=True):
    scheme: str


def _write_scheme(directory: Path, scheme: Scheme) -> None:
    write_durably(directory / CHAIN_NAME, (json.dumps({"scheme": scheme.name}) + "\n").encode())


async def _begun(storage: ChainStorage, anchor: Anchor) -> Store:
    """The store that begins with an anchor, made durable."""
    store = store_from_anchor(anchor.state, anchor.block)
    await storage.begin(anchor.state, anchor.block, store)
    return store
