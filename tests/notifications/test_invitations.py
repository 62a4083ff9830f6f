"""Who is invited is written to, asked again when the time moves, and told when it is off."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from audit import stream
from audit.context import acting, use
from bookings import links, participants
from bookings.models import Appointment, Participant, ParticipantStatus
from notifications.models import Kind, Message, State
from tests.factories import Cast
from tests.happenings import CLERK, booked, cancelled, changed
from tests.notifications.stories import sent, standing
from tests.servers import MailSink

pytestmark = [pytest.mark.django_db, pytest.mark.real]


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


@pytest.fixture
def visit(people: Cast, now: datetime) -> Appointment:
    return booked(people, start=now.replace(microsecond=0) + timedelta(days=9), reason="A cough that stays")


@pytest.fixture
def invited(visit: Appointment) -> Participant:
    return asked(visit)


def asked(visit: Appointment, **fields: Any) -> Participant:
    given: dict[str, Any] = {
        "role": Participant.Role.INTERPRETER,
        "name": "Ivo Hint",
        "email": "ivo@example.org",
        "language": "en",
    }
    with acting(actor=CLERK):
        participant = participants._invite(
            actor=CLERK,
            now=datetime.now(UTC),
            appointment_id=visit.pk,
            **{"practitioner": None, "related_person": None, "required": False, **given, **fields},
        )
    stream.drain()
    return participant


def answered(participant: Participant, status: ParticipantStatus) -> None:
    with use("participants.respond", operation="accept", actor=CLERK):
        participants._respond(actor=CLERK, now=datetime.now(UTC), participant_id=participant.pk, status=status)
    stream.drain()


def to_ivo(mail_sink: MailSink) -> list[EmailMessage]:
    return [letter for letter in mail_sink.received if letter["To"] == "ivo@example.org"]


def text_of(letter: EmailMessage) -> str:
    body = letter.get_body(preferencelist=("plain",))
    assert body is not None
    return str(body.get_content())


def test_an_invitation_says_when_and_asks_and_names_nobody(
    invited: Participant, mail_sink: MailSink, now: datetime
) -> None:
    sent(now=now)
    (letter,) = to_ivo(mail_sink)
    text = text_of(letter)
    assert str(letter["Subject"]) == "Invitation to an appointment · Practice at the park"
    assert f"/p/{links.participant_token(invited)}/" in text
    assert links.token(invited.appointment) not in text
    everything = "".join(str(part.get_content()) for part in letter.walk() if not part.is_multipart()).casefold()
    for word in ("ada", "lovelace", "consultation", "demir", "cough", "ivo hint", "/a/"):
        assert word not in everything


def test_whoever_cannot_be_written_to_is_owed_nothing(visit: Appointment) -> None:
    asked(visit, email="")
    assert standing(["invitation"]) == []


def test_a_related_person_is_written_to_at_their_own_address(people: Cast, visit: Appointment) -> None:
    participant = asked(visit, role=Participant.Role.RELATED_PERSON, related_person=people.ben, email="", name="")
    assert participants.address_of(participant) == "ben@example.org"
    assert standing(["invitation"]) == [("invitation", "planned")]


def test_a_move_asks_again_whoever_had_answered(
    visit: Appointment, invited: Participant, mail_sink: MailSink, now: datetime
) -> None:
    sent(now=now)
    answered(invited, ParticipantStatus.ACCEPTED)
    changed(visit, start=visit.start + timedelta(hours=1), end=visit.end + timedelta(hours=1))
    invited.refresh_from_db()
    assert (invited.status, invited.answered_at) == (ParticipantStatus.NEEDS_ACTION, None)
    sent(now=now + timedelta(minutes=1))
    assert [str(letter["Subject"]) for letter in to_ivo(mail_sink)] == [
        "Invitation to an appointment · Practice at the park"
    ] * 2


def test_an_answer_given_after_the_move_stays(visit: Appointment, invited: Participant) -> None:
    changed(visit, start=visit.start + timedelta(hours=1), end=visit.end + timedelta(hours=1))
    moved_at = datetime.now(UTC)
    answered(invited, ParticipantStatus.DECLINED)
    assert participants.ask_again(actor=CLERK, now=moved_at, appointment_id=visit.pk) == 0
    invited.refresh_from_db()
    assert invited.status == ParticipantStatus.DECLINED


def test_whoever_answered_before_the_mail_left_is_not_asked(
    invited: Participant, mail_sink: MailSink, now: datetime
) -> None:
    answered(invited, ParticipantStatus.ACCEPTED)
    sent(now=now)
    assert to_ivo(mail_sink) == []


def test_a_cancelled_appointment_is_told_to_those_who_would_have_come(
    visit: Appointment, invited: Participant, mail_sink: MailSink, now: datetime
) -> None:
    asked(visit, email="no@example.org")
    declined = Participant.objects.exclude(pk=invited.pk).get()
    answered(declined, ParticipantStatus.DECLINED)
    sent(now=now)
    cancelled(visit, by="clinic")
    sent(now=now + timedelta(minutes=1))
    told = [letter["To"] for letter in mail_sink.received if "invited to is cancelled" in text_of(letter)]
    assert told == ["ivo@example.org"]
    patient = Message.objects.get(kind=Kind.CANCELLATION, participant=None)
    assert patient.state == State.HANDED_OVER
    assert "the clinic has cancelled this appointment" in text_of(
        next(
            letter
            for letter in mail_sink.received
            if letter["To"] == "ada@example.org" and "cancelled" in text_of(letter)
        )
    )


def test_an_invitation_ends_with_its_appointment(
    visit: Appointment, invited: Participant, mail_sink: MailSink, now: datetime
) -> None:
    cancelled(visit)
    sent(now=now)
    assert standing(["invitation"]) == [("invitation", "superseded")]
