"""The three vote pools as rows, of which a commit writes only what differs.

Rules:
1. A pool's order is that of its rows' positions. A data that moves to the front gets a position below all others, a new one behind
   a position above them; rows between are left alone, so a block that moves its 8 data rewrites 8 small rows.
2. A proof (up to 512 KiB) is stored once, under the digest of its SSZ bytes, however many pools hold it: moving from one pool to the
   other writes no proof. It goes with the last row that names it.

Invariant: positions are unique within a pool and never compared across pools.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from proofplane.chain.errors import MissingState
from proofplane.crypto.hashes import sha256
from proofplane.lean.codec import (
    aggregate_proof_bytes,
    decode_attestation_data,
    decode_participants,
    encode_attestation_data,
    encode_participants,
)
from proofplane.lean.errors import Rejected
from proofplane.lean.store import ProofPool, SignaturePool
from proofplane.lean.types import AggregateProof, AttestationData, ValidatorIndex
from proofplane.storage.database import Rows, Transaction

POOL_STATEMENTS = (
    "CREATE TABLE chain_pools (pool INTEGER NOT NULL, data BLOB NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (pool, data)) "
    "STRICT, WITHOUT ROWID",
    "CREATE TABLE chain_pool_proofs (pool INTEGER NOT NULL, data BLOB NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (pool, data, digest)) "
    "STRICT, WITHOUT ROWID",
    "CREATE INDEX chain_pool_proofs_by_digest ON chain_pool_proofs (digest)",
    "CREATE TABLE chain_proofs (digest BLOB PRIMARY KEY, participants BLOB NOT NULL, proof BLOB NOT NULL) STRICT",
    "CREATE TABLE chain_signatures (data BLOB NOT NULL, validator INTEGER NOT NULL, signature BLOB NOT NULL) STRICT",
    "CREATE INDEX chain_signatures_by_voter ON chain_signatures (data, validator)",
)


class PoolName(IntEnum):
    """The number of a pool in the rows."""

    SIGNATURES = 0
    NEW = 1
    KNOWN = 2


Positions = Mapping[AttestationData, int]
"""Where the data of one pool stand."""


@dataclass(frozen=True, slots=True)
class Pools:
    """The pools of one store."""

    signatures: SignaturePool
    new: ProofPool
    known: ProofPool

    def named(self) -> tuple[tuple[PoolName, Mapping[AttestationData, frozenset[Any]]], ...]:
        """Each pool with its name."""
        return (PoolName.SIGNATURES, self.signatures), (PoolName.NEW, self.new), (PoolName.KNOWN, self.known)


NO_POOLS = Pools({}, {}, {})


def read_pools(rows: Rows) -> Pools:
    """The stored pools, keys in their order.

    Raises:
        MissingState: A row is damaged, or names a proof that is not there.
    """
    signatures: dict[AttestationData, set[tuple[ValidatorIndex, bytes]]] = {}
    proofs: dict[int, dict[AttestationData, set[AggregateProof]]] = {PoolName.NEW: {}, PoolName.KNOWN: {}}
    met: dict[bytes, AggregateProof] = {}
    for raw, validator, signature in rows.iterate(
        "SELECT data, validator, signature FROM chain_pools LEFT JOIN chain_signatures USING (data) WHERE pool = ? ORDER BY position",
        (PoolName.SIGNATURES,),
    ):
        voters = signatures.setdefault(_data(raw), set())
        if signature is not None:
            voters.add((ValidatorIndex(validator), signature))
    for pool, raw, digest, participants, proof in rows.iterate(
        "SELECT pool, data, digest, participants, proof FROM chain_pools LEFT JOIN chain_pool_proofs USING (pool, data) "
        "LEFT JOIN chain_proofs USING (digest) WHERE pool <> ? ORDER BY position",
        (PoolName.SIGNATURES,),
    ):
        if pool not in proofs:
            raise MissingState(f"a stored vote is in a pool number {pool}, which does not exist: restore the database")
        members = proofs[pool].setdefault(_data(raw), set())
        if digest is not None:
            if digest not in met:
                met[digest] = _proof(digest, participants, proof)
            members.add(met[digest])
    return Pools(_frozen(signatures), _frozen(proofs[PoolName.NEW]), _frozen(proofs[PoolName.KNOWN]))


def read_positions(rows: Rows) -> dict[PoolName, Positions]:
    """Where the stored data of each pool stand."""
    found: dict[PoolName, dict[AttestationData, int]] = {name: {} for name in PoolName}
    for pool, raw, position in rows.iterate("SELECT pool, data, position FROM chain_pools"):
        found[PoolName(pool)][_data(raw)] = position
    return dict(found)


def write_pools(tx: Transaction, before: Pools, after: Pools, positions: Mapping[PoolName, Positions]) -> dict[PoolName, Positions]:
    """Writes what differs and returns where the data stand afterwards; `positions` must be those of `before`."""
    moved = dict(positions)
    dropped: set[bytes] = set()
    for (name, old), (_, new) in zip(before.named(), after.named(), strict=True):
        if old is not new:
            moved[name] = _write_order(tx, name, positions[name], list(new))
            for data in (*(data for data in old if data not in new), *new):
                had, has = old.get(data, frozenset()), new.get(data, frozenset())
                if had is not has:
                    dropped |= _write_members(tx, name, encode_attestation_data(data), has - had, had - has)
    for digest in dropped:
        tx.execute(
            "DELETE FROM chain_proofs WHERE digest = ? AND NOT EXISTS (SELECT 1 FROM chain_pool_proofs WHERE digest = ?)", (digest, digest)
        )
    return moved


def moved_positions(order: Sequence[AttestationData], old: Positions) -> dict[AttestationData, int]:
    """The positions to write so that rows are in `order`: those of the data outside the longest run that is in order already."""
    first, length, start, last = 0, 0, 0, None
    for place, data in enumerate(order):
        position = old.get(data)
        if position is None:
            start = place + 1
        elif last is not None and position <= last:
            start = place
        last = position
        if place + 1 - start > length:
            first, length = start, place + 1 - start
    low = old[order[first]] if length else 0
    high = old[order[first + length - 1]] if length else -1
    places = {data: low - first + place for place, data in enumerate(order[:first])}
    places |= {data: high + 1 + place for place, data in enumerate(order[first + length :])}
    return {data: place for data, place in places.items() if old.get(data) != place}


def _write_order(tx: Transaction, name: PoolName, old: Positions, order: list[AttestationData]) -> Positions:
    moved = moved_positions(order, old)
    gone = old.keys() - set(order)
    tx.execute_many("DELETE FROM chain_pools WHERE pool = ? AND data = ?", [(name, encode_attestation_data(data)) for data in gone])
    values = [(name, encode_attestation_data(data), position) for data, position in moved.items()]
    tx.execute_many("INSERT OR REPLACE INTO chain_pools VALUES (?, ?, ?)", values)
    return {data: moved[data] if data in moved else old[data] for data in order}


def _write_members(tx: Transaction, name: PoolName, data: bytes, added: frozenset[Any], gone: frozenset[Any]) -> set[bytes]:
    """Writes one data's members and returns the digests of proofs that may have become nobody's."""
    if name is PoolName.SIGNATURES:
        tx.execute_many("INSERT INTO chain_signatures VALUES (?, ?, ?)", [(data, *vote) for vote in added])
        sql = "DELETE FROM chain_signatures WHERE data = ? AND validator = ? AND signature = ?"
        tx.execute_many(sql, [(data, *vote) for vote in gone])
        return set()
    for proof in added:
        digest = _digest(proof)
        tx.execute("INSERT OR IGNORE INTO chain_proofs VALUES (?, ?, ?)", (digest, encode_participants(proof.participants), proof.proof))
        tx.execute("INSERT INTO chain_pool_proofs VALUES (?, ?, ?)", (name, data, digest))
    dropped = {_digest(proof) for proof in gone}
    sql = "DELETE FROM chain_pool_proofs WHERE pool = ? AND data = ? AND digest = ?"
    tx.execute_many(sql, [(name, data, digest) for digest in dropped])
    return dropped


def _digest(proof: AggregateProof) -> bytes:
    return sha256(aggregate_proof_bytes(proof))


def _data(raw: bytes) -> AttestationData:
    try:
        return decode_attestation_data(raw)
    except Rejected as error:
        raise MissingState(f"a stored vote is damaged: restore the database or import the chain again ({error})") from error


def _proof(digest: bytes, participants: bytes | None, proof: bytes | None) -> AggregateProof:
    try:
        found = None if participants is None or proof is None else AggregateProof(decode_participants(participants), proof)
    except Rejected:
        found = None
    if found is None or _digest(found) != digest:
        raise MissingState(f"the stored proof {digest.hex()} is damaged or missing: restore the database or import the chain again")
    return found


def _frozen(pool: Mapping[AttestationData, set[Any]]) -> dict[AttestationData, frozenset[Any]]:
    return {data: frozenset(members) for data, members in pool.items()}
