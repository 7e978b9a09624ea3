"""What the rows must say about the current branch, recomputed naively from the chain's real parents and the stored manifests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

import pytest

from proofplane.anchor.anchor_store import anchor_row, anchor_tip, canonical_blocks
from proofplane.anchor.errors import MmrProofFailed
from proofplane.anchor.leaf_table import prove_leaf, read_leaf
from proofplane.anchor.logs import NewExport, read_log
from proofplane.anchor.moho_store import moho_tip
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.state import AnchorState
from proofplane.anchor.types import Manifest
from proofplane.base.ids import BlockCommitment, Height
from proofplane.node.data_dir import TrustRoot
from proofplane.node.inspect import find_block, find_proof, read_status, stored_proofs
from proofplane.node.verify_exported import verify_exported
from proofplane.storage.database import Rows

_TAG = sha256(b"node").digest()
_SENTINEL = bytes(32)


def branch_of(chain: RegtestChain, tip: BlockCommitment) -> list[BlockCommitment]:
    """The blocks above genesis up to `tip` by real parents, oldest first."""
    found: list[BlockCommitment] = []
    while tip != chain.genesis:
        found.append(tip)
        tip = BlockCommitment(Height(tip.height - 1), chain.header(tip).previous)
    return found[::-1]


def check_branch(rows: Rows, chain: RegtestChain, tip: BlockCommitment) -> None:
    """Tip, blocks by height, leaves and their proofs are those of the branch that `tip` ends; the anchor is genesis."""
    branch = branch_of(chain, tip)
    assert anchor_tip(rows) == tip
    assert list(canonical_blocks(rows)) == branch
    leaves = [_SENTINEL, *(_manifest(rows, block).root() for block in branch)]
    anchor = chain.genesis.height
    assert [read_leaf(rows, anchor, Height(height)) for height in range(len(leaves))] == leaves
    peaks = _peaks(leaves)
    for height, leaf in enumerate(leaves):
        proof = prove_leaf(rows, anchor, tip.height, Height(height), len(leaves))
        assert proof.manifest_hash == leaf
        assert _climb(leaf, height, proof.siblings) == peaks[len(proof.siblings)]
    with pytest.raises(MmrProofFailed):
        prove_leaf(rows, anchor, tip.height, Height(0), len(leaves) + 1)
    row = anchor_row(rows, tip)
    assert row is not None
    history = AnchorState.decode(row.state).history
    assert (history.entries, list(history.peaks)) == (len(leaves), [peaks[height] for height in sorted(peaks)])


def check_exports(rows: Rows, chain: RegtestChain, tip: BlockCommitment) -> None:
    """The Moho stage has come to `tip`, and the export entries are those of its branch, in order."""
    found = moho_tip(rows)
    assert found is not None
    assert found[0] == tip
    manifests = [_manifest(rows, block) for block in branch_of(chain, tip)]
    exports = [(one.container, one.entry, manifest.height) for manifest in manifests for one in _exports(manifest)]
    stored = rows.rows("SELECT container, entry, height FROM moho_exports ORDER BY container, position")
    assert stored == sorted(exports, key=lambda export: export[0])


def check_proofs(rows: Rows, trust: TrustRoot, chain: RegtestChain, tip: BlockCommitment, orphans: Iterable[BlockCommitment]) -> None:
    """The branch is proven up to `tip`; proofs of orphans are there, are readable, and are never taken for the chain's."""
    branch = branch_of(chain, tip)
    assert read_status(rows, trust).last_proven == str(tip)
    both = [(kind, block) for block in branch for kind in ("step", "recursive")]
    assert [(proof.kind, proof.block) for proof in stored_proofs(rows, 0, canonical_only=True)] == both
    for block in orphans:
        for kind in ("step", "recursive"):
            proof = find_proof(rows, kind, block)
            assert not proof.canonical
            assert verify_exported(proof.receipt, trust).to_block == block.block_id.display()
        if block.height <= tip.height:
            assert find_block(rows, str(block.height)) == branch[block.height - 1] != block


def _manifest(rows: Rows, block: BlockCommitment) -> Manifest:
    row = anchor_row(rows, block)
    assert row is not None
    manifest = Manifest.decode(row.manifest)
    assert manifest.block == block
    return manifest


def _exports(manifest: Manifest) -> list[NewExport]:
    return [found for log in manifest.logs if isinstance(found := read_log(log), NewExport)]


def _peaks(leaves: Sequence[bytes]) -> dict[int, bytes]:
    """Roots of the perfect trees over all leaves, by height."""
    found, first = {}, 0
    for height in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> height & 1:
            found[height] = _root(leaves[first : first + (1 << height)])
            first += 1 << height
    return found


def _root(leaves: Sequence[bytes]) -> bytes:
    half = len(leaves) // 2
    return leaves[0] if half == 0 else _join(_root(leaves[:half]), _root(leaves[half:]))


def _climb(node: bytes, index: int, siblings: Sequence[bytes]) -> bytes:
    for level, sibling in enumerate(siblings):
        node = _join(sibling, node) if index >> level & 1 else _join(node, sibling)
    return node


def _join(left: bytes, right: bytes) -> bytes:
    return sha256(_TAG + _TAG + left + right).digest()
