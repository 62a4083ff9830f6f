"""Patients registered and corrected at the desk."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from audit.context import Actor
from audit.models import SubjectKey
from bookings.availability import Wish
from bookings.booking import NotOffered, SlotTaken, Told, cancel
from bookings.models import Appointment, Patient
from bookings.patients import search
from bookings.registration import Closed, _correct, admit, admit_and_book, admit_and_book_series
from tests.bookings.entering import counted, visit
from tests.factories import Cast, PatientFactory, cast

pytestmark = pytest.mark.django_db
ACTOR = Actor.system("test")
NOW = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
NINE = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
SOFIA = {
    "family_name": "Kovalevskaya",
    "given_name": "Sofia",
    "birth_date": "1850-01-15",
    "email": "",
    "phone": "+46 8 123 456",
    "language": "en",
}

TOLD = Told(language="en", reason="Cough")


def book(story: Cast, *, key: uuid.UUID, start: datetime = NINE) -> Appointment:
    wish = wish_for(story, start=start)
    return admit_and_book(actor=ACTOR, now=NOW, key=key, person=SOFIA, wishes=[wish], told=TOLD).appointments[0]


def wish_for(story: Cast, *, start: datetime = NINE) -> Wish:
    return Wish(service=story.service, location=story.location, practitioner=None, start=start, online=False)


def test_somebody_admitted_has_a_key_of_their_own_and_is_found():
    story = cast()
    sofia = admit(actor=ACTOR, now=NOW, clinic=story.clinic, **SOFIA)
    assert sofia.key_id != story.ada.key_id
    assert search(clinic_ids=[story.clinic.pk], query="kovalev") == [sofia]


def test_what_does_not_fit_its_field_is_refused_and_leaves_no_key():
    story = cast()
    keys = SubjectKey.objects.count()
    with pytest.raises(ValidationError):
        admit(actor=ACTOR, now=NOW, clinic=story.clinic, **{**SOFIA, "family_name": "x" * 121})
    assert SubjectKey.objects.count() == keys


def test_somebody_new_is_registered_and_booked_or_neither():
    story = cast()
    visit(story, start=NINE)
    with pytest.raises(SlotTaken) as taken:
        book(story, key=uuid.uuid4())
    assert taken.value.nearest
    with pytest.raises(NotOffered):
        book(story, key=uuid.uuid4(), start=NINE.replace(hour=20))
    assert Patient.objects.count() == 1
    booked = book(story, key=uuid.uuid4(), start=NINE.replace(hour=9))
    assert booked.patient.family_name == "Kovalevskaya"
    assert not booked.booked_online


def test_the_same_command_again_gives_the_first_appointment_and_registers_nobody():
    story, key = cast(), uuid.uuid4()
    assert book(story, key=key) == book(story, key=key)
    assert Patient.objects.count() == 2


def test_somebody_new_gets_both_visits_or_none_and_is_registered_or_not():
    story = cast()
    wishes = [wish_for(story), wish_for(story, start=NINE.replace(hour=10))]
    taken = visit(story, start=wishes[1].start)
    with pytest.raises(SlotTaken):
        admit_and_book(actor=ACTOR, now=NOW, key=uuid.uuid4(), person=SOFIA, wishes=wishes, told=TOLD)
    assert (Patient.objects.count(), Appointment.objects.count()) == (1, 1)
    cancel(actor=ACTOR, now=NOW, appointment_id=taken.pk, by="clinic")
    key = uuid.uuid4()
    command: dict[str, Any] = {"actor": ACTOR, "now": NOW, "key": key, "person": SOFIA, "wishes": wishes, "told": TOLD}
    assert admit_and_book(**command).appointments == admit_and_book(**command).appointments
    assert (Patient.objects.count(), Appointment.objects.filter(together=key).count()) == (2, 2)


def test_somebody_new_gets_a_series_or_is_not_registered():
    story, key = cast(), uuid.uuid4()
    visit(story, start=NINE + timedelta(days=7))
    command: dict[str, Any] = {
        "actor": ACTOR,
        "now": NOW,
        "key": key,
        "person": SOFIA,
        "wish": wish_for(story),
        "told": TOLD,
    }
    command["rrule"] = "FREQ=WEEKLY;COUNT=3"
    with pytest.raises(SlotTaken):
        admit_and_book_series(**command, skipping=False)
    assert (Patient.objects.count(), Appointment.objects.count()) == (1, 1)
    made = admit_and_book_series(**command, skipping=True)
    assert [row.start for row in made.appointments] == [NINE, NINE + timedelta(days=14)]
    assert [leg.wish.start for leg in made.left_out] == [NINE + timedelta(days=7)]
    assert admit_and_book_series(**command, skipping=True).appointments == made.appointments
    assert Patient.objects.count() == 2


@pytest.mark.parametrize("state", ["erased", "joined"])
def test_nothing_is_written_about_somebody_erased_or_joined_while_the_page_was_open(state: str) -> None:
    story = cast()
    other = PatientFactory(clinic=story.clinic)
    now_is = {"erased_at": NOW} if state == "erased" else {"merged_into": other}
    Patient.objects.filter(pk=story.ada.pk).update(**now_is)
    assert not story.ada.is_closed
    with pytest.raises(Closed):
        _correct(actor=ACTOR, patient=story.ada)


def test_a_correction_is_one_change_with_how_they_are_kept() -> None:
    story = cast()
    story.ada.family_name, story.ada.confidential = "Byron", True
    with counted() as queries:
        _correct(actor=ACTOR, patient=story.ada, kept=["confidential"])
    assert len([one for one in queries if 'UPDATE "bookings_patient" ' in one["sql"]]) == 1
    found = Patient.objects.get(pk=story.ada.pk)
    assert (found.family_name, found.confidential) == ("Byron", True)
