"""What a process says is believed only if it also says yes to what is known to be good."""

from __future__ import annotations

from typing import Any

import pytest

from kit.scripted_bb import ScriptedBb
from proofplane.barretenberg.errors import Doubtful, UnfitVerifier
from proofplane.barretenberg.generated.barretenberg import Blake2s, Blake2sResponse, CircuitVerify, CircuitVerifyResponse
from proofplane.barretenberg.known_good import genuine
from proofplane.barretenberg.vetting import _REMEMBERED, Vetted
from proofplane.pool.errors import WorkerDied
from proofplane.rpc.errors import CallFailed

YES, NO = CircuitVerifyResponse(True), CircuitVerifyResponse(False)
HASH = Blake2sResponse(bytes(32))
ASKED = Blake2s(b"")
GOOD = genuine()


def failed(message: str) -> CallFailed:
    return CallFailed(message, "Blake2s")


async def ask(bb: ScriptedBb, *, grumpkin: bool = False) -> Any:
    return await Vetted(bb).ask(ASKED, grumpkin=grumpkin, timeout=2.0)


@pytest.mark.parametrize("grumpkin", [False, True])
async def test_an_error_is_believed_of_a_process_that_accepts_the_good_proof_after_it(grumpkin: bool) -> None:
    bb = ScriptedBb({Blake2s: failed("not on the curve"), CircuitVerify: YES})
    with pytest.raises(CallFailed, match="not on the curve"):
        await ask(bb, grumpkin=grumpkin)
    assert bb.asked[-2:] == [ASKED, GOOD.of(grumpkin)]
    assert bb.condemned == 0


@pytest.mark.parametrize("after", [NO, failed("not on the curve"), failed("std::bad_alloc")])
async def test_an_error_of_a_process_that_fails_the_good_proof_too_is_not_believed(after: Any) -> None:
    bb = ScriptedBb({Blake2s: failed("not on the curve"), CircuitVerify: after})
    with pytest.raises(Doubtful):
        await ask(bb)
    assert bb.condemned == 1


async def test_one_that_says_what_it_lacks_is_condemned_without_being_asked_more() -> None:
    bb = ScriptedBb({Blake2s: failed("std::bad_alloc")})
    with pytest.raises(Doubtful, match="short of memory"):
        await ask(bb)
    assert (bb.asked, bb.condemned) == ([ASKED], 1)


async def test_a_process_shows_its_grumpkin_points_once_before_its_first_question_that_needs_them() -> None:
    bb = ScriptedBb({Blake2s: HASH, CircuitVerify: YES})
    vetted = Vetted(bb)
    for grumpkin in (False, True, True):
        await vetted.ask(ASKED, grumpkin=grumpkin, timeout=2.0)
    assert bb.asked == [ASKED, GOOD.grumpkin, ASKED, ASKED]
    bb.condemn()
    await vetted.ask(ASKED, grumpkin=True, timeout=2.0)
    assert bb.asked[4:] == [GOOD.grumpkin, ASKED], "another process shows them, too"


@pytest.mark.parametrize(
    ("said", "error"), [(NO, UnfitVerifier), (failed("no point"), UnfitVerifier), (failed("std::bad_alloc"), Doubtful)]
)
async def test_a_process_with_damaged_grumpkin_points_is_asked_nothing(said: Any, error: type[Exception]) -> None:
    bb = ScriptedBb({CircuitVerify: said})
    with pytest.raises(error):
        await ask(bb, grumpkin=True)
    assert (bb.asked, bb.condemned) == ([GOOD.grumpkin], 1)


async def test_a_process_that_dies_costs_one_more_and_no_third() -> None:
    died = WorkerDied("process 7 died")
    bb = ScriptedBb({Blake2s: [died, HASH]})
    assert await ask(bb) == HASH
    assert bb.timeouts == sorted(bb.timeouts, reverse=True)
    with pytest.raises(WorkerDied):
        await ask(ScriptedBb({Blake2s: [died, died, HASH]}))


async def test_only_so_many_processes_are_remembered() -> None:
    bb = ScriptedBb({Blake2s: HASH, CircuitVerify: YES})
    vetted = Vetted(bb)
    for number in (*range(_REMEMBERED + 1), 0, _REMEMBERED):
        bb.number = number
        await vetted.ask(ASKED, grumpkin=True, timeout=2.0)
    assert bb.asked.count(GOOD.grumpkin) == _REMEMBERED + 2, "the first was forgotten, the last not"
