"""The body check: that the transactions of a block are those that its header commits to, witnesses included.

The checks, in this order; the first that fails is the one reported:

1. There is a transaction: `EmptyBlock`. The first one is a coinbase: `NotCoinbase`.
2. If segwit is active and the coinbase carries a witness commitment (its last matching output counts, BIP-141):
   an inclusion proof of the coinbase is there: `MissingInclusionProof`; the coinbase's witness is one item of 32 bytes:
   `InvalidCoinbaseWitness`; the witness root and that item hash to the commitment: `WitnessCommitmentMismatch`;
   the inclusion proof leads from the coinbase to the header's Merkle root: `InvalidInclusionProof`.
3. The transaction ids fold to the header's Merkle root, and no shorter list does (CVE-2012-2459): `MerkleRootMismatch`.
4. Without a witness commitment, or before segwit, there is no witness: `WitnessCommitmentMismatch`.

Before segwit an output that looks like a commitment means nothing, as for Bitcoin's nodes: anybody could have written one.
The public anchor state machine knows no activation height. It also leaves 3 out where 2 applies, and has no 4: then a block whose miner
committed to other witnesses than to transactions, one that repeats its last transactions, and one with invented witnesses would pass.
Folding the ids costs a few milliseconds for a full block, so here nothing is taken that Bitcoin's nodes would refuse as not the header's.

Not checked: anything that a transaction does (values, scripts, spent outputs), sizes, weight, the height in the coinbase (BIP-34).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, NewType

from proofplane.base.errors import Refused
from proofplane.base.ids import HASH_SIZE, Hash32
from proofplane.bitcoin.block import Block
from proofplane.bitcoin.coinbase import is_coinbase
from proofplane.bitcoin.merkle import fold_tree, root_from_first_branch
from proofplane.bitcoin.script import OP_RETURN
from proofplane.bitcoin.transaction import Transaction, Txid
from proofplane.crypto.hashes import sha256d

WitnessRoot = NewType("WitnessRoot", Hash32)
"""Proof that a body was checked: the root over the witness transaction ids, or over the transaction ids of a block without commitment."""

COMMITMENT_PREFIX = bytes((OP_RETURN, 0x24)) + bytes.fromhex("aa21a9ed")
"""How the script of a witness commitment begins; 32 bytes of hash follow, and anything may follow them (BIP-141)."""

_MAX_DEPTH = 17
"""Siblings at most: 2^17 of the smallest transactions are more than fit into a block's 4,000,000 weight units."""


class BodyRule(Enum):
    """The body rules, one for each error."""

    EMPTY_BLOCK = "empty block"
    NOT_COINBASE = "not a coinbase"
    MISSING_INCLUSION_PROOF = "missing inclusion proof"
    INVALID_COINBASE_WITNESS = "invalid coinbase witness"
    WITNESS_COMMITMENT_MISMATCH = "witness commitment mismatch"
    INVALID_INCLUSION_PROOF = "invalid inclusion proof"
    MERKLE_ROOT_MISMATCH = "merkle root mismatch"


class BodyRejected(Refused):
    """A body that is not its header's; `rule` says which check failed."""

    rule: ClassVar[BodyRule]


class EmptyBlock(BodyRejected):
    """The block has no transaction."""

    rule = BodyRule.EMPTY_BLOCK


class NotCoinbase(BodyRejected):
    """The first transaction is not a coinbase."""

    rule = BodyRule.NOT_COINBASE


class MissingInclusionProof(BodyRejected):
    """The coinbase has a witness commitment, but no proof that it is in the block was handed over."""

    rule = BodyRule.MISSING_INCLUSION_PROOF


class InvalidCoinbaseWitness(BodyRejected):
    """The coinbase has a witness commitment, but its witness is not one item of 32 bytes."""

    rule = BodyRule.INVALID_COINBASE_WITNESS


class WitnessCommitmentMismatch(BodyRejected):
    """The witnesses are not the ones that the coinbase commits to, or there are some and it commits to none."""

    rule = BodyRule.WITNESS_COMMITMENT_MISMATCH


class InvalidInclusionProof(BodyRejected):
    """The inclusion proof does not lead from the coinbase to the header's Merkle root."""

    rule = BodyRule.INVALID_INCLUSION_PROOF


class MerkleRootMismatch(BodyRejected):
    """The transactions do not fold to the header's Merkle root, or a shorter list folds to it too."""

    rule = BodyRule.MERKLE_ROOT_MISMATCH


class MalformedInclusionProof(Refused):
    """Bytes that are not an inclusion proof."""


@dataclass(frozen=True, slots=True)
class CoinbaseInclusionProof:
    """The siblings of transaction 0 on the way to the Merkle root, lowest first."""

    siblings: tuple[Hash32, ...]

    @classmethod
    def make(cls, block: Block) -> CoinbaseInclusionProof:
        """The proof for the coinbase of `block`; raises `EmptyBlock` if it has no transaction."""
        return cls(fold_tree(_txids(block)).first_branch)

    def verify(self, coinbase: Txid, merkle_root: Hash32) -> None:
        """Raises `InvalidInclusionProof` unless the siblings lead from `coinbase` to `merkle_root`."""
        found = root_from_first_branch(coinbase, self.siblings)
        if found != merkle_root:
            raise InvalidInclusionProof(f"the inclusion proof leads to {found.hex()}, the header's Merkle root is {merkle_root.hex()}")

    def encode(self) -> bytes:
        """The siblings, 32 bytes each."""
        return b"".join(self.siblings)

    @classmethod
    def decode(cls, raw: bytes) -> CoinbaseInclusionProof:
        """Reads `encode()`; raises `MalformedInclusionProof` for part of a sibling or more than 17."""
        depth, rest = divmod(len(raw), HASH_SIZE)
        if rest or depth > _MAX_DEPTH:
            raise MalformedInclusionProof(f"an inclusion proof is 0 to {_MAX_DEPTH} times {HASH_SIZE} bytes, not {len(raw)}")
        return cls(tuple([Hash32(raw[at : at + HASH_SIZE]) for at in range(0, len(raw), HASH_SIZE)]))


def check_body(block: Block, inclusion_proof: CoinbaseInclusionProof | None, segwit: bool = True) -> WitnessRoot:
    """Checks that the transactions are the ones that the header commits to, witnesses included; rules and order at the top of the file.

    An inclusion proof that is not needed, because there is no witness commitment that counts, is not looked at.
    `segwit` says whether it is active at the block's height (`NetworkRules.segwit_height`), as it is at every block of today.
    """
    txids = _txids(block)
    coinbase = block.transactions[0]
    if not is_coinbase(coinbase):
        raise NotCoinbase("the first transaction is not a coinbase")
    commitment = witness_commitment(coinbase) if segwit else None
    witness_root = None
    if commitment is not None:
        if inclusion_proof is None:
            raise MissingInclusionProof("the coinbase has a witness commitment: hand over its inclusion proof too")
        witness_root = _check_witnesses(block, commitment)
        inclusion_proof.verify(txids[0], block.header.merkle_root)

    tree = fold_tree(txids)
    if tree.root != block.header.merkle_root:
        raise MerkleRootMismatch(f"the transactions fold to {tree.root.hex()}, the header says {block.header.merkle_root.hex()}")
    if tree.mutated:
        raise MerkleRootMismatch("the transactions fold to the header's Merkle root, but repeat themselves (CVE-2012-2459)")

    if witness_root is not None:
        return witness_root
    if any(transaction.has_witness for transaction in block.transactions):
        reason = "the coinbase commits to none" if segwit else "segwit is not active at this height"
        raise WitnessCommitmentMismatch(f"there are witnesses, but {reason}")
    return WitnessRoot(tree.root)


def witness_commitment(coinbase: Transaction) -> Hash32 | None:
    """The witness commitment of `coinbase`, from its last output that has the form of one; None without such an output."""
    size = len(COMMITMENT_PREFIX)
    for txout in reversed(coinbase.outputs):
        if txout.script.startswith(COMMITMENT_PREFIX) and len(txout.script) >= size + HASH_SIZE:
            return Hash32(txout.script[size : size + HASH_SIZE])
    return None


def witness_root_of(transactions: tuple[Transaction, ...]) -> WitnessRoot:
    """The root over the witness ids of `transactions`, the first of which, the coinbase, counts as 32 zero bytes (BIP-141)."""
    leaves = [Hash32(bytes(HASH_SIZE)), *[transaction.wtxid for transaction in transactions[1:]]]
    return WitnessRoot(fold_tree(leaves).root)


def commit_to_witnesses(root: WitnessRoot, reserved: bytes) -> Hash32:
    """The commitment to a witness root: its sha256d with the reserved value, the coinbase's one witness item of 32 bytes."""
    return Hash32(sha256d(root + reserved))


def _check_witnesses(block: Block, commitment: Hash32) -> WitnessRoot:
    witness = block.transactions[0].inputs[0].witness
    if len(witness) != 1 or len(witness[0]) != HASH_SIZE:
        raise InvalidCoinbaseWitness(f"the coinbase's witness is one item of {HASH_SIZE} bytes, not {[len(item) for item in witness]}")
    root = witness_root_of(block.transactions)
    found = commit_to_witnesses(root, witness[0])
    if found != commitment:
        raise WitnessCommitmentMismatch(f"the witnesses hash to {found.hex()}, the coinbase commits to {commitment.hex()}")
    return root


def _txids(block: Block) -> list[Txid]:
    if not block.transactions:
        raise EmptyBlock("the block has no transaction")
    return [transaction.txid for transaction in block.transactions]
