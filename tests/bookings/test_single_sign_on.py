"""Signing in through an OpenID Connect provider: existing staff only, by an address the provider vouches for."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.urls import reverse

from bookings.models import User
from tests.bookings.entering import said
from tests.factories import Cast, UserFactory, cast

pytestmark = pytest.mark.django_db


class Provider(BaseHTTPRequestHandler):
    """The least an OpenID Connect provider has to answer."""

    claims: dict[str, Any] = {}
    port = 0
    status = 200

    def do_GET(self) -> None:
        origin = f"http://127.0.0.1:{self.port}"
        if self.path.endswith("/openid-configuration"):
            ends = {"authorization": "/auth", "token": "/token", "userinfo": "/me"}
            self._answer(
                {
                    "issuer": origin,
                    "jwks_uri": f"{origin}/keys",
                    **{f"{name}_endpoint": origin + path for name, path in ends.items()},
                }
            )
        else:
            self._answer(self.claims)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({"access_token": "token", "token_type": "Bearer"})

    def _answer(self, body: dict[str, Any]) -> None:
        written = json.dumps(body).encode()
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def provider(settings: Any) -> Iterator[type[Provider]]:
    """A provider on this machine, named in the settings as an operator would name one."""

    class OneProvider(Provider):
        """Of this test alone."""

    handler = OneProvider
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    app = {
        "provider_id": "staff",
        "name": "Clinic login",
        "client_id": "horae",
        "secret": "s",
        "settings": {"server_url": f"http://127.0.0.1:{server.server_port}"},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}}
    yield handler
    server.shutdown()
    server.server_close()


@pytest.fixture
def story() -> Cast:
    return cast()


def come_back(client: Client) -> Any:
    """Leave for the provider and come back with its code."""
    away = client.post(reverse("openid_connect_login", kwargs={"provider_id": "staff"}), {"process": "login"})
    asked = parse_qs(urlsplit(away["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    back = reverse("openid_connect_callback", kwargs={"provider_id": "staff"})
    return client.get(back, {"code": "c", "state": asked["state"][0]})


def claims(email: str, *, verified: bool = True, sub: str = "1") -> dict[str, Any]:
    return {"sub": sub, "email": email, "email_verified": verified}


def test_the_sign_in_page_offers_the_provider(client, provider):
    assert "Sign in with Clinic login" in client.get(reverse("account_login")).content.decode()


def test_existing_staff_are_let_in_and_the_providers_factor_counts(client, provider, story):
    provider.claims = claims(story.carla.email)
    assert come_back(client)["Location"] == "/admin/"
    assert client.get(reverse("admin:desk")).status_code == 200


def test_once_known_a_person_is_recognised_by_the_provider_even_with_another_address(client, provider, story):
    provider.claims = claims(story.carla.email)
    come_back(client)
    provider.claims = claims("carla@new.example")
    other = Client()
    come_back(other)
    assert other.session[SESSION_KEY] == str(story.carla.pk)


@pytest.mark.parametrize("given", [claims("nobody@clinic.example"), {"sub": "2"}])
def test_nobody_gets_an_account_this_way(client, provider, story, given):
    provider.claims = given
    page = come_back(client)
    assert "closed" in page.content.decode()
    assert User.objects.count() == 3
    assert SESSION_KEY not in client.session


def test_an_address_the_provider_does_not_vouch_for_opens_nothing(client, provider, story):
    provider.claims = claims(story.carla.email, verified=False)
    come_back(client)
    assert SESSION_KEY not in client.session


def test_whoever_has_no_role_is_turned_away(client, provider):
    UserFactory(username="stranger", email="stranger@clinic.example")
    provider.claims = claims("stranger@clinic.example")
    assert said(client.get(come_back(client)["Location"])) == [
        "This account has no role in a clinic. Please ask your manager."
    ]


def test_a_provider_that_fails_is_a_failed_sign_in_and_no_crash(client, provider, story):
    provider.claims = claims(story.carla.email)
    away = client.post(reverse("openid_connect_login", kwargs={"provider_id": "staff"}), {"process": "login"})
    state = parse_qs(urlsplit(away["Location"]).query)["state"][0]
    provider.status = 500
    page = client.get(
        reverse("openid_connect_callback", kwargs={"provider_id": "staff"}), {"code": "c", "state": state}, follow=True
    )
    assert said(page) == ["The sign-in service cannot be reached. Try again, or sign in with your password."]
    assert SESSION_KEY not in client.session


def test_a_provider_outside_the_declared_list_is_never_asked(client, provider, settings):
    app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    app["settings"]["server_url"] = "https://login.example.com"
    page = client.post(
        reverse("openid_connect_login", kwargs={"provider_id": "staff"}), {"process": "login"}, follow=True
    )
    assert said(page) == ["The sign-in service cannot be reached. Try again, or sign in with your password."]


def test_a_forged_return_is_refused(client, provider, story):
    provider.claims = claims(story.carla.email)
    page = client.get(
        reverse("openid_connect_callback", kwargs={"provider_id": "staff"}),
        {"code": "c", "state": base64.b64encode(b"x").decode()},
    )
    assert page.status_code in (200, 401)
    assert SESSION_KEY not in client.session
