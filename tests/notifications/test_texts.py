"""What a message says, and to whom, as a real mail server receives it."""

import logging
import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from django.conf import settings as configured
from pytest_django import Settings

from bookings import links
from bookings.models import Appointment
from bookings.reminders import reminder_time
from notifications import rendering, sending
from notifications.models import Kind, Message, State
from tests.factories import AppointmentFactory, Cast
from tests.happenings import CLERK, booked, cancelled
from tests.notifications.stories import challenged, sent
from tests.servers import MailSink

pytestmark = [pytest.mark.django_db, pytest.mark.real]


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


@pytest.fixture
def visit(people: Cast, now: datetime) -> Appointment:
    return booked(people, start=now.replace(microsecond=0) + timedelta(days=9), reason="A cough that stays")


def text_of(letter: EmailMessage) -> str:
    body = letter.get_body(preferencelist=("plain",))
    assert body is not None
    return str(body.get_content())


def test_a_confirmation_arrives_with_the_neutral_name_the_number_and_the_opaque_link(
    people: Cast, visit: Appointment, mail_sink: MailSink, now: datetime, settings: Settings
) -> None:
    assert sent(now=now) == [State.HANDED_OVER]
    (letter,) = mail_sink.received
    text = text_of(letter)
    assert letter["To"] == "ada@example.org"
    assert letter["From"].addresses[0].display_name == "Practice at the park"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert f"{settings.BASE_URL}/a/{links.token(visit)}/" in text
    assert "Practice at the park" in text
    assert "+33 4 72 00 00 00" in text
    assert visit.start.astimezone(people.location.tz).strftime("%H:%M") in text
    assert "Paris time" in text


def test_a_message_names_no_patient_service_practitioner_or_reason(
    people: Cast, visit: Appointment, mail_sink: MailSink, now: datetime
) -> None:
    sent(now=now)
    sent(now=reminder_time(visit))
    cancelled(visit, by="clinic")
    sent(now=reminder_time(visit))
    assert len(mail_sink.received) == 3
    for letter in mail_sink.received:
        parts = [str(part.get_content()) for part in letter.walk() if not part.is_multipart()]
        everything = "\n".join([*parts, str(letter["Subject"]), str(letter["From"])]).casefold()
        for word in ("ada", "lovelace", "consultation", "demir", "cough", "cabinet du parc"):
            assert word not in everything.replace("ada@example.org", "")


def test_the_confirmation_carries_a_calendar_file_as_neutral_as_itself(
    visit: Appointment, mail_sink: MailSink, now: datetime
) -> None:
    sent(now=now)
    (letter,) = mail_sink.received
    (attached,) = letter.iter_attachments()
    assert attached.get_content_type() == "text/calendar"
    content = attached.get_content()
    assert f"UID:{visit.id}" in content.replace("\r\n ", "")
    assert "Consultation" not in content


def test_a_code_comes_with_its_purpose_its_life_and_what_to_do_when_not_asked_for(
    people: Cast, mail_sink: MailSink, now: datetime
) -> None:
    challenged(people, now=now)
    assert sent(now=now) == [State.HANDED_OVER]
    (letter,) = mail_sink.received
    text = text_of(letter)
    assert "493817" in text
    assert "493817" not in str(letter["Subject"])  # subjects are read on locked screens
    assert "book your appointment" in text
    assert "10 minutes" in text
    assert "If you did not ask" in text
    assert "http" not in text


def test_no_log_line_names_the_recipient(
    visit: Appointment, mail_sink: MailSink, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sent(now=now)
    mail_sink.answer_to = lambda address: f"550 5.1.1 <{address}> unknown"
    sending.resend(actor=CLERK, now=now, message_id=Message.objects.get(kind=Kind.CONFIRMATION).pk)
    sent(now=now)
    ours = "\n".join(entry.getMessage() for entry in caplog.records if entry.name != "mail.log")  # the server's own
    assert "ada@example.org" not in ours
    for message in Message.objects.filter(kind=Kind.CONFIRMATION):
        assert str(message.pk) in ours


def test_no_row_holds_address_or_text(visit: Appointment, mail_sink: MailSink, now: datetime) -> None:
    sent(now=now)
    stored = str(list(Message.objects.values()))
    assert "ada@example.org" not in stored
    assert "Practice at the park" not in stored


def test_every_message_speaks_the_recipients_language(
    people: Cast, mail_sink: MailSink, now: datetime, settings: Settings
) -> None:
    booked(people, start=datetime(2031, 6, 10, 8, 0, tzinfo=UTC), language="de")
    sent(now=now)
    (letter,) = mail_sink.received
    assert "Dienstag, 10. Juni 2031" in text_of(letter)
    html = letter.get_body(preferencelist=("html",))
    assert html is not None
    assert '<html lang="de">' in html.get_content()


#: Each kind of message to a patient, with what its appointment looks like then.
TOLD = [
    (Kind.REQUEST, {"status": "pending"}),
    (Kind.OFFER, {"status": "proposed"}),
    (Kind.CONFIRMATION, {}),
    (Kind.MOVED, {}),
    (Kind.REMINDER, {}),
    (Kind.CANCELLATION, {"status": "cancelled", "cancelled_by": "patient"}),
    (Kind.CANCELLATION, {"status": "cancelled", "cancelled_by": "clinic"}),
    (Kind.CANCELLATION, {"status": "cancelled", "cancelled_by": "clinic", "cancellation_reason": "declined"}),
    (Kind.CANCELLATION, {"status": "cancelled", "cancelled_by": "system", "cancellation_reason": "request-lapsed"}),
    (Kind.CANCELLATION, {"status": "cancelled", "cancelled_by": "system", "cancellation_reason": "offer-lapsed"}),
]


@pytest.mark.parametrize("language", [code for code, _name in configured.LANGUAGES])
@pytest.mark.parametrize(("kind", "fields"), TOLD)
@pytest.mark.parametrize("several", [False, True])
def test_no_language_says_more(
    people: Cast, now: datetime, language: str, kind: Kind, fields: dict[str, str], several: bool
) -> None:
    visits = [
        AppointmentFactory.build(
            clinic=people.clinic,
            location=people.location,
            service=people.service,
            practitioner=people.demir,
            patient=people.ada,
            start=now + timedelta(days=9 + number),
            updated=now,
            language=language,
            respond_by=now + timedelta(days=2) if kind in (Kind.REQUEST, Kind.OFFER) else None,
            **fields,
        )
        for number in range(2 if several else 1)
    ]
    rendered = rendering.for_appointments(visits, kind=kind, now=now)
    assert rendered is not None
    everything = f"{rendered.subject} {rendered.text} {rendered.html}".casefold()
    for word in ("ada", "lovelace", "consultation", "demir", "cough", "cabinet du parc"):
        assert not re.search(rf"\b{word}\b", everything)  # whole words: "reservada" is no Ada
    assert "{" not in everything
    assert "practice at the park" in rendered.subject.casefold()
    for visit in visits:
        link = f"/a/{links.token(visit)}/"
        assert link in rendered.text
        assert link in rendered.html


def said(visit: Appointment, *, kind: Kind, now: datetime, **fields: object) -> str:
    for name, value in fields.items():
        setattr(visit, name, value)
    rendered = rendering.for_appointments([visit], kind=kind, now=now)
    assert rendered is not None
    return f"{rendered.subject}\n{rendered.text}"


def test_a_cancellation_says_by_whom_or_that_nobody_answered(visit: Appointment, now: datetime) -> None:
    def told(by: str, why: str = "") -> str:
        return said(visit, kind=Kind.CANCELLATION, now=now, cancelled_by=by, cancellation_reason=why)

    assert "This appointment is cancelled, as you asked." in told("patient")
    assert "the clinic has cancelled this appointment" in told("clinic")
    assert "the clinic cannot confirm your request" in told("clinic", "declined")
    assert "nobody answered your request in time" in told("system", "request-lapsed")
    assert "We had no answer to our offer in time" in told("system", "offer-lapsed")
    assert told("system", "request-lapsed").startswith("Your request is closed · ")
    assert told("patient", "declined").startswith("Appointment cancelled · ")


@pytest.mark.parametrize("kind", [Kind.REQUEST, Kind.OFFER])
def test_a_request_and_an_offer_say_until_when_on_the_clock_of_the_location(
    visit: Appointment, now: datetime, kind: Kind
) -> None:
    by = datetime(2031, 6, 2, 15, 30, tzinfo=UTC)
    assert "Monday, 2 June 2031, 17:30 (Paris time)" in said(visit, kind=kind, now=now, respond_by=by)


def test_clinic_names_are_written_as_they_are(people: Cast, mail_sink: MailSink, now: datetime) -> None:
    people.clinic.neutral_name = 'Praxis "Zur Post" & Söhne'
    people.clinic.save()
    booked(people, start=now + timedelta(days=9))
    sent(now=now)
    (letter,) = mail_sink.received
    assert str(letter["Subject"]).strip() == 'Appointment confirmed · Praxis "Zur Post" & Söhne'
    assert letter["From"].addresses[0].display_name == 'Praxis "Zur Post" & Söhne'
    assert 'Praxis "Zur Post" & Söhne' in text_of(letter)


def test_whoever_asked_for_nothing_without_a_code_is_told_that_there_is_news_and_no_more(
    visit: Appointment, mail_sink: MailSink, now: datetime, settings: Settings
) -> None:
    visit.patient.safe_contact = True
    visit.patient.save()
    sent(now=now)
    (letter,) = mail_sink.received
    text = text_of(letter)
    assert f"{settings.BASE_URL}/a/{links.token(visit)}/" in text
    assert (str(letter["Subject"]), list(letter.iter_attachments())) == ("News · Practice at the park", [])
    for told in (visit.start.strftime("%H:%M"), "booked", "appointment", "time)"):
        assert told not in text
