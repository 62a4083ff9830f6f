"""Services in the admin, and contradictions told as the set-up is saved."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from bookings.models import Closure, HealthcareService, Location, OpeningHours, Role, Room, ServiceTerms
from tests.bookings.entering import enter, operator, said, settled_count, someone, url, visit
from tests.bookings.grouping import join
from tests.factories import (
    MONDAY,
    Cast,
    ClosureFactory,
    DeviceFactory,
    MembershipFactory,
    PatientFactory,
    PractitionerFactory,
    RoomFactory,
    SessionFactory,
    cast,
)

pytestmark = pytest.mark.django_db
ADD = "/admin/bookings/healthcareservice/add/"
SETUP = "/admin/bookings/setup/"
TEN = MONDAY + timedelta(hours=2)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(MONDAY - timedelta(days=3), tick=False):
        yield


@pytest.fixture
def story() -> Cast:
    return cast()


@pytest.fixture
def manager(story: Cast) -> Client:
    return enter(someone(clinic=story.clinic, role=Role.MANAGER))


def tables(**lines: list[dict[str, Any]]) -> dict[str, Any]:
    """The tables of a form: each line as it is typed, with `id` for one that was there."""
    typed: dict[str, Any] = {}
    for name, rows in lines.items():
        typed[f"{name}-TOTAL_FORMS"] = len(rows)
        typed[f"{name}-INITIAL_FORMS"] = sum("id" in row for row in rows)
        typed |= {f"{name}-{number}-{key}": value for number, row in enumerate(rows) for key, value in row.items()}
    return typed


def span(name: str, number: int, unit: int) -> dict[str, int]:
    """A number and its unit in minutes, as typed."""
    return {f"{name}_0": number, f"{name}_1": unit}


def form(story: Cast, **changed: Any) -> dict[str, Any]:
    """The cast's service as its page would post it, unchanged."""
    offer = story.service.offers.get()
    kept = {
        "name": "Consultation",
        "slug": "consultation",
        "order": 100,
        "duration": 30,
        "step": 30,
        "buffer_before": 0,
        "buffer_after": 0,
        **span("minimum_notice", 2, 60),
        "horizon": 90,
        **span("cancel_until", 4, 60),
        **span("reschedule_until", 4, 60),
        "kinds": ["on-site"],
        "travel": 0,
        "answer_hours": 48,
        "overbook_cap": 0,
        "most_repeats": 1,
        "bookable_online": "on",
        "active": "on",
    }
    lines = {"offers": [{"id": offer.pk, "practitioner": story.demir.pk}], "terms": [], "texts": [], "questions": []}
    lines |= {name: changed.pop(name) for name in list(changed) if name in lines}
    return {**kept, **changed, **tables(**lines)}


def saved(client: Client, address: str, typed: dict[str, Any]) -> list[str]:
    """Save a form and return what is said then, without Django's own “was changed successfully”."""
    response = client.post(address, typed)
    assert response.status_code == 302, response.context["errors"]
    return [line for line in said(client.get(response["Location"])) if "successfully" not in line]


# --- the service's page


def test_a_service_is_set_up_with_everything_the_engine_knows(manager, story):
    device = DeviceFactory(location=story.location, name="Echo 7")
    RoomFactory(location=story.location, kind="scan")
    typed = form(
        story,
        clinic=story.clinic.pk,
        name="Ultrasound",
        slug="ultrasound",
        kinds=["on-site", "home"],
        travel=20,
        room_kind="scan",
        device=device.pk,
        referral_needed="on",
        needs_approval="on",
        answer_hours=24,
        cap_day=1,
        cap_open=2,
        overbook_cap=3,
        most_repeats=6,
        **span("reschedule_until", 1, 1440),
        offers=[{"practitioner": story.demir.pk}],
        terms=[
            {"standing": "new", "duration": 45, "extra": 0, "offered": "on"},
            {"need": "interpreter", "extra": 15, "offered": "on"},
            {"coverage": "self", "extra": 0},
        ],
        texts=[{"language": "de", "name": "Ultraschall"}],
    )
    assert saved(manager, ADD, typed) == []
    service = HealthcareService.objects.get(slug="ultrasound")
    assert (service.kinds, service.travel, service.device) == (["on-site", "home"], 20, device)
    assert (service.referral_needed, service.needs_approval, service.answer_hours) == (True, True, 24)
    assert (service.cap_day, service.cap_open, service.overbook_cap, service.most_repeats) == (1, 2, 3, 6)
    assert service.reschedule_until == 1440
    rows = service.terms.values_list("standing", "coverage", "need", "offered", "duration", "extra", "clinic")
    assert list(rows) == [
        ("new", "", "", True, 45, 0, story.clinic.pk),
        ("", "", "interpreter", True, None, 15, story.clinic.pk),
        ("", "self", "", False, None, 0, story.clinic.pk),
    ]


def test_ways_to_meet_are_boxes_to_tick_and_one_must_be(manager, story):
    page = manager.get(url(story.service)).content.decode()
    assert page.count('type="checkbox" name="kinds"') == 4
    assert "by video" in page
    refused = manager.post(url(story.service), form(story, kinds=[]))
    assert refused.context["adminform"].form.errors["kinds"] == ["This field is required."]


def test_devices_of_the_own_clinic_only_are_offered_and_taken(manager, story):
    own, foreign = DeviceFactory(location=story.location), DeviceFactory()
    for address in (ADD, url(story.service)):
        fields = manager.get(address).context["adminform"].form.fields
        assert list(fields["device"].queryset) == [own]
    refused = manager.post(url(story.service), form(story, device=foreign.pk))
    assert "device" in refused.context["adminform"].form.errors


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"device_kind": "laser", "device": "own"}, "Name one device, or a kind of device, not both."),
        ({"terms": [{"extra": 5, "offered": "on"}]}, "Say for whom these terms are"),
        ({"capacity": 1}, "greater than or equal to 2"),
    ],
)
def test_a_service_that_cannot_be_is_refused_with_a_sentence(manager, story, changed, sentence):
    if changed.get("device"):
        changed = {**changed, "device": DeviceFactory(location=story.location).pk}
    assert sentence in manager.post(url(story.service), form(story, **changed)).content.decode()


def test_who_only_reads_is_told_in_words_how_people_meet(story):
    page = enter(story.carla).get(url(story.service)).content.decode()
    assert "at the clinic" in page
    assert "on-site" not in page


def test_a_services_page_takes_as_many_queries_for_three_terms_as_for_one(manager, story):
    ServiceTerms.objects.create(clinic=story.clinic, service=story.service, standing="new")
    one = settled_count(manager, url(story.service))
    ServiceTerms.objects.create(clinic=story.clinic, service=story.service, standing="known")
    ServiceTerms.objects.create(clinic=story.clinic, service=story.service, need="interpreter")
    assert settled_count(manager, url(story.service)) == one


def test_a_span_is_shown_in_the_largest_unit_that_holds_it_and_typed_in_any(manager, story):
    story.service.cancel_until, story.service.reschedule_until, story.service.minimum_notice = 2880, 90, 0
    story.service.save()
    page = manager.get(url(story.service)).context["adminform"].form
    assert [page[name].value() for name in ("cancel_until", "reschedule_until", "minimum_notice")] == [2880, 90, 0]
    shown = {name: page.fields[name].widget.decompress(page[name].value()) for name in page.fields if "until" in name}
    assert shown == {"cancel_until": [2, "1440"], "reschedule_until": [90, "1"]}
    typed = form(story, **span("cancel_until", 36, 60), **span("reschedule_until", 400, 1440))
    wrong = manager.post(url(story.service), typed).context["adminform"].form.errors
    assert wrong == {"reschedule_until": ["That is over a year."]}
    typed |= span("reschedule_until", 3, 1440)
    assert saved(manager, url(story.service), typed) == []
    story.service.refresh_from_db()
    assert (story.service.cancel_until, story.service.reschedule_until) == (2160, 4320)


# --- what a save brings about


def test_saving_what_changes_nothing_says_nothing_even_where_something_is_wrong(manager, story):
    story.service.horizon, story.service.minimum_notice = 1, 9999
    story.service.save()
    assert saved(manager, url(story.service), form(story, horizon=1, **span("minimum_notice", 9999, 1))) == []


def test_a_service_nobody_gives_any_more_is_told_with_the_visits_it_strands(manager, story):
    booked = visit(story, start=TEN)
    offer = story.service.offers.get()
    gone = [{"id": offer.pk, "practitioner": story.demir.pk, "DELETE": "on"}]
    nobody, stranded = saved(manager, url(story.service), form(story, offers=gone))
    assert nobody == "Nobody gives “Consultation”."
    assert stranded.startswith("The practitioner does not give this service: 1 appointment. It stands until")
    assert f'<a href="{url(booked)}">Mon, 30 Nov 2026, 10:00 · {story.ada.code}</a> · Dr Demir' in stranded


def test_a_room_of_a_kind_that_no_room_has_is_told_and_no_more_once_there_is_one(manager, story):
    (line,) = saved(manager, url(story.service), form(story, room_kind="scan"))
    assert line == "“Consultation” needs a room of the kind “scan”, and there is none where it is given."
    room = {"clinic": story.clinic.pk, "location": story.location.pk, "name": "A", "kind": "scan", "active": "on"}
    assert saved(manager, reverse("admin:bookings_room_add"), {**room, **tables(hours=[])}) == []
    room["active"] = ""
    (line,) = saved(manager, url(Room.objects.get()), {**room, **tables(hours=[])})
    assert "there is none where it is given" in line


def test_terms_are_told_when_they_contradict_each_other(manager, story):
    for kind in ("a", "b"):
        RoomFactory(location=story.location, kind=kind)
    terms = [
        {"standing": "new", "extra": 0, "offered": "on", "room_kind": "a"},
        {"need": "interpreter", "extra": 0, "offered": "on", "room_kind": "b"},
    ]
    (line,) = saved(manager, url(story.service), form(story, terms=terms))
    assert "can both hold and name different rooms" in line


def hours_lines(story: Cast, **changed: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": row.pk,
            "location": row.location_id,
            "weekday": row.weekday,
            "opens": row.opens,
            "closes": row.closes,
            "every": row.every,
            **changed,
        }
        for row in OpeningHours.objects.filter(schedule=story.demir.schedule).order_by("weekday")
    ]


def test_shorter_hours_are_told_with_who_falls_outside_them(manager, story):
    visit(story, start=TEN)
    person = {"name": "Demir", "title": "Dr", "active": "on"}
    lines = tables(hours=hours_lines(story, opens="11:00"))
    (line,) = saved(manager, url(story.demir), {**person, **lines})
    assert line.startswith("Outside opening hours: 1 appointment.")
    lines = tables(hours=hours_lines(story, opens="11:00", every=2, valid_from="2026-12-01", valid_until="2026-12-01"))
    told = saved(manager, url(story.demir), {**person, **lines})
    assert sum("hold on no day" in line for line in told) == 4


def test_somebody_who_leaves_is_told_with_their_visits(manager, story):
    visit(story, start=TEN)
    typed = {"name": "Demir", "title": "Dr", **tables(hours=hours_lines(story))}
    nobody, stranded = saved(manager, url(story.demir), typed)
    assert nobody == "Nobody gives “Consultation”."
    assert stranded.startswith("The practitioner is not active: 1 appointment.")


def test_a_location_that_observes_holidays_again_is_told_with_christmas(manager, story):
    Location.objects.update(observes_holidays=False)
    visit(story, start=TEN + timedelta(days=25))
    place = {"name": "Bellecour", "slug": "bellecour", "address": "1", "zone": "Europe/Paris", "country": "FR"}
    typed = {**place, "active": "on", "observes_holidays": "on", **tables(texts=[])}
    (line,) = saved(manager, url(story.location), typed)
    assert line.startswith("On a public holiday: 1 appointment.")


def test_a_device_put_out_of_use_is_told_with_its_visits(manager, story):
    device = DeviceFactory(location=story.location)
    visit(story, start=TEN, device=device)
    typed = {"location": story.location.pk, "name": "Echo", "kind": "ultrasound", **tables(hours=[])}
    (line,) = saved(manager, url(device), typed)
    assert line.startswith("The device is not in use: 1 appointment.")


def closing(story: Cast) -> dict[str, Any]:
    return {
        "clinic": story.clinic.pk,
        "location": story.location.pk,
        "start_0": "2026-11-30",
        "start_1": "09:00",
        "end_0": "2026-12-04",
        "end_1": "18:00",
    }


def test_a_closure_over_a_session_tells_of_it_and_of_who_joined(manager, story):
    story.service.capacity = 8
    story.service.save()
    session = SessionFactory(service=story.service, location=story.location, practitioner=story.demir, start=TEN)
    joined = join(session, patient=story.ada)
    told = saved(manager, reverse("admin:bookings_closure_add"), closing(story))
    assert sorted(line.partition("<")[0] for line in told) == [
        "During a closure: 1 appointment. It stands until you move or cancel it.",
        "During a closure: 1 group session. It stands until you call it off.",
    ]
    assert any(url(session) in line for line in told)
    page = manager.get(url(Closure.objects.get())).content.decode()
    assert url(session) in page
    assert url(joined) in page


def test_at_most_fifty_visits_are_listed(manager, story):
    for number in range(51):
        visit(story, start=TEN - timedelta(hours=1) + timedelta(days=number // 12, minutes=30 * (number % 12)))
    told = saved(manager, reverse("admin:bookings_closure_add"), closing(story))
    assert len(told) == 1
    assert told[0].startswith("During a closure: 51 appointments. They stand until you move or cancel them.")
    assert told[0].count("<li>") == 50
    assert told[0].endswith("and more: look at the list of appointments.")


def test_an_operator_is_told_how_many_and_not_who(story):
    visit(story, start=TEN)
    (line,) = saved(enter(operator()), reverse("admin:bookings_closure_add"), closing(story))
    assert line == "During a closure: 1 appointment. It stands until you move or cancel it."


def test_what_is_wrong_in_another_clinic_is_nobodys_business_here(manager, story):
    theirs = PatientFactory(clinic=story.elsewhere)
    other = PractitionerFactory(clinic=story.elsewhere)
    ClosureFactory(clinic=story.elsewhere, schedule=other.schedule)
    visit(story, start=TEN)
    told = saved(manager, reverse("admin:bookings_closure_add"), closing(story))
    assert theirs.code not in "".join(told)
    assert len(told) == 1


# --- the whole at a glance


def test_the_set_up_check_lists_what_contradicts_itself_with_ways_to_change_it(manager, story):
    booked = visit(story, start=TEN)
    closure = ClosureFactory(clinic=story.clinic)
    story.service.kinds = ["on-site", "video"]
    story.service.save()
    page = manager.get(SETUP).content.decode()
    assert "“Consultation” is given by video, and Dr Demir has no video room." in page
    assert f'href="{url(story.demir)}"' in page
    assert "During a closure: 1 appointment." in page
    assert f'href="{url(closure)}"' in page
    assert f"{url(booked)}" in page
    assert "Nothing contradicts itself" not in page


def test_the_set_up_check_says_so_when_nothing_is_wrong(manager):
    assert "Nothing contradicts itself" in manager.get(SETUP).content.decode()
    assert SETUP in manager.get(reverse("admin:bookings_healthcareservice_changelist")).content.decode()


def test_the_set_up_check_is_for_who_sets_up_and_of_their_clinics_only(story):
    for role in (Role.RECEPTION, Role.PRACTITIONER, Role.DPO, Role.AUDITOR):
        client = enter(someone(clinic=story.clinic, role=role, name=role))
        assert client.get(SETUP).status_code == 403
        assert SETUP not in client.get(reverse("admin:bookings_healthcareservice_changelist")).content.decode()
    story.service.offers.all().delete()
    mara = someone(clinic=story.elsewhere, role=Role.MANAGER)
    assert "Consultation" not in enter(mara).get(SETUP).content.decode()
    assert enter(mara).get(SETUP, {"clinic": story.clinic.pk}).status_code == 404
    MembershipFactory(user=mara, clinic=story.clinic, role=Role.RECEPTION)
    assert enter(mara).get(SETUP, {"clinic": story.clinic.pk}).status_code == 404
    MembershipFactory(user=mara, clinic=story.clinic, role=Role.MANAGER)
    page = enter(mara).get(SETUP, {"clinic": story.clinic.pk}).content.decode()
    assert "Nobody gives “Consultation”." in page
    assert "Praxis am Ring" in page


def test_an_operator_checks_a_set_up_without_learning_who_comes(story):
    visit(story, start=TEN)
    ClosureFactory(clinic=story.clinic)
    page = enter(operator()).get(SETUP, {"clinic": story.clinic.pk}).content.decode()
    assert "During a closure: 1 appointment." in page
    assert story.ada.code not in page
