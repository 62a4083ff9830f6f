"""Every page of the admin opens for whoever may, and says no to whoever may not."""

import pytest
from django.contrib import admin
from django.urls import reverse

from bookings.models import Role
from tests.bookings.entering import enter, someone
from tests.factories import AppointmentFactory, ClosureFactory, NoticeFactory, RoomFactory, cast

pytestmark = pytest.mark.django_db


def pages(name: str) -> list[str]:
    return [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}")
        for model in admin.site._registry
        if model._meta.app_label == "bookings"
    ]


@pytest.mark.parametrize("role", list(Role))
def test_every_list_answers_each_role_with_a_page_or_a_clear_no(role):
    story = cast()
    client = enter(someone(clinic=story.clinic, role=role))
    answers = {url: client.get(url).status_code for url in pages("changelist")}
    assert set(answers.values()) <= {200, 403}
    assert answers[reverse("admin:bookings_location_changelist")] == 200


def test_a_manager_opens_every_page_of_their_clinic():
    story = cast()
    room = RoomFactory(location=story.location)
    visit = AppointmentFactory(
        clinic=story.clinic, location=story.location, service=story.service, practitioner=story.demir, patient=story.ada
    )
    closure, notice = ClosureFactory(clinic=story.clinic), NoticeFactory(clinic=story.clinic)
    membership = story.carla.memberships.get()
    client = enter(someone(clinic=story.clinic, role=Role.MANAGER))
    for thing in (
        story.clinic,
        story.location,
        room,
        story.demir,
        story.service,
        story.ada,
        visit,
        closure,
        notice,
        membership,
        story.carla,
    ):
        url = reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_change", args=[thing.pk])
        assert client.get(url).status_code == 200, url
        history = reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_history", args=[thing.pk])
        assert client.get(history).status_code == 403, history  # the evidence is not a manager's to read


def test_a_manager_opens_every_form_for_something_new():
    story = cast()
    client = enter(someone(clinic=story.clinic, role=Role.MANAGER))
    for name in (
        "location",
        "room",
        "practitioner",
        "healthcareservice",
        "closure",
        "patient",
        "appointment",
        "staffmembership",
        "privacynotice",
    ):
        assert client.get(reverse(f"admin:bookings_{name}_add")).status_code == 200, name


def test_the_index_and_the_day_sheet_open_for_reception():
    story = cast()
    AppointmentFactory(
        clinic=story.clinic, location=story.location, service=story.service, practitioner=story.demir, patient=story.ada
    )
    client = enter(story.carla)
    assert client.get(reverse("admin:index")).status_code == 200
    assert client.get(reverse("admin:desk"), {"day": "2026-11-30"}).status_code == 200
