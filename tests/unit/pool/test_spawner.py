"""The thread that starts processes."""

from __future__ import annotations

import os
import select
import threading

import pytest

from kit.pool_traces import no_traces
from proofplane.pool.guard import VARIABLE
from proofplane.pool.spawner import Spawned, spawner


def output(spawned: Spawned) -> bytes:
    """All that a process says until its end."""
    poll = select.poll()
    poll.register(spawned.pidfd, select.POLLIN)
    assert poll.poll(20_000)
    said = os.read(spawned.output, 65_536)
    spawned.discard()
    return said


def test_a_process_gets_its_variables_our_mark_no_input_and_one_pipe_for_all_it_says() -> None:
    with no_traces():
        script = f'cat; echo "$A ${VARIABLE}"; echo error >&2'
        spawned = spawner().spawn(["/bin/sh", "-c", script], {"A": "5"}).result()
        assert output(spawned).decode().split() == ["5", spawner().mark, "error"]


def test_a_process_has_a_session_of_its_own_so_that_ctrl_c_does_not_reach_it() -> None:
    spawned = spawner().spawn(["/bin/sleep", "60"], {}).result()
    assert os.getsid(spawned.popen.pid) == spawned.popen.pid
    spawned.discard()


def test_what_cannot_be_started_leaves_nothing_and_does_not_end_the_thread() -> None:
    with no_traces():
        for _ in range(3):
            with pytest.raises(FileNotFoundError):
                spawner().spawn(["/nothing/here"], {}).result()
        assert output(spawner().spawn(["/bin/echo", "x"], {}).result()) == b"x\n"


def test_there_is_one_thread_whoever_asks() -> None:
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(spawner())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {spawner()}
    assert sum(thread.name == "pool-spawner" for thread in threading.enumerate()) == 1


def test_an_order_that_was_cancelled_before_its_turn_is_not_carried_out() -> None:
    with no_traces():
        slow = [spawner().spawn(["/bin/true"], {}) for _ in range(20)]
        last = spawner().spawn(["/bin/true"], {})
        cancelled = last.cancel()
        for one in slow:
            one.result().discard()
        assert cancelled or last.result().discard() is None


def test_a_process_that_does_not_go_when_it_is_killed_does_not_hold_up_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("proofplane.pool.spawner._KILL_TIMEOUT", 0.01)
    spawned = spawner().spawn(["/bin/sleep", "60"], {}).result()
    with monkeypatch.context() as patch:
        patch.setattr(spawned.popen, "kill", lambda: None)  # as if it hung in the system
        spawned.discard()
    assert "hangs in the system" in caplog.text
    spawned.popen.kill()
    spawned.popen.wait()
