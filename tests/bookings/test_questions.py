"""What a clinic asks, and what becomes of the answers: kept, sealed, shown to people, and read by nothing else."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from audit import stream
from audit.erasure import erase
from audit.models import Record
from bookings import availability, completing, holds, intake, parties, questions
from bookings.availability import Wish
from bookings.models import Answer, Appointment, Draft, Hold, Patient, Question
from bookings.offers import Words
from tests.bookings.asking import choice, question, translated
from tests.bookings.story import HOUR, NOW, TEN, another, wished
from tests.bookings.test_intake import ACTOR, VISITOR, completed
from tests.bookings.test_intake_together import SIBLING, drafted
from tests.factories import Cast, OfferFactory, ServiceFactory, cast

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people(transactional_db: None) -> Cast:
    return cast()


def typed(row: Question, value: str, *, person: int = 1, asked: str = "", language: str = "en") -> dict[str, str]:
    """An answer as a form keeps it."""
    name = f"q{row.pk}" if person == 1 else f"q{row.pk}_{person}"
    return {name: value, f"q{row.pk}_asked": asked or row.text, f"q{row.pk}_language": language}


def told() -> list[tuple[Any, ...]]:
    """Every answer: its visit, the question as asked, the language, what was said."""
    return [(one.appointment_id, one.asked, one.language, one.value) for one in Answer.objects.order_by("pk")]


def served(people: Cast, **fields: Any) -> Any:
    """One more service of Dr Demir."""
    service = ServiceFactory(clinic=people.clinic, **fields)
    OfferFactory(service=service, practitioner=people.demir)
    return service


# --- what is asked


def test_questions_come_in_the_clinics_order_and_only_those_it_asks_now(people: Cast) -> None:
    second, first = question(people.service, "Second?"), question(people.service, "First?", order=1)
    question(people.service, "Not now?", active=False)
    question(ServiceFactory(clinic=people.clinic), "Of another service?")
    draft = drafted(people, wished(people))
    (group,) = questions.asked(draft=draft, language="en")
    assert [(one.pk, one.text.text, one.person) for one in group.questions] == [
        (first.pk, "First?", 1),
        (second.pk, "Second?", 1),
    ]


def test_a_question_comes_in_the_readers_language_or_marked_with_the_clinics(people: Cast) -> None:
    row = choice(people.service, hint="Now or before.")
    draft = drafted(people, wished(people))
    ((german,),) = (group.questions for group in questions.asked(draft=draft, language="de"))
    ((dutch,),) = (group.questions for group in questions.asked(draft=draft, language="nl"))
    assert (german.text, german.hint, german.options) == (
        Words("Rauchen Sie?", "de"),
        Words("Now or before.", "en"),
        ("Ja", "Nein"),
    )
    assert (dutch.text, dutch.options) == (Words("Do you smoke?", "en"), ("Yes", "No"))
    row.options = ["Yes", "No", "Sometimes"]
    row.save()
    ((half,),) = (group.questions for group in questions.asked(draft=draft, language="de"))
    assert (half.text.language, half.options) == ("en", ("Yes", "No", "Sometimes"))


def test_each_person_is_asked_once_for_each_of_their_services(people: Cast) -> None:
    later = served(people, name="Blood test")
    question(people.service, "Before the consultation?")
    question(later, "Fasting?")
    siblings = drafted(people, wished(people), wished(people, start=TEN + HOUR), persons=[2], form=SIBLING)
    pairs = [(group.person, str(group.service_name)) for group in questions.asked(draft=siblings, language="en")]
    assert pairs == [(1, people.service.name), (2, people.service.name)]
    both = Wish(service=later, location=people.location, practitioner=people.demir, start=TEN + 3 * HOUR)
    draft = drafted(people, wished(people, start=TEN + 2 * HOUR), both)
    pairs = [(group.person, str(group.service_name)) for group in questions.asked(draft=draft, language="en")]
    assert pairs == [(1, people.service.name), (1, "Blood test")]


def test_what_is_asked_takes_one_query_and_two_more_where_anything_is(
    people: Cast, django_assert_num_queries: Any
) -> None:
    draft = intake.find(now=NOW, visitor=VISITOR, draft_id=drafted(people, wished(people)).pk)
    with django_assert_num_queries(1):
        questions.asked(draft=draft, language="de")
    choice(people.service)
    with django_assert_num_queries(3):
        questions.asked(draft=draft, language="de")
    for number in range(3):
        choice(people.service, f"Number {number}?")
    with django_assert_num_queries(3):
        questions.asked(draft=draft, language="de")


def test_more_than_twenty_questions_are_not_asked(people: Cast) -> None:
    for number in range(25):
        question(people.service, f"Number {number}?")
    (group,) = questions.asked(draft=drafted(people, wished(people)), language="en")
    assert len(group.questions) == 20


# --- what was answered


def test_an_answer_is_kept_with_the_question_as_it_was_asked_in_its_language(people: Cast) -> None:
    row = choice(people.service)
    draft = drafted(people, wished(people), form=typed(row, "Ja", asked="Rauchen Sie?", language="de"))
    appointment = completed(draft)
    assert told() == [(appointment.pk, "Rauchen Sie?", "de", "Ja")]
    assert questions.answered(appointment) == [questions.Answered(Words("Rauchen Sie?", "de"), "Ja")]


def test_an_answer_is_sealed_under_the_patients_key_in_draft_table_and_record(people: Cast) -> None:
    row = question(people.service)
    draft = drafted(people, wished(people), form=typed(row, "Twenty a day"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT form FROM bookings_draft")
        assert "Twenty" not in cursor.fetchone()[0]
    appointment = completed(draft)
    answer = Answer.objects.get()
    assert answer.sealing_key_id() == appointment.patient.key_id
    with connection.cursor() as cursor:
        cursor.execute("SELECT asked || value FROM bookings_answer")
        assert "a day" not in cursor.fetchone()[0]
    stream.drain()
    (record,) = Record.objects.filter(model="bookings.Answer")
    assert ("a day" in record.body, "smoke" in record.body) == (False, False)
    assert (json.loads(record.body)["use"]["case"], record.capture) == ("intake.complete", "trigger+signal")


def test_a_date_is_shown_as_its_reader_writes_dates(people: Cast) -> None:
    row = question(people.service, "Since when?", kind="date")
    appointment = completed(drafted(people, wished(people), form=typed(row, "2026-12-24")))
    (shown,) = questions.answered(appointment)
    assert shown.value == "Thursday, 24 December 2026"
    row.delete()
    assert questions.answered(appointment)[0].value == "2026-12-24"


def test_what_was_left_empty_is_no_answer(people: Cast) -> None:
    row = question(people.service)
    completed(drafted(people, wished(people), form=typed(row, "  ")))
    assert told() == []


def test_each_siblings_answer_stands_at_their_own_visit_under_their_own_key(people: Cast) -> None:
    row = question(people.service)
    answers = typed(row, "Zoë does not") | typed(row, "Yann neither", person=2)
    draft = drafted(people, wished(people), wished(people, start=TEN + HOUR), persons=[2], form={**SIBLING, **answers})
    completed(draft)
    found = {one.value: one.appointment.patient.given_name for one in Answer.objects.all()}
    assert found == {"Zoë does not": "Zoë", "Yann neither": "Yann"}


def test_a_second_services_answer_stands_at_its_visit(people: Cast) -> None:
    later = served(people, name="Blood test")
    first, second = question(people.service), question(later, "Fasting?")
    both = Wish(service=later, location=people.location, practitioner=people.demir, start=TEN + HOUR)
    completed(drafted(people, wished(people), both, form=typed(first, "No") | typed(second, "Since eight")))
    found = {one.value: one.appointment.service.name for one in Answer.objects.all()}
    assert found == {"No": people.service.name, "Since eight": "Blood test"}


def test_a_series_is_asked_once_and_told_at_its_first_visit(people: Cast) -> None:
    people.service.most_repeats = 3
    people.service.save()
    row = question(people.service)
    wishes = [wished(people, start=TEN + timedelta(weeks=week)) for week in range(3)]
    draft = drafted(people, *wishes, form=typed(row, "No"), rrule="FREQ=WEEKLY;COUNT=3")
    assert [len(group.questions) for group in questions.asked(draft=draft, language="en")] == [1]
    completed(draft)
    assert [one.appointment.start for one in Answer.objects.all()] == [TEN]
    assert Appointment.objects.count() == 3


def test_answering_twice_by_a_second_press_is_one_answer(people: Cast) -> None:
    draft = drafted(people, wished(people), form=typed(question(people.service), "No"))
    completed(draft)
    completing.complete(actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk)
    assert len(told()) == 1


def test_a_question_the_clinic_takes_away_or_adds_meanwhile_breaks_nothing(people: Cast) -> None:
    gone, off = question(people.service, "Gone?"), question(people.service, "Off?")
    draft = drafted(people, wished(people), form=typed(gone, "A") | typed(off, "B"))
    gone.delete()
    off.active = False
    off.save()
    question(people.service, "New?")
    appointment = completed(draft)
    assert told() == [(appointment.pk, "Off?", "en", "B"), (appointment.pk, "Gone?", "en", "A")]


def test_answers_of_a_person_who_is_not_booked_are_not_kept(people: Cast) -> None:
    row = question(people.service)
    completed(drafted(people, wished(people), form=typed(row, "Somebody", person=3)))
    assert told() == []


def test_another_time_keeps_what_was_answered(people: Cast) -> None:
    row = question(people.service)
    draft = drafted(people, wished(people), form=typed(row, "No"))
    moved = intake.rehold(
        actor=ACTOR, now=NOW, visitor=VISITOR, draft_id=draft.pk, wishes=[wished(people, start=TEN + HOUR)]
    )
    assert parties.read(moved)[f"q{row.pk}"] == "No"
    completed(moved)
    assert len(told()) == 1


def test_a_hold_that_lapsed_takes_no_answer_with_it(people: Cast) -> None:
    row = question(people.service)
    draft = drafted(people, wished(people), form=typed(row, "No"))
    later = NOW + holds.HOLD + timedelta(minutes=1)
    holds.sweep(now=later)
    completed(draft, now=later)
    assert len(told()) == 1


def test_the_longest_form_five_people_can_fill_in_is_kept(people: Cast) -> None:
    rows = [question(people.service, f"Number {number}?") for number in range(20)]
    long = '"\n' * 500
    form: dict[str, str] = dict.fromkeys(parties.FIELDS, long)
    for row in rows:
        for person in range(1, 6):
            form |= typed(row, long, person=person, asked="?" * 200)
    draft = drafted(people, wished(people), form=form)
    assert parties.read(draft)[f"q{rows[-1].pk}_5"] == long


def test_after_erasure_nothing_that_was_answered_can_be_read(people: Cast) -> None:
    appointment = completed(drafted(people, wished(people), form=typed(question(people.service), "No")))
    erase(actor=ACTOR, now=NOW, subject=appointment.patient)
    assert questions.answered(Appointment.objects.get()) == []


# --- nothing reads them


ANSWERS = ("", "Yes", "No", "-1", "999999", "1900-01-01", "chest pain, now", "\u202e")


@pytest.mark.parametrize("value", ANSWERS)
def test_no_answer_ranks_routes_or_refuses(people: Cast, value: str) -> None:
    """Whatever is answered: the same free times, the same hold, the same booking."""
    other = another(people)
    row = question(people.service, "Where does it hurt?")

    def offered() -> list[Any]:
        found = availability.free_slots(
            service=people.service, now=NOW, since=TEN.date(), until=TEN.date() + timedelta(days=5)
        )
        return [(slot.start, slot.practitioner_id, slot.location_id) for slot in found]

    before = offered()
    draft = drafted(people, wished(people), form=typed(row, value))
    held = Hold.objects.get()
    assert (held.start, held.practitioner_id) == (TEN, people.demir.pk)
    appointment = completed(draft)
    assert (appointment.status, appointment.start, appointment.practitioner, appointment.room) == (
        "booked",
        TEN,
        people.demir,
        None,
    )
    assert (appointment.end, appointment.needs, appointment.overbooked) == (TEN + timedelta(minutes=30), "", False)
    assert [slot for slot in before if slot not in offered()] == [(TEN, people.demir.pk, people.location.pk)]
    assert any(practitioner == other.pk for _, practitioner, _ in offered())
    assert Patient.objects.get(pk=appointment.patient_id).remind


def test_the_words_of_the_question_reach_no_draft_that_was_not_asked(people: Cast) -> None:
    draft = drafted(people, wished(people))
    assert [name for name in parties.read(draft) if name.startswith("q")] == []
    assert Draft.objects.count() == 1


def test_a_translation_without_options_belongs_to_a_question_without_any(people: Cast) -> None:
    row = question(people.service)
    translated(row, text="Rauchen Sie?")
    (group,) = questions.asked(draft=drafted(people, wished(people)), language="de")
    assert group.questions[0].text == Words("Rauchen Sie?", "de")
