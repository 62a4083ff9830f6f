"""Roles are groups; a membership gives their permissions in one clinic, and only there."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, Group, Permission
from hypothesis import given
from hypothesis import strategies as st

from bookings.models import Role, User
from bookings.roles import PERMISSIONS, Access, access_of, keep_groups, staff_actor
from tests.bookings.entering import operator, someone
from tests.factories import MembershipFactory, cast

ROLES = st.sets(st.sampled_from([role.value for role in Role]))
CLINICS = st.dictionaries(st.integers(1, 4), ROLES.map(frozenset), max_size=4)


@given(roles=CLINICS, permission=st.sampled_from(sorted(frozenset().union(*PERMISSIONS.values()))))
def test_a_permission_holds_exactly_where_a_role_that_has_it_is_held(
    roles: dict[int, frozenset[str]], permission: str
) -> None:
    access = Access(roles=roles, permissions=PERMISSIONS, operator=False)
    expected = {clinic for clinic, held in roles.items() if any(permission in PERMISSIONS[role] for role in held)}
    assert access.clinics(permission) == expected
    assert {clinic for clinic in range(1, 6) if access.may(permission, clinic_id=clinic)} == expected


@pytest.mark.django_db
def test_every_role_has_a_group_with_exactly_its_permissions():
    rows = Permission.objects.filter(group__name__in=Role.values).values_list(
        "group__name", "content_type__app_label", "codename"
    )
    found: dict[str, set[str]] = {}
    for name, app_label, codename in rows:
        found.setdefault(name, set()).add(f"{app_label}.{codename}")
    assert found == {role: set(permissions) for role, permissions in PERMISSIONS.items()}


@pytest.mark.django_db
def test_what_somebody_added_to_a_group_is_gone_after_the_next_migration():
    auditor = Group.objects.get(name=Role.AUDITOR)
    auditor.permissions.add(Permission.objects.get(codename="view_patient"))
    keep_groups(apps.get_app_config("bookings"))
    assert not auditor.permissions.filter(codename="view_patient").exists()


@pytest.mark.django_db
def test_reception_here_and_manager_there_do_not_add_up():
    story = cast()
    MembershipFactory(user=story.carla, clinic=story.elsewhere, role=Role.MANAGER)
    access = access_of(User.objects.get(pk=story.carla.pk))
    assert access.clinics("bookings.change_location") == {story.elsewhere.pk}
    assert access.clinics("bookings.add_patient") == {story.clinic.pk, story.elsewhere.pk}


@pytest.mark.django_db
def test_an_operator_sees_the_configuration_of_all_clinics_and_no_patient():
    access = access_of(operator())
    assert access.may("bookings.change_location", clinic_id=cast().clinic.pk)
    assert not access.may("bookings.view_patient")
    assert not access.may("bookings.view_appointment")


@pytest.mark.django_db
def test_an_operator_with_a_role_in_a_clinic_sees_its_patients_only():
    story, boss = cast(), operator()
    MembershipFactory(user=boss, clinic=story.clinic, role=Role.RECEPTION)
    assert access_of(boss).clinics("bookings.view_patient") == {story.clinic.pk}


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["is_active", "is_staff"])
def test_whoever_is_locked_may_nothing(field: str):
    locked: dict[str, Any] = {field: False}
    mara = someone(clinic=cast().clinic, role=Role.MANAGER, **locked)
    assert not access_of(mara).enters


def test_somebody_unknown_may_nothing():
    assert not access_of(AnonymousUser()).enters


@pytest.mark.django_db
def test_an_actor_carries_the_roles_of_the_clinic_concerned_and_no_others():
    story = cast()
    MembershipFactory(user=story.carla, clinic=story.elsewhere, role=Role.MANAGER)
    carla = User.objects.get(pk=story.carla.pk)
    actor = staff_actor(user=carla, clinic_id=story.clinic.pk)
    assert (actor.kind, actor.id, actor.roles) == ("staff", str(carla.pk), ("reception",))
