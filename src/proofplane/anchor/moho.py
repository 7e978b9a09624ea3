"""The Moho state: what a proof's commitment stands for, and how a block's logs are folded into it (alpenlabs/moho).

Invariants: export containers are ascending by id and each has at least one entry; a container is made by its first entry.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from proofplane.anchor import ssz
from proofplane.anchor.logs import NewExport, NewPredicate, read_log
from proofplane.anchor.state import MalformedState
from proofplane.anchor.types import Log
from proofplane.base.ids import HASH_SIZE, Hash32
from proofplane.base.predicate import Predicate
from proofplane.crypto.mmr import Mmr
from proofplane.crypto.ssz import codec_of
from proofplane.crypto.ssz_tree import merkle_root

INNER_INDEX = 0
"""Leaf of the anchor state's commitment in the tree of a Moho state."""

PREDICATE_INDEX = 1
"""Leaf of the next predicate in the tree of a Moho state."""

STATE_DEPTH = 2
"""Levels of that tree: inner state, next predicate, exports, zero."""

_STATE = codec_of(ssz.MohoState)
_PREDICATE = codec_of(ssz.Predicate)
_EXPORTS = codec_of(ssz.ExportState)
_NO_EXTRA = bytes(HASH_SIZE)


@dataclass(frozen=True, slots=True)
class ExportContainer:
    """The exported entries of one id."""

    id: int
    entries: Mmr
    extra: bytes = _NO_EXTRA
    """32 bytes for a container's own use; zero here."""


@dataclass(frozen=True, slots=True)
class ExportedLeaf:
    """An entry where it stands in its container's MMR."""

    container: int
    index: int
    entry: Hash32


@dataclass(frozen=True, slots=True)
class MohoState:
    """The anchor state's commitment, the predicate of the next step, and everything exported."""

    inner: Hash32
    next_predicate: Predicate
    """Under which the step over the next block is proved."""
    exports: tuple[ExportContainer, ...] = ()

    def encode(self) -> bytes:
        """The SSZ bytes."""
        return _STATE.encode((self.inner, _predicate(self.next_predicate), self._exports()))

    @classmethod
    def decode(cls, raw: bytes) -> MohoState:
        """Reads `encode()`; raises `MalformedSsz`, `MalformedMmr` or `MalformedState`."""
        inner, (kind, condition), (containers,) = _STATE.decode(raw)
        ids = [container_id for container_id, _, _ in containers]
        if ids != sorted(set(ids)):
            raise MalformedState(f"export containers {ids}: repeated or not in order")
        exports = []
        for container_id, extra, (entries, peaks) in containers:
            if entries == 0:
                raise MalformedState(f"export container {container_id} has no entry")
            exports.append(ExportContainer(container_id, Mmr(entries, peaks), extra))
        return cls(Hash32(inner), Predicate(kind, condition), tuple(exports))

    def commitment(self) -> Hash32:
        """The tree-hash root; computed at each use."""
        return merkle_root(self._leaves(), STATE_DEPTH)

    def opening(self) -> tuple[bytes, tuple[Hash32, Hash32]]:
        """The next predicate's SSZ bytes and the siblings, lowest first, that lead from its tree-hash root to the commitment."""
        inner, _, exports = self._leaves()
        return self.next_predicate.encode(), (inner, merkle_root([exports], 1))

    def inner_siblings(self) -> tuple[Hash32, Hash32]:
        """The siblings, lowest first, that lead from the inner state (leaf `INNER_INDEX`) to the commitment: predicate, and the rest."""
        _, predicate, exports = self._leaves()
        return predicate, merkle_root([exports], 1)

    def _leaves(self) -> tuple[Hash32, Hash32, Hash32]:
        return self.inner, predicate_root(self.next_predicate), _EXPORTS.root(self._exports())

    def _exports(self) -> tuple[object, ...]:
        return ([(exported.id, exported.extra, (exported.entries.entries, exported.entries.peaks)) for exported in self.exports],)


def predicate_root(predicate: Predicate) -> Hash32:
    """The tree-hash root of a predicate."""
    return _PREDICATE.root(_predicate(predicate))


def genesis_moho(anchor_commitment: Hash32, predicate: Predicate) -> MohoState:
    """The Moho state at the anchor, whose first step is proved under `predicate`."""
    return MohoState(anchor_commitment, predicate)


def fold(state: MohoState, inner: Hash32, logs: Sequence[Log]) -> tuple[MohoState, tuple[ExportedLeaf, ...]]:
    """The state after a block that led to the anchor state `inner` and emitted `logs`, and the entries it exported, in order.

    The block's first log of a new predicate counts; unknown types of log mean nothing here.

    Raises:
        MalformedLog: A log of a known type has a wrong body.
    """
    predicate = None
    exports = state.exports
    leaves = []
    for log in logs:
        read = read_log(log)
        if isinstance(read, NewPredicate) and predicate is None:
            predicate = read.predicate
        elif isinstance(read, NewExport):
            exports, leaf = _export(exports, read)
            leaves.append(leaf)
    return MohoState(inner, predicate or state.next_predicate, exports), tuple(leaves)


def _export(exports: tuple[ExportContainer, ...], log: NewExport) -> tuple[tuple[ExportContainer, ...], ExportedLeaf]:
    place = bisect_left(exports, log.container, key=lambda container: container.id)
    if place < len(exports) and exports[place].id == log.container:
        found, rest = exports[place], exports[place + 1 :]
    else:
        found, rest = ExportContainer(log.container, Mmr()), exports[place:]
    grown = replace(found, entries=found.entries.append(log.entry))
    return (*exports[:place], grown, *rest), ExportedLeaf(log.container, found.entries.entries, log.entry)


def _predicate(predicate: Predicate) -> tuple[int, bytes]:
    return predicate.kind, predicate.condition
