"""The crash tests' chain: regtest blocks, the same in every process, with exports, key upgrades, reorgs and a switch back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.subprotocols.export import export_transaction, manifest_export_transaction
from proofplane.anchor.subprotocols.upgrade import upgrade_transaction
from proofplane.anchor.types import AnchorParams, Mode, Quorum
from proofplane.base.ids import BlockCommitment, BlockId, Hash32, Height
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.sps50 import TEST_MAGIC
from proofplane.bitcoin.transaction import Transaction
from proofplane.crypto.hashes import sha256, tagged_hash
from proofplane.crypto.schnorr import SigningKey

_SEED = b"proofplane crash tests"
_CONTAINER = 7

KEYS = {name: SigningKey(tagged_hash("proofplane/crash-tests", name.encode())) for name in ("moho", "step", "step-2", "step-3")}
"""The prover's keys by file name: always the same, so that two runs make the same proofs bit for bit."""

_VOTER = SigningKey(tagged_hash("proofplane/crash-tests", b"voter"))


@dataclass(frozen=True, slots=True)
class Story:
    """A chain, and what a full node would call its best block, one after the other.

    ```
    0 - 1 - 2 - 3 - 4 -+- 5a - 6a ------------- 7a - 8a - 9a
                       +- 5b - 6b - 7b
                       +- 5c
    ```

    The best block is 1, 2, 3, 4, 5a, 6a, then 7b (a reorg), 5c (a reorg to a lower block), 9a (back to stored blocks and on).
    3, 5b and 8a replace the step predicate; 2, 4, 5a, 6b and 9a export entries; 4, 7b and 7a export the manifest hash of a block
    before them, which for 7b and 7a is that of height 5 on their own branch.
    """

    chain: RegtestChain
    params: AnchorParams
    targets: tuple[BlockCommitment, ...]

    def left(self, stored: Callable[[BlockId], bool]) -> Sequence[BlockCommitment]:
        """The targets behind the last one that is stored: where a source goes on after a restart."""
        done = max((number for number, target in enumerate(self.targets, 1) if stored(target.block_id)), default=0)
        return self.targets[done:]


def story() -> Story:
    """Mines the chain; a few milliseconds."""
    chain = RegtestChain(_SEED)

    def mine(parent: BlockCommitment, *transactions: Transaction) -> BlockCommitment:
        return chain.mine(parent, transactions)

    first = mine(chain.genesis)
    second = mine(first, _export(b"2"))
    third = mine(second, _upgrade(0, "step-2"))
    fourth = mine(third, _manifest(2, b"4"), _export(b"4"))
    fifth_a = mine(fourth, _export(b"5a"))
    sixth_a = mine(fifth_a)
    sixth_b = mine(mine(fourth, _upgrade(1, "step-3")), _export(b"6b"))
    seventh_b = mine(sixth_b, _manifest(5, b"7b"))
    fifth_c = mine(fourth)
    seventh_a = mine(sixth_a, _manifest(5, b"7a"))
    ninth_a = mine(mine(seventh_a, _upgrade(1, "step-3")), _export(b"9a"))
    targets = (first, second, third, fourth, fifth_a, sixth_a, seventh_b, fifth_c, ninth_a)
    return Story(chain, _params(chain), targets)


def write_keys(directory: Path) -> None:
    """Puts the fixed keys into a data directory that is not there yet."""
    folder = directory / "keys"
    folder.mkdir(mode=0o700, parents=True)
    for name, key in KEYS.items():
        file = folder / f"{name}.key"
        file.touch(mode=0o600)
        file.write_text(key.reveal().hex() + "\n")


def predicate(name: str) -> Predicate:
    """Under which the key of that name signs."""
    return Predicate(PredicateKind.SCHNORR, KEYS[name].public().raw)


def _params(chain: RegtestChain) -> AnchorParams:
    point = chain.anchor(chain.genesis)
    quorum = Quorum((Hash32(_VOTER.public().raw),), 1)
    return AnchorParams(
        Network.REGTEST, Mode.FULL_BLOCK, TEST_MAGIC, point.block, point.next_bits, point.epoch_start, upgrade=quorum, exports=True
    )


def _export(salt: bytes) -> Transaction:
    return export_transaction(TEST_MAGIC, _CONTAINER, Hash32(sha256(b"entry " + salt)), salt)


def _manifest(height: int, salt: bytes) -> Transaction:
    return manifest_export_transaction(TEST_MAGIC, _CONTAINER, Height(height), b"manifest " + salt)


def _upgrade(sequence: int, name: str) -> Transaction:
    return upgrade_transaction(TEST_MAGIC, sequence, predicate(name), {0: _VOTER}, b"upgrade %d %s" % (sequence, name.encode()))
