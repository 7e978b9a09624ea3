"""Regtest chains for the anchor's tests: mined here, taken over by the transition, every leaf of the history kept and proven naively."""

from collections.abc import Sequence

from proofplane.anchor.aux_data import AuxData, ManifestProof
from proofplane.anchor.state import AnchorState, genesis_state
from proofplane.anchor.transition import Transitioned, apply, inclusion_proof, prepare
from proofplane.anchor.types import SENTINEL, AnchorParams, Mode, Quorum
from proofplane.base.ids import BlockCommitment, BlockId, Hash32, Height
from proofplane.bitcoin.block import Block
from proofplane.bitcoin.mining import REGTEST_BITS, build_block
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.sps50 import TEST_MAGIC
from proofplane.bitcoin.transaction import Transaction
from proofplane.crypto.hashes import tagged_hash
from proofplane.crypto.schnorr import SigningKey

SIGNERS = tuple(SigningKey(bytes([number]) * 32) for number in (1, 2, 3))
KEYS = tuple(Hash32(signer.public().raw) for signer in SIGNERS)

ANCHOR_TIME = 1_600_000_000


def regtest_params(mode: Mode = Mode.FULL_BLOCK, height: int = 5, upgrade: Quorum | None = None, exports: bool = False) -> AnchorParams:
    """An instance on an invented block."""
    anchor = BlockCommitment(Height(height), BlockId(b"anchor".ljust(32, b"\0")))
    return AnchorParams(Network.REGTEST, mode, TEST_MAGIC, anchor, REGTEST_BITS, ANCHOR_TIME, upgrade, exports)


def full_params(height: int = 5) -> AnchorParams:
    """An instance with both subprotocols; the quorum is 2 of 3."""
    return regtest_params(height=height, upgrade=Quorum(KEYS, 2), exports=True)


class Chain:
    """A chain from an anchor on; `extend` mines and applies one block."""

    def __init__(self, params: AnchorParams) -> None:
        self.params = params
        self.state: AnchorState = genesis_state(params)
        self.leaves: list[Hash32] = [SENTINEL] * (params.block.height + 1)
        self.done: list[Transitioned] = []

    def mine(self, transactions: Sequence[Transaction] = (), op_return: bytes | None = None, tag: bytes = b"test") -> Block:
        """A block on the tip."""
        return build_block(self.state.block, ANCHOR_TIME + len(self.leaves), REGTEST_BITS, transactions, tag, op_return)

    def payload(self, block: Block) -> bytes:
        """What the transition takes for `block`."""
        return block.header.encode() if self.params.mode is Mode.HEADERS_ONLY else block.encode()

    def aux(self, payload: bytes) -> AuxData:
        """The answers to a block's requests."""
        return AuxData(tuple([self.proof(height) for height in prepare(self.state, payload).requests]))

    def proof(self, height: int) -> ManifestProof:
        """A leaf of the history with its proof."""
        return ManifestProof(Height(height), self.leaves[height], naive_siblings(self.leaves, height))

    def extend(self, *transactions: Transaction, op_return: bytes | None = None, tag: bytes = b"test") -> Transitioned:
        """Mines a block on the tip and takes the state over it."""
        payload = self.payload(self.mine(transactions, op_return, tag))
        done = apply(self.state, payload, self.aux(payload), inclusion_proof(self.params.mode, payload))
        self.state = done.state
        self.leaves.append(done.manifest_hash)
        self.done.append(done)
        return done


def naive_peaks(leaves: Sequence[Hash32]) -> tuple[Hash32, ...]:
    """The peaks of an MMR, lowest first, each folded from its leaves."""
    peaks, start = [], 0
    for level in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> level & 1:
            peaks.append(_levels(leaves[start : start + (1 << level)])[-1][0])
            start += 1 << level
    return tuple(reversed(peaks))


def naive_siblings(leaves: Sequence[Hash32], index: int) -> tuple[Hash32, ...]:
    """The siblings of leaf `index` up to its peak, lowest first."""
    start = 0
    for level in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> level & 1:
            if index < start + (1 << level):
                levels = _levels(leaves[start : start + (1 << level)])
                return tuple(levels[depth][(index - start) >> depth ^ 1] for depth in range(level))
            start += 1 << level
    raise AssertionError(f"no leaf {index} among {len(leaves)}")


def _levels(leaves: Sequence[Hash32]) -> list[list[Hash32]]:
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([Hash32(tagged_hash("node", below[at] + below[at + 1])) for at in range(0, len(below), 2)])
    return levels
