"""The admin site itself: whose pages it takes, and what it never does."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import NoReverseMatch, reverse

from bookings.models import Role
from config.admin import HOUSE, HoraeAdminSite
from tests.bookings.entering import enter, someone
from tests.factories import cast


def test_the_site_is_the_houses_own():
    assert isinstance(admin.site._wrapped, HoraeAdminSite)  # type: ignore[attr-defined]  # a lazy object


def test_pages_of_other_apps_are_not_taken():
    assert {model._meta.app_label for model in admin.site._registry} <= set(HOUSE)
    site = HoraeAdminSite("another")
    site.register(Group)
    assert not site.is_registered(Group)


def test_nothing_is_deleted_in_bulk():
    assert "delete_selected" not in [name for name, _action in admin.site.actions]


def test_rows_cannot_be_told_apart_by_where_they_would_be_shown():
    with pytest.raises(NoReverseMatch):
        reverse("admin:view_on_site", args=[1, 1])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "ways", "sections"),
    [
        (
            Role.RECEPTION,
            ["Day sheet", "Book", "Patients", "Appointments"],
            ["At the desk", "The clinic", "Messages and calendars"],
        ),
        (Role.AUDITOR, [], ["The clinic", "Staff", "Evidence"]),
    ],
)
def test_everybody_is_shown_the_ways_their_role_opens(role, ways, sections):
    page = enter(someone(clinic=cast().clinic, role=role)).get(reverse("admin:index"))
    assert [str(way["label"]) for way in page.context["ways"]] == ways
    assert [str(section["name"]) for section in page.context["app_list"]] == sections


@pytest.mark.django_db
def test_whoever_sets_up_finds_the_check_beside_what_it_is_about():
    people = cast()
    for account, found in ((someone(clinic=people.clinic, role=Role.MANAGER), True), (people.carla, False)):
        page = enter(account).get(reverse("admin:index")).content.decode()
        assert (f'href="{reverse("admin:setup")}"' in page) is found, account


@pytest.mark.django_db
def test_changing_a_password_is_allauths_page():
    client = enter(cast().carla)
    assert client.get(reverse("admin:password_change"))["Location"] == reverse("account_change_password")
