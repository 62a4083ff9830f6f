"""What the tests of calendars do over and over."""

from datetime import datetime

from icalendar import Calendar, Component

from calendars import push as pushing
from calendars.models import Block, ConnectionHealth
from tests.happenings import CLERK
from tests.servers import Radicale


def pushed(*, now: datetime) -> list[Block.State | None]:
    """Sweep and push everything due at `now`, as the workers would; what each came to."""
    due = pushing.sweep(actor=CLERK, now=now)
    return [pushing.push(actor=CLERK, now=now, block_id=block_id) for block_id in due]


def shown(radicale: Radicale) -> list[Component]:
    """The VEVENTs in the calendar."""
    return [event for text in radicale.events().values() for event in Calendar.from_ical(text).walk("VEVENT")]


def retry_at() -> datetime:
    """When the calendar that fails is tried again."""
    found = ConnectionHealth.objects.get().retry_at
    assert found is not None
    return found
