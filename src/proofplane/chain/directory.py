"""A chain as a directory of files, to be imported block by block, with the verdict on each that somebody recorded.

```
DIR/genesis_state.ssz   State
DIR/anchor_block.ssz    Block, unsigned; its state root is that of the state
DIR/block_NNN.ssz       SignedBlock, in the order of delivery
DIR/steps.json          scheme, and for each block file its slot, a note and what importing it gave; may be absent
```

Source: reference section 15.3. The fields of `steps.json` are those of the recorded chains; further ones are left alone.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp

import msgspec

from proofplane.chain.errors import BadChainDirectory
from proofplane.crypto.xmss import SCHEMES, Scheme
from proofplane.lean.codec import decode_block, decode_state, encode_block, encode_signed_block, encode_state
from proofplane.lean.errors import Rejected
from proofplane.lean.ssz import State
from proofplane.lean.types import Block, SignedBlock, Slot

GENESIS_NAME, ANCHOR_NAME, STEPS_NAME = "genesis_state.ssz", "anchor_block.ssz", "steps.json"
_BLOCKS, _BLOCK_FORM = "block_*.ssz", "block_NNN.ssz"

PROOF_FORMAT = "naive NV1"
"""The only kind of proof there is."""

_MAX_FILE = 64 << 20
"""Bytes of a file. A block has at most some three mebibytes; a state reaches this in years."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What importing a block gave, according to `steps.json`: the store right after it, whether it was accepted or not."""

    blockRoot: str  # noqa: N815 - named as in the file
    rejection: str | None
    """The reason; None if it was accepted, or known already."""
    head: str
    """With 0x, like all roots here."""
    headSlot: int  # noqa: N815 - named as in the file
    justified: int
    """Slot of the store's checkpoint."""
    finalized: int
    postStateRoot: str | None = None  # noqa: N815 - named as in the file
    """Of an accepted block."""


@dataclass(frozen=True, slots=True)
class ChainStep:
    """A block to deliver."""

    path: Path
    note: str = ""
    slot: Slot | None = None
    """When to deliver it; None: now, by the machine's clock."""
    recorded: Recorded | None = None

    def read(self) -> bytes:
        """The bytes of the block; raises `BadChainDirectory`."""
        return read_file(self.path)


@dataclass(frozen=True, slots=True)
class ChainDirectory:
    """A directory, read but for its blocks."""

    path: Path
    scheme: Scheme | None
    """None if nobody says so: there is no `steps.json`."""
    state: State
    anchor: Block
    steps: tuple[ChainStep, ...]


@dataclass(frozen=True, slots=True)
class DeliveredBlock:
    """A block of a new directory, and everything that `steps.json` says about it."""

    signed: SignedBlock
    note: str
    signatures: int
    recorded: Recorded


def read_chain(path: Path) -> ChainDirectory:
    """Reads a directory.

    Raises:
        BadChainDirectory: A file is absent, unreadable or malformed, or `steps.json` contradicts itself or the directory.
    """
    if not path.is_dir():
        raise BadChainDirectory(f"{path} is no directory: name one with {GENESIS_NAME}, {ANCHOR_NAME} and blocks")
    if not (path / GENESIS_NAME).exists() and not (path / ANCHOR_NAME).exists():
        raise BadChainDirectory(
            f"{path} holds no chain: it must have {GENESIS_NAME}, {ANCHOR_NAME}, {_BLOCK_FORM} and may have {STEPS_NAME}"
        )
    try:
        state = decode_state(read_file(path / GENESIS_NAME))
        anchor = decode_block(read_file(path / ANCHOR_NAME))
    except Rejected as error:
        raise BadChainDirectory(f"{path}: {GENESIS_NAME} or {ANCHOR_NAME} is malformed: {error.detail}") from None
    if not (path / STEPS_NAME).exists():
        found = sorted(path.glob(_BLOCKS))
        if not found:
            raise BadChainDirectory(f"{path} holds no blocks: they must be named {_BLOCK_FORM}")
        for file in found:
            _check_regular(file)
        return ChainDirectory(path, None, state, anchor, tuple([ChainStep(file, file.name) for file in found]))
    text = _read_steps(path)
    if text.scheme not in SCHEMES:
        raise BadChainDirectory(f"{path / STEPS_NAME}: scheme {text.scheme!r} is not known, only {', '.join(SCHEMES)}")
    if text.proofFormat != PROOF_FORMAT:
        raise BadChainDirectory(f"{path / STEPS_NAME}: proof format {text.proofFormat!r} is not known, only {PROOF_FORMAT!r}")
    return ChainDirectory(path, SCHEMES[text.scheme], state, anchor, tuple([_step(path, one) for one in text.steps]))


def check_absent(path: Path) -> None:
    """Raises `BadChainDirectory` if there is something under a name that a new directory is to get."""
    if path.exists():
        raise BadChainDirectory(f"{path} exists already: name a directory that does not")


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """Gives an empty directory to fill; it gets its name when the context ends well, and is removed if that ends in an error.

    Raises:
        BadChainDirectory: There is something under this name already, or the place cannot be written.
    """
    check_absent(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        raise BadChainDirectory(f"{path} cannot be created: {error.strerror}") from None
    try:
        yield unfinished
        unfinished.chmod(0o755)  # a temporary directory is its owner's only
        os.rename(unfinished, path)
    except OSError as error:
        raise BadChainDirectory(f"{path} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


class ChainFiles:
    """Writes a directory block by block."""

    def __init__(self, path: Path, scheme: Scheme, state: State, anchor: Block) -> None:
        """Begins in `path`, an empty directory."""
        self._path = path
        self._head = {"scheme": scheme.name, "validators": len(state.validators), "proofFormat": PROOF_FORMAT}
        self._steps: list[dict[str, object]] = []
        (path / GENESIS_NAME).write_bytes(encode_state(state))
        (path / ANCHOR_NAME).write_bytes(encode_block(anchor))

    def add(self, block: DeliveredBlock) -> None:
        """Writes the next block."""
        name, raw = f"block_{len(self._steps):03d}.ssz", encode_signed_block(block.signed)
        (self._path / name).write_bytes(raw)
        more = {"note": block.note, "slot": block.signed.block.slot, "signatures": block.signatures, "bytes": len(raw)}
        self._steps.append({"file": name, **more, **asdict(block.recorded)})

    def finish(self, **about: object) -> None:
        """Writes the steps; `about` says how the chain was made."""
        text = json.dumps({**self._head, **about, "steps": self._steps}, indent=1)
        (self._path / STEPS_NAME).write_text(text + "\n")


def read_file(path: Path) -> bytes:
    """A file of a chain; raises `BadChainDirectory` if it is absent, unreadable or absurdly large."""
    _check_regular(path)
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE + 1)
    except OSError as error:
        raise BadChainDirectory(f"{path} cannot be read: {error.strerror}") from None
    if len(raw) > _MAX_FILE:
        raise BadChainDirectory(f"{path} is larger than {_MAX_FILE >> 20} MiB: that is no file of a chain")
    return raw


def _check_regular(path: Path) -> None:
    """Raises `BadChainDirectory` for what is there and no file: reading a pipe or a terminal might wait for ever."""
    if path.exists() and not path.is_file():
        raise BadChainDirectory(f"{path} cannot be read: it is no regular file")


class _StepText(msgspec.Struct):
    file: str
    slot: int
    blockRoot: str  # noqa: N815 - named as in the file
    rejection: str | None
    head: str
    headSlot: int  # noqa: N815 - named as in the file
    justified: int
    finalized: int
    postStateRoot: str | None = None  # noqa: N815 - named as in the file
    note: str = ""


class _StepsText(msgspec.Struct):
    scheme: str
    proofFormat: str  # noqa: N815 - named as in the file
    steps: tuple[_StepText, ...]


def _read_steps(path: Path) -> _StepsText:
    try:
        return msgspec.json.decode(read_file(path / STEPS_NAME), type=_StepsText)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadChainDirectory(f"{path / STEPS_NAME} is malformed: {error}") from None


def _step(path: Path, text: _StepText) -> ChainStep:
    file = path / text.file
    if Path(text.file).name != text.file or not file.is_file():
        raise BadChainDirectory(f"{path / STEPS_NAME} names a file that is not there: {text.file!r}")
    if not 0 <= text.slot < 2**64:
        raise BadChainDirectory(f"{path / STEPS_NAME}: {text.slot} is no slot")
    recorded = Recorded(text.blockRoot, text.rejection, text.head, text.headSlot, text.justified, text.finalized, text.postStateRoot)
    return ChainStep(file, text.note or text.file, Slot(text.slot), recorded)
