"""Who works in a clinic, as its manager keeps it."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from audit.models import Fact
from bookings.models import Role, StaffMembership, User
from tests.bookings.entering import enter, operator, said, settled_count, someone, url
from tests.factories import PASSWORD, Cast, MembershipFactory, UserFactory, cast

pytestmark = pytest.mark.django_db
ADD = reverse("admin:bookings_staffmembership_add")
LIST = reverse("admin:bookings_staffmembership_changelist")


@pytest.fixture
def story() -> Cast:
    return cast()


@pytest.fixture
def manager(story: Cast) -> Client:
    return enter(someone(clinic=story.clinic, role=Role.MANAGER))


def join(client: Client, story: Cast, email: str, **fields: str):
    return client.post(ADD, {"clinic": story.clinic.pk, "email": email, "role": "reception", **fields})


def test_somebody_new_gets_an_account_a_role_and_a_link_to_set_a_password(
    manager, story, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        response = join(manager, story, "nina@clinic.example", first_name="Nina", last_name="Berg")
    assert response.status_code == 302
    nina = User.objects.get(email="nina@clinic.example")
    assert (nina.get_full_name(), nina.is_staff, nina.is_superuser, nina.has_usable_password()) == (
        "Nina Berg",
        True,
        False,
        False,
    )
    assert list(nina.memberships.values_list("clinic", "role")) == [(story.clinic.pk, "reception")]
    assert [message.to for message in mail.outbox] == [["nina@clinic.example"]]
    assert "/accounts/password/reset/key/" in mail.outbox[0].body


def test_the_link_sets_a_password_that_opens_the_door(manager, story, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        join(manager, story, "nina@clinic.example")
    link = next(word for word in mail.outbox[0].body.split() if "/reset/key/" in word)
    visitor = Client()
    page = visitor.get(link.removeprefix("http://testserver"), follow=True)
    visitor.post(
        page.redirect_chain[-1][0], {"password1": "violet turnip orchestra", "password2": "violet turnip orchestra"}
    )
    assert User.objects.get(email="nina@clinic.example").check_password("violet turnip orchestra")


def test_somebody_who_works_elsewhere_joins_just_like_somebody_new(manager, story, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        stranger = join(manager, story, "new@clinic.example", first_name="X")
        known = join(manager, story, story.otto.email, first_name="X")
    assert stranger.status_code == known.status_code == 302
    assert [len(said(manager.get(answer["Location"]))) for answer in (stranger, known)] == [2, 0]
    assert User.objects.get(pk=story.otto.pk).first_name == "Otto"
    assert [message.to for message in mail.outbox] == [["new@clinic.example"]]


def test_a_role_held_already_is_said_so(manager, story):
    assert "already has this role" in join(manager, story, story.carla.email.upper()).content.decode()


def test_who_leaves_is_out_the_same_moment(manager, story):
    carla = enter(story.carla)
    assert carla.get(reverse("admin:desk")).status_code == 200
    Fact.objects.all().delete()
    assert manager.post(url(story.carla.memberships.get(), "delete"), {"post": "yes"}).status_code == 302
    assert carla.get(reverse("admin:desk")).status_code == 302
    assert User.objects.get(pk=story.carla.pk).is_active
    fact = Fact.objects.get(tbl="bookings_staffmembership", op="D")
    assert '"case":"staff.leave"' in (fact.ctx or "")


def test_a_changed_role_counts_at_once(manager, story):
    membership = story.carla.memberships.get()
    assert manager.post(url(membership), {"role": "auditor"}).status_code == 302
    assert (
        enter(User.objects.get(pk=story.carla.pk)).get(reverse("admin:bookings_patient_changelist")).status_code == 403
    )


def test_a_manager_makes_nobody_an_operator(manager, story):
    page = manager.get(url(story.carla))
    assert not {"is_superuser", "is_staff", "is_active"} & set(page.context["adminform"].form.fields)
    assert manager.post(url(story.carla), {"is_superuser": "on"}).status_code == 403
    assert not User.objects.get(pk=story.carla.pk).is_superuser


def test_a_link_to_a_new_password_can_be_sent_again(manager, story):
    form = {"action": "send_password_link", "_selected_action": [story.carla.memberships.get().pk], "index": 0}
    assert said(manager.post(LIST, form, follow=True)) == ["A link was sent to carla."]
    assert mail.outbox[0].to == [story.carla.email]


def test_an_address_that_is_none_is_named(manager, story):
    User.objects.filter(pk=story.carla.pk).update(email="")
    form = {"action": "send_password_link", "_selected_action": [story.carla.memberships.get().pk], "index": 0}
    assert said(manager.post(LIST, form, follow=True)) == ["No link could be sent to carla: check the e-mail address."]


def test_reception_does_not_manage_staff(story):
    client = enter(story.carla)
    assert client.get(LIST).status_code == 403
    assert client.get(reverse("admin:bookings_user_changelist")).status_code == 403


def test_an_operator_makes_accounts_and_sets_passwords(story):
    client = enter(operator())
    form = {
        "username": "fresh",
        "email": "f@clinic.example",
        "is_staff": "on",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    assert client.post(reverse("admin:bookings_user_add"), form).status_code == 302
    fresh = User.objects.get(username="fresh")
    assert fresh.is_staff
    assert client.get(reverse("admin:auth_user_password_change", args=[fresh.pk])).status_code == 200


def test_a_manager_sets_nobodys_password(manager, story):
    address = reverse("admin:auth_user_password_change", args=[story.carla.pk])
    assert manager.get(address).status_code == 403
    assert manager.get(reverse("admin:auth_user_password_change", args=[story.otto.pk])).status_code == 403
    assert manager.get(reverse("admin:auth_user_password_change", args=[987654])).status_code == 403


@pytest.mark.parametrize("kind", ["staffmembership", "user"])
def test_a_list_takes_as_many_queries_for_three_rows_as_for_one(story, kind):
    client = enter(someone(clinic=story.clinic, role=Role.MANAGER))
    address = reverse(f"admin:bookings_{kind}_changelist")
    one = settled_count(client, address)
    for _ in range(2):
        MembershipFactory(user=UserFactory(), clinic=story.clinic, role=Role.RECEPTION)
    assert settled_count(client, address) == one
    assert StaffMembership.objects.filter(clinic=story.clinic).count() == 5
