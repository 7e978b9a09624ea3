"""Every statement of the checklist has a test, every upstream defect has one named after it, and the documentation says which."""

from kit.checklist import NOT_APPLICABLE, PAGE, covered, defects, page_with_table


def test_every_applicable_statement_is_tested() -> None:
    untested = [number for number, places in covered().items() if not places and number not in NOT_APPLICABLE]

    assert untested == []


def test_every_upstream_defect_has_a_test_named_after_it() -> None:
    assert [letter for letter, places in defects().items() if not places] == []


def test_the_documented_table_is_the_real_one() -> None:
    page = PAGE.read_text()

    assert page_with_table(page) == page, "run `make generate`"
