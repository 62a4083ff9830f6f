"""Who takes part, what they answered, and what the records say of it."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from audit.context import Actor
from audit.models import Fact
from bookings import booking, links, participants
from bookings.models import Appointment, Notice, Participant, ParticipantStatus
from bookings.participants import CannotBeInvited, NothingToAnswer
from tests.factories import MONDAY, AppointmentFactory, Cast, PractitionerFactory, RelatedPersonFactory, cast

pytestmark = pytest.mark.django_db(transaction=True)

NOW = MONDAY - timedelta(days=3)
CARLA = Actor(kind="staff", id="7", label="carla", roles=("reception",))
Role = Participant.Role


@pytest.fixture
def people(transactional_db: None) -> Cast:
    return cast()


@pytest.fixture
def visit(people: Cast) -> Appointment:
    return booking.book(
        actor=CARLA,
        now=NOW,
        key=uuid.uuid4(),
        patient=people.ada,
        service=people.service,
        location=people.location,
        start=MONDAY + timedelta(hours=2),
    )


def invited(visit: Appointment, **fields: Any) -> Participant:
    given: dict[str, Any] = {"role": Role.INTERPRETER, "name": "Ivo Hint", "email": "ivo@example.org", **fields}
    return participants.invite(actor=CARLA, now=NOW, appointment_id=visit.pk, **given)


def respond(participant: Participant, status: ParticipantStatus, *, now: datetime = NOW) -> Participant:
    return participants.respond(actor=CARLA, now=now, participant_id=participant.pk, status=status)


def operations() -> list[str]:
    """What the evidence calls each change of a participant, in order."""
    facts = Fact.objects.filter(tbl="bookings_participant").order_by("pk")
    return [json.loads(fact.ctx or "{}")["operation"] for fact in facts]


def parts(visit: Appointment) -> dict[str, str]:
    return {part.role: part.status for part in participants.participants_of(visit)}


@pytest.mark.parametrize(
    ("status", "by", "reason", "patient", "practitioner"),
    [
        ("pending", "", "", "accepted", "needs-action"),
        ("proposed", "", "", "needs-action", "accepted"),
        ("booked", "", "", "accepted", "accepted"),
        ("fulfilled", "", "", "accepted", "accepted"),
        ("cancelled", "patient", "", "declined", "accepted"),
        ("cancelled", "clinic", "", "accepted", "declined"),
        ("cancelled", "system", "request-lapsed", "accepted", "needs-action"),
        ("cancelled", "system", "offer-lapsed", "needs-action", "accepted"),
    ],
)
def test_the_parts_of_patient_and_practitioner_follow_from_the_status(
    visit: Appointment, status: str, by: str, reason: str, patient: str, practitioner: str
) -> None:
    visit.status, visit.cancelled_by, visit.cancellation_reason = status, by, reason
    assert parts(visit) == {"patient": patient, "primary-practitioner": practitioner}


def test_everybody_has_a_line_and_the_patient_is_a_code(people: Cast, visit: Appointment) -> None:
    invited(visit)
    lines = [(part.label, str(part.status_label)) for part in participants.participants_of(visit)]
    assert lines == [(people.ada.code, "accepted"), ("Dr Demir", "accepted"), ("Ivo Hint", "has not answered")]


def test_an_invitation_and_its_answers_are_called_what_they_are_in_the_evidence(visit: Appointment) -> None:
    participant = invited(visit)
    respond(participant, ParticipantStatus.TENTATIVE)
    respond(participant, ParticipantStatus.ACCEPTED)
    respond(participant, ParticipantStatus.DECLINED)
    assert operations() == ["invite", "tentative", "accept", "decline"]


def test_the_same_answer_twice_is_one(visit: Appointment) -> None:
    participant = invited(visit)
    # The row says when it was changed by the database's own clock, which may be past this test's.
    Appointment.objects.filter(pk=visit.pk).update(updated=NOW)
    first = respond(participant, ParticipantStatus.ACCEPTED)
    second = respond(participant, ParticipantStatus.ACCEPTED, now=NOW + timedelta(hours=1))
    assert second.answered_at == first.answered_at == NOW
    assert operations() == ["invite", "accept"]


def test_no_answer_is_no_answer(visit: Appointment) -> None:
    with pytest.raises(ValueError, match="needs-action"):
        respond(invited(visit), ParticipantStatus.NEEDS_ACTION)


def test_an_answer_is_taken_until_the_visit_ends(visit: Appointment) -> None:
    participant = invited(visit)
    respond(participant, ParticipantStatus.ACCEPTED, now=visit.end - timedelta(seconds=1))
    with pytest.raises(NothingToAnswer):
        respond(participant, ParticipantStatus.DECLINED, now=visit.end)


def test_a_cancelled_visit_takes_no_answer_and_no_invitation(visit: Appointment) -> None:
    participant = invited(visit)
    booking.cancel(actor=CARLA, now=NOW, appointment_id=visit.pk, by="clinic")
    with pytest.raises(NothingToAnswer):
        respond(participant, ParticipantStatus.ACCEPTED)
    with pytest.raises(NothingToAnswer):
        invited(visit)


def test_when_somebody_who_must_be_there_declines_the_desk_is_told_until_it_is_well_again(visit: Appointment) -> None:
    must, may = invited(visit, required=True), invited(visit)
    respond(may, ParticipantStatus.DECLINED)
    assert not Notice.objects.exists()
    respond(must, ParticipantStatus.DECLINED)
    notice = Notice.objects.get()
    assert (notice.kind, notice.appointment, notice.resolved_at) == ("participant-declined", visit, None)
    respond(must, ParticipantStatus.ACCEPTED, now=NOW + timedelta(hours=1))
    notice.refresh_from_db()
    assert notice.resolved_at == NOW + timedelta(hours=1)


def test_one_of_two_who_must_be_there_coming_after_all_leaves_the_notice(visit: Appointment) -> None:
    one, two = invited(visit, required=True), invited(visit, required=True)
    for participant in (one, two):
        respond(participant, ParticipantStatus.DECLINED)
    respond(one, ParticipantStatus.ACCEPTED)
    assert Notice.objects.get().resolved_at is None


def test_only_people_of_this_clinic_and_this_patient_are_invited_and_each_once(
    people: Cast, visit: Appointment
) -> None:
    second = PractitionerFactory(clinic=people.clinic)
    invited(visit, role=Role.PRACTITIONER, practitioner=second)
    wrong: list[dict[str, Any]] = [
        {"role": Role.PRACTITIONER, "practitioner": second},
        {"role": Role.PRACTITIONER, "practitioner": people.demir},
        {"role": Role.PRACTITIONER, "practitioner": PractitionerFactory(clinic=people.elsewhere)},
        {"role": Role.PRACTITIONER},
        {"role": Role.INTERPRETER, "practitioner": PractitionerFactory(clinic=people.clinic)},
        {"role": Role.RELATED_PERSON, "related_person": RelatedPersonFactory()},
    ]
    for fields in wrong:
        with pytest.raises(CannotBeInvited):
            invited(visit, **fields)
    assert Participant.objects.count() == 1


def test_a_link_opens_its_own_answer_only_and_not_for_ever(visit: Appointment) -> None:
    one, two = invited(visit), invited(visit)
    tokens = {links.participant_token(one), links.participant_token(two), links.token(visit)}
    assert len(tokens) == 3
    found = links.participant_by_token(token=links.participant_token(one), now=NOW)
    assert found == one
    assert links.participant_by_token(token=links.token(visit), now=NOW) is None
    late = visit.end + timedelta(days=visit.clinic.link_days)
    assert links.participant_by_token(token=links.participant_token(one), now=late) is None
    assert links.participant_token(one) not in str(Participant.objects.filter(pk=one.pk).values())


@pytest.mark.parametrize("count", [1, 3])
def test_any_number_of_parts_takes_two_queries(
    visit: Appointment, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for _ in range(count):
        invited(visit)
    read = Appointment.objects.select_related("patient", "practitioner").get(pk=visit.pk)
    with django_assert_num_queries(2):
        assert len(participants.participants_of(read)) == count + 2


def test_name_and_address_are_sealed(visit: Appointment) -> None:
    invited(visit)
    facts = str(list(Fact.objects.filter(tbl="bookings_participant").values()))
    assert "Ivo Hint" not in facts
    assert "ivo@example.org" not in facts


def test_factory_visits_have_parts_too(people: Cast) -> None:
    assert parts(AppointmentFactory(clinic=people.clinic, patient=people.ada)) == {
        "patient": "accepted",
        "primary-practitioner": "accepted",
    }
