"""Several people, or two services, booked one after the other: all or nothing, one form, one code."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bookings import links, parties
from bookings.forms import slots
from bookings.models import Appointment, ContactChallenge, Draft, HealthcareService, Hold
from tests.bookings.views.test_filters import starts
from tests.bookings.views.walk import NINE, Walk, heading
from tests.factories import (
    AppointmentFactory,
    LocationFactory,
    OfferFactory,
    PractitionerFactory,
    ServiceFactory,
    TermsFactory,
    open_week,
)

pytestmark = pytest.mark.django_db
HALF = timedelta(minutes=30)
SECOND = {
    "given_name_2": "Noah",
    "family_name_2": "Ångström",
    "birth_day_2": "1",
    "birth_month_2": "3",
    "birth_year_2": "2019",
}


@pytest.fixture
def blood(walk: Walk) -> HealthcareService:
    """A second service, given by somebody else at the same place."""
    made: HealthcareService = ServiceFactory(
        clinic=walk.people.clinic, name="Blood test", slug="blood-test", duration=15
    )
    person = PractitionerFactory(clinic=walk.people.clinic, name="Silva")
    OfferFactory(service=made, practitioner=person)
    open_week(of=person, at=walk.people.location)
    return made


def page(walk: Walk, **query: Any) -> str:
    return str(walk.client.get(walk.times, query).content.decode())


def take(walk: Walk, start: Any) -> None:
    """Somebody else has this time with Dr Demir."""
    people = walk.people
    AppointmentFactory(
        clinic=people.clinic,
        location=people.location,
        service=people.service,
        practitioner=people.demir,
        patient=people.ada,
        start=start,
    )


def fill_the_morning(walk: Walk) -> None:
    """Nothing is free on Monday between half past nine and eleven."""
    for number in (1, 2, 3):
        take(walk, NINE + number * HALF)


def test_for_two_people_only_times_with_room_for_both_are_listed(walk: Walk) -> None:
    fill_the_morning(walk)
    shown = page(walk, people="2", **{"from": "2026-11-30"})
    assert "2026-11-30T08:00Z" in starts(page(walk, **{"from": "2026-11-30"}))
    assert "2026-11-30T08:00Z" not in starts(shown)  # the second would have to wait for more than an hour
    assert "2026-11-30T10:00Z" in starts(shown)
    assert "11:00–12:00" in shown


def test_two_siblings_are_booked_by_one_form_and_one_code(walk: Walk) -> None:
    draft = walk.draft(people="2")
    assert [hold.start for hold in Hold.objects.order_by("start")] == [NINE, NINE + HALF]
    shown = walk.client.get(walk.address(draft)).content.decode()
    for words in ("Person 1", "Person 2", "Monday, 30 November 2026, 09:30 (Paris time)", "Your appointments"):
        assert words in shown
    assert shown.count('name="email"') == 1
    assert walk.fill(draft, who="other", helper_name="Ben", relationship="parent", **SECOND).status_code == 302
    assert walk.type_code(draft).status_code == 302
    first, second = Appointment.objects.order_by("start")
    assert (first.patient.given_name, second.patient.given_name) == ("Zoë", "Noah")
    assert second.patient.birth_date == "2019-03-01"
    assert first.together == second.together is not None
    assert ContactChallenge.objects.count() == 1
    assert first.contact_person is not None
    assert second.contact_person is not None
    assert {first.contact_person.name, second.contact_person.name} == {"Ben"}


def test_after_booking_each_visit_leads_to_the_other_without_another_code(walk: Walk) -> None:
    draft = walk.draft(people="2")
    walk.fill(draft, **SECOND)
    done = walk.client.get(walk.type_code(draft)["Location"]).content.decode()
    second = Appointment.objects.get(start=NINE + HALF)
    address = reverse("bookings:manage", args=[links.token(second)])
    assert "Booked together with it" in done
    assert f'href="{address}"' in done
    assert heading(walk.client.get(address)) == "Your appointment"
    assert "09:30 (Paris time)" in walk.client.get(address).content.decode()
    assert "Send me the code" in Client().get(address).content.decode()


def test_each_further_person_needs_a_name_and_everything_typed_stays(walk: Walk) -> None:
    draft = walk.draft(people="3")
    typed = {**SECOND, "family_name_2": "", "birth_year_2": "99", "given_name_3": "Mia", "family_name_3": "🙂"}
    response = walk.fill(draft, **typed)
    shown = response.content.decode()
    assert response.status_code == 422
    for mistake in ('href="#id_family_name_2"', 'href="#id_birth_year_2"', 'href="#id_family_name_3"'):
        assert mistake in shown
    again = walk.client.get(walk.address(draft)).content.decode()
    for kept in ('value="Noah"', 'value="99"', 'value="Mia"', 'value="🙂"'):
        assert kept in shown
        assert kept in again
    assert ContactChallenge.objects.count() == 0


def test_longer_and_another_language_keep_what_was_typed_of_everybody(walk: Walk) -> None:
    draft = walk.draft(people="2")
    walk.client.post(walk.address(draft, "extend"), {"family_name": "Half", **SECOND})
    kept = parties.read(Draft.objects.get())
    assert (kept["given_name_2"], kept["birth_date_2"]) == ("Noah", "2019-03-01")
    walk.client.post(walk.address(draft, "draft-language"), {"family_name": "Half", **SECOND, "language": "de"})
    assert parties.read(Draft.objects.get())["given_name_2"] == "Noah"


def test_the_same_press_twice_holds_once(walk: Walk) -> None:
    first, second = walk.draft(people="2"), walk.draft(people="2")
    assert (first.pk, Hold.objects.count()) == (second.pk, 2)


def test_who_loses_a_race_for_one_of_two_gets_none_and_sees_the_times(walk: Walk) -> None:
    fill_the_morning(walk)
    response = walk.hold(people="2")
    shown = response.content.decode()
    assert response.status_code == 409
    assert "This time is no longer free." in shown
    assert "Nothing is booked." in shown
    assert Hold.objects.count() == 0
    assert '<input type="hidden" name="people" value="2">' in shown
    assert f'href="{walk.times}?people=2&amp;from=' in shown
    assert slots.value(start=NINE + 4 * HALF, location="bellecour") in shown


def test_a_form_for_two_whose_time_went_sees_the_times_and_moves_as_two(walk: Walk, clock: Any) -> None:
    draft = walk.draft(people="2")
    clock.shift(timedelta(minutes=11))
    assert Walk(Client(), walk.people).hold(NINE + HALF).status_code == 302
    response = walk.fill(draft, **SECOND)
    assert response.status_code == 409
    assert f'name="draft" value="{draft.pk}"' in response.content.decode()
    assert walk.hold(NINE + 2 * HALF, draft=str(draft.pk), people="2").status_code == 302
    walk.fill(draft, **SECOND)
    walk.type_code(draft)
    booked = Appointment.objects.exclude(patient=walk.people.ada).order_by("start")
    assert [(one.start, one.patient.given_name) for one in booked] == [
        (NINE + 2 * HALF, "Zoë"),
        (NINE + 3 * HALF, "Noah"),
    ]


@pytest.mark.parametrize(
    "query", [{"people": "0"}, {"people": "6"}, {"people": "x"}, {"people": "2", "with": "blood-test"}]
)
def test_forged_numbers_of_people_are_a_400(walk: Walk, blood: HealthcareService, query: dict[str, Any]) -> None:
    assert walk.client.get(walk.times, query).status_code == 400
    assert walk.hold(**query).status_code == 400
    assert Hold.objects.count() == 0


def test_a_second_service_is_chosen_among_those_that_can_follow(walk: Walk, blood: HealthcareService) -> None:
    clinic = walk.people.clinic
    far = OfferFactory(service=ServiceFactory(clinic=clinic, name="Far away", slug="far"))
    open_week(of=far.practitioner, at=LocationFactory(clinic=clinic))
    group = OfferFactory(service=ServiceFactory(clinic=clinic, name="A group", slug="group", capacity=5))
    open_week(of=group.practitioner, at=walk.people.location)
    address = reverse("bookings:together", args=["parc", "consultation"])
    assert address in page(walk)
    shown = walk.client.get(address).content.decode()
    assert f"{walk.times}?with=blood-test" in shown
    assert ("Far away" in shown, "A group" in shown) == (False, False)
    for slug in ("far", "group", "consultation", "nowhere", "\0"):
        assert walk.client.get(walk.times, {"with": slug}).status_code == 404


def test_two_services_are_held_in_their_order_and_booked_for_one_person(walk: Walk, blood: HealthcareService) -> None:
    shown = page(walk, **{"with": "blood-test", "from": "2026-11-30"})
    assert "09:00–09:45" in shown
    assert 'href="/c/parc/blood-test/?with=consultation"' in shown
    draft = walk.draft(NINE, **{"with": "blood-test"})
    assert [(hold.service.name, hold.start) for hold in Hold.objects.order_by("start")] == [
        ("Consultation", NINE),
        ("Blood test", NINE + HALF),
    ]
    details = walk.client.get(walk.address(draft)).content.decode()
    assert ("Blood test" in details, "Dr Silva" in details, "Person 2" in details) == (True, True, False)
    assert f"{walk.times}?kind=on-site&amp;with=blood-test&amp;draft={draft.pk}" in details
    walk.fill(draft)
    walk.type_code(draft)
    first, second = Appointment.objects.order_by("start")
    assert (first.service.name, second.service.name) == ("Consultation", "Blood test")
    assert first.patient == second.patient


def test_the_other_order_is_another_booking(walk: Walk, blood: HealthcareService) -> None:
    address = reverse("bookings:hold", args=["parc", "blood-test"])
    response = walk.client.post(
        address, {"slot": slots.value(start=NINE, location="bellecour"), "with": "consultation"}
    )
    assert response.status_code == 302
    assert [hold.service.slug for hold in Hold.objects.order_by("start")] == ["blood-test", "consultation"]


def test_the_questions_of_both_services_are_asked(walk: Walk, blood: HealthcareService) -> None:
    TermsFactory(service=blood, coverage="private", duration=30)
    shown = page(walk, **{"with": "blood-test"})
    assert "Who pays?" in shown
    assert '<input type="hidden" name="with" value="blood-test">' in shown
    assert "09:00–10:00" in page(walk, **{"with": "blood-test", "coverage": "private", "from": "2026-11-30"})


def test_a_start_after_which_the_second_does_not_fit_holds_nothing(walk: Walk, blood: HealthcareService) -> None:
    response = walk.hold(NINE.replace(hour=15, minute=30), **{"with": "blood-test"})
    assert (response.status_code, Hold.objects.count()) == (409, 0)
