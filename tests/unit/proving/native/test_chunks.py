"""How jobs are cut into chunks."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from kit.submissions import key, submission
from proofplane.base.ids import Hash32
from proofplane.base.predicate import Predicate
from proofplane.proving.native.chunks import CHAIN_CHUNK, CHUNK_BYTES, IN_FLIGHT, SPREAD_CHUNK, cut, size
from proofplane.proving.types import Submission

PROGRAM = Hash32(bytes(32))


def job(number: int, *after: int, body: bytes = b"") -> Submission:
    return submission(number, PROGRAM, Predicate(1), body, [key(one) for one in after])


def numbers(chunks: Sequence[Sequence[Submission]]) -> list[list[int]]:
    return [[int(one.proof_id.height()) for one in chunk] for chunk in chunks]


def test_few_independent_jobs_give_every_worker_work() -> None:
    assert numbers(cut([job(n) for n in range(4)], workers=2)) == [[0], [1], [2], [3]]
    assert numbers(cut([job(n) for n in range(6)], workers=2)) == [[0, 1], [2, 3], [4, 5]]


def test_many_independent_jobs_travel_in_chunks_of_the_bound() -> None:
    chunks = cut([job(n) for n in range(200)], workers=2)
    assert [len(chunk) for chunk in chunks] == [SPREAD_CHUNK] * 12 + [8]


def test_a_chain_stays_together_and_goes_first() -> None:
    jobs = [job(100), job(0), job(101), job(1, 0), job(2, 1)]
    assert numbers(cut(jobs, workers=1)) == [[0, 1, 2], [100], [101]]


def test_a_long_chain_is_cut_at_the_bound() -> None:
    chunks = cut([job(0), *(job(n, n - 1) for n in range(1, 100))], workers=2)
    assert numbers(chunks) == [list(range(CHAIN_CHUNK)), list(range(CHAIN_CHUNK, 100))]


def test_steps_are_spread_and_the_recursive_jobs_on_them_wait_together() -> None:
    steps = [job(n) for n in range(4)]
    recursive = [job(10, 0), *(job(10 + n, 9 + n, n) for n in range(1, 4))]
    assert numbers(cut(steps + recursive, workers=2)) == [[0], [1], [2], [3], [10, 11, 12, 13]]


def test_a_job_on_a_key_from_elsewhere_counts_as_independent() -> None:
    assert numbers(cut([job(1, 0), job(3, 2)], workers=1)) == [[1], [3]]


def test_a_large_job_travels_alone() -> None:
    large = bytes(CHUNK_BYTES - 100)
    chunks = cut([job(0), job(1, body=large), job(2, body=large), *(job(n) for n in range(3, 40))], workers=1)
    assert numbers(chunks)[:4] == [[0], [1], [2], list(range(3, 3 + SPREAD_CHUNK))]


@given(st.data(), st.integers(0, 60), st.integers(1, 5))
def test_every_job_is_in_one_chunk_behind_what_it_builds_on(data: st.DataObject, count: int, workers: int) -> None:
    jobs = [
        job(
            n,
            *sorted(data.draw(st.sets(st.integers(0, n - 1), max_size=2))) if n else (),
            body=bytes(data.draw(st.sampled_from([0, 900_000]))),
        )
        for n in range(count)
    ]
    chunks = cut(jobs, workers)
    assert sorted(one for chunk in numbers(chunks) for one in chunk) == list(range(count))
    place = {one.key: (index, at) for index, chunk in enumerate(chunks) for at, one in enumerate(chunk)}
    for one in jobs:
        for before in one.prerequisites:
            assert isinstance(before, bytes)
            assert place[before] < place[one.key]
    for chunk in chunks:
        assert len(chunk) <= CHAIN_CHUNK
        assert len(chunk) == 1 or sum(size(one) for one in chunk) <= CHUNK_BYTES
    if not any(one.prerequisites for one in jobs):
        share = -(-count // (IN_FLIGHT * workers))
        assert all(len(chunk) <= min(share, SPREAD_CHUNK) for chunk in chunks)
