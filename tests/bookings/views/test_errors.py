"""Pages for what does not work: in the reader's language, with the clinic's phone, and a way on."""

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from bookings import holds
from bookings.locks import TooBusy
from bookings.views import errors
from tests.bookings.views.walk import Walk, heading
from tests.factories import Cast

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/nowhere/", "/c/parc/nothing/", "/c/parc/book/1/", "/c/%00/", "/c/parc/%E2%80%AE/"])
def test_an_unknown_address_is_a_404_with_one_heading(client: Client, people: Cast, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, heading(response)) == (404, "There is nothing here")
    assert ("+33 4 72 00 00 00" in response.content.decode()) == path.startswith("/c/parc/")


def test_an_error_speaks_the_readers_language(client: Client, people: Cast) -> None:
    page = client.get("/nowhere/", headers={"Accept-Language": "fr"}).content.decode()
    assert '<html lang="fr"' in page


def test_a_form_without_our_token_is_a_403_that_explains_the_cookie(people: Cast) -> None:
    strict = Client(enforce_csrf_checks=True)
    response = strict.post(reverse("bookings:hold", args=["parc", "consultation"]), {"slot": "x"})
    assert (response.status_code, heading(response)) == (403, "Your browser did not keep our cookie")


def test_the_page_for_our_own_fault_needs_no_database(people: Cast, django_assert_num_queries: object) -> None:
    request = RequestFactory().get("/c/parc/")
    with django_assert_num_queries(0):  # type: ignore[operator]
        response = errors.server_error(request)
    assert (response.status_code, heading(response)) == (500, "Something broke on our side")


def test_a_body_of_more_than_a_megabyte_is_refused_clearly(walk: Walk) -> None:
    response = walk.hold(more="x" * 1_100_000)
    assert (response.status_code, heading(response)) == (400, "This request cannot be read")


def test_too_many_at_once_is_a_503_that_asks_to_try_again(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(**wish: object) -> None:
        raise TooBusy

    monkeypatch.setattr(holds, "hold_together", busy)
    response = walk.hold()
    assert (response.status_code, response["Retry-After"], heading(response)) == (503, "5", "Please wait a little")
    assert "+33 4 72 00 00 00" in response.content.decode()


def test_a_role_that_does_not_open_a_page_gets_a_403(people: Cast) -> None:
    response = errors.permission_denied(RequestFactory().get("/c/parc/"), PermissionError())
    assert (response.status_code, heading(response)) == (403, "This page is not for you")
