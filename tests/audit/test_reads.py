"""Read records: one per actor, view and set of patients in fifteen minutes, one more for whoever enters."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import reads
from audit.context import Actor
from audit.models import Fact, ReadWindow

pytestmark = pytest.mark.django_db
CARLA = Actor(kind="staff", id="7", label="carla", roles=("reception",))
NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


def look(
    *patients: str, at: datetime = NOW, actor: Actor = CARLA, view: str = "desk", chain: str = "clinic/1"
) -> tuple[str, ...]:
    return reads.record(actor=actor, now=at, chain=chain, view=view, patients=patients)


def notes() -> list[dict[str, object]]:
    return [fact.new["data"] for fact in Fact.objects.filter(source="a").order_by("id") if fact.new]


def test_the_same_board_is_recorded_once_in_fifteen_minutes():
    assert look("A", "B") == ("A", "B")
    assert look("B", "A", at=NOW + timedelta(minutes=14, seconds=59)) == ()
    assert notes() == [{"view": "desk", "patients": ["A", "B"]}]


def test_after_fifteen_minutes_it_is_recorded_again():
    look("A", "B")
    assert look("A", at=NOW + reads.WINDOW) == ("A",)
    assert look("B", at=NOW + reads.WINDOW) == ("B",)


def test_who_enters_the_view_is_recorded_alone():
    look("A")
    assert look("A", "B") == ("B",)
    assert notes() == [{"view": "desk", "patients": ["A"]}, {"view": "desk", "patients": ["B"]}]


@pytest.mark.parametrize(
    "other", [{"actor": Actor(kind="staff", id="8", label="otto")}, {"view": "patient.page"}, {"chain": "clinic/2"}]
)
def test_another_person_view_or_clinic_is_another_record(other):
    look("A")
    assert look("A", **other) == ("A",)


def test_a_page_without_patients_is_no_record_and_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert look() == ()


def test_a_page_seen_before_costs_one_query(django_assert_num_queries):
    look("A", "B")
    with django_assert_num_queries(1):
        look("A")


def test_a_clock_that_went_back_starts_anew():
    look("A")
    assert look("A", at=NOW - timedelta(minutes=1)) == ("A",)


def test_the_record_says_who_read_and_in_which_role():
    look("A")
    fact = Fact.objects.get(source="a")
    assert fact.chain == "clinic/1"
    context = json.loads(fact.ctx or "")
    assert (context["actor"]["id"], context["actor"]["roles"]) == ("7", ["reception"])
    assert context["use"]["case"] == "read.desk"


def test_what_is_not_recorded_is_not_remembered_as_recorded(monkeypatch):
    def broken(**given):
        raise RuntimeError

    monkeypatch.setattr(reads, "note", broken)
    with pytest.raises(RuntimeError):
        look("A")
    assert not ReadWindow.objects.filter(patients__contains=["A"]).exists()


@given(pages=st.lists(st.tuples(st.integers(0, 40), st.sets(st.sampled_from("ABCDE"))), max_size=12))
def test_every_look_is_covered_by_a_record_of_the_fifteen_minutes_before_it(pages):
    ReadWindow.objects.all().delete()
    recorded: list[tuple[int, str]] = []
    for minute, shown in sorted(pages, key=lambda page: page[0]):
        recorded += [(minute, code) for code in look(*shown, at=NOW + timedelta(minutes=minute))]
        for code in shown:
            assert any(known == code and minute - 15 < at <= minute for at, known in recorded)
