"""Lost links come back to whoever proves the contact; nobody learns whether a contact is known."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bookings import links
from bookings.models import Appointment, ContactChallenge
from tests.bookings.entering import work_of
from tests.bookings.views.walk import NINE, Walk, heading, newest_code, other_than

pytestmark = pytest.mark.django_db
FIND = reverse("bookings:find")
CODE = reverse("bookings:find-code")
FOUND = reverse("bookings:found")


def asked(client: Client, email: str = "zoe@example.org") -> Any:
    return client.post(FIND, {"clinic": "parc", "email": email})


def listed(client: Client, email: str = "zoe@example.org") -> str:
    asked(client, email)
    code = newest_code(purpose="find")
    assert client.post(CODE, {"code": code})["Location"] == FOUND
    return str(client.get(FOUND).content.decode())


def test_clinic_contact_and_code_bring_the_links_back(walk: Walk) -> None:
    appointment = walk.booked()
    browser = Client()
    page = listed(browser)
    assert reverse("bookings:manage", args=[links.token(appointment)]) in page
    assert "Monday, 30 November 2026, 09:00 (Paris time)" in page
    assert (
        "Cancel the appointment"
        in browser.get(reverse("bookings:manage", args=[links.token(appointment)])).content.decode()
    )


def test_known_and_unknown_contacts_get_the_same_answer(walk: Walk) -> None:
    walk.booked()
    pages = []
    for email in ("zoe@example.org", "nobody@example.org"):
        browser = Client()
        response = asked(browser, email)
        assert (response.status_code, response["Location"]) == (302, CODE)
        pages.append(browser.get(CODE).content.decode())
    first, second = (page.split("csrfmiddlewaretoken")[0] for page in pages)
    assert first == second
    assert {challenge.deliver for challenge in ContactChallenge.objects.filter(purpose="find")} == {True, False}


def test_known_and_unknown_contacts_take_the_same_work(walk: Walk) -> None:
    walk.booked()
    known, unknown = (work_of(partial(asked, Client(), email)) for email in ("zoe@example.org", "nobody@example.org"))
    assert known == unknown != []


def test_nothing_is_listed_before_the_code_nor_for_another_session(walk: Walk) -> None:
    walk.booked()
    browser = Client()
    asked(browser)
    assert browser.get(FOUND)["Location"] == FIND
    assert Client().get(FOUND)["Location"] == FIND
    assert Client().get(CODE)["Location"] == FIND


def test_an_empty_list_says_what_may_be_the_reason(walk: Walk) -> None:
    walk.booked()
    browser = Client()
    page = listed(browser, "nobody@example.org")
    assert "There is no appointment for this e-mail address" in page


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"clinic": "", "email": "zoe@example.org"}, "Choose the clinic."),
        ({"clinic": "nowhere", "email": "zoe@example.org"}, "Select a valid choice."),
        ({"clinic": "parc", "email": ""}, "Write the e-mail address you booked with."),
        ({"clinic": "parc", "email": "\0@x"}, "Null characters are not allowed."),
        ({"clinic": "parc", "email": "x" * 10_000}, "Write an e-mail address such as name@example.org."),
    ],
)
def test_mistakes_are_said_and_nothing_is_sent(walk: Walk, form: dict[str, str], sentence: str) -> None:
    response = walk.client.post(FIND, form)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert ContactChallenge.objects.count() == 0


def test_a_clinics_own_link_and_a_lone_clinic_need_no_choice(walk: Walk) -> None:
    assert '<option value="parc" selected>' in walk.client.get(FIND, {"clinic": "parc"}).content.decode()
    walk.people.elsewhere.active = False
    walk.people.elsewhere.save()
    page = walk.client.get(FIND).content.decode()
    assert '<option value="parc" selected>' in page
    assert '<option value="">' not in page


def test_reading_sends_nothing(walk: Walk) -> None:
    for method in (walk.client.get, walk.client.head):
        method(FIND)
        method(CODE)
    assert ContactChallenge.objects.count() == 0
    assert "sessionid" not in walk.client.cookies


def test_wrong_codes_are_counted(walk: Walk) -> None:
    walk.booked()
    browser = Client()
    asked(browser)
    right = newest_code(purpose="find")
    wrong = other_than(right)
    assert [browser.post(CODE, {"code": code}).status_code for code in [wrong] * 5 + [right]] == [
        422,
        422,
        422,
        422,
        410,
        410,
    ]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_takes_the_same_queries_for_one_row_and_three(
    walk: Walk, django_assert_num_queries: Any, rows: int
) -> None:
    for number in range(rows):
        Walk(Client(), walk.people).booked(NINE + timedelta(hours=number))
    browser = Client()
    listed(browser)
    with django_assert_num_queries(11):
        browser.get(FOUND)
    assert Appointment.objects.count() == rows


def test_the_page_asks_in_one_heading(walk: Walk) -> None:
    assert heading(walk.client.get(FIND)) == "Find my appointment"
