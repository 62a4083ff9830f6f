"""An announcement rides on its own statement, once."""

from audit.context import Context
from audit.expectations import Expectation, Expectations, encode
from tests.audit.sample.models import Entry, Tag

USE = Context(case="a")
INNER = Context(case="b")


def test_an_insert_is_announced_once_and_only_where_it_was_due() -> None:
    expected, entry = Expectations(), Entry()
    expected.save_begins(entry, context=None, inserts={"sample_entry": True})
    assert expected.take("UPDATE", "sample_entry") == []
    assert expected.take("INSERT", "sample_tag") == []
    assert expected.take("INSERT", "sample_entry") == [Expectation(table="sample_entry", op="I", rows=1)]
    assert expected.take("INSERT", "sample_entry") == []


def test_saves_nest() -> None:
    expected, outer, inner = Expectations(), Entry(), Entry()
    expected.save_begins(outer, context=USE, inserts={"sample_entry": True})
    expected.save_begins(inner, context=INNER, inserts={"sample_entry": False})
    assert expected.implied("sample_entry") is INNER
    assert expected.implied("sample_tag") is None
    expected.save_ends(inner)
    assert expected.implied("sample_entry") is USE
    expected.save_ends(outer)
    assert expected.implied("sample_entry") is None


def test_a_save_whose_instance_is_gone_is_forgotten() -> None:
    expected = Expectations()
    expected.save_begins(Entry(), context=USE, inserts={"sample_entry": True})
    assert expected.implied("sample_entry") is None
    assert expected.take("INSERT", "sample_entry") == []


def test_the_end_of_an_outer_save_ends_what_failed_inside() -> None:
    expected, outer, inner = Expectations(), Entry(), Tag()
    expected.save_begins(outer, context=USE, inserts={"sample_entry": True})
    expected.save_begins(inner, context=INNER, inserts={"sample_tag": True})
    expected.save_ends(outer)
    assert expected.take("INSERT", "sample_tag") == []


def test_deletes_are_announced_together_and_settled_by_what_went() -> None:
    expected = Expectations()
    for _ in range(3):
        expected.delete_begins("sample_entry", context=USE)
    expected.delete_begins("sample_tag", context=USE)
    assert expected.take("DELETE", "sample_entry") == [Expectation(table="sample_entry", op="D", rows=3)]
    expected.rows_went("sample_entry", 2)
    assert expected.delete_ends("sample_entry") == Expectation(table="sample_entry", op="D", rows=-1)
    assert [expected.delete_ends("sample_entry") for _ in range(2)] == [None, None]
    assert expected.take("DELETE", "sample_tag") == [Expectation(table="sample_tag", op="D", rows=1)]
    expected.rows_went("sample_tag", 1)
    assert expected.delete_ends("sample_tag") is None
    assert expected.implied("sample_entry") is None


def test_a_transaction_that_is_over_takes_its_deletes_along() -> None:
    expected = Expectations()
    expected.delete_begins("sample_entry", context=USE)
    expected.forget_deletes()
    assert expected.take("DELETE", "sample_entry") == []
    assert expected.delete_ends("sample_entry") is None


def test_the_wire_form_is_short() -> None:
    assert encode([Expectation(table="sample_entry", op="D", rows=-2)]) == '[{"t":"sample_entry","op":"D","n":-2}]'
