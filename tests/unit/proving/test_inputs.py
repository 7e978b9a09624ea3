"""Hints that arrive together become one message."""

from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.proving.inputs import Committed, Completions, commitments, completions
from proofplane.proving.types import RemoteId
from proofplane.service.inputs import close_input
from proofplane.service.subscriptions import Subscribers


async def test_a_burst_of_completions_is_one_message_and_the_end_comes_after_it() -> None:
    with Subscribers[RemoteId]() as hints:
        source = completions(hints.subscribe())
        for name in (b"a", b"b", b"c"):
            hints.emit(RemoteId(name))
        assert await source.recv_next() == Completions((RemoteId(b"a"), RemoteId(b"b"), RemoteId(b"c")))
        hints.emit(RemoteId(b"d"))
    assert await source.recv_next() == Completions((RemoteId(b"d"),))
    assert await source.recv_next() is None


async def test_a_burst_of_commitments_is_one_wake_up_and_closing_ends_it() -> None:
    with Subscribers[BlockCommitment]() as commits:
        source = commitments(commits.subscribe())
        for height in range(5):
            commits.emit(BlockCommitment(Height(height), BlockId(bytes(32))))
        assert await source.recv_next() == Committed()
        await close_input(source)
        assert await source.recv_next() is None
