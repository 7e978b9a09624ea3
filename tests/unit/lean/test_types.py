"""What plain values promise of themselves."""

from __future__ import annotations

import pytest

from proofplane.base.errors import CallerMistake
from proofplane.lean.types import BadParticipants, Participants


def test_participants_are_the_set_bits_of_a_list_just_long_enough_or_as_long_as_said() -> None:
    assert Participants.of([5, 0, 5]) == Participants(0b100001, 6)
    assert Participants.of((1,), 9) == Participants(0b10, 9)
    assert Participants.of(()) == Participants(0, 0)
    assert Participants.of({5, 0}).indices() == (0, 5)


@pytest.mark.parametrize(("indices", "length"), [((5,), 2), ((2,), 2), ((0,), 0), ((3, -1), None), ((-1,), 5)])
def test_a_bit_outside_the_list_is_refused(indices: tuple[int, ...], length: int | None) -> None:
    with pytest.raises(BadParticipants) as caught:
        Participants.of(indices, length)
    assert isinstance(caught.value, CallerMistake)
