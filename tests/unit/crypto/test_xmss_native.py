"""What the native XMSS functions promise beyond verdicts: they refuse what makes no sense, and give the GIL away."""

import threading
import time
from dataclasses import dataclass

import pytest

from proofplane import _native

KEY = _native.XmssKey("test", bytes(32), 0, 1)
MESSAGE = b"m" * 32
SIGNATURE = KEY.sign(0, MESSAGE)


def verify(count: int = 1, threads: int = 1, kernel: str | None = None) -> tuple[int | None, list[tuple[int, int, int]]]:
    keys, slots, messages, signatures = [KEY.public_key] * count, [0] * count, [MESSAGE] * count, [SIGNATURE] * count
    return _native.xmss_verify("test", keys, slots, messages, signatures, threads, kernel=kernel)


@dataclass(frozen=True)
class Columns:
    """The arguments of one call, right unless said."""

    scheme: str = "test"
    keys: tuple[bytes, ...] = (KEY.public_key,)
    slots: tuple[int, ...] = (0,)
    messages: tuple[bytes, ...] = (MESSAGE,)
    signatures: tuple[bytes, ...] = (SIGNATURE,)
    threads: int = 1
    kernel: str | None = None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (Columns(scheme="quick"), "no scheme"),
        (Columns(keys=()), "differ in number"),
        (Columns(slots=(0, 0)), "differ in number"),
        (Columns(messages=()), "differ in number"),
        (Columns(signatures=()), "differ in number"),
        (Columns(keys=(bytes(51),)), "a public key has 52 bytes"),
        (Columns(messages=(bytes(33),)), "a message has 32 bytes"),
        (Columns(threads=0), "at least one thread"),
        (Columns(kernel="abacus"), "no kernel"),
    ],
)
def test_what_is_no_batch_is_refused_with_the_reason(wrong: Columns, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        _native.xmss_verify(wrong.scheme, wrong.keys, wrong.slots, wrong.messages, wrong.signatures, wrong.threads, kernel=wrong.kernel)


@pytest.mark.parametrize("threads", [1, 2])
def test_spans_lie_within_the_call_on_the_clock_of_python(threads: int) -> None:
    before = time.perf_counter_ns()
    failed, spans = verify(count=64, threads=threads)
    after = time.perf_counter_ns()
    assert failed is None
    assert [thread for thread, _, _ in spans] == list(range(threads))
    assert all(before <= start <= end <= after for _, start, end in spans)


def test_other_threads_run_while_a_batch_is_verified() -> None:
    for _ in range(100):  # a busy machine may not let this thread run during one batch
        spans: list[tuple[int, int, int]] = []
        worker = threading.Thread(target=lambda into=spans: into.extend(verify(count=2_000)[1]))
        worker.start()
        instants = []
        while worker.is_alive():
            instants.append(time.perf_counter_ns())
        worker.join()
        ((_, start, end),) = spans
        if any(start < instant < end for instant in instants):
            return
    pytest.fail("no other thread ran during any batch")


@pytest.mark.parametrize("state", [[0] * 15, [0] * 25, [2**31 - 2**24 + 1] + [0] * 15])
def test_what_is_no_state_is_not_permuted(state: list[int]) -> None:
    with pytest.raises(ValueError, match="state"):
        _native.poseidon1(state)


def test_each_kernel_can_be_timed_and_only_at_its_widths() -> None:
    kernels = _native.xmss_kernels()
    assert kernels[0] == _native.xmss_kernel()
    assert kernels[-1] == "portable"
    for kernel in kernels:
        assert _native.xmss_permutations(kernel, 16, 3) > 0
        assert _native.xmss_permutations(kernel, 24, 3) > 0
    with pytest.raises(ValueError, match="no kernel"):
        _native.xmss_permutations("abacus", 16, 1)
    with pytest.raises(ValueError, match="widths"):
        _native.xmss_permutations(kernels[0], 8, 1)
