"""Who acts for whom, as the people themselves say it."""

from datetime import timedelta
from typing import Any

import pytest

from audit.context import Actor
from bookings import own_contact, patient_accounts, patients, reach, related
from bookings.contacts import contact_of
from bookings.models import Patient, PatientAccount, RelatedPerson
from tests.factories import MONDAY, AppointmentFactory, Cast, PatientFactory, RelatedPersonFactory, cast

pytestmark = pytest.mark.django_db(transaction=True)
NOW = MONDAY - timedelta(days=3)
ACTOR = Actor(kind="visitor", id="", label="")


@pytest.fixture
def people(transactional_db: None) -> Cast:
    everyone = cast()
    patients.reindex(everyone.ada)
    return everyone


def account(people: Cast, email: str = "ada@example.org") -> PatientAccount:
    return patient_accounts.enter(actor=ACTOR, now=NOW, clinic=people.clinic, email=email, language="en")


def named(people: Cast, **more: Any) -> RelatedPerson:
    given = {
        "account": account(people),
        "code": people.ada.code,
        "name": "Kim Park",
        "relationship": "carer",
        "email": "Kim@EXAMPLE.org",
        **more,
    }
    return related.name(actor=ACTOR, now=NOW, **given)


def reached(people: Cast, email: str, *, now: Any = NOW) -> list[Patient]:
    found = reach.reached(proven=reach.proven(clinic_id=people.clinic.pk, email=email), now=now)
    return [one.patient for one in found]


def test_whoever_is_named_reaches_the_patient_by_the_patients_wish(people: Cast) -> None:
    person = named(people)
    assert (person.authority, person.email, person.valid_until) == ("given", "Kim@example.org", None)
    assert reached(people, "kim@example.org") == [people.ada]


def test_the_last_day_counts(people: Cast) -> None:
    named(people, valid_until=NOW.date())
    assert reached(people, "kim@example.org") == [people.ada]
    assert reached(people, "kim@example.org", now=NOW + timedelta(days=1)) == []


def test_what_is_ended_is_over_at_once_for_pages_and_for_messages(people: Cast) -> None:
    appointment = AppointmentFactory(
        clinic=people.clinic, patient=people.ada, service=people.service, contact_person=people.ben
    )
    assert reached(people, "ben@example.org") == [people.ada]
    ended = related.end(actor=ACTOR, now=NOW, account=account(people), person_id=people.ben.pk)
    assert ended.valid_until == NOW.date() - timedelta(days=1)
    assert reached(people, "ben@example.org") == []
    appointment.refresh_from_db()
    assert contact_of(appointment, now=NOW).email == "ada@example.org"


def test_who_acts_may_stop_and_ends_nothing_of_others(people: Cast) -> None:
    kim = named(people)
    ben = account(people, "ben@example.org")
    with pytest.raises(related.NoSuchPerson):
        related.leave(actor=ACTOR, now=NOW, account=ben, person_id=kim.pk)
    with pytest.raises(related.NoSuchPerson):
        related.end(actor=ACTOR, now=NOW, account=ben, person_id=people.ben.pk)
    with pytest.raises(related.NoSuchPerson):
        related.leave(actor=ACTOR, now=NOW, account=account(people), person_id=people.ben.pk)
    related.leave(actor=ACTOR, now=NOW, account=ben, person_id=people.ben.pk)
    assert (reached(people, "ben@example.org"), reached(people, "kim@example.org")) == ([], [people.ada])


@pytest.mark.parametrize("authority", ["parental", "court"])
def test_a_right_of_law_is_left_by_its_holder_and_ended_by_the_clinic(people: Cast, authority: str) -> None:
    people.ben.authority = authority
    people.ben.save()
    with pytest.raises(related.NotYoursToEnd):
        related.end(actor=ACTOR, now=NOW, account=account(people), person_id=people.ben.pk)
    assert [one.endable for one in related.acting_for_holder(account=account(people), now=NOW)] == [False]
    related.leave(actor=ACTOR, now=NOW, account=account(people, "ben@example.org"), person_id=people.ben.pk)
    assert reached(people, "ben@example.org") == []


def test_a_right_that_is_over_is_listed_and_ended_no_more(people: Cast) -> None:
    people.ben.valid_until = NOW.date() - timedelta(days=9)
    people.ben.save()
    assert related.acting_for_holder(account=account(people), now=NOW) == []
    with pytest.raises(related.NoSuchPerson):
        related.end(actor=ACTOR, now=NOW, account=account(people), person_id=people.ben.pk)
    people.ben.refresh_from_db()
    assert people.ben.valid_until == NOW.date() - timedelta(days=9)


@pytest.mark.parametrize(
    ("email", "refusal"), [("ADA@example.org", related.OwnAddress), ("BEN@example.org", related.ActsAlready)]
)
def test_nobody_is_named_twice_nor_for_themselves(people: Cast, email: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        named(people, email=email)
    assert RelatedPerson.objects.count() == 1


def test_somebody_whose_right_ended_may_be_named_again(people: Cast) -> None:
    related.end(actor=ACTOR, now=NOW, account=account(people), person_id=people.ben.pk)
    named(people, email="ben@example.org")
    assert reached(people, "ben@example.org") == [people.ada]


def test_ten_people_are_enough(people: Cast) -> None:
    for number in range(related.MOST - 1):
        named(people, email=f"kim{number}@example.org")
    with pytest.raises(related.TooManyPeople):
        named(people)


def test_nobody_is_named_for_a_record_that_is_not_ones_own(people: Cast) -> None:
    stranger = PatientFactory(clinic=people.clinic, email="x@example.org")
    child = PatientFactory(clinic=people.clinic, email="")
    RelatedPersonFactory(clinic=people.clinic, patient=child, email="ada@example.org")
    for patient in (stranger, child):
        patients.reindex(patient)
        with pytest.raises(own_contact.NotTheirOwn):
            named(people, code=patient.code)


def test_a_confidential_patient_may_name_somebody_who_is_kept_out_while_it_lasts(people: Cast) -> None:
    people.ada.confidential = True
    people.ada.save()
    named(people)
    assert reached(people, "kim@example.org") == []
    assert [one.person.name for one in related.acting_for_holder(account=account(people), now=NOW)] == [
        *("Ben Lovelace", "Kim Park")
    ]
    assert related.held_for(account=account(people, "ben@example.org"), now=NOW) == []
