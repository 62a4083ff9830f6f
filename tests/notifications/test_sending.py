"""Sending, against a real mail server: once, true at that moment, and never in vain without somebody knowing."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from audit.keys import keyring
from bookings.models import Appointment, Notice
from bookings.reminders import reminder_time
from notifications import mail, sending
from notifications.models import Kind, Message, State
from notifications.rendering import Rendered
from tests.factories import Cast
from tests.happenings import CLERK, booked
from tests.notifications.stories import challenged, sent
from tests.servers import MailSink

pytestmark = [pytest.mark.django_db, pytest.mark.real]


def killed(*args: object, **kwargs: object) -> None:
    """Stands where a worker is killed."""
    raise SystemExit


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


@pytest.fixture
def visit(people: Cast, now: datetime) -> Appointment:
    return booked(people, start=now.replace(microsecond=0) + timedelta(days=9), reason="A cough that stays")


def test_a_message_is_sent_once_however_often_it_is_asked_for(
    visit: Appointment, mail_sink: MailSink, now: datetime
) -> None:
    message = Message.objects.get(kind=Kind.CONFIRMATION)
    states = [sending.send(actor=CLERK, now=now, message_id=message.pk) for _ in range(3)]
    assert states == [State.HANDED_OVER, None, None]
    assert len(mail_sink.received) == 1


def test_a_copy_sent_after_a_crash_carries_the_same_message_id(
    visit: Appointment, mail_sink: MailSink, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = Message.objects.get(kind=Kind.CONFIRMATION)

    with monkeypatch.context() as crashing:
        crashing.setattr(sending, "_settle", killed)
        with pytest.raises(SystemExit):
            sending.send(actor=CLERK, now=now, message_id=message.pk)
    assert sent(now=now) == []  # still claimed
    assert sent(now=now + sending.CLAIM_LIVES) == [State.HANDED_OVER]
    assert len(mail_sink.received) == 2
    identifiers = {str(letter["Message-ID"]).partition("@")[0] for letter in mail_sink.received}
    assert identifiers == {f"<{message.pk}"}


def test_a_sender_taken_for_dead_does_not_end_what_its_successor_is_at(
    visit: Appointment, mail_sink: MailSink, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = Message.objects.get(kind=Kind.CONFIRMATION)
    hand_over = mail.hand_over
    later = now + sending.CLAIM_LIVES

    def slow(rendered: Rendered, *, message_id: UUID) -> None:
        hand_over(rendered, message_id=message_id)
        assert sending.sweep(actor=CLERK, now=later) == [message_id]
        assert sending._claim(actor=CLERK, now=later, message_id=message_id)

    monkeypatch.setattr(sending, "hand_over", slow)
    assert sending.send(actor=CLERK, now=now, message_id=message.pk) is None
    message.refresh_from_db()
    assert (message.state, message.claimed_at) == (State.CLAIMED, later)


def test_a_mail_server_that_is_down_is_tried_again_later_and_later(
    visit: Appointment, mail_sink: MailSink, now: datetime
) -> None:
    mail_sink.stop()
    assert sent(now=now) == [State.PLANNED]
    message = Message.objects.get(kind=Kind.CONFIRMATION)
    assert now < message.next_try <= now + sending.FIRST_WAIT
    assert message.last_error == "ConnectionRefusedError"
    assert sent(now=now) == []
    mail_sink.start()
    assert sent(now=message.next_try) == [State.HANDED_OVER]
    assert len(mail_sink.received) == 1


def test_a_day_of_vain_tries_is_a_failure_that_staff_are_told_of(
    visit: Appointment, mail_sink: MailSink, now: datetime
) -> None:
    mail_sink.stop()
    Message.objects.filter(kind=Kind.CONFIRMATION).update(attempts=sending.ATTEMPTS - 1)
    assert sent(now=now) == [State.FAILED]
    notice = Notice.objects.get()
    assert (notice.kind, notice.appointment, notice.resolved_at) == (Notice.Kind.MESSAGE_FAILED, visit, None)


def test_a_recipient_refused_for_good_fails_at_once_and_staff_are_told(
    visit: Appointment, mail_sink: MailSink, now: datetime
) -> None:
    mail_sink.answer_to = lambda address: "550 5.1.1 no such user"
    assert sent(now=now) == [State.FAILED]
    assert Message.objects.get(kind=Kind.CONFIRMATION).last_error == "SMTPRecipientsRefused"
    assert Notice.objects.filter(resolved_at=None).count() == 1


def test_a_recipient_refused_for_now_is_tried_again(visit: Appointment, mail_sink: MailSink, now: datetime) -> None:
    mail_sink.answer_to = lambda address: "451 4.7.1 greylisted"
    assert sent(now=now) == [State.PLANNED]
    assert Notice.objects.count() == 0


def test_content_refused_for_good_fails_at_once(visit: Appointment, mail_sink: MailSink, now: datetime) -> None:
    mail_sink.answer_data = lambda: "554 5.7.1 refused"
    assert sent(now=now) == [State.FAILED]
    assert Message.objects.get(kind=Kind.CONFIRMATION).last_error == "SMTPDataError"


def test_an_address_no_mail_can_carry_fails_at_once(
    people: Cast, visit: Appointment, mail_sink: MailSink, now: datetime
) -> None:
    people.ada.email = "ada@example.org\nBcc: otto@example.org"
    people.ada.save()
    assert sent(now=now) == [State.FAILED]
    assert mail_sink.received == []


def test_resending_owes_a_second_message_and_success_resolves_the_notice(
    visit: Appointment, mail_sink: MailSink, now: datetime
) -> None:
    mail_sink.answer_to = lambda address: "550 5.1.1 no such user"
    sent(now=now)
    mail_sink.answer_to = lambda address: None
    first = Message.objects.get(kind=Kind.CONFIRMATION)
    again = sending.resend(actor=CLERK, now=now, message_id=first.pk)
    assert sent(now=now) == [State.HANDED_OVER]
    first.refresh_from_db()
    assert (first.state, again.kind) == (State.FAILED, Kind.CONFIRMATION)
    assert Notice.objects.get().resolved_at == now


def test_a_code_is_never_resent(people: Cast, now: datetime) -> None:
    challenge = challenged(people, now=now)
    with pytest.raises(sending.NotResendable):
        sending.resend(actor=CLERK, now=now, message_id=challenge.messages.get().pk)


def test_an_appointment_cancelled_between_planning_and_sending_is_not_confirmed(
    visit: Appointment, mail_sink: MailSink, now: datetime
) -> None:
    Appointment.objects.filter(pk=visit.pk).update(status="cancelled", cancelled_by="patient")
    assert sent(now=now) == [State.SUPERSEDED]
    assert mail_sink.received == []


def test_an_appointment_that_is_over_is_not_spoken_of(visit: Appointment, mail_sink: MailSink, now: datetime) -> None:
    assert set(sent(now=visit.start)) == {State.SUPERSEDED}
    assert mail_sink.received == []


def test_an_erased_patient_is_not_written_to(
    people: Cast, visit: Appointment, mail_sink: MailSink, now: datetime
) -> None:
    keyring.destroy_subject_keys(key_ids=[people.ada.key_id])
    assert sent(now=now) == [State.SUPERSEDED]
    assert mail_sink.received == []


def test_whoever_booked_for_the_patient_is_written_to_instead(people: Cast, mail_sink: MailSink, now: datetime) -> None:
    booked(people, start=now + timedelta(days=9), contact_person=people.ben)
    sent(now=now)
    assert [letter["To"] for letter in mail_sink.received] == ["ben@example.org"]


def test_an_address_changed_since_planning_is_the_one_written_to(
    people: Cast, visit: Appointment, mail_sink: MailSink, now: datetime
) -> None:
    people.ada.email = "ada.new@example.org"
    people.ada.save()
    sent(now=now)
    assert [letter["To"] for letter in mail_sink.received] == ["ada.new@example.org"]


def test_the_reminder_comes_the_day_before_and_not_earlier(
    visit: Appointment, mail_sink: MailSink, now: datetime
) -> None:
    sent(now=now)
    assert sent(now=reminder_time(visit) - timedelta(seconds=1)) == []
    assert sent(now=reminder_time(visit)) == [State.HANDED_OVER]
    assert str(mail_sink.received[-1]["Subject"]) == "Appointment reminder · Practice at the park"


def test_a_reminder_long_before_the_appointment_is_not_sent(
    people: Cast, visit: Appointment, mail_sink: MailSink, now: datetime
) -> None:
    sent(now=now)
    Appointment.objects.filter(pk=visit.pk).update(
        start=visit.start + timedelta(days=9), end=visit.end + timedelta(days=9)
    )
    assert sent(now=reminder_time(visit)) == [State.SUPERSEDED]


def test_a_code_that_has_expired_or_was_used_is_not_sent(people: Cast, mail_sink: MailSink, now: datetime) -> None:
    challenge = challenged(people, now=now)
    used = challenged(people, now=now, proved_at=now)
    assert sending.send(actor=CLERK, now=now, message_id=used.messages.get().pk) == State.SUPERSEDED
    assert sent(now=challenge.expires_at) == [State.SUPERSEDED]
    assert mail_sink.received == []


def test_a_refused_code_bothers_nobody_at_the_clinic(people: Cast, mail_sink: MailSink, now: datetime) -> None:
    mail_sink.answer_to = lambda address: "550 5.1.1 no such user"
    challenged(people, now=now)
    assert sent(now=now) == [State.FAILED]
    assert Notice.objects.count() == 0
