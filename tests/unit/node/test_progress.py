"""The progress value: what is derived from its counts."""

from dataclasses import replace

from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.node.progress import Progress

AT_WORK = Progress(
    blocks=5,
    tip=BlockCommitment(Height(5), BlockId(bytes(32))),
    target_blocks=10,
    step_proofs=4,
    recursive_proofs=3,
    queued=1,
    in_flight=2,
    failed=0,
)


def test_proofs_of_both_kinds_are_counted_together_and_each_block_will_have_both() -> None:
    assert (AT_WORK.proofs, AT_WORK.expected_proofs) == (7, 20)


def test_without_an_end_nobody_knows_how_many_there_will_be() -> None:
    assert replace(AT_WORK, target_blocks=None).expected_proofs is None
