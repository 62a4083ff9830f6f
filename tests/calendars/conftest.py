"""What the tests of calendars share: the cast, and Dr Demir's calendar on a real Radicale."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from audit import stream
from audit.context import acting, use
from calendars import connections
from calendars.models import CalendarConnection
from tests.factories import Cast, cast
from tests.happenings import CLERK
from tests.servers import PASSWORD, USERNAME, Radicale, radicale

__all__ = ["radicale"]


@pytest.fixture
def people(db: None) -> Cast:
    """The whole cast."""
    return cast()


@pytest.fixture
def connect(people: Cast, radicale: Radicale, settings: Settings) -> Callable[..., CalendarConnection]:
    """Connects Dr Demir's calendar; the consumers have seen it."""
    settings.BASE_URL = "http://127.0.0.1:8000"  # this machine is a place only while Horae itself is served on it

    def connected(*, url: str = "", username: str = USERNAME, password: str = PASSWORD) -> CalendarConnection:
        with acting(actor=CLERK), use("test.connect"):
            connection = connections.connect(
                actor=CLERK, practitioner=people.demir, url=url or radicale.url, username=username, password=password
            )
        stream.drain()
        return connection

    return connected


@pytest.fixture
def connection(connect: Callable[..., CalendarConnection]) -> CalendarConnection:
    """Dr Demir's calendar, connected."""
    return connect()
