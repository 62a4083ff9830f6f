"""The door: who is let in, with what, and for how long."""

import time

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.contrib.auth import SESSION_KEY
from django.core import mail
from django.test import Client
from django.urls import reverse

from bookings.accounts import FACTOR_KEY
from bookings.models import User
from tests.bookings.entering import enter, operator, said
from tests.factories import PASSWORD, Cast, UserFactory, cast

pytestmark = pytest.mark.django_db
LOGIN = reverse("account_login")
DESK = reverse("admin:desk")
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def story() -> Cast:
    return cast()


@pytest.fixture
def one_factor(settings):
    """As in the demo."""
    settings.STAFF_MFA_REQUIRED = False


def sign_in(client: Client, login: str, password: str = PASSWORD, **fields: str):
    return client.post(LOGIN, {"login": login, "password": password, **fields})


def signed_in(client: Client) -> bool:
    return SESSION_KEY in client.session


def app_code(secret: str = SECRET) -> str:
    return str(format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))


@pytest.mark.parametrize("login", ["carla", "CARLA", "carla@clinic.example", "Carla@Clinic.example"])
def test_staff_sign_in_by_name_or_address_in_any_case(client, story, login, one_factor):
    assert sign_in(client, login)["Location"] == "/admin/"
    assert client.get(DESK).status_code == 200


@pytest.mark.parametrize(
    ("login", "password"), [("carla", "wrong"), ("nobody", PASSWORD), ("nobody@clinic.example", PASSWORD)]
)
def test_a_wrong_password_and_an_unknown_name_are_told_alike(client, story, login, password):
    page = sign_in(client, login, password)
    assert page.status_code == 200
    assert "This name or e-mail and this password do not belong together." in page.content.decode()
    assert not signed_in(client)


def test_an_account_without_a_role_is_turned_away_with_a_sentence(client, one_factor):
    UserFactory(username="stranger")
    page = client.get(sign_in(client, "stranger")["Location"])
    assert said(page) == ["This account has no role in a clinic. Please ask your manager."]
    assert not signed_in(client)


def test_a_patients_account_is_not_let_in(client, story, one_factor):
    user = User.objects.create_user(username="patient", password=PASSWORD)
    sign_in(client, "patient")
    assert not signed_in(client)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(DESK, follow=True).status_code == 403


def test_a_locked_account_is_not_let_in(client, story, one_factor):
    User.objects.filter(pk=story.carla.pk).update(is_active=False)
    sign_in(client, "carla")
    assert not signed_in(client)


def test_nobody_signs_up(client):
    page = client.get(reverse("account_signup"))
    assert "closed" in page.content.decode()
    form = {"email": "x@example.org", "username": "x", "password1": PASSWORD, "password2": PASSWORD}
    client.post(reverse("account_signup"), form)
    assert not User.objects.exists()


def test_the_admins_own_sign_in_leads_to_the_one_there_is_and_carries_no_query(client):
    response = client.get(reverse("admin:bookings_patient_changelist"), {"q": "Lovelace"}, follow=True)
    assert response.redirect_chain[-1][0] == f"{LOGIN}?next=%2Fadmin%2Fbookings%2Fpatient%2F"


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/admin/", "//evil.example", "/accounts/logout/", "javascript:alert(1)"]
)
def test_the_way_on_after_signing_in_stays_in_the_admin(client, wanted):
    response = client.get(reverse("admin:login"), {"next": wanted})
    assert response["Location"] == f"{LOGIN}?next=%2Fadmin%2F"


def test_a_password_alone_opens_nothing_but_the_way_to_a_second_factor(client, story):
    sign_in(client, "carla")
    page = client.get(DESK, follow=True)
    assert page.redirect_chain[-1][0] == reverse("mfa_index")
    assert said(page) == ["Before you go on, set up a second way to prove who you are: an app or a key."]
    for address in (reverse("admin:index"), reverse("admin:bookings_patient_changelist"), reverse("admin:desk_step")):
        assert client.get(address).status_code == 302


def test_with_a_factor_the_code_is_asked_for_and_opens_the_door(client, story):
    TOTP.activate(story.carla, SECRET)
    assert sign_in(client, "carla")["Location"] == reverse("mfa_authenticate")
    assert not signed_in(client)
    client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert not signed_in(client)
    client.post(reverse("mfa_authenticate"), {"code": app_code()})
    assert client.get(DESK).status_code == 200


def test_a_session_from_before_the_factor_is_asked_for_it(client, story):
    client.force_login(story.carla, backend="django.contrib.auth.backends.ModelBackend")
    TOTP.activate(story.carla, SECRET)
    page = client.get(DESK, follow=True)
    assert page.redirect_chain[-1][0] == f"{reverse('mfa_reauthenticate')}?next=%2Fadmin%2Fdesk%2F"
    client.post(page.redirect_chain[-1][0], {"code": app_code()})
    assert client.get(DESK).status_code == 200


def test_a_factor_shown_by_one_person_does_not_stand_for_another(story):
    client = enter(story.carla)
    session = client.session
    session[FACTOR_KEY] = str(story.eva.pk)
    session.save()
    assert client.get(DESK).status_code == 302


def test_the_seed_of_a_factor_is_sealed_at_rest(story):
    TOTP.activate(story.carla, SECRET)
    assert SECRET not in str(Authenticator.objects.get(user=story.carla).data)


@pytest.mark.parametrize(("required", "left"), [(True, 1), (False, 0)])
def test_the_last_factor_stays_while_one_is_required(story, settings, required, left):
    settings.STAFF_MFA_REQUIRED = required
    client = enter(story.carla)
    TOTP.activate(story.carla, SECRET)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.post(reverse("mfa_deactivate_totp"))
    assert Authenticator.objects.filter(user=story.carla, type="totp").count() == left


def test_the_sign_in_page_says_when_no_second_factor_is_asked_for(client, settings):
    assert "This is a demonstration" not in client.get(LOGIN).content.decode()
    settings.STAFF_MFA_REQUIRED = False
    assert "This is a demonstration" in client.get(LOGIN).content.decode()


def test_a_session_left_alone_is_ended_and_the_person_told(story, settings):
    settings.STAFF_IDLE_MINUTES = 30
    with time_machine.travel(time.time(), tick=False) as clock:
        client = enter(story.carla)
        client.get(DESK)
        clock.shift(29 * 60)
        assert client.get(DESK).status_code == 200
        clock.shift(29 * 60)
        assert client.get(DESK).status_code == 200
        clock.shift(30 * 60 + 61)
        page = client.get(DESK, follow=True)
        assert said(page) == ["You were signed out after 30 minutes without use."]
        assert not signed_in(client)


def test_still_being_there_is_written_down_once_a_minute_at_most(story):
    with time_machine.travel(time.time(), tick=False) as clock:
        client = enter(story.carla)
        client.get(DESK)
        first = client.session["staff_seen"]
        clock.shift(59)
        client.get(DESK)
        assert client.session["staff_seen"] == first
        clock.shift(1)
        client.get(DESK)
        assert client.session["staff_seen"] == first + 60


def test_a_press_after_the_session_ended_changes_nothing(story, settings):
    with time_machine.travel(time.time(), tick=False) as clock:
        client = enter(story.carla)
        client.get(DESK)
        clock.shift(settings.STAFF_IDLE_MINUTES * 60 + 61)
        assert client.post(reverse("admin:desk_step"), {"do": "arrive:x"}).status_code == 302
        assert not signed_in(client)


def test_logging_out_takes_a_press_and_leads_back_to_the_door(story):
    client = enter(story.carla)
    client.get(reverse("admin:logout"))
    assert signed_in(client)
    page = client.post(reverse("admin:logout"), follow=True)
    assert page.redirect_chain[-1][0] == LOGIN
    assert said(page) == ["You are signed out."]
    assert not signed_in(client)


def test_the_session_ends_with_the_browser(client, story, one_factor):
    sign_in(client, "carla")
    assert client.cookies["sessionid"]["max-age"] == ""


def test_the_persons_language_is_kept_for_the_next_page(client, story, one_factor):
    User.objects.filter(pk=story.carla.pk).update(language="fr")
    sign_in(client, "carla")
    assert client.cookies["django_language"].value == "fr"


def test_five_wrong_tries_close_the_door_for_a_while(client, story):
    for _ in range(5):
        sign_in(client, "carla", "wrong")
    assert "Too many failed tries" in sign_in(client, "carla").content.decode()


def test_a_forgotten_password_is_told_alike_whether_the_address_is_known_or_not(client, story):
    answers = [
        client.post(reverse("account_reset_password"), {"email": address})
        for address in (story.carla.email, "x@example.org")
    ]
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {
        (302, reverse("account_reset_password_done"))
    }
    assert [message.to for message in mail.outbox] == [[story.carla.email]]


def test_an_operator_enters_without_a_role(one_factor, client):
    operator()
    sign_in(client, "operator")
    assert client.get(reverse("admin:index")).status_code == 200


@pytest.mark.parametrize(
    "address", [LOGIN, reverse("account_reset_password"), reverse("admin:index"), reverse("mfa_index"), DESK]
)
def test_no_page_of_staff_needs_an_unsafe_policy_nor_holds_a_script_of_its_own(story, address):
    response = enter(story.carla).get(address) if address != LOGIN else Client().get(address)
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    page = response.content.decode()
    assert " onclick=" not in page
    assert " style=" not in page
    assert "<style" not in page
