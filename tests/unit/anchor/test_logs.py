"""Tests of the logs."""

import pytest

from proofplane.anchor.logs import MalformedLog, NewExport, NewPredicate, read_log
from proofplane.anchor.types import Log
from proofplane.base.ids import Hash32
from proofplane.base.predicate import Predicate

ENTRY = Hash32(bytes(range(32)))


def test_a_new_predicate_is_type_5_and_the_predicate() -> None:
    log = NewPredicate(Predicate(10, b"key"))
    assert log.encode() == b"\x05" + b"\x0a\x05\0\0\0key"
    assert read_log(log.encode()) == log


def test_a_new_export_is_type_6_container_and_entry() -> None:
    log = NewExport(255, ENTRY)
    assert log.encode() == b"\x06\xff" + ENTRY
    assert read_log(log.encode()) == log


@pytest.mark.parametrize("raw", [b"", b"\x00", b"\x07" + ENTRY, b"\x7f"])
def test_other_types_mean_nothing_here(raw: bytes) -> None:
    assert read_log(Log(raw)) is None


@pytest.mark.parametrize("raw", [b"\x05", b"\x05\x0a\x06\0\0\0", b"\x06", b"\x06\x01" + ENTRY[:31], b"\x06\x01" + ENTRY + b"\0"])
def test_a_known_type_with_a_wrong_body_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedLog):
        read_log(Log(raw))
