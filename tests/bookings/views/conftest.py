"""The cast, a frozen Friday, and a browser without JavaScript."""

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from tests.bookings.views.walk import NOW, Walk
from tests.factories import Cast, NoticeFactory, cast


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """It is Friday, 08:00 UTC, until the test moves the clock."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def people(db: None) -> Cast:
    """The clinic and its people, with a privacy notice to show."""
    everyone = cast()
    NoticeFactory(clinic=everyone.clinic)
    return everyone


@pytest.fixture
def walk(people: Cast, client: Client) -> Walk:
    """One browser at the clinic."""
    return Walk(client, people)
