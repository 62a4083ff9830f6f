"""What one source may do in a minute, and what is recorded of a refusal."""

import json
from datetime import timedelta

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from audit.context import Actor
from audit.models import Record
from audit.stream import drain
from bookings import sources
from bookings.models import SourceCount
from bookings.views.sources import address_of
from tests.factories import MONDAY, cast

ACTOR = Actor(kind="visitor", id="", label="")


@pytest.fixture(autouse=True)
def four_a_minute(settings: Settings) -> None:
    settings.FORMS_A_MINUTE = 4


def times(many: int, *, address: str = "192.0.2.7", what: str = "form", minute: int = 0) -> list[bool]:
    """Which of so many requests were let in."""
    let_in = []
    for _ in range(many):
        try:
            sources.admit(actor=ACTOR, now=MONDAY + timedelta(minutes=minute), address=address, what=what)
            let_in.append(True)
        except sources.TooManyRequests:
            let_in.append(False)
    return let_in


@pytest.mark.django_db
def test_a_source_is_bounded_by_minute_and_kind_and_no_other_pays_for_it() -> None:
    assert times(6) == [True] * 4 + [False] * 2
    assert times(1, address="192.0.2.8") == [True]
    assert times(1, minute=1) == [True]
    assert times(3, what="hold") == [True, True, False]


@pytest.mark.django_db(transaction=True)
def test_refusals_are_counted_and_recorded_once_a_minute_without_the_address() -> None:
    times(9)
    times(9, minute=1)
    drain()
    bodies = [json.loads(record.body) for record in Record.objects.filter(operation="refused", chain="platform")]
    assert [body["event"]["data"]["what"] for body in bodies] == ["form", "form"]
    assert "192.0.2.7" not in "".join(map(json.dumps, bodies))
    assert list(SourceCount.objects.order_by("minute").values_list("count", "refused")) == [(9, 5), (9, 5)]


@pytest.mark.django_db
def test_a_source_has_another_name_every_day() -> None:
    assert sources.digest("192.0.2.7", now=MONDAY) != sources.digest("192.0.2.7", now=MONDAY + timedelta(days=1))


@pytest.mark.django_db
def test_counts_are_forgotten_within_the_hour() -> None:
    times(2)
    assert sources.sweep(now=MONDAY + timedelta(minutes=59)) == 0
    assert sources.sweep(now=MONDAY + timedelta(minutes=61)) == 1


@pytest.mark.django_db
def test_a_machine_that_sends_forms_is_asked_to_wait_and_told_nothing_more() -> None:
    people = cast()
    find = reverse("bookings:find")
    answers = [Client().post(find, {"clinic": people.clinic.slug, "email": "nobody"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [422, 429]  # a quarter of four
    assert answers[1]["Retry-After"] == "60"
    assert "Wait a minute" in answers[1].content.decode()


@pytest.mark.django_db
def test_guessing_links_is_bounded_and_a_right_link_is_never_counted() -> None:
    guesses = [Client().get(f"/a/{'A' * 23}{digit}/").status_code for digit in range(4)]
    assert guesses == [404, 404, 429, 429]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("headers", "proxy", "source"),
    [
        ({"REMOTE_ADDR": "192.0.2.7", "HTTP_X_FORWARDED_FOR": "203.0.113.1"}, False, "192.0.2.7"),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.1"}, True, "203.0.113.1"),
        ({"REMOTE_ADDR": "2001:db8:1:2:3:4:5:6"}, False, "2001:db8:1:2::/64"),
        ({"REMOTE_ADDR": "::ffff:192.0.2.7"}, False, "192.0.2.7"),
        ({"REMOTE_ADDR": ""}, False, "unknown"),
    ],
)
def test_the_source_is_the_client_and_never_what_it_says_of_itself(
    settings: Settings, rf: RequestFactory, headers: dict[str, str], proxy: bool, source: str
) -> None:
    settings.BEHIND_PROXY = proxy
    request = rf.get("/")
    request.META |= headers
    assert address_of(request) == source
