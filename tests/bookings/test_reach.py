"""Whom a proved address reaches, and what of theirs it is shown."""

from datetime import date, timedelta

import pytest

from bookings import lookup, patients, reach
from bookings.contacts import contact_of
from bookings.models import Appointment, Clinic, HealthcareService, Patient, RelatedPerson
from bookings.reach import Proven
from tests.factories import MONDAY, AppointmentFactory, Cast, PatientFactory, RelatedPersonFactory, cast

pytestmark = pytest.mark.django_db

NOW = MONDAY - timedelta(days=3)
SINCE = NOW - timedelta(days=7)


@pytest.fixture
def people() -> Cast:
    everyone = cast()
    for patient in Patient.objects.all():
        patients.reindex(patient)
    return everyone


def child_of(people: Cast, **more: object) -> tuple[Patient, RelatedPerson]:
    """A child whose father has the address ben@example.org."""
    child = PatientFactory(clinic=people.clinic, email="", birth_date="2012-05-04", **more)
    father = RelatedPersonFactory(clinic=people.clinic, patient=child, email="ben@example.org", relationship="parent")
    patients.reindex(child)
    return child, father


def visit(people: Cast, patient: Patient, **more: object) -> Appointment:
    return AppointmentFactory(clinic=people.clinic, patient=patient, service=people.service, **more)


def ben(people: Cast) -> Proven:
    return reach.proven(clinic_id=people.clinic.pk, email="Ben@Example.org")


def shown(proven: Proven) -> list[Appointment]:
    return lookup.reached_by(proven=proven, now=NOW, since=SINCE)


def test_an_address_reaches_its_own_patient_and_those_it_acts_for(people: Cast) -> None:
    own = PatientFactory(clinic=people.clinic, email="ben@example.org")
    patients.reindex(own)
    RelatedPerson.objects.exclude(patient=own).delete()
    child, father = child_of(people)
    found = reach.reached(proven=ben(people), now=NOW)
    assert [(one.patient, one.person) for one in found] == [(own, None), (child, father)]


def test_an_authority_that_ended_closes_everything_the_day_after(people: Cast) -> None:
    child, father = child_of(people)
    appointment = visit(people, child, contact_person=father)
    father.valid_until = NOW.date()
    father.save()
    assert shown(ben(people)) == [appointment]
    assert reach.may_see(appointment, proven=ben(people), now=NOW)
    later = NOW + timedelta(days=1)
    assert lookup.reached_by(proven=ben(people), now=later, since=SINCE) == []
    assert not reach.may_see(appointment, proven=ben(people), now=later)


def test_a_confidential_patient_is_closed_to_whoever_acts_for_them_and_written_to_alone(people: Cast) -> None:
    child, father = child_of(people)
    child.email = "kim@example.org"
    child.confidential = True
    child.save()
    patients.reindex(child)
    appointment = visit(people, child, contact_person=father)
    assert shown(ben(people)) == []
    assert shown(reach.proven(clinic_id=people.clinic.pk, email="kim@example.org")) == [appointment]
    assert contact_of(appointment, now=NOW).email == "kim@example.org"


def test_a_confidential_service_is_shown_to_the_patient_and_to_whoever_booked_it(people: Cast) -> None:
    HealthcareService.objects.filter(pk=people.service.pk).update(confidential=True)
    people.service.refresh_from_db()
    child, father = child_of(people)
    alone, by_father = visit(people, child), visit(people, child, contact_person=father, start=MONDAY)
    assert shown(ben(people)) == [by_father]
    assert not reach.may_see(alone, proven=ben(people), now=NOW)


@pytest.mark.parametrize(("born", "open_to_the_father"), [("2012-11-28", True), ("2012-11-27", False)])
def test_from_the_clinics_age_on_parents_see_only_what_they_booked(
    people: Cast, born: str, open_to_the_father: bool
) -> None:
    Clinic.objects.filter(pk=people.clinic.pk).update(confidential_age=14)
    child, father = child_of(people)
    child.birth_date = born
    child.save()
    alone = Appointment.objects.select_related("clinic", "location", "service", "patient").get(
        pk=visit(people, child).pk
    )
    assert NOW.date() == date(2026, 11, 27)
    assert reach.may_see(alone, proven=ben(people), now=NOW) is open_to_the_father
    by_father = visit(people, child, contact_person=father, start=MONDAY)
    assert reach.may_see(by_father, proven=ben(people), now=NOW)


def test_somebody_who_acts_by_another_right_is_not_bound_by_the_age(people: Cast) -> None:
    Clinic.objects.filter(pk=people.clinic.pk).update(confidential_age=14)
    old = PatientFactory(clinic=people.clinic, email="", birth_date="1938-05-04")
    RelatedPersonFactory(clinic=people.clinic, patient=old, email="ben@example.org", relationship="carer")
    patients.reindex(old)
    appointment = visit(people, old)
    assert shown(ben(people)) == [appointment]


def test_the_same_address_at_another_clinic_opens_nothing_here(people: Cast) -> None:
    child, father = child_of(people)
    appointment = visit(people, child, contact_person=father)
    elsewhere = reach.proven(clinic_id=people.elsewhere.pk, email="ben@example.org")
    assert shown(elsewhere) == []
    assert not reach.may_see(appointment, proven=elsewhere, now=NOW)
    assert not reach.may_see(appointment, proven=Proven(people.clinic.pk, elsewhere.token), now=NOW)


def test_a_token_names_nobody_and_upper_case_does_not_count(people: Cast) -> None:
    assert ben(people) == reach.proven(clinic_id=people.clinic.pk, email=" BEN@example.ORG ")
    assert "ben" not in repr(ben(people))
