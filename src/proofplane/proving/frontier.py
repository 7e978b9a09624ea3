"""How far the chain is proven: the highest block of the current branch whose recursive proof is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from proofplane.base.ids import BlockCommitment
from proofplane.base.proof_id import RecursiveId
from proofplane.proving.ports import Chain
from proofplane.proving.store import JobReader
from proofplane.proving.types import AnyProofId


def last_proven(reader: JobReader, is_canonical: Callable[[BlockCommitment], bool]) -> BlockCommitment | None:
    """Walks the stored recursive proofs from the greatest key down to the first on the current branch: an orphan never counts.

    `is_canonical` is `Chain.is_canonical`, or a reader's; it is asked once for each orphan above the answer, and for the answer.
    """
    for proof_id in reader.recursive_descending():
        if isinstance(proof_id, RecursiveId) and is_canonical(proof_id.block):
            return proof_id.block
    return None


class Frontier:
    """`last_proven`, kept up to date: it advances with the proofs and moves elsewhere only when the chain does."""

    def __init__(self, reader: JobReader, chain: Chain) -> None:
        self._reader = reader
        self._chain = chain
        self.block: BlockCommitment | None = last_proven(reader, chain.is_canonical)

    def proved(self, proof_ids: Iterable[AnyProofId]) -> None:
        """Takes newly stored proofs into account; never moves back."""
        blocks = sorted((one.block for one in proof_ids if isinstance(one, RecursiveId)), reverse=True)
        for block in blocks:
            if self.block is not None and block <= self.block:
                return
            if self._chain.is_canonical(block):
                self.block = block
                return

    def chain_moved(self) -> None:
        """Takes new commitments into account: after a reorg the proven part may end lower, or on proofs made before."""
        self.block = last_proven(self._reader, self._chain.is_canonical)
