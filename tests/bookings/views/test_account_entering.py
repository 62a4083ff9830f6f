"""Signing in to the patient's account: nobody learns who is known, and nobody gets in with less than is asked for."""

import json
import time
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from audit.models import Fact
from audit.stream import drain
from bookings import links, patients, proof
from bookings.models import ContactChallenge, PatientAccount, User
from tests.bookings.entering import enter, work_of
from tests.bookings.views.account_walk import ADA, CODE, ME, NASTY, SECOND, SECURITY, ask, is_in, sign_in, visit
from tests.bookings.views.walk import Walk, heading, newest_code, other_than
from tests.factories import MONDAY, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def known(people: Cast) -> None:
    patients.reindex(people.ada)


def test_the_page_asks_calmly_and_reading_it_leaves_nothing(people: Cast, client: Client) -> None:
    page = client.get(ME, {"clinic": "parc"})
    assert heading(page) == "Sign in to your account"
    assert '<option value="parc" selected>' in page.content.decode()
    assert '<meta name="robots" content="noindex">' in page.content.decode()
    client.get(CODE)
    client.get(SECOND)
    assert "sessionid" not in client.cookies
    assert ContactChallenge.objects.count() == 0


def test_a_lone_clinic_is_not_asked_for(people: Cast, client: Client) -> None:
    people.elsewhere.active = False
    people.elsewhere.save()
    assert '<input type="hidden" name="clinic" value="parc"' in client.get(ME).content.decode()


def test_the_passkey_is_offered_by_script_only(client: Client) -> None:
    page = client.get(ME).content.decode()
    assert f'<form class="passkey" method="post" action="{reverse("bookings:me-passkey")}" hidden' in page
    assert "bookings/passkey.js" in page


def test_known_and_unknown_addresses_get_the_same_answer(people: Cast) -> None:
    told = []
    for email in (ADA, "nobody@example.org"):
        browser = Client()
        response = ask(browser, email)
        page = browser.get(CODE).content.decode()
        told.append((response.status_code, response["Location"], page.split("csrfmiddlewaretoken")[0]))
        assert email not in page
    assert told[0] == told[1]
    sent = {row.contact: row.deliver for row in ContactChallenge.objects.all()}
    assert sent == {ADA: True, "nobody@example.org": False}


def test_known_and_unknown_addresses_take_the_same_work(people: Cast) -> None:
    known, unknown = (work_of(partial(ask, Client(), email)) for email in (ADA, "nobody@example.org"))
    assert known == unknown != []


def test_the_right_code_opens_the_account_and_keeps_the_visitor(people: Cast, client: Client) -> None:
    ask(client)
    before = client.session.session_key
    visitor = client.session["visitor"]
    assert client.post(CODE, {"code": newest_code(purpose="signin")})["Location"] == ME
    assert heading(client.get(ME)) == "Your appointments"
    assert client.session["visitor"] == visitor
    assert client.session.session_key != before
    assert client.cookies["sessionid"]["max-age"] == ""


def test_nothing_personal_stands_in_the_session_or_in_the_user(people: Cast, client: Client) -> None:
    sign_in(client)
    user = PatientAccount.objects.get().user
    assert (user.email, user.first_name, user.last_name, user.has_usable_password(), user.is_staff) == (
        *("", "", ""),
        *(False, False),
    )
    kept = str(dict(client.session))
    assert not [word for word in ("ada", "Ada", "Lovelace", "@") if word in kept]


def test_the_second_sign_in_opens_the_same_account(people: Cast) -> None:
    sign_in(Client())
    sign_in(Client(), "Ada@Example.ORG")
    assert PatientAccount.objects.count() == User.objects.filter(is_staff=False).count() == 1


def test_five_wrong_tries_end_the_code(people: Cast, client: Client) -> None:
    ask(client)
    right = newest_code(purpose="signin")
    tries = [client.post(CODE, {"code": code}) for code in [other_than(right)] * 5 + [right]]
    assert [page.status_code for page in tries] == [422, 422, 422, 422, 410, 410]
    assert "<title>Error: " in tries[0].content.decode()
    assert not is_in(client)


def test_an_old_code_is_over_and_a_new_one_goes_to_the_same_address(
    people: Cast, client: Client, clock: time_machine.Traveller
) -> None:
    ask(client)
    old = newest_code(purpose="signin")
    clock.shift(proof.CODE_LIVES)
    assert client.post(CODE, {"code": old}).status_code == 410
    page = client.post(reverse("bookings:me-code-send"), follow=True)
    assert page.redirect_chain == [(f"{CODE}?sent=again", 302)]
    assert "Only the newest code works." in page.content.decode()
    assert ContactChallenge.objects.latest("created").contact == ADA
    client.post(CODE, {"code": newest_code(purpose="signin")})
    assert is_in(client)


def test_a_code_of_another_browser_or_for_another_purpose_opens_nothing(walk: Walk, client: Client) -> None:
    other = Client()
    ask(other)
    code = newest_code(purpose="signin")
    assert client.post(CODE, {"code": code})["Location"] == ME
    finder = Client()
    finder.post(reverse("bookings:find"), {"clinic": "parc", "email": ADA})
    session = finder.session
    session["codes"] = {"me": session["codes"]["find"]}
    session.save()
    assert finder.post(CODE, {"code": newest_code(purpose="find")})["Location"] == ME
    assert not is_in(finder)


def test_a_code_typed_once_does_not_sign_in_again(people: Cast, client: Client) -> None:
    sign_in(client)
    assert client.post(CODE, {"code": newest_code(purpose="signin")})["Location"] == ME
    client.post(reverse("bookings:me-sign-out"))
    assert client.post(CODE, {"code": newest_code(purpose="signin")})["Location"] == ME
    assert not is_in(client)


def test_too_many_codes_are_refused_alike(people: Cast) -> None:
    answers = {}
    for email in (ADA, "nobody@example.org"):
        answers[email] = [ask(Client(), email).status_code for _ in range(proof.MOST_PER_CONTACT + 1)]
    assert answers[ADA] == answers["nobody@example.org"] == [302] * proof.MOST_PER_CONTACT + [429]


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/me/security/", "/me/security/"),
        ("/c/parc/?x=1#y", "/c/parc/"),
        ("https://evil.example/me/", ME),
        ("//evil.example/me/", ME),
        ("/\\evil.example", ME),
        ("javascript:alert(1)", ME),
        ("/admin/", ME),
        ("/accounts/login/", ME),
        ("/nowhere/at/all/", ME),
        ("me/security/", ME),
        ("/me/\0", ME),
    ],
)
def test_the_way_back_is_one_of_our_own_pages(people: Cast, client: Client, wanted: str, led: str) -> None:
    assert sign_in(client, next=wanted)["Location"] == led


def test_whoever_is_not_signed_in_comes_back_to_the_page_they_wanted(people: Cast, client: Client) -> None:
    page = client.get(SECURITY, follow=True)
    assert page.redirect_chain == [(f"{ME}?next=%2Fme%2Fsecurity%2F", 302)]
    assert '<input type="hidden" name="next" value="/me/security/">' in page.content.decode()
    assert client.post(reverse("bookings:me-app-begin"))["Location"] == ME


def test_an_account_of_one_clinic_opens_nothing_of_another(people: Cast, client: Client) -> None:
    appointment = visit(people, people.ada)
    client.post(ME, {"clinic": "ring", "email": ADA})
    client.post(CODE, {"code": newest_code(purpose="signin")})
    assert PatientAccount.objects.get().clinic == people.elsewhere
    assert links.token(appointment) not in client.get(ME).content.decode()


def test_a_closed_account_is_told_so_after_the_code_only(people: Cast, client: Client) -> None:
    sign_in(Client())
    User.objects.filter(patient_account__isnull=False).update(is_active=False)
    ContactChallenge.objects.all().delete()
    assert ask(client).status_code == 302
    page = client.post(CODE, {"code": newest_code(purpose="signin")})
    assert (page.status_code, is_in(client)) == (403, False)
    assert "This account is closed." in page.content.decode()


def test_signing_out_takes_a_press_and_forgets_everything(people: Cast, client: Client) -> None:
    sign_in(client)
    assert client.get(reverse("bookings:me-sign-out")).status_code == 405
    assert is_in(client)
    page = client.post(reverse("bookings:me-sign-out"), follow=True)
    assert "You are signed out." in page.content.decode()
    assert dict(client.session) == {}


def test_a_session_left_alone_ends_and_the_person_is_told(
    people: Cast, client: Client, clock: time_machine.Traveller, settings: Any
) -> None:
    settings.PATIENT_IDLE_MINUTES = 30
    sign_in(client)
    appointment = visit(people, people.ada, start=MONDAY + timedelta(hours=5))
    for _ in range(2):
        clock.shift(29 * 60)
        assert heading(client.get(ME)) == "Your appointments"
    clock.shift(30 * 60 + 61)
    client.get(reverse("bookings:manage", args=[links.token(appointment)]))
    assert not is_in(client)
    assert "You were signed out after 30 minutes without use." in client.get(ME).content.decode()


def test_twelve_hours_end_even_a_busy_session(people: Cast, client: Client, clock: time_machine.Traveller) -> None:
    sign_in(client)
    for _ in range(12 * 3 - 1):
        clock.shift(20 * 60)
        assert heading(client.get(ME)) == "Your appointments"
    clock.shift(20 * 60)
    assert "You were signed out after 12 hours." in client.get(ME).content.decode()


def test_being_there_is_written_down_once_a_minute_at_most(
    people: Cast, client: Client, clock: time_machine.Traveller
) -> None:
    sign_in(client)
    first = client.session["me_seen"]
    assert first == int(time.time())
    clock.shift(59)
    client.get(ME)
    assert client.session["me_seen"] == first
    clock.shift(1)
    client.get(ME)
    assert client.session["me_seen"] == first + 60


def test_staff_have_no_account_here_and_leave_their_session_to_sign_in(people: Cast) -> None:
    carla = enter(people.carla)
    assert heading(carla.get(ME)) == "Sign in to your account"
    assert carla.get(SECURITY).status_code == 302
    assert carla.post(reverse("bookings:me-sign-out"))["Location"] == ME
    assert is_in(carla)
    sign_in(carla)
    assert heading(carla.get(ME)) == "Your appointments"
    assert carla.get(reverse("admin:desk")).status_code == 302


@pytest.mark.parametrize(
    "name",
    [
        *("account_login", "account_set_password", "account_change_password", "account_email", "mfa_index"),
        *("mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate", "account_logout"),
    ],
)
def test_a_patients_account_cannot_reach_the_pages_of_staff_accounts(people: Cast, client: Client, name: str) -> None:
    sign_in(client)
    for answer in (client.get(reverse(name)), client.post(reverse(name), {"email": "x@example.org"})):
        assert (answer.status_code, answer["Location"]) == (302, ME)


def test_a_patients_account_cannot_reach_the_admin(people: Cast, client: Client) -> None:
    sign_in(client)
    for name in ("admin:index", "admin:desk", "admin:bookings_patient_changelist"):
        assert client.get(reverse(name), follow=True).status_code == 403


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize("field", ["clinic", "email", "next"])
def test_nothing_typed_breaks_the_door(people: Cast, client: Client, field: str, nasty: str) -> None:
    form = {"clinic": "parc", "email": ADA, "next": "/me/"} | {field: nasty}
    page = client.post(ME, form)
    assert page.status_code in (302, 422)
    assert b"<script>alert" not in page.content
    assert client.get(ME, {"clinic": nasty, "next": nasty}).status_code == 200


@pytest.mark.parametrize("nasty", NASTY)
def test_nothing_typed_breaks_the_code(people: Cast, client: Client, nasty: str) -> None:
    ask(client)
    page = client.post(CODE, {"code": nasty})
    assert (page.status_code, is_in(client)) == (422, False)
    assert b"<script>alert" not in page.content


def test_every_write_of_signing_in_says_what_it_was(people: Cast, client: Client) -> None:
    drain()
    sign_in(client)
    facts = Fact.objects.filter(source=Fact.Source.TRIGGER)
    cases = {json.loads(fact.ctx)["use"]["case"] if fact.ctx else "" for fact in facts}
    assert cases == {"proof.challenge", "proof.prove", "account.enter", "http.bookings:me-code"}


def test_the_foot_of_every_page_leads_here_at_no_query(people: Cast, client: Client) -> None:
    page = client.get(reverse("bookings:clinic", args=["parc"])).content.decode()
    assert page.count(f'href="{ME}?clinic=parc">') == 2
