"""The sweep of holds runs by itself."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from bookings.models import Hold, Occupancy
from bookings.tasks import sweep_holds
from tests.factories import cast, occupy

pytestmark = pytest.mark.django_db


def test_the_sweep_is_on_the_clock() -> None:
    entries = [entry for entry in settings.CELERY_BEAT_SCHEDULE.values() if entry["task"] == sweep_holds.name]
    assert len(entries) == 1


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
