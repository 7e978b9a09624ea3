"""The pool of handlers' threads: jobs in order, never more threads than the bound, and an end that begins nothing new."""

from __future__ import annotations

import threading

import pytest

from proofplane.rpc.threads import NoThread, Threads

PATIENCE = 20.0


def test_jobs_run_in_order_and_a_thread_that_is_idle_takes_the_next() -> None:
    threads, ran, done = Threads(1), [], threading.Event()
    for number in range(100):
        threads.run(lambda number=number: ran.append(number))  # type: ignore[misc] # the number of now
    threads.run(done.set)
    assert done.wait(PATIENCE)
    threads.end()
    threads.join(PATIENCE)
    assert ran == list(range(100))


def test_a_job_that_raises_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    threads, done = Threads(1), threading.Event()

    def fail() -> None:
        raise ValueError("a bug")

    threads.run(fail)
    threads.run(done.set)
    assert done.wait(PATIENCE)
    threads.end()
    threads.join(PATIENCE)
    assert "a bug" in caplog.text


def test_what_no_thread_has_begun_is_forgotten_at_the_end() -> None:
    threads, ran = Threads(1), []
    begun, release = threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        release.wait(PATIENCE)
        ran.append("first")

    threads.run(first)
    for _ in range(10):
        threads.run(lambda: ran.append("later"))
    assert begun.wait(PATIENCE)
    threads.end()
    release.set()
    threads.join(PATIENCE)
    assert ran == ["first"]


def test_a_handler_that_goes_on_is_left_behind_and_told(caplog: pytest.LogCaptureFixture) -> None:
    threads, begun, release = Threads(1), threading.Event(), threading.Event()

    def stuck() -> None:
        begun.set()
        release.wait(PATIENCE)

    threads.run(stuck)
    assert begun.wait(PATIENCE)
    threads.end()
    threads.join(0.0)
    release.set()
    assert "still runs its handler" in caplog.text
    threads.join(PATIENCE)


def test_a_thread_that_cannot_be_started_is_not_counted(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    start = threading.Thread.start
    refusing = True

    def sometimes(thread: threading.Thread) -> None:
        if refusing:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", sometimes)
    threads, ran = Threads(2), []
    with pytest.raises(NoThread, match="no thread can be started"):
        threads.run(lambda: ran.append("never"))

    refusing = False
    begun, release, done = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        release.wait(PATIENCE)

    threads.run(first)
    assert begun.wait(PATIENCE)
    refusing = True
    threads.run(done.set)  # waits for the one thread there is
    assert "no further thread can be started, 1 go on" in caplog.text
    release.set()
    assert done.wait(PATIENCE)
    threads.end()
    threads.join(PATIENCE)
    assert ran == []
