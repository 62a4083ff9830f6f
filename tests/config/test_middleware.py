"""What every answer carries, and what every request runs in."""

import logging
import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings

from audit.context import Actor, current
from bookings.models import Clinic, StaffMembership, User
from config.middleware import actor_of, https_only, origin_of, request_context

PAGES = ["/accounts/login/", "/healthz", "/nothing/here/"]


@pytest.fixture
def visitor() -> Client:
    """A browser that nobody knows."""
    return Client()


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_every_answer_carries_the_policy(visitor: Client, page: str) -> None:
    headers = visitor.get(page).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-" not in policy
    assert "http:" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "no-store" in headers["Cache-Control"]
    assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-ID"])
    assert "Strict-Transport-Security" not in headers  # served on loopback


@pytest.mark.django_db
def test_cookies_are_of_this_site_only_and_out_of_reach_of_scripts(visitor: Client) -> None:
    cookie = visitor.get("/accounts/login/").cookies["csrftoken"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


@pytest.mark.django_db
def test_the_access_line_names_the_route_and_never_the_address(
    visitor: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "horae.access"):
        visitor.get("/accounts/login/?next=/a/secret-token/")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "horae.access"]
    assert re.fullmatch(r"GET account_login 200 \d+ ms [0-9a-f]{32}", line)


@pytest.mark.django_db
def test_an_id_from_outside_is_kept_only_behind_our_proxy(visitor: Client) -> None:
    given = {"X-Request-ID": "edge-0123456789"}
    assert visitor.get("/healthz", headers=given)["X-Request-ID"] != "edge-0123456789"
    with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        assert visitor.get("/healthz", headers=given)["X-Request-ID"] == "edge-0123456789"
        forged = {"X-Request-ID": "a\tb c" * 9}
        assert visitor.get("/healthz", headers=forged)["X-Request-ID"] != forged["X-Request-ID"]


@override_settings(HTTPS=True, BASE_URL="https://book.example")
def test_a_request_in_clear_is_sent_to_https_with_its_method() -> None:
    handle = https_only(lambda request: HttpResponse("served"))
    moved = handle(RequestFactory().post("/c/lyon/?day=1"))
    assert (moved.status_code, moved["Location"]) == (308, "https://book.example/c/lyon/?day=1")
    assert handle(RequestFactory().get("/readyz")).status_code == 200
    assert handle(RequestFactory().get("/c/lyon/", secure=True)).status_code == 200


def request_of(user: Any = None) -> HttpRequest:
    """A request as the authentication middleware leaves it."""
    request = RequestFactory().get("/accounts/login/")
    request.META.update(HORAE_ROUTE="account_login", HORAE_REQUEST_ID="r1")
    request.session = SessionStore()
    if user is not None:
        request.COOKIES["sessionid"] = "x"
        request.session["_auth_user_id"] = str(user.pk)
        request.user = user
    return request


def test_a_visitor_costs_no_query() -> None:
    assert actor_of(request_of()) == Actor(kind="visitor", id="", label="")  # no database in this test


@pytest.mark.django_db
def test_staff_act_under_their_name_and_with_no_role_of_any_clinic() -> None:
    carla = User.objects.create(username="carla", is_staff=True)
    clinic = Clinic.objects.create(name="Lyon", slug="lyon")
    StaffMembership.objects.create(user=carla, clinic=clinic, role="reception")
    assert actor_of(request_of(carla)) == Actor(kind="staff", id=str(carla.pk), label="carla")


def test_a_patient_acts_without_a_name() -> None:
    ada = SimpleNamespace(pk=7, is_authenticated=True, is_staff=False, get_username=lambda: "ada@example.org")
    assert actor_of(request_of(ada)) == Actor(kind="patient", id="7", label="")


def test_a_request_runs_as_its_actor_in_a_use_of_its_route() -> None:
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(current())
        return HttpResponse()

    request_context(view)(request_of())
    (context,) = seen
    assert (context.actor.kind, context.case, context.client, context.request_id) == (
        "visitor",
        "http.account_login",
        "web",
        "r1",
    )
    assert current().use_id is None


def test_a_request_says_where_it_came_from_and_names_no_session_that_could_be_entered() -> None:
    request = request_of()
    request.META["REMOTE_ADDR"] = "192.0.2.7"
    assert origin_of(request) is None
    with override_settings(SOURCE_DAYS=90):
        assert (found := origin_of(request)) is not None
        assert (found.address, found.session) == ("192.0.2.7", "")
        request.COOKIES["sessionid"] = "secret"
        assert (found := origin_of(request)) is not None
        assert (len(found.session), "secret" in found.session) == (32, False)
        assert repr(found) == "<RequestOrigin>"
        seen = []

        def view(_request: HttpRequest) -> HttpResponse:
            seen.append(current().origin)
            return HttpResponse()

        request_context(view)(request)
        assert seen == [found]
