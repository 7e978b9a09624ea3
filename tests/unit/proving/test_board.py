"""What the worker keeps in memory is bounded and follows the rows."""

from kit.prover_rig import Rig
from proofplane.base.ids import Hash32
from proofplane.base.receipt import ProverKind, Receipt
from proofplane.proving.board import Board, RecentReceipts
from proofplane.proving.types import ProofKey


def receipt(size: int) -> Receipt:
    return Receipt(bytes(size), b"", ProverKind.NATIVE, "1", Hash32(bytes(32)))


def test_recent_receipts_keep_the_newest_within_their_bytes() -> None:
    recent = RecentReceipts(limit=4000)
    keys = [ProofKey(bytes([number])) for number in range(4)]
    for key in keys:
        recent.put(key, receipt(1000))
    assert [key in recent for key in keys] == [False, False, True, True]
    assert recent.get(keys[0]) is None
    assert recent.get(keys[3]) == receipt(1000)
    recent.put(keys[0], receipt(9000))
    assert not any(key in recent for key in keys)


async def test_a_rebuilt_board_is_the_one_that_was_dropped(rig: Rig) -> None:
    rig.limit = 3
    rig.restart()
    rig.chain.extend(6)
    for _ in range(8):
        await rig.tick()
        status = rig.status()
        board = await Board.load(rig.store, rig.chain, 0.0, prover_remembers=True)
        assert board.totals.planned == status.queued + status.parked
        assert (board.totals.steps, board.totals.recursives) == (status.steps, status.recursives)
        assert len(board.flight) == status.in_flight
    assert rig.status().done > 0
