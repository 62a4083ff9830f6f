"""Joining and leaving a clinic."""

import pytest

from audit.context import Actor
from bookings import staff
from bookings.models import Role, StaffMembership, User
from bookings.roles import access_of
from tests.factories import UserFactory, cast

pytestmark = pytest.mark.django_db
ACTOR = Actor.system("test")


def groups(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


def test_who_joins_gets_the_role_its_group_and_the_door():
    story, user = cast(), UserFactory(is_staff=False)
    staff._join(actor=ACTOR, clinic=story.clinic, user=user, role=Role.MANAGER)
    assert groups(user) == {"manager"}
    assert access_of(User.objects.get(pk=user.pk)).clinics("bookings.change_clinic") == {story.clinic.pk}


def test_joining_twice_is_joining_once():
    story, user = cast(), UserFactory()
    for _ in range(2):
        staff._join(actor=ACTOR, clinic=story.clinic, user=user, role=Role.MANAGER)
    assert StaffMembership.objects.filter(user=user).count() == 1


def test_who_leaves_loses_the_group_unless_they_are_the_same_elsewhere():
    story = cast()
    here = story.carla.memberships.get()
    there = staff._join(actor=ACTOR, clinic=story.elsewhere, user=story.carla, role=Role.RECEPTION)
    staff._leave(actor=ACTOR, membership=here)
    assert groups(story.carla) == {"reception"}
    staff._leave(actor=ACTOR, membership=there)
    assert groups(story.carla) == set()
    assert not access_of(User.objects.get(pk=story.carla.pk)).enters


def test_a_changed_role_changes_the_group():
    story = cast()
    staff._change_role(actor=ACTOR, membership=story.carla.memberships.get(), role=Role.MANAGER)
    assert groups(story.carla) == {"manager"}


def test_an_address_that_has_an_account_gives_that_account_in_any_case():
    carla = UserFactory(username="carla", email="Carla@clinic.example")
    found = staff._account(actor=ACTOR, email="carla@CLINIC.example", first_name="Other", last_name="Name")
    assert (found.pk, found.first_name) == (carla.pk, "Carla")


def test_a_new_account_has_no_password_and_a_name_nobody_has():
    UserFactory(username="Nina", email="other@clinic.example")
    made = staff._account(actor=ACTOR, email="nina@clinic.example", first_name="Nina", last_name="Berg")
    assert (made.username, made.email, made.has_usable_password()) == ("nina2", "nina@clinic.example", False)
