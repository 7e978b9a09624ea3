"""What commands print: documents, fields and tables."""

import json

import pytest

from proofplane.cli.output import print_fields, print_json, print_table


def test_a_document_is_printed_whole_and_alone(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [1, None], "b": "ü"})

    out, err = capsys.readouterr()
    assert (json.loads(out), err) == ({"a": [1, None], "b": "ü"}, "")


def test_fields_are_aligned_and_what_is_not_there_is_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"tip": None, "blocks": 3})
    print_fields({})

    assert capsys.readouterr().out == "tip     -\nblocks  3\n"


def test_a_table_is_as_wide_as_its_widest_cell_and_has_no_blanks_at_line_ends(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("h", "kind"), [(1, "step"), (1000, "x")])
    print_table(("empty", "table"), [])

    assert capsys.readouterr().out == "h     kind\n1     step\n1000  x\nempty  table\n"
