"""What was kept or made under other circumstances: asked again with other answers, moved, squeezed over, corrected."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bookings import approval, holds, intake, moving, parties, proof, unlocking
from bookings.availability import Asking, free_slots
from bookings.availability.search import Narrowed
from bookings.models import Appointment, Hold, Occupancy, VisitKind
from bookings.recurrence import rule
from bookings.series import series_of
from tests.bookings.story import CARLA, DAY, HOUR, NOW, TEN, VISITOR, book, by_staff, hold, wished
from tests.factories import Cast, NoticeFactory, PatientFactory, RoomFactory, TermsFactory, cast, occupy

pytestmark = pytest.mark.django_db
VIDEO = Asking(kind=VisitKind.VIDEO)


def draft(people: Cast, held: Hold, **asked: Any) -> Any:
    return intake.start(actor=VISITOR, now=NOW, visitor="one", hold=held, language="en", **asked)


def test_the_same_time_with_other_answers_keeps_what_is_asked_for_now() -> None:
    people = cast(room_kind="consultation", kinds=["on-site", "video"])
    room = RoomFactory(location=people.location)
    first = hold(people, asking=VIDEO)
    opened = draft(people, first, asking=VIDEO)
    again = hold(people)
    assert (first.room, again.room) == (None, room)
    assert not Hold.objects.filter(pk=first.pk).exists()
    assert parties.asking_of(parties.read(draft(people, again))).kind == VisitKind.ON_SITE
    opened.refresh_from_db()
    assert opened.hold is None


def test_other_answers_that_take_the_same_time_keep_the_hold_and_count() -> None:
    people = cast()
    first = hold(people)
    draft(people, first)
    again = hold(people, asking=Asking(coverage="private"))
    assert again.pk == first.pk
    opened = draft(people, again, asking=Asking(coverage="private"))
    assert parties.asking_of(parties.read(opened)).coverage == "private"


def test_a_single_visit_kept_grows_into_the_whole_series() -> None:
    people = cast(most_repeats=5)
    hold(people, practitioner=people.demir)
    wishes = series_of(wished(people), rrule=rule(frequency="WEEKLY", count=4))
    made = holds.hold_together(actor=VISITOR, now=NOW, visitor="one", wishes=wishes, skipping=True)
    assert [one.start for one in made] == [TEN + week * timedelta(weeks=1) for week in range(4)]
    assert Hold.objects.count() == 4


def test_a_series_kept_shrinks_to_the_single_visit_asked_for_now() -> None:
    people = cast(most_repeats=5)
    wishes = series_of(wished(people), rrule=rule(frequency="WEEKLY", count=4))
    holds.hold_together(actor=VISITOR, now=NOW, visitor="one", wishes=wishes)
    hold(people, practitioner=people.demir)
    assert [one.start for one in Hold.objects.all()] == [TEN]


def test_a_series_pressed_twice_is_kept_once_with_what_was_taken_left_out() -> None:
    people = cast(most_repeats=5)
    occupy(schedules=[people.demir.schedule_id], start=TEN + 7 * DAY, end=TEN + 7 * DAY + HOUR)
    wishes = series_of(wished(people), rrule=rule(frequency="WEEKLY", count=4))
    first, second = (
        holds.hold_together(actor=VISITOR, now=NOW, visitor="one", wishes=wishes, skipping=True) for _ in range(2)
    )
    assert [one.pk for one in first] == [one.pk for one in second]
    assert len(first) == 3


def test_whoever_holds_a_time_books_it_though_somebody_was_squeezed_in() -> None:
    people = cast(overbook_cap=1)
    held = hold(people, practitioner=people.demir)
    squeezed = by_staff(people, patient=PatientFactory(clinic=people.clinic), overbook_reason="urgent")
    visit = book(people, hold=held, practitioner=people.demir)
    assert (squeezed.overbooked, visit.overbooked, visit.start) == (True, False, TEN)
    assert Occupancy.objects.filter(kind="appointment", overbooked=False).count() == 1


def test_what_nobody_was_asked_does_not_keep_a_patient_from_moving() -> None:
    people = cast()
    visit = by_staff(people)
    TermsFactory(service=people.service, coverage="private", duration=45)
    day = TEN.date()
    narrowed = Narrowed(moved=(visit,))
    found = free_slots(
        service=people.service, now=NOW, since=day, until=day + DAY, asking=Asking.of(visit), narrowed=narrowed
    )
    assert TEN + HOUR in [slot.start for slot in found]
    moved = moving.reschedule(
        actor=VISITOR, now=NOW, appointment_id=visit.pk, start=TEN + HOUR, location=None, by="patient"
    )
    assert moved.start == TEN + HOUR


def test_an_offer_moved_by_the_patient_is_booked_where_nobody_confirms_any_more() -> None:
    people = cast(needs_approval=True)
    visit = book(people)
    approval.offer(actor=CARLA, now=NOW, appointment_id=visit.pk, start=TEN + HOUR)
    people.service.needs_approval = False
    people.service.save()
    moving.reschedule(actor=VISITOR, now=NOW, appointment_id=visit.pk, start=TEN + 2 * HOUR, by="patient")
    visit.refresh_from_db()
    assert (visit.status, visit.respond_by) == ("booked", None)


def test_a_code_sent_to_an_address_corrected_since_opens_nothing() -> None:
    people = cast()
    visit = book(people)
    sent = unlocking.send_code(actor=VISITOR, now=NOW, visitor="v", appointment=visit, language="en")
    people.ada.email = "right@example.org"
    people.ada.save()
    visit = Appointment.objects.get(pk=visit.pk)
    with pytest.raises(proof.CodeExpired):
        unlocking.unlock(actor=VISITOR, now=NOW, visitor="v", appointment=visit, challenge_id=sent.pk, code=sent.code)


@pytest.mark.parametrize("moment", ["9999-12-31T23:59Z", "9999-12-30T12:00Z", "0001-01-01T00:00Z"])
@pytest.mark.parametrize("more", [{}, {"people": "2"}, {"every": "week", "times": "2"}])
def test_a_time_at_the_edge_of_the_calendar_is_refused_in_words(moment: str, more: dict[str, str]) -> None:
    people = cast(most_repeats=4)
    NoticeFactory(clinic=people.clinic)
    way = reverse("bookings:hold", args=[people.clinic.slug, people.service.slug])
    answer = Client().post(way, {"slot": f"{moment}~{people.location.slug}~", **more})
    assert answer.status_code == 409
    assert not Hold.objects.exists()
