"""When a calendar fails, a worker dies, or somebody meddles: one event, one notice, and the appointment stands."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bookings.models import Appointment, Notice
from calendars import push as pushing
from calendars.models import Block, CalendarConnection, ConnectionHealth
from calendars.providers import GivenUp
from tests.calendars.stories import pushed, retry_at, shown
from tests.factories import Cast
from tests.happenings import CLERK, booked, cancelled, changed
from tests.servers import Radicale

pytestmark = [pytest.mark.django_db, pytest.mark.real, pytest.mark.fault]

DONE, PLANNED, FAILED = Block.State.DONE, Block.State.PLANNED, Block.State.FAILED


def killed(*args: object, **kwargs: object) -> None:
    """Stands where a worker is killed."""
    raise SystemExit


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


@pytest.fixture
def visit(people: Cast, connection: CalendarConnection, now: datetime) -> Appointment:
    return booked(people, start=now.replace(microsecond=0) + timedelta(days=9), reason="A cough that stays")


def test_a_crash_between_writing_and_noting_it_leaves_one_event(
    visit: Appointment, radicale: Radicale, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as crashing:
        crashing.setattr(pushing, "_settle", killed)
        with pytest.raises(SystemExit):
            pushed(now=now)
    assert len(radicale.events()) == 1
    assert Block.objects.get().state == Block.State.CLAIMED
    assert pushed(now=now) == []
    assert pushed(now=now + pushing.CLAIM_LIVES) == [DONE]
    assert len(radicale.events()) == 1
    assert Block.objects.get().etag == radicale.ask("GET", Block.objects.get().href).headers["etag"]


def test_a_crash_after_deleting_and_before_noting_it_ends_as_gone(
    visit: Appointment, radicale: Radicale, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed(now=now)
    cancelled(visit)
    with monkeypatch.context() as crashing:
        crashing.setattr(pushing, "_settle", killed)
        with pytest.raises(SystemExit):
            pushed(now=now)
    assert pushed(now=now + pushing.CLAIM_LIVES) == [DONE]
    assert radicale.events() == {}


def test_a_pusher_taken_for_dead_does_not_end_what_its_successor_is_at(
    visit: Appointment, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, later = pushing._write, now + pushing.CLAIM_LIVES

    def slow(block: Block, **kwargs: datetime) -> pushing.Outcome:
        outcome = write(block, **kwargs)
        assert pushing.sweep(actor=CLERK, now=later) == [block.pk]
        assert pushing._claim(actor=CLERK, now=later, block_id=block.pk) is not None
        return outcome

    monkeypatch.setattr(pushing, "_write", slow)
    assert pushed(now=now) == [None]
    assert (Block.objects.get().state, Block.objects.get().claimed_at) == (Block.State.CLAIMED, later)


def test_a_calendar_that_is_down_is_tried_later_and_the_appointment_stands(
    visit: Appointment, radicale: Radicale, now: datetime
) -> None:
    radicale.stop()
    assert pushed(now=now) == [PLANNED]
    health = ConnectionHealth.objects.get()
    assert (health.last_error, health.failures) == ("Unreachable", 1)
    assert pushed(now=now) == []
    visit.refresh_from_db()
    assert visit.status == "booked"
    notice = Notice.objects.get()
    assert (notice.kind, notice.practitioner, notice.resolved_at) == (
        Notice.Kind.CALENDAR_FAILING,
        visit.practitioner,
        None,
    )
    radicale.start()
    later = retry_at()
    assert pushed(now=later) == [DONE]
    assert len(radicale.events()) == 1
    assert Notice.objects.get().resolved_at == later


def test_a_calendar_that_is_down_is_called_once_for_all_its_events(
    people: Cast, visit: Appointment, radicale: Radicale, now: datetime
) -> None:
    for day in (10, 11):
        booked(people, start=now + timedelta(days=day))
    radicale.stop()
    assert pushed(now=now) == [PLANNED, None, None]
    radicale.start()
    assert pushed(now=retry_at()) == [DONE, DONE, DONE]


def test_each_failure_in_a_row_waits_longer_and_raises_no_second_notice(
    visit: Appointment, radicale: Radicale, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.random", lambda: 1.0)
    radicale.stop()
    waits = []
    for _ in range(4):
        pushed(now=now)
        waits.append((retry_at() - now).total_seconds())
        now = retry_at()
    assert waits == [15, 30, 60, 120]
    assert Notice.objects.count() == 1


def test_a_wrong_password_needs_attention_and_waits_for_a_person(
    people: Cast, connect: Callable[..., CalendarConnection], radicale: Radicale, now: datetime
) -> None:
    connection = connect(password="another")
    booked(people, start=now + timedelta(days=9))
    assert pushed(now=now) == [PLANNED]
    connection.refresh_from_db()
    assert connection.state == CalendarConnection.State.NEEDS_ATTENTION
    assert ConnectionHealth.objects.get().last_error == "LoginRefused"
    assert pushed(now=now + timedelta(days=1)) == []


def test_a_calendar_that_does_not_exist_needs_attention(
    people: Cast, connect: Callable[..., CalendarConnection], radicale: Radicale, now: datetime
) -> None:
    connect(url=f"{radicale.root}demir/nowhere/")
    booked(people, start=now + timedelta(days=9))
    pushed(now=now)
    assert ConnectionHealth.objects.get().last_error == "CalendarMissing"


def test_an_event_changed_by_hand_is_written_again_as_it_should_be(
    visit: Appointment, radicale: Radicale, now: datetime
) -> None:
    pushed(now=now)
    href = Block.objects.get().href
    edited = radicale.events()[href].replace("SUMMARY:Busy", "SUMMARY:Golf")
    assert radicale.ask("PUT", href, content=edited, headers={"Content-Type": "text/calendar"}).is_success
    changed(visit, start=visit.start + timedelta(hours=1), end=visit.end + timedelta(hours=1))
    assert pushed(now=now) == [DONE]
    (event,) = shown(radicale)
    assert (str(event["SUMMARY"]), event.decoded("DTSTART")) == ("Busy", visit.start)


def test_an_event_deleted_by_hand_is_written_again_twice_and_then_a_person_is_asked(
    visit: Appointment, radicale: Radicale, now: datetime
) -> None:
    pushed(now=now)
    outcomes = []
    for _ in range(3):
        assert radicale.ask("DELETE", Block.objects.get().href).status_code == 200
        changed(visit, start=visit.start + timedelta(hours=1), end=visit.end + timedelta(hours=1))
        outcomes += pushed(now=now)
    assert outcomes == [DONE, DONE, FAILED]
    assert Block.objects.get().last_error == GivenUp.__name__
    assert Notice.objects.get().appointment == visit
    visit.refresh_from_db()
    assert visit.status == "booked"


def test_an_event_deleted_by_hand_and_cancelled_is_gone(visit: Appointment, radicale: Radicale, now: datetime) -> None:
    pushed(now=now)
    radicale.ask("DELETE", Block.objects.get().href)
    cancelled(visit)
    assert pushed(now=now) == [DONE]
