"""Staff never learn that another clinic exists: its ids answer exactly like ids that never were."""

import re
import uuid
from typing import Any

import pytest
from django.contrib import admin
from django.db import models
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bookings.admin.confined import Confined
from bookings.models import (
    Appointment,
    Clinic,
    Closure,
    ConsentText,
    ContactChallenge,
    DataRequest,
    Device,
    GroupSession,
    HealthcareService,
    Location,
    Notice,
    OpeningHours,
    Patient,
    PossibleDuplicate,
    Practitioner,
    PrivacyNotice,
    Question,
    Role,
    Room,
    Schedule,
    StaffMembership,
    User,
)
from tests.bookings.asking import question, wording
from tests.bookings.entering import enter, operator, said, someone, url, visit
from tests.factories import (
    Cast,
    ClosureFactory,
    DeviceFactory,
    LocationFactory,
    MembershipFactory,
    NoticeFactory,
    PatientFactory,
    RoomFactory,
    SessionFactory,
    UserFactory,
    cast,
)

pytestmark = pytest.mark.django_db
PAGES = ("change", "history", "delete")


def a_row_of_each(story: Cast) -> dict[type[models.Model], Any]:
    """One row of every model with a page, in the story's clinic."""
    appointment = visit(story)
    return {
        Clinic: story.clinic,
        Location: story.location,
        Room: RoomFactory(location=story.location),
        Device: DeviceFactory(location=story.location),
        GroupSession: SessionFactory(service__clinic=story.clinic),
        Practitioner: story.demir,
        HealthcareService: story.service,
        Closure: ClosureFactory(clinic=story.clinic),
        Patient: story.ada,
        Appointment: appointment,
        PrivacyNotice: NoticeFactory(clinic=story.clinic),
        ConsentText: wording(story.clinic),
        Question: question(story.service),
        Notice: Notice.objects.create(clinic=story.clinic, kind=Notice.Kind.MESSAGE_FAILED),
        ContactChallenge: ContactChallenge.objects.create(
            clinic=story.clinic,
            purpose="find",
            key_id=story.ada.key_id,
            visitor_digest="",
            contact="ada@example.org",
            code="123456",
            language="en",
            created=timezone.now(),
            expires_at=timezone.now(),
        ),
        StaffMembership: story.carla.memberships.get(),
        DataRequest: DataRequest.objects.create(
            clinic=story.clinic,
            patient=story.ada,
            kind=DataRequest.Kind.ACCESS,
            received_at=timezone.now(),
            due_at=timezone.now(),
        ),
        PossibleDuplicate: PossibleDuplicate.objects.create(
            clinic=story.clinic, patient=PatientFactory(clinic=story.clinic), other=story.ada
        ),
        User: story.carla,
    }


def unknown(row: models.Model) -> object:
    """An id of the same kind that no row has."""
    return uuid.uuid4() if isinstance(row.pk, uuid.UUID) else 987_654_321


def answer(client: Client, method: str, address: str) -> tuple[int, str, list[str]]:
    """All an outsider can tell two answers by, the id itself apart."""
    response: HttpResponse = getattr(client, method)(address)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b\d+\b", "#", response.content.decode())
    token = re.sub(r'value="[A-Za-z0-9]{64}"', "", text)
    followed = said(client.get(response["Location"])) if response.status_code == 302 else []
    return (
        response.status_code,
        response.get("Location", "") + token,
        [re.sub(r"“[^”]*”", "“#”", one) for one in followed],
    )


def test_every_page_of_ours_is_confined():
    loose = [
        model._meta.label
        for model, page in admin.site._registry.items()
        if model._meta.app_label != "audit" and not isinstance(page, Confined)
    ]
    assert loose == []


@pytest.mark.parametrize("role", [Role.RECEPTION, Role.MANAGER, Role.DPO])
def test_rows_of_another_clinic_answer_like_rows_that_never_were(role):
    story = cast()
    outsider = someone(clinic=story.elsewhere, role=role)
    client = enter(outsider)
    rows = a_row_of_each(story)
    assert {model._meta.label for model in rows} == {
        model._meta.label for model in admin.site._registry if model._meta.app_label == "bookings"
    }
    for model, row in rows.items():
        for page in PAGES:
            for method in ("get", "post"):
                name = f"admin:bookings_{model._meta.model_name}_{page}"
                theirs = answer(client, method, reverse(name, args=[row.pk]))
                nobodys = answer(client, method, reverse(name, args=[unknown(row)]))
                assert theirs == nobodys, (model, page, method)


@pytest.mark.parametrize("role", list(Role))
def test_lists_hold_nothing_of_another_clinic(role):
    story = cast()
    rows = a_row_of_each(story)
    client = enter(someone(clinic=story.elsewhere, role=role))
    for model in rows:
        response = client.get(
            reverse(f"admin:bookings_{model._meta.model_name}_changelist"), {"when": "all", "q": "ada"}
        )
        if response.status_code == 200:
            page = response.content.decode()
            found = list(response.context["cl"].result_list)
            assert all(row != rows[model] for row in found), model
            assert "Cabinet du Parc" not in page
            assert "Bellecour" not in page


def test_a_form_offers_and_takes_things_of_the_own_clinic_only():
    story = cast()
    client = enter(someone(clinic=story.elsewhere, role=Role.MANAGER))
    own = LocationFactory(clinic=story.elsewhere, name="Am Ring")
    response = client.get(reverse("admin:bookings_room_add"))
    assert list(response.context["adminform"].form.fields["location"].queryset) == [own]
    for location in (story.location.pk, 987_654_321):
        response = client.post(
            reverse("admin:bookings_room_add"),
            {
                "clinic": story.elsewhere.pk,
                "location": location,
                "name": "A",
                "kind": "a",
                "hours-TOTAL_FORMS": 0,
                "hours-INITIAL_FORMS": 0,
            },
        )
        assert response.context["errors"] == [
            ["Select a valid choice. That choice is not one of the available choices."]
        ]
    assert not Room.objects.exists()


def test_a_part_of_a_form_takes_things_of_the_own_clinic_only():
    story = cast()
    client = enter(someone(clinic=story.elsewhere, role=Role.MANAGER))
    schedule = Schedule.objects.create(clinic=story.elsewhere, kind="practitioner")
    weber = Practitioner.objects.create(clinic=story.elsewhere, schedule=schedule, name="Weber")
    response = client.post(
        url(weber),
        {
            "name": "Weber",
            "active": "on",
            "hours-TOTAL_FORMS": 1,
            "hours-INITIAL_FORMS": 0,
            "hours-0-location": story.location.pk,
            "hours-0-weekday": 0,
            "hours-0-opens": "09:00",
            "hours-0-closes": "12:00",
        },
    )
    assert "Select a valid choice" in response.content.decode()
    assert not OpeningHours.objects.filter(schedule=schedule).exists()


def test_things_of_two_clinics_cannot_be_tied_together_by_somebody_of_both():
    story = cast()
    mara = someone(clinic=story.clinic, role=Role.MANAGER)
    MembershipFactory(user=mara, clinic=story.elsewhere, role=Role.MANAGER)
    response = enter(mara).post(
        reverse("admin:bookings_room_add"),
        {
            "clinic": story.elsewhere.pk,
            "location": story.location.pk,
            "name": "A",
            "kind": "a",
            "hours-TOTAL_FORMS": 0,
            "hours-INITIAL_FORMS": 0,
        },
    )
    assert response.context["errors"] == [["Choose one of the same clinic."]]


def test_a_manager_there_is_only_reception_here():
    story = cast()
    MembershipFactory(user=story.carla, clinic=story.elsewhere, role=Role.MANAGER)
    there = LocationFactory(clinic=story.elsewhere, name="Am Ring")
    client = enter(User.objects.get(pk=story.carla.pk))
    fields = {"name": "Renamed", "slug": "renamed", "address": "1", "zone": "Europe/Vienna", "country": "AT"}
    fields |= {"texts-TOTAL_FORMS": "0", "texts-INITIAL_FORMS": "0"}
    assert client.post(url(story.location), fields).status_code == 403
    assert client.post(url(there), fields).status_code == 302
    assert Location.objects.get(pk=story.location.pk).name == "Bellecour"
    assert Location.objects.get(pk=there.pk).name == "Renamed"


def test_somebody_with_one_clinic_is_never_told_of_clinics_to_choose_from():
    story = cast()
    client = enter(someone(clinic=story.clinic, role=Role.MANAGER))
    page = client.get(reverse("admin:bookings_location_changelist"))
    assert "clinic" not in page.context["cl"].list_display
    form = client.get(reverse("admin:bookings_location_add")).context["adminform"].form
    assert form.fields["clinic"].widget.is_hidden
    assert [clinic.pk for clinic in form.fields["clinic"].queryset] == [story.clinic.pk]


def test_the_address_of_a_clinic_is_not_asked_of_its_manager_because_taken_ones_would_show():
    story = cast()
    client = enter(someone(clinic=story.clinic, role=Role.MANAGER))
    assert "slug" not in client.get(url(story.clinic)).context["adminform"].form.fields


def test_whoever_loses_their_role_is_out_with_the_next_request():
    story = cast()
    client = enter(story.carla)
    assert client.get(reverse("admin:desk")).status_code == 200
    story.carla.memberships.all().delete()
    assert client.get(reverse("admin:desk")).status_code == 302


def test_an_operator_configures_every_clinic_and_sees_no_patient():
    story = cast()
    rows = a_row_of_each(story)
    client = enter(operator())
    for model in (Clinic, Location, Room, Practitioner, HealthcareService, Closure, StaffMembership, User):
        assert client.get(url(rows[model])).status_code == 200, model
    for sealed in (Patient, Appointment, ContactChallenge):
        assert client.get(reverse(f"admin:bookings_{sealed._meta.model_name}_changelist")).status_code == 403, sealed
        assert client.get(url(rows[sealed])).status_code in (302, 403), sealed
    assert client.get(reverse("admin:desk")).status_code == 404


def test_a_manager_is_told_of_a_colleague_only_what_they_are_here():
    story = cast()
    MembershipFactory(user=story.carla, clinic=story.elsewhere, role=Role.AUDITOR)
    page = enter(someone(clinic=story.clinic, role=Role.MANAGER)).get(url(story.carla)).content.decode()
    assert "reception (Cabinet du Parc)" in page
    assert "Praxis am Ring" not in page


def test_accounts_that_work_nowhere_here_are_not_listed():
    story = cast()
    UserFactory(username="stranger")
    page = enter(someone(clinic=story.clinic, role=Role.MANAGER)).get(reverse("admin:bookings_user_changelist"))
    assert {user.username for user in page.context["cl"].result_list} == {"carla", "eva", "mara"}


def test_nothing_is_deleted_in_bulk_and_history_is_never_deleted():
    story = cast()
    rows = a_row_of_each(story)
    boss = operator()
    MembershipFactory(user=boss, clinic=story.clinic, role=Role.MANAGER)
    client = enter(boss)
    for model, row in rows.items():
        page = client.get(reverse(f"admin:bookings_{model._meta.model_name}_changelist"), {"when": "all"})
        assert "delete_selected" not in page.content.decode(), model
        if model not in (Closure, StaffMembership):
            assert client.post(url(row, "delete"), {"post": "yes"}).status_code == 403, model
            assert model._default_manager.filter(pk=row.pk).exists(), model


def test_the_way_that_tells_rows_that_exist_from_rows_that_do_not_is_closed():
    assert enter(cast().carla).get("/admin/r/1/1/").status_code == 404
