"""A code to the contact an appointment was booked with opens that appointment only."""

from datetime import timedelta

import pytest

from audit.context import Actor
from bookings import proof, unlocking
from bookings.models import Appointment, ContactChallenge
from tests.factories import MONDAY, AppointmentFactory, Cast, cast

pytestmark = pytest.mark.django_db
NOW = MONDAY - timedelta(days=3)
ACTOR = Actor(kind="visitor", id="", label="")


@pytest.fixture
def people(db: None) -> Cast:
    return cast()


def appointment(people: Cast, *, hour: int = 1, status: str = "booked") -> Appointment:
    made: Appointment = AppointmentFactory(
        clinic=people.clinic,
        location=people.location,
        service=people.service,
        practitioner=people.demir,
        patient=people.ada,
        start=MONDAY + timedelta(hours=hour),
        status=status,
        cancelled_by="patient" if status == "cancelled" else "",
    )
    return made


def sent(booked: Appointment) -> ContactChallenge:
    return unlocking.send_code(actor=ACTOR, now=NOW, visitor="v", appointment=booked, language="de")


def test_the_code_goes_to_the_stored_contact_in_the_readers_language(people: Cast) -> None:
    challenge = sent(appointment(people))
    assert (challenge.contact, challenge.language, challenge.purpose) == ("ada@example.org", "de", "manage")


def test_the_code_of_one_appointment_opens_no_other(people: Cast) -> None:
    mine, other = appointment(people), appointment(people, hour=2)
    challenge = sent(mine)
    with pytest.raises(proof.CodeExpired):
        unlocking.unlock(
            actor=ACTOR, now=NOW, visitor="v", appointment=other, challenge_id=challenge.pk, code=challenge.code
        )
    unlocking.unlock(
        actor=ACTOR, now=NOW, visitor="v", appointment=mine, challenge_id=challenge.pk, code=challenge.code
    )


def test_without_an_address_no_code_is_made(people: Cast) -> None:
    people.ada.email = ""
    people.ada.save()
    people.ben.delete()
    with pytest.raises(unlocking.NoContact):
        sent(appointment(people))
    assert ContactChallenge.objects.count() == 0


def test_a_patient_without_an_address_is_spoken_to_through_who_acts_for_them(people: Cast) -> None:
    people.ada.email = ""
    people.ada.save()
    assert sent(appointment(people)).contact == people.ben.email
    people.ada.confidential = True
    people.ada.save()
    with pytest.raises(unlocking.NoContact):
        sent(appointment(people, hour=3))


@pytest.mark.parametrize(
    ("status", "before", "allowed"),
    [("booked", 241, True), ("booked", 239, False), ("cancelled", 300, False), ("fulfilled", 300, False)],
)
def test_a_patient_cancels_while_the_status_and_the_clock_allow_it(
    people: Cast, status: str, before: int, allowed: bool
) -> None:
    booked = appointment(people, status=status)
    assert unlocking.cancellable(booked, now=booked.start - timedelta(minutes=before)) is allowed
