"""What runs by itself: the sweep of holds, and what lapses."""

from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from audit.context import Actor
from bookings import approval
from bookings.models import Appointment, Hold, Occupancy
from bookings.tasks import lapse, sweep_holds
from tests.factories import AppointmentFactory, cast, occupy

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("task", [sweep_holds.name, lapse.name])
def test_the_task_is_on_the_clock_every_minute(task: str) -> None:
    (entry,) = [entry for entry in settings.CELERY_BEAT_SCHEDULE.values() if entry["task"] == task]
    assert entry["schedule"] == 60


def test_the_sweep_frees_what_expired() -> None:
    people = cast()
    now = timezone.now()
    for minutes in (-1, 5):
        start = now + timedelta(hours=minutes)
        held = Hold.objects.create(
            clinic=people.clinic,
            location=people.location,
            service=people.service,
            practitioner=people.demir,
            start=start,
            end=start + timedelta(minutes=30),
            visitor_digest="0" * 64,
            expires_at=now + timedelta(minutes=minutes),
        )
        occupy(schedules=[people.demir.schedule_id], start=start, end=start + timedelta(minutes=30), hold=held)
    assert sweep_holds() == 1
    assert Occupancy.objects.count() == 1


def asked(status: str, *, respond_by: datetime) -> Appointment:
    return AppointmentFactory(status=status, start=timezone.now() + timedelta(days=9), respond_by=respond_by)


@pytest.mark.django_db(transaction=True)
def test_what_nobody_answered_in_time_lapses_and_frees_its_time() -> None:
    now = timezone.now()
    over = [asked(status, respond_by=now - timedelta(minutes=1)) for status in ("pending", "proposed")]
    asked("pending", respond_by=now + timedelta(minutes=5))
    assert lapse() == 2
    assert lapse() == 0
    for row, why in zip(over, ("request-lapsed", "offer-lapsed"), strict=True):
        row.refresh_from_db()
        assert (row.status, row.cancelled_by, row.cancellation_reason) == ("cancelled", "system", why)
        assert not row.occupancies.exists()


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_was_dead_for_a_day_only_comes_late() -> None:
    """The deadline binds by itself: nobody can answer after it, whether or not the task has run."""
    now = timezone.now()
    offered = asked("proposed", respond_by=now - timedelta(days=1))
    requested = asked("pending", respond_by=now - timedelta(days=1))
    with pytest.raises(approval.Lapsed):
        approval.accept(actor=Actor.system("test"), now=now, appointment_id=offered.pk)
    with pytest.raises(approval.Lapsed):
        approval.approve(actor=Actor.system("test"), now=now, appointment_id=requested.pk)
    assert lapse() == 2
    offered.refresh_from_db()
    assert offered.cancellation_reason == "offer-lapsed"
