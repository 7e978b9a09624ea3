"""Calls on a prover: one answer for each question, or the whole call has failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from proofplane.proving.errors import ProverFailed

Q = TypeVar("Q")
A = TypeVar("A")


async def one_each(call: Callable[[Sequence[Q]], Awaitable[Sequence[A]]], questions: Sequence[Q]) -> Sequence[A]:
    """Returns what `call` answers to `questions`.

    Raises `ProverFailed` if the number of answers is another (nobody can tell which of them is whose), and whatever the call raises.
    """
    answers = await call(questions)
    if len(answers) != len(questions):
        raise ProverFailed(f"the prover gave {len(answers)} answers to {len(questions)} questions")
    return answers
