"""Predicate upgrade (subprotocol 80): k of n BIP-340 keys replace the predicate under which steps are proved.

A transaction of type 1 with an empty aux carries its content as the witness of input 0: `[predicate SSZ, vote, vote, ...]`.
A vote is a key index u8 and a BIP-340 signature (64) over the tagged hash `proofplane/predicate-upgrade` of
magic (4), sequence u64 LE, predicate SSZ.

Rules; a transaction that breaks one is ignored:

1. The predicate is well formed, and so is every vote: 65 bytes, a known key, no key twice, a signature that holds.
2. There are at least `threshold` votes.
3. It is the first of its block that holds: one block moves the sequence by one at most, because one step has one predicate.
4. There is a next sequence: at 2^64 - 1 no upgrade is accepted any more, for votes must never sign the same number twice.

An accepted upgrade raises the sequence, which every vote signs, so no vote counts twice or on another instance's magic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from proofplane.anchor import ssz
from proofplane.anchor.logs import NewPredicate
from proofplane.anchor.subprotocols.carrier import carrier
from proofplane.anchor.subprotocols.interface import BlockContext, Outcome, TaggedTransaction
from proofplane.anchor.types import AnchorParams
from proofplane.base.errors import Refused
from proofplane.base.ids import Hash32, Height
from proofplane.base.predicate import MalformedPredicate, Predicate
from proofplane.bitcoin.sps50 import Tag
from proofplane.bitcoin.transaction import Transaction
from proofplane.crypto.hashes import tagged_hash
from proofplane.crypto.schnorr import InvalidSignature, SigningKey, XOnlyKey
from proofplane.crypto.ssz import codec_of

UPGRADE_ID = 80
REPLACE_PREDICATE = 1

UPGRADE_TAG = "proofplane/predicate-upgrade"
"""Keeps a vote from being a signature of anything else."""

_SECTION = codec_of(ssz.UpgradeSection)
_VOTE_SIZE = 65
_SEQUENCE_SIZE = 8
_LAST_SEQUENCE = 2 ** (8 * _SEQUENCE_SIZE) - 1


class MalformedSection(Refused):
    """A section whose quorum no parameters can have; above all a threshold of 0 would approve an upgrade without a vote."""


@dataclass(frozen=True, slots=True)
class UpgradeSection:
    """The quorum, and the number that the next upgrade's votes must sign."""

    sequence: int
    """u64, the number of upgrades so far."""
    threshold: int
    keys: tuple[Hash32, ...]

    def encode(self) -> bytes:
        """The SSZ bytes."""
        return _SECTION.encode((self.sequence, self.threshold, self.keys))

    @classmethod
    def decode(cls, raw: bytes) -> UpgradeSection:
        """Reads `encode()`; raises `MalformedSsz` or `MalformedSection`."""
        section = cls(*_SECTION.decode(raw))
        if not 1 <= section.threshold <= len(section.keys) or len(set(section.keys)) != len(section.keys):
            raise MalformedSection(f"the quorum is {section.threshold} of {len(section.keys)} keys, or a key counts twice")
        return section


class PredicateUpgrade:
    """The subprotocol."""

    id = UPGRADE_ID
    max_logs = 1

    def genesis(self, params: AnchorParams) -> bytes | None:
        """The quorum of the parameters, no upgrade yet."""
        quorum = params.upgrade
        return None if quorum is None else UpgradeSection(0, quorum.threshold, quorum.keys).encode()

    def requests(self, transactions: Sequence[TaggedTransaction]) -> tuple[Height, ...]:
        """None: votes are all it needs."""
        return ()

    def process(self, section: bytes, transactions: Sequence[TaggedTransaction], context: BlockContext) -> Outcome:
        """Logs the new predicate of the first transaction that holds."""
        current = UpgradeSection.decode(section)
        if current.sequence == _LAST_SEQUENCE:
            return Outcome(section)
        for tagged in transactions:
            if tagged.tag.tx_type != REPLACE_PREDICATE or tagged.tag.aux:
                continue
            predicate = _approved(current, context.magic, tagged.transaction.inputs[0].witness)
            if predicate is not None:
                return Outcome(replace(current, sequence=current.sequence + 1).encode(), (NewPredicate(predicate).encode(),))
        return Outcome(section)


def upgrade_digest(magic: bytes, sequence: int, predicate: Predicate) -> Hash32:
    """The 32 bytes that a vote signs."""
    message = magic + sequence.to_bytes(_SEQUENCE_SIZE, "little") + predicate.encode()
    return Hash32(tagged_hash(UPGRADE_TAG, message))


def upgrade_transaction(
    magic: bytes, sequence: int, predicate: Predicate, signers: Mapping[int, SigningKey], salt: bytes = b"upgrade"
) -> Transaction:
    """A transaction that replaces the step predicate; it spends nothing real.

    Args:
        magic: The instance's SPS-50 magic.
        sequence: The number of upgrades before it.
        predicate: The new one.
        signers: Who votes, by position in the quorum's keys.
        salt: Another one makes another transaction.
    """
    digest = upgrade_digest(magic, sequence, predicate)
    votes = [bytes([index]) + key.sign_digest(digest) for index, key in signers.items()]
    return carrier(magic, Tag(UPGRADE_ID, REPLACE_PREDICATE), salt, (predicate.encode(), *votes))


def _approved(section: UpgradeSection, magic: bytes, witness: Sequence[bytes]) -> Predicate | None:
    """The predicate that `witness` carries, if its votes suffice."""
    if not witness:
        return None
    votes = witness[1:]
    indices = [vote[0] for vote in votes if len(vote) == _VOTE_SIZE and vote[0] < len(section.keys)]
    if len(indices) != len(votes) or len(set(indices)) != len(votes) or len(votes) < section.threshold:
        return None
    try:
        predicate = Predicate.decode(witness[0])
    except MalformedPredicate:
        return None
    digest = upgrade_digest(magic, section.sequence, predicate)
    try:
        for vote in votes:
            XOnlyKey(section.keys[vote[0]]).verify_digest(digest, vote[1:])
    except InvalidSignature:
        return None
    return predicate
