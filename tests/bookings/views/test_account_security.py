"""Authenticator apps and passkeys: proved from end to end by a device in software."""

import copy
import json
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from fido2.webauthn import AuthenticatorData
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from audit.models import Fact
from audit.stream import drain
from bookings import passkeys, patients
from bookings.models import PatientAccount
from config.env import ROOT
from tests.bookings.entering import enter, said
from tests.bookings.views.account_walk import ME, NASTY, SECOND, SECURITY, is_in, sign_in
from tests.bookings.views.soft_authenticator import PRESENT, SoftAuthenticator, as_json
from tests.bookings.views.walk import heading, other_than
from tests.factories import PASSWORD, Cast

pytestmark = pytest.mark.django_db
BEGIN, APP, REMOVE = (reverse(f"bookings:me-app{name}") for name in ("-begin", "", "-remove"))
ADD, ADD_OPTIONS = reverse("bookings:me-passkey-add"), reverse("bookings:me-passkey-add-options")
PASSKEY, OPTIONS = reverse("bookings:me-passkey"), reverse("bookings:me-passkey-options")


@pytest.fixture(autouse=True)
def known(people: Cast) -> None:
    patients.reindex(people.ada)


@pytest.fixture
def ada(known: None, client: Client) -> Client:
    sign_in(client)
    return client


def app_shows(secret: str, *, steps: int = 0) -> str:
    """What the app shows now, or some steps of 30 seconds from now."""
    return str(format_hotp_value(hotp_value(secret.replace(" ", ""), int(timezone.now().timestamp()) // 30 + steps)))


def with_app(browser: Client) -> str:
    """Set up an app; returns its seed. Its first code is used up."""
    assert browser.post(BEGIN)["Location"] == APP
    secret: str = browser.get(APP).context["setup"].secret
    assert browser.post(APP, {"code": app_shows(secret)})["Location"] == f"{SECURITY}?said=app"
    return secret


def with_passkey(browser: Client, device: SoftAuthenticator | None = None, name: str = "My phone") -> SoftAuthenticator:
    """Add a passkey."""
    device = device or SoftAuthenticator()
    answer = device.create(browser.post(ADD_OPTIONS).json())
    assert browser.post(ADD, {"name": name, "credential": as_json(answer)})["Location"] == f"{SECURITY}?said=passkey"
    return device


def answered(browser: Client, device: SoftAuthenticator) -> dict[str, Any]:
    return device.get(browser.post(OPTIONS).json())


def use(browser: Client, device: SoftAuthenticator, **more: str) -> Any:
    return browser.post(PASSKEY, {"credential": as_json(answered(browser, device)), **more})


# --- the authenticator app


def test_the_app_is_set_up_by_its_first_code(ada: Client) -> None:
    page = ada.post(BEGIN, follow=True)
    assert heading(page) == "Set up an authenticator app"
    setup = page.context["setup"]
    assert f'src="{setup.picture}"' in page.content.decode()
    assert setup.picture.startswith("data:image/svg+xml;base64,")
    wrong = ada.post(APP, {"code": other_than(app_shows(setup.secret))})
    assert (wrong.status_code, Authenticator.objects.count()) == (422, 0)
    assert ada.post(APP, {"code": app_shows(setup.secret)})["Location"] == f"{SECURITY}?said=app"
    assert ada.get(APP)["Location"] == SECURITY


def test_the_seed_is_sealed_in_the_session_and_at_rest(ada: Client) -> None:
    ada.post(BEGIN)
    secret = ada.get(APP).context["setup"].secret.replace(" ", "")
    assert secret not in str(dict(ada.session))
    ada.post(APP, {"code": app_shows(secret)})
    assert secret not in str(Authenticator.objects.get().data)


def test_looking_at_the_page_makes_no_seed(ada: Client) -> None:
    assert ada.get(APP)["Location"] == SECURITY
    assert "me_app" not in ada.session


def test_with_an_app_the_code_by_mail_is_not_enough(ada: Client, clock: time_machine.Traveller) -> None:
    secret = with_app(ada)
    clock.shift(60)
    browser = Client()
    assert sign_in(browser, next="/me/people/")["Location"] == SECOND
    assert (is_in(browser), browser.get(ME).status_code) == (False, 200)
    assert heading(browser.get(ME)) == "Sign in to your account"
    assert browser.post(SECOND, {"code": other_than(app_shows(secret))}).status_code == 422
    assert not is_in(browser)
    assert browser.post(SECOND, {"code": app_shows(secret)})["Location"] == "/me/people/"
    assert is_in(browser)


def test_nobody_comes_to_the_second_step_without_the_first(people: Cast, ada: Client) -> None:
    secret = with_app(ada)
    assert Client().post(SECOND, {"code": app_shows(secret, steps=1)})["Location"] == ME


def test_the_second_step_waits_ten_minutes(ada: Client, clock: time_machine.Traveller) -> None:
    secret = with_app(ada)
    browser = Client()
    sign_in(browser)
    clock.shift(600)
    assert browser.post(SECOND, {"code": app_shows(secret)})["Location"] == ME
    assert not is_in(browser)


def test_a_code_of_the_app_works_once(ada: Client, clock: time_machine.Traveller) -> None:
    secret = with_app(ada)
    clock.shift(60)
    code = app_shows(secret)
    first, second = Client(), Client()
    for browser in (first, second):
        sign_in(browser)
        browser.post(SECOND, {"code": code})
    assert (is_in(first), is_in(second)) == (True, False)


def test_the_code_that_set_the_app_up_signs_nobody_in(ada: Client) -> None:
    secret = with_app(ada)
    browser = Client()
    sign_in(browser)
    assert browser.post(SECOND, {"code": app_shows(secret)}).status_code == 422


@pytest.mark.parametrize(("steps", "opens"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_that_is_half_a_minute_wrong_is_borne(
    ada: Client, clock: time_machine.Traveller, steps: int, opens: bool
) -> None:
    secret = with_app(ada)
    clock.shift(300)
    browser = Client()
    sign_in(browser)
    browser.post(SECOND, {"code": app_shows(secret, steps=steps)})
    assert is_in(browser) is opens


def test_five_wrong_codes_close_the_second_step_for_fifteen_minutes(ada: Client, clock: time_machine.Traveller) -> None:
    secret = with_app(ada)
    clock.shift(60)
    browser = Client()
    sign_in(browser)
    tries = [browser.post(SECOND, {"code": other_than(app_shows(secret))}).status_code for _ in range(5)]
    assert tries == [422, 422, 422, 422, 429]
    drain()
    assert browser.post(SECOND, {"code": app_shows(secret)}).status_code == 429
    other = Client()
    sign_in(other)
    assert other.post(SECOND, {"code": app_shows(secret)}).status_code == 429
    clock.shift(15 * 60 - 1)
    third = Client()
    sign_in(third)
    assert third.post(SECOND, {"code": app_shows(secret)}).status_code == 429
    clock.shift(1)
    third.post(SECOND, {"code": app_shows(secret)})
    assert is_in(third)


def test_closing_the_second_step_is_written_down(people: Cast, ada: Client) -> None:
    secret = with_app(ada)
    browser = Client()
    sign_in(browser)
    drain()
    for _ in range(5):
        browser.post(SECOND, {"code": other_than(app_shows(secret, steps=3))})
    (event,) = Fact.objects.filter(source="a")
    account = PatientAccount.objects.get()
    assert event.new is not None
    assert (event.chain, event.new["name"], event.new["data"]) == (
        f"clinic/{people.clinic.pk}",
        *("second-factor-shut", {"account": account.pk}),
    )


def test_a_right_code_forgives_the_wrong_ones(ada: Client, clock: time_machine.Traveller) -> None:
    secret = with_app(ada)
    for _ in range(2):
        clock.shift(60)
        browser = Client()
        sign_in(browser)
        for _ in range(4):
            browser.post(SECOND, {"code": other_than(app_shows(secret))})
        browser.post(SECOND, {"code": app_shows(secret)})
        assert is_in(browser)


def test_the_app_is_removed_after_one_more_code(ada: Client, clock: time_machine.Traveller) -> None:
    secret = with_app(ada)
    clock.shift(60)
    assert ada.post(REMOVE, {"code": ""}).status_code == 422
    assert ada.post(REMOVE, {"code": other_than(app_shows(secret))}).status_code == 422
    assert Authenticator.objects.count() == 1
    assert ada.post(REMOVE, {"code": app_shows(secret)})["Location"] == f"{SECURITY}?said=no-app"
    assert Authenticator.objects.count() == 0
    assert sign_in(Client())["Location"] == ME


# --- passkeys


def test_a_passkey_is_added_and_signs_in_alone(people: Cast, ada: Client, clock: time_machine.Traveller) -> None:
    device = with_passkey(ada)
    with_app(ada)
    page = ada.get(SECURITY).content.decode()
    assert "My phone" in page
    assert "never used" in page
    clock.shift(60)
    browser = Client()
    assert use(browser, device, next="/me/contact/")["Location"] == "/me/contact/"
    assert is_in(browser)
    page = browser.get(SECURITY).content.decode()
    assert "added Friday, 27 November 2026 · last used Friday, 27 November 2026" in page
    assert mail.outbox == []


def test_what_the_device_is_asked_for(people: Cast, ada: Client) -> None:
    asked = ada.post(ADD_OPTIONS).json()["publicKey"]
    chosen = asked["authenticatorSelection"]
    assert (chosen["residentKey"], chosen["requireResidentKey"], chosen["userVerification"]) == (
        *("required", True),
        *("required",),
    )
    assert (asked["user"]["name"], asked["user"]["displayName"]) == ("ada@example.org", "Practice at the park")
    asked = Client().post(OPTIONS).json()["publicKey"]
    assert (asked["userVerification"], asked.get("allowCredentials", [])) == ("required", [])
    device = with_passkey(ada)
    (known,) = ada.post(ADD_OPTIONS).json()["publicKey"]["excludeCredentials"]
    assert known["id"] == device.create(ada.post(ADD_OPTIONS).json())["id"]


def test_options_are_not_given_to_a_get(ada: Client) -> None:
    for address in (OPTIONS, ADD_OPTIONS, PASSKEY, ADD):
        assert ada.get(address).status_code == 405


def test_the_name_of_a_passkey_is_sealed(ada: Client) -> None:
    with_passkey(ada, name="Phone of Ada Lovelace")
    assert "Ada" not in str(Authenticator.objects.get().data)
    assert [one.name for one in passkeys.listed(account=PatientAccount.objects.get())] == ["Phone of Ada Lovelace"]


def test_a_removed_passkey_opens_nothing(ada: Client) -> None:
    device = with_passkey(ada)
    (one,) = Authenticator.objects.all()
    address = reverse("bookings:me-passkey-remove", args=[one.pk])
    assert ada.get(address).status_code == 405
    assert ada.post(address)["Location"] == f"{SECURITY}?said=no-passkey"
    page = use(Client(), device)
    assert page.status_code == 422
    assert "This passkey was not accepted." in page.content.decode()


def test_somebody_elses_passkey_cannot_be_removed(people: Cast, ada: Client) -> None:
    with_passkey(ada)
    ben = Client()
    sign_in(ben, "ben@example.org")
    for number in (Authenticator.objects.get().pk, 10**30):
        assert ben.post(reverse("bookings:me-passkey-remove", args=[number])).status_code == 404
    assert Authenticator.objects.count() == 1


def test_a_challenge_is_good_for_one_answer_of_one_browser(ada: Client) -> None:
    device = with_passkey(ada)
    browser, thief = Client(), Client()
    answer = as_json(answered(browser, device))
    thief.post(OPTIONS)
    assert thief.post(PASSKEY, {"credential": answer}).status_code == 422
    assert Client().post(PASSKEY, {"credential": answer}).status_code == 422
    browser.post(PASSKEY, {"credential": "{}"})
    assert browser.post(PASSKEY, {"credential": answer}).status_code == 422
    assert (is_in(browser), is_in(thief)) == (False, False)


@pytest.mark.parametrize("flags", [PRESENT, AuthenticatorData.FLAG.UV])
def test_a_device_that_did_not_verify_the_person_is_refused(ada: Client, flags: AuthenticatorData.FLAG) -> None:
    device = with_passkey(ada)
    device.flags = flags
    assert use(Client(), device).status_code == 422
    answer = SoftAuthenticator(flags=flags).create(ada.post(ADD_OPTIONS).json())
    assert ada.post(ADD, {"name": "x", "credential": as_json(answer)}).status_code == 422
    assert Authenticator.objects.count() == 1


def test_a_passkey_nobody_could_find_again_is_refused(ada: Client) -> None:
    answer = SoftAuthenticator(discoverable=False).create(ada.post(ADD_OPTIONS).json())
    assert ada.post(ADD, {"name": "x", "credential": as_json(answer)}).status_code == 422
    assert Authenticator.objects.count() == 0


def test_another_key_behind_a_known_name_is_refused(ada: Client) -> None:
    device = with_passkey(ada)
    forged = SoftAuthenticator(credential_id=device.credential_id, handle=device.handle)
    assert use(Client(), forged).status_code == 422


def test_a_passkey_made_for_another_account_does_not_open_this_one(people: Cast, ada: Client) -> None:
    device = with_passkey(ada)
    ben = Client()
    sign_in(ben, "ben@example.org")
    other = with_passkey(ben)
    device.handle = other.handle
    assert use(Client(), device).status_code == 422


def test_ten_passkeys_are_enough(ada: Client) -> None:
    for _ in range(passkeys.MOST):
        with_passkey(ada)
    answer = SoftAuthenticator().create(ada.post(ADD_OPTIONS).json())
    page = ada.post(ADD, {"name": "one more", "credential": as_json(answer)})
    assert page.status_code == 422
    assert "There are ten passkeys already." in page.content.decode()


def test_a_passkey_of_staff_opens_no_account_here(people: Cast, client: Client) -> None:
    carla = enter(people.carla)
    device = SoftAuthenticator()
    asked = carla.get(reverse("mfa_add_webauthn"), follow=True)
    if asked.redirect_chain:
        carla.post(reverse("account_reauthenticate"), {"password": PASSWORD})
        asked = carla.get(reverse("mfa_add_webauthn"))
    options = json.loads(json.dumps(asked.context["js_data"]["creation_options"], default=dict))
    answer = device.create(options)
    made = carla.post(reverse("mfa_add_webauthn"), {"name": "key", "passwordless": "on", "credential": as_json(answer)})
    assert (made.status_code, Authenticator.objects.filter(user=people.carla, type="webauthn").count()) == (302, 1)
    page = use(client, device)
    assert (page.status_code, is_in(client)) == (422, False)
    assert "This passkey was not accepted." in page.content.decode()
    door = Client()
    options = door.get(reverse("mfa_login_webauthn"), headers={"x-requested-with": "XMLHttpRequest"}).json()
    door.post(reverse("mfa_login_webauthn"), {"credential": as_json(device.get(options["request_options"]))})
    assert is_in(door)


def test_a_patients_passkey_is_turned_away_at_the_door_of_staff(people: Cast, ada: Client) -> None:
    device = with_passkey(ada)
    door = Client()
    options = door.get(reverse("mfa_login_webauthn"), headers={"x-requested-with": "XMLHttpRequest"}).json()
    answer = device.get(options["request_options"])
    page = door.post(reverse("mfa_login_webauthn"), {"credential": as_json(answer)}, follow=True)
    assert page.redirect_chain[-1][0] == reverse("account_login")
    assert said(page) == ["This account has no role in a clinic. Please ask your manager."]
    assert not is_in(door)
    assert door.get(reverse("admin:desk")).status_code == 302
    assert mail.outbox == []


def test_a_closed_accounts_passkey_opens_nothing(ada: Client) -> None:
    device = with_passkey(ada)
    user = PatientAccount.objects.get().user
    user.is_active = False
    user.save()
    assert use(Client(), device).status_code == 422


def test_a_missing_name_is_said(ada: Client) -> None:
    page = ada.post(ADD, {"name": " ", "credential": ""})
    assert page.status_code == 422
    assert "<title>Error: " in page.content.decode()
    assert "Give the passkey a name." in page.content.decode()


@pytest.mark.parametrize(
    "nasty", [*NASTY, "[" * 10_000, "null", "1", '"x"', '{"response": null}', '{"response":{"userHandle":1}}']
)
def test_nothing_sent_as_a_passkey_breaks_the_page(ada: Client, nasty: str) -> None:
    browser = Client()
    browser.post(OPTIONS)
    ada.post(ADD_OPTIONS)
    assert browser.post(PASSKEY, {"credential": nasty, "next": nasty}).status_code == 422
    assert ada.post(ADD, {"name": "x", "credential": nasty}).status_code == 422
    page = ada.post(ADD, {"name": nasty, "credential": nasty})
    assert page.status_code == 422
    assert b"<script>alert" not in page.content
    assert ada.post(APP, {"code": nasty}).status_code == 302
    assert ada.post(REMOVE, {"code": nasty}).status_code in (302, 422)


@bounded(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_part_of_an_answer_breaks_the_page(ada: Client, data: st.DataObject) -> None:
    made = SoftAuthenticator()
    for address, options, answering in ((ADD, ADD_OPTIONS, made.create), (PASSKEY, OPTIONS, made.get)):
        answer = answering(ada.post(options).json())
        spoilt = copy.deepcopy(answer)
        part = data.draw(st.sampled_from(["id", "rawId", "type", "clientExtensionResults", *answer["response"]]))
        junk: object = data.draw(
            st.none() | st.integers() | st.text(max_size=40) | st.lists(st.none(), max_size=2) | st.just({})
        )
        (spoilt["response"] if part in answer["response"] else spoilt)[part] = junk
        page = ada.post(address, {"name": "x", "credential": json.dumps(spoilt)})
        assert page.status_code in (302, 422)
        Authenticator.objects.all().delete()


@pytest.mark.parametrize("part", ["rawId", "clientDataJSON", "attestationObject", "authenticatorData", "signature"])
def test_a_number_in_the_place_of_a_text_takes_no_memory(ada: Client, part: str) -> None:
    device = with_passkey(ada)
    for address, answer in (
        (ADD, SoftAuthenticator().create(ada.post(ADD_OPTIONS).json())),
        (PASSKEY, device.get(ada.post(OPTIONS).json())),
    ):
        (answer if part == "rawId" else answer["response"])[part] = 10**11
        assert ada.post(address, {"name": "x", "credential": as_json(answer)}).status_code == 422


def test_the_script_is_small_and_of_our_own() -> None:
    script = (ROOT / "static" / "bookings" / "passkey.js").read_bytes()
    assert len(script) < 4096
    assert b"http" not in script
