"""One booking, one message: what is done by one command is told in one mail per contact, listing every date."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from threading import Event

import pytest
from django.db import connection, transaction
from icalendar import Calendar

from audit import stream
from audit.models import Record
from audit.stream import Happened
from bookings import approval, booking, links, moving, series, sessions
from bookings.availability import Wish
from bookings.booking import Leg, Told
from bookings.models import Appointment, HealthcareService, Patient
from bookings.reminders import reminder_time
from notifications import sending
from notifications.models import Kind, Message, State
from notifications.plan import plan
from tests.factories import Cast, PatientFactory, RelatedPersonFactory
from tests.happenings import CLERK
from tests.notifications.stories import sent, standing
from tests.servers import MailSink

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real]


@pytest.fixture
def people(transactional_db: None, people: Cast) -> Cast:
    HealthcareService.objects.update(most_repeats=10, minimum_notice=0)
    people.service.refresh_from_db()
    people.location.observes_holidays = False
    people.location.save()
    return people


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


def monday(now: datetime) -> datetime:
    """Ten o'clock in Paris on a Monday some two weeks ahead."""
    day = now + timedelta(days=14 - now.weekday())
    return day.replace(hour=8, minute=30, second=0, microsecond=0)


def wish(people: Cast, start: datetime, *, online: bool = False) -> Wish:
    return Wish(service=people.service, location=people.location, practitioner=None, start=start, online=online)


def together(people: Cast, now: datetime, *patients: Patient) -> list[Appointment]:
    """A visit for each of these patients, one after the other, booked by one command."""
    legs = [
        Leg(wish=wish(people, monday(now) + number * timedelta(minutes=30)), patient=patient)
        for number, patient in enumerate(patients)
    ]
    made = booking.book_together(actor=CLERK, now=now, key=uuid.uuid4(), legs=legs, told=Told(language="en"))
    stream.drain()
    return made.appointments


def weekly(people: Cast, now: datetime, *, count: int = 4) -> list[Appointment]:
    made = series.book_series(
        actor=CLERK,
        now=now,
        key=uuid.uuid4(),
        patient=people.ada,
        wish=wish(people, monday(now)),
        rrule=f"FREQ=WEEKLY;COUNT={count}",
        skipping=False,
        told=Told(language="en"),
    )
    stream.drain()
    return made.appointments


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


def text_of(letter: EmailMessage) -> str:
    body = letter.get_body(preferencelist=("plain",))
    assert body is not None
    return str(body.get_content())


def dates_in(letter: EmailMessage, visits: list[Appointment]) -> list[bool]:
    return [f"/a/{links.token(visit)}/" in text_of(letter) for visit in visits]


def test_a_series_is_confirmed_in_one_mail_that_lists_every_date(
    people: Cast, mail_sink: MailSink, now: datetime
) -> None:
    visits = weekly(people, now)
    assert sent(now=soon()) == [State.HANDED_OVER, None, None, None]
    (letter,) = mail_sink.received
    assert "Your appointments are booked." in text_of(letter)
    assert dates_in(letter, visits) == [True] * 4
    assert standing(["confirmation"]) == [("confirmation", "handed_over")] * 4
    (attached,) = letter.iter_attachments()
    events = Calendar.from_ical(attached.get_content()).walk("VEVENT")
    assert [str(event["UID"]) for event in events] == [str(visit.pk) for visit in visits]


def test_the_first_record_of_a_command_owes_all_its_messages(people: Cast, now: datetime) -> None:
    """A mail sent between two records of one command would tell of the first only."""
    visits = weekly(people, now)
    Message.objects.all().delete()
    first = Record.objects.filter(model="bookings.Appointment").order_by("seq")[0]
    plan(Happened.of(first))
    assert Message.objects.filter(kind=Kind.CONFIRMATION).count() == len(visits)


def test_siblings_of_one_parent_are_told_of_in_one_mail(people: Cast, mail_sink: MailSink, now: datetime) -> None:
    people.ada.email = ""
    people.ada.save()
    bo: Patient = PatientFactory(clinic=people.clinic, given_name="Bo", email="")
    helpers = [
        RelatedPersonFactory(patient=one, email=mail) for one, mail in ((people.ada, "ben@x.eu"), (bo, "Ben@x.eu"))
    ]
    legs = [
        Leg(wish=wish(people, monday(now) + number * timedelta(minutes=30)), patient=one, contact_person=helper)
        for number, (one, helper) in enumerate(zip((people.ada, bo), helpers, strict=True))
    ]
    visits = booking.book_together(actor=CLERK, now=now, key=uuid.uuid4(), legs=legs, told=Told()).appointments
    stream.drain()
    sent(now=soon())
    (letter,) = mail_sink.received
    assert dates_in(letter, visits) == [True, True]


def test_two_contacts_of_one_booking_never_read_of_each_other(people: Cast, mail_sink: MailSink, now: datetime) -> None:
    other = PatientFactory(clinic=people.clinic, email="bo@example.org")
    mine, theirs = together(people, now, people.ada, other)
    assert sent(now=soon()) == [State.HANDED_OVER, State.HANDED_OVER]
    by_address = {letter["To"]: letter for letter in mail_sink.received}
    assert dates_in(by_address["ada@example.org"], [mine, theirs]) == [True, False]
    assert dates_in(by_address["bo@example.org"], [mine, theirs]) == [False, True]


def test_one_of_a_booking_cancelled_alone_is_told_alone(people: Cast, mail_sink: MailSink, now: datetime) -> None:
    visits = weekly(people, now)
    sent(now=soon())
    booking.cancel(actor=CLERK, now=now, appointment_id=visits[2].pk, by="patient")
    stream.drain()
    assert sent(now=soon()) == [State.HANDED_OVER]
    letter = mail_sink.received[-1]
    assert dates_in(letter, visits) == [False, False, True, False]
    assert "This appointment is cancelled, as you asked." in text_of(letter)


def test_all_following_cancelled_are_told_in_one_mail_with_a_cancel_each(
    people: Cast, mail_sink: MailSink, now: datetime
) -> None:
    visits = weekly(people, now)
    sent(now=soon())
    series.cancel_following(actor=CLERK, now=now, appointment_id=visits[1].pk, by="clinic")
    stream.drain()
    assert sent(now=soon()) == [State.HANDED_OVER, None, None]
    letter = mail_sink.received[-1]
    assert dates_in(letter, visits) == [False, True, True, True]
    assert "the clinic has cancelled these appointments" in text_of(letter)
    attached = [Calendar.from_ical(part.get_content()) for part in letter.iter_attachments()]
    assert [str(document["METHOD"]) for document in attached] == ["CANCEL"] * 3
    assert [len(document.walk("VEVENT")) for document in attached] == [1, 1, 1]


def test_all_following_moved_are_told_in_one_mail(people: Cast, mail_sink: MailSink, now: datetime) -> None:
    visits = weekly(people, now)
    sent(now=soon())
    start = visits[1].start + timedelta(days=1)
    series.reschedule_following(actor=CLERK, now=now, appointment_id=visits[1].pk, start=start, by="clinic")
    stream.drain()
    assert sent(now=soon()) == [State.HANDED_OVER, None, None]
    letter = mail_sink.received[-1]
    assert str(letter["Subject"]) == "Appointment moved · Practice at the park"
    assert dates_in(letter, visits) == [False, True, True, True]


def test_a_session_called_off_tells_each_contact_once(people: Cast, mail_sink: MailSink, now: datetime) -> None:
    HealthcareService.objects.filter(pk=people.service.pk).update(capacity=4)
    people.service.refresh_from_db()
    (session,) = sessions.plan(
        actor=CLERK,
        now=now,
        service=people.service,
        location=people.location,
        practitioner=people.demir,
        start=monday(now),
    )
    sister = PatientFactory(clinic=people.clinic)  # with Ada's address
    other = PatientFactory(clinic=people.clinic, email="bo@example.org")
    for patient in (people.ada, sister, other):
        booking.book(
            actor=CLERK,
            now=now,
            key=uuid.uuid4(),
            patient=patient,
            service=people.service,
            location=people.location,
            start=monday(now),
            online=False,
        )
        stream.drain()
        sent(now=soon())
    before = len(mail_sink.received)
    sessions.call_off(actor=CLERK, now=now, session_id=session.pk)
    stream.drain()
    sent(now=soon())
    assert sorted(letter["To"] for letter in mail_sink.received[before:]) == ["ada@example.org", "bo@example.org"]


def test_requests_that_lapse_together_are_told_in_one_mail(people: Cast, mail_sink: MailSink, now: datetime) -> None:
    HealthcareService.objects.filter(pk=people.service.pk).update(needs_approval=True, answer_hours=1)
    people.service.refresh_from_db()
    legs = [
        Leg(wish=wish(people, monday(now) + timedelta(days=day), online=True), patient=people.ada) for day in (0, 1)
    ]
    visits = booking.book_together(actor=CLERK, now=now, key=uuid.uuid4(), legs=legs, told=Told()).appointments
    stream.drain()
    sent(now=soon())
    (received,) = mail_sink.received
    assert "We have received your request. It is not booked yet." in text_of(received)
    approval.lapse(now=now + timedelta(hours=1))
    stream.drain()
    assert sent(now=datetime.now(UTC)) == []  # each lapsed by itself: the first waits for the others
    assert sent(now=soon()) == [State.HANDED_OVER, None]
    letter = mail_sink.received[-1]
    assert "nobody answered your request in time" in text_of(letter)
    assert str(letter["Subject"]) == "Your request is closed · Practice at the park"
    assert dates_in(letter, visits) == [True, True]


def test_visits_of_one_booking_on_one_day_are_reminded_of_once_and_others_each(
    people: Cast, mail_sink: MailSink, now: datetime
) -> None:
    at = [monday(now), monday(now) + timedelta(hours=1), monday(now) + timedelta(days=1)]
    legs = [Leg(wish=wish(people, start), patient=people.ada) for start in at]
    visits = booking.book_together(actor=CLERK, now=now, key=uuid.uuid4(), legs=legs, told=Told()).appointments
    stream.drain()
    sent(now=soon())
    for visit, told in ((visits[0], [True, True, False]), (visits[2], [False, False, True])):
        before = len(mail_sink.received)
        sent(now=reminder_time(visit))
        (letter,) = mail_sink.received[before:]
        assert str(letter["Subject"]) == "Appointment reminder · Practice at the park"
        assert dates_in(letter, visits) == told


def test_when_the_first_of_a_day_is_cancelled_the_second_is_still_reminded_of(
    people: Cast, mail_sink: MailSink, now: datetime
) -> None:
    first, second = together(people, now, people.ada, people.ada)
    sent(now=soon())
    booking.cancel(actor=CLERK, now=now, appointment_id=first.pk, by="patient")
    stream.drain()
    sent(now=soon())
    sent(now=reminder_time(second))
    letter = mail_sink.received[-1]
    assert str(letter["Subject"]) == "Appointment reminder · Practice at the park"
    assert dates_in(letter, [first, second]) == [False, True]


def test_a_mail_with_several_that_fails_is_tried_again_as_one(people: Cast, mail_sink: MailSink, now: datetime) -> None:
    visits = weekly(people, now)
    mail_sink.answer_to = lambda address: "451 4.3.0 try again later"
    assert sent(now=soon())[0] == State.PLANNED
    mail_sink.answer_to = lambda address: None
    later = datetime.now(UTC) + timedelta(hours=3)
    assert sent(now=later) == [State.HANDED_OVER, None, None, None]
    (letter,) = mail_sink.received
    assert dates_in(letter, visits) == [True] * 4


def test_a_mail_with_several_that_is_lost_gives_the_desk_one_notice(
    people: Cast, mail_sink: MailSink, now: datetime
) -> None:
    visits = weekly(people, now)
    mail_sink.answer_to = lambda address: "550 5.1.1 no such user"
    sent(now=soon())
    assert standing(["confirmation"]) == [("confirmation", "failed")] * 4
    assert list(visits[0].notices.values_list("kind", flat=True)) == ["message-failed"]
    assert people.clinic.notices.count() == 1


def test_another_sender_at_work_on_one_of_them_leaves_none_for_a_second(people: Cast, now: datetime) -> None:
    weekly(people, now)
    due = sending.sweep(actor=CLERK, now=soon())
    assert len(sending._claim(actor=CLERK, now=soon(), message_id=due[3])) == 4
    assert [sending._claim(actor=CLERK, now=soon(), message_id=pk) for pk in due] == [[]] * 4


def test_while_the_first_of_a_mail_is_locked_nobody_takes_the_others(people: Cast, now: datetime) -> None:
    visits = weekly(people, now)
    due = sending.sweep(actor=CLERK, now=soon())
    locked, tried = Event(), Event()

    def elsewhere() -> None:
        with transaction.atomic():
            Message.objects.select_for_update().get(appointment=visits[0], kind=Kind.CONFIRMATION)
            locked.set()
            tried.wait(timeout=30)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(elsewhere)
        assert locked.wait(timeout=30)
        claimed = [sending._claim(actor=CLERK, now=soon(), message_id=pk) for pk in due]
        tried.set()
        other.result()
    assert claimed == [[]] * 4
    assert len(sending._claim(actor=CLERK, now=soon(), message_id=due[3])) == 4


def test_a_visit_moved_before_its_confirmation_left_is_confirmed_once_with_the_new_time(
    people: Cast, mail_sink: MailSink, now: datetime
) -> None:
    (visit,) = together(people, now, people.ada)
    moving.reschedule(actor=CLERK, now=now, appointment_id=visit.pk, start=visit.start + timedelta(days=1), by="clinic")
    stream.drain()
    sent(now=soon())
    (letter,) = mail_sink.received
    assert str(letter["Subject"]) == "Appointment confirmed · Practice at the park"
