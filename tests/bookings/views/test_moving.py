"""Moving an appointment to another time, behind its link."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from bookings.models import Appointment
from tests.bookings.views.test_appointments import address, opened
from tests.bookings.views.test_filters import starts
from tests.bookings.views.walk import NINE, Walk, heading
from tests.factories import (
    AppointmentFactory,
    LocationFactory,
    OfferFactory,
    PractitionerFactory,
    SessionFactory,
    TermsFactory,
    open_week,
)

pytestmark = pytest.mark.django_db
TEN = NINE + timedelta(hours=1)


def slot(start: Any, place: str = "bellecour") -> str:
    return f"{start:%Y-%m-%dT%H:%MZ}~{place}~"


def fresh(appointment: Appointment) -> Appointment:
    return Appointment.objects.get(pk=appointment.pk)


def test_the_times_it_can_move_to_count_its_own_as_free(walk: Walk) -> None:
    walk.people.service.step = 15
    walk.people.service.save()
    appointment = walk.booked()
    shown = walk.client.get(address(appointment, "move"), {"from": "2026-11-30"})
    assert heading(shown) == "Move to another time"
    assert "Now it is Monday, 30 November 2026, 09:00 (Paris time)." in shown.content.decode()
    assert {"2026-11-30T08:15Z", "2026-11-30T08:30Z"} <= starts(shown.content.decode())
    assert "2026-11-30T08:15Z" not in starts(walk.client.get(walk.times, {"from": "2026-11-30"}).content.decode())


def test_a_time_is_confirmed_before_it_moves_and_reading_moves_nothing(walk: Walk) -> None:
    appointment = walk.booked()
    question = walk.client.get(address(appointment, "move"), {"slot": slot(TEN)})
    assert heading(question) == "Move the appointment?"
    shown = question.content.decode()
    assert "Monday, 30 November 2026, 09:00 (Paris time)" in shown
    assert "Monday, 30 November 2026, 10:00 (Paris time)" in shown
    assert 'name="scope"' not in shown
    assert fresh(appointment).start == NINE
    response = walk.client.post(address(appointment, "move"), {"slot": slot(TEN)})
    assert response["Location"] == address(appointment) + "?moved=1"
    assert "The appointment is moved." in walk.client.get(response["Location"]).content.decode()
    moved = fresh(appointment)
    assert (moved.start, moved.sequence, moved.status) == (TEN, 1, "booked")
    assert Walk(Client(), walk.people).hold().status_code == 302


def test_a_moved_visit_keeps_the_length_it_was_given(walk: Walk) -> None:
    TermsFactory(service=walk.people.service, standing="new", duration=60)
    draft = walk.draft(standing="new")
    walk.fill(draft)
    walk.type_code(draft)
    appointment = Appointment.objects.get()
    AppointmentFactory(
        clinic=appointment.clinic,
        location=appointment.location,
        service=appointment.service,
        practitioner=appointment.practitioner,
        patient=walk.people.ada,
        start=NINE + timedelta(hours=3),
    )
    listed = starts(walk.client.get(address(appointment, "move"), {"from": "2026-11-30"}).content.decode())
    assert "2026-11-30T10:00Z" in listed
    assert "2026-11-30T10:30Z" not in listed


def test_it_can_move_to_another_place_and_says_where(walk: Walk) -> None:
    other = LocationFactory(clinic=walk.people.clinic, name="Croix-Rousse", slug="croix-rousse", address="9 rue X")
    second = PractitionerFactory(clinic=walk.people.clinic, name="Novak")
    OfferFactory(service=walk.people.service, practitioner=second)
    open_week(of=second, at=other)
    appointment = walk.booked()
    shown = walk.client.get(address(appointment, "move"), {"slot": slot(TEN, "croix-rousse")}).content.decode()
    assert "9 rue X" in shown
    assert 'href="?location=croix-rousse"' in walk.client.get(address(appointment, "move")).content.decode()
    walk.client.post(address(appointment, "move"), {"slot": slot(TEN, "croix-rousse")})
    assert (fresh(appointment).location, fresh(appointment).practitioner) == (other, second)


def test_a_lost_race_moves_nothing_and_shows_the_times(walk: Walk) -> None:
    appointment = walk.booked()
    Walk(Client(), walk.people).hold(TEN)
    response = walk.client.post(address(appointment, "move"), {"slot": slot(TEN)})
    shown = response.content.decode()
    assert (response.status_code, heading(response)) == (409, "Move to another time")
    assert "This time is no longer free." in shown
    assert "Nothing was moved." in shown
    assert 'href="?from=' in shown
    assert fresh(appointment).start == NINE


def test_who_would_see_the_patient_is_said_and_is_who_does(walk: Walk) -> None:
    appointment = walk.booked()
    caron = PractitionerFactory(clinic=walk.people.clinic, name="Caron")
    OfferFactory(service=walk.people.service, practitioner=caron)
    open_week(of=caron, at=walk.people.location)
    ask = walk.client.get(address(appointment, "move"), {"slot": slot(TEN)})
    assert (ask.context["who"], "instead of" in ask.content.decode()) == (walk.people.demir, False)
    AppointmentFactory(
        clinic=walk.people.clinic,
        location=walk.people.location,
        service=walk.people.service,
        practitioner=walk.people.demir,
        patient=walk.people.ada,
        start=TEN,
        end=TEN + timedelta(minutes=30),
    )
    ask = walk.client.get(address(appointment, "move"), {"slot": slot(TEN)})
    assert ask.context["who"] == caron
    assert f"<strong>{caron}</strong> instead of {walk.people.demir}" in ask.content.decode()
    walk.client.post(address(appointment, "move"), {"slot": ask.context["slot"]})
    assert (fresh(appointment).practitioner, fresh(appointment).start) == (caron, TEN)


def test_the_time_it_has_already_leads_back(walk: Walk) -> None:
    appointment = walk.booked()
    back = walk.client.get(address(appointment, "move"), {"slot": slot(NINE)}, follow=True)
    assert "at this time already" in back.content.decode()
    walk.client.post(address(appointment, "move"), {"slot": slot(NINE)})
    assert fresh(appointment).sequence == 0


def test_too_late_is_told_with_the_phone(walk: Walk, clock: time_machine.Traveller) -> None:
    walk.people.service.cancel_until = 0
    walk.people.service.save()
    appointment = walk.booked()
    clock.move_to(NINE - timedelta(hours=3))
    browser = Client()
    opened(browser, appointment)
    shown = browser.get(address(appointment)).content.decode()
    assert "It can no longer be moved here. Please call +33 4 72 00 00 00." in shown
    assert "Move to another time" not in shown
    assert browser.get(address(appointment, "move"))["Location"] == address(appointment)
    response = browser.post(address(appointment, "move"), {"slot": slot(NINE + timedelta(days=1))})
    assert response.status_code == 409
    assert "It is too late to move this online." in response.content.decode()
    assert fresh(appointment).start == NINE


def test_a_cancelled_one_does_not_move(walk: Walk) -> None:
    appointment = walk.booked()
    walk.client.post(address(appointment, "cancel"))
    assert walk.client.post(address(appointment, "move"), {"slot": slot(TEN)})["Location"] == address(appointment)
    assert fresh(appointment).start == NINE


@pytest.mark.parametrize(
    ("posted", "status"),
    [
        ({"slot": ""}, 400),
        ({"slot": "\0"}, 400),
        ({"slot": slot(TEN, "nowhere")}, 404),
        ({"slot": slot(TEN), "scope": "all"}, 400),
        ({"slot": slot(TEN), "scope": "following"}, 302),
        ({"slot": slot(NINE + timedelta(minutes=7))}, 409),
        ({"slot": "0001-01-01T00:00Z~bellecour~"}, 409),
    ],
)
def test_a_forged_move_moves_nothing(walk: Walk, posted: dict[str, str], status: int) -> None:
    appointment = walk.booked()
    assert walk.client.post(address(appointment, "move"), posted).status_code == status
    assert fresh(appointment).start == NINE


def test_a_place_in_a_group_moves_to_another_session(walk: Walk) -> None:
    people = walk.people
    people.service.capacity = 3
    people.service.save()
    shared = {"service": people.service, "clinic": people.clinic, "location": people.location}
    for start in (NINE, TEN):
        SessionFactory(**shared, practitioner=people.demir, start=start)
    appointment = walk.booked()
    shown = walk.client.get(address(appointment, "move")).content.decode()
    assert starts(shown) == {"2026-11-30T08:00Z", "2026-11-30T09:00Z"}
    assert "3 places left" in shown
    walk.client.post(address(appointment, "move"), {"slot": slot(TEN)})
    moved = fresh(appointment)
    assert moved.session is not None
    assert (moved.start, moved.session.start) == (TEN, TEN)


def test_the_video_room_is_told_only_behind_the_code(walk: Walk) -> None:
    people = walk.people
    people.service.kinds = ["video"]
    people.service.save()
    people.demir.video_link = "https://video.example/room-7"
    people.demir.save()
    draft = walk.draft()
    assert "room-7" not in walk.client.get(walk.address(draft)).content.decode()
    walk.fill(draft)
    done = walk.client.get(walk.type_code(draft)["Location"]).content.decode()
    assert 'href="https://video.example/room-7"' in done
    appointment = Appointment.objects.get()
    assert "room-7" not in Client().get(address(appointment)).content.decode()
    walk.client.post(address(appointment, "cancel"))
    assert "room-7" not in walk.client.get(address(appointment)).content.decode()
