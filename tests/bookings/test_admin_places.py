"""What a clinic is made of: rooms, hours, closures, services, notices."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from bookings.models import (
    ClinicText,
    Closure,
    ContactChallenge,
    Device,
    Location,
    LocationText,
    Notice,
    OpeningHours,
    Patient,
    Practitioner,
    PrivacyNotice,
    Role,
    Room,
)
from tests.bookings.entering import enter, said, settled_count, someone, url, visit
from tests.bookings.views.test_logo import image
from tests.factories import (
    MONDAY,
    Cast,
    ClosureFactory,
    DeviceFactory,
    LocationFactory,
    NoticeFactory,
    PractitionerFactory,
    RoomFactory,
    ServiceFactory,
    cast,
    open_week,
)

pytestmark = pytest.mark.django_db
ONE_LINE = {
    "hours-TOTAL_FORMS": 1,
    "hours-INITIAL_FORMS": 0,
    "hours-0-weekday": 2,
    "hours-0-opens": "08:00",
    "hours-0-closes": "12:30",
    "hours-0-every": 1,
}


@pytest.fixture
def story() -> Cast:
    return cast()


@pytest.fixture
def manager(story: Cast) -> Client:
    return enter(someone(clinic=story.clinic, role=Role.MANAGER))


def test_a_new_practitioner_gets_a_schedule_and_the_hours_written_with_them(manager, story):
    form = {
        "clinic": story.clinic.pk,
        "name": "Weber",
        "title": "Dr",
        "active": "on",
        "hours-0-location": story.location.pk,
        **ONE_LINE,
    }
    assert manager.post(reverse("admin:bookings_practitioner_add"), form).status_code == 302
    weber = Practitioner.objects.get(name="Weber")
    hours = OpeningHours.objects.get(schedule=weber.schedule)
    assert (weber.schedule.kind, weber.schedule.clinic) == ("practitioner", story.clinic)
    assert (hours.clinic, hours.location, hours.weekday, hours.opens, hours.closes) == (
        story.clinic,
        story.location,
        2,
        time(8),
        time(12, 30),
    )


def test_a_new_room_gets_a_schedule_of_its_own(manager, story):
    form = {
        "clinic": story.clinic.pk,
        "location": story.location.pk,
        "name": "A",
        "kind": "scan",
        "hours-0-location": story.location.pk,
        **ONE_LINE,
    }
    manager.post(reverse("admin:bookings_room_add"), form)
    room = Room.objects.get(name="A")
    assert (room.schedule.kind, room.schedule.opening_hours.count()) == ("room", 1)


def test_a_new_device_gets_a_schedule_of_its_own_with_hours_every_other_week(manager, story):
    form = {
        "clinic": story.clinic.pk,
        "location": story.location.pk,
        "name": "Echo",
        "kind": "ultrasound",
        "active": "on",
        "hours-0-location": story.location.pk,
        **ONE_LINE,
        "hours-0-every": 2,
        "hours-0-valid_from": "2026-12-02",
    }
    assert manager.post(reverse("admin:bookings_device_add"), form).status_code == 302
    device = Device.objects.get(name="Echo")
    assert (device.schedule.kind, device.schedule.opening_hours.get().every) == ("device", 2)


def test_weeks_that_are_counted_from_no_day_are_refused_with_a_sentence(manager, story):
    form = {"name": "Demir", "active": "on", "hours-0-location": story.location.pk, **ONE_LINE, "hours-0-every": 2}
    page = manager.post(url(story.demir), form).content.decode()
    assert "Say from when the weeks are counted" in page


def test_a_room_says_whether_it_is_step_free_and_a_practitioner_where_they_meet_by_video(manager, story):
    room = RoomFactory(location=story.location)
    given = {"location": story.location.pk, "name": "A", "kind": "scan", "step_free": "on", "active": "on"}
    manager.post(url(room), {**given, "hours-TOTAL_FORMS": 0, "hours-INITIAL_FORMS": 0})
    assert Room.objects.get(pk=room.pk).step_free
    lines = {"hours-TOTAL_FORMS": 0, "hours-INITIAL_FORMS": 0}
    manager.post(url(story.demir), {"name": "Demir", "active": "on", "video_link": "https://v.example/d", **lines})
    assert Practitioner.objects.get(pk=story.demir.pk).video_link == "https://v.example/d"


def test_the_desk_writes_down_since_when_a_patient_is_known(story):
    client = enter(story.carla)
    person = {"clinic": story.clinic.pk, "family_name": "Lovelace", "language": "en", "known_since": "2019-03-01"}
    client.post(reverse("admin:bookings_patient_add"), person)
    known = Patient.objects.exclude(pk=story.ada.pk).get()
    assert known.known_since == date(2019, 3, 1)
    tables = {
        f"{name}-{part}": 0 for name in ("related_persons", "identifiers") for part in ("TOTAL_FORMS", "INITIAL_FORMS")
    }
    assert client.post(url(story.ada), {**person, "known_since": "2020-01-02", **tables}).status_code == 302
    assert Patient.objects.get(pk=story.ada.pk).known_since == date(2020, 1, 2)


def test_hours_are_changed_and_taken_away_on_the_page_of_whom_they_belong_to(manager, story):
    first, second, *rest = OpeningHours.objects.filter(schedule=story.demir.schedule).order_by("weekday")
    form = {"name": "Demir", "active": "on", "hours-TOTAL_FORMS": 5, "hours-INITIAL_FORMS": 5}
    for number, line in enumerate((first, second, *rest)):
        form |= {
            f"hours-{number}-id": line.pk,
            f"hours-{number}-location": line.location_id,
            f"hours-{number}-weekday": line.weekday,
            f"hours-{number}-opens": "10:00" if line == first else line.opens,
            f"hours-{number}-closes": line.closes,
            f"hours-{number}-every": 1,
        }
    form["hours-1-DELETE"] = "on"
    assert manager.post(url(story.demir), form).status_code == 302
    assert OpeningHours.objects.get(pk=first.pk).opens == time(10)
    assert not OpeningHours.objects.filter(pk=second.pk).exists()


def test_hours_of_somebody_else_cannot_be_slipped_into_the_form(manager, story):
    other = PractitionerFactory(clinic=story.clinic)
    (theirs,) = open_week(of=other, at=story.location, weekdays=[4])
    form = {
        "name": "Demir",
        "active": "on",
        "hours-TOTAL_FORMS": 1,
        "hours-INITIAL_FORMS": 1,
        "hours-0-id": theirs.pk,
        "hours-0-location": story.location.pk,
        "hours-0-weekday": 6,
        "hours-0-opens": "10:00",
        "hours-0-every": 1,
        "hours-0-closes": "11:00",
    }
    manager.post(url(story.demir), form)
    assert OpeningHours.objects.get(pk=theirs.pk).weekday == 4


def test_hours_that_end_before_they_begin_are_refused_with_a_sentence(manager, story):
    form = {
        "name": "Demir",
        "active": "on",
        "hours-0-location": story.location.pk,
        **ONE_LINE,
        "hours-0-closes": "07:00",
    }
    assert "closing time must be after" in manager.post(url(story.demir), form).content.decode()


def closing(**changed: str) -> dict[str, str]:
    return {"start_0": "2026-11-30", "start_1": "09:00", "end_0": "2026-11-30", "end_1": "18:00", **changed}


@time_machine.travel(MONDAY - timedelta(days=3), tick=False)
def test_a_closure_is_told_in_the_clock_of_its_place_and_says_how_many_it_falls_on(story):
    manager = enter(someone(clinic=story.clinic, role=Role.MANAGER))
    visit(story, start=MONDAY + timedelta(hours=2))
    form = {"clinic": story.clinic.pk, "location": story.location.pk, **closing()}
    response = manager.post(reverse("admin:bookings_closure_add"), form)
    closure = Closure.objects.get()
    assert (closure.start, closure.end) == (
        datetime(2026, 11, 30, 8, tzinfo=UTC),
        datetime(2026, 11, 30, 17, tzinfo=UTC),
    )
    page = manager.get(response["Location"])
    assert "During a closure: 1 appointment. It stands until you move or cancel it." in said(page)[0]
    assert "Mon, 30 Nov 2026, 09:00" in page.content.decode()
    own = manager.get(url(closure)).content.decode()
    assert 'value="09:00"' in own
    assert f"Mon, 30 Nov 2026, 10:00 · {story.ada.code}" in own


def test_a_closure_saved_again_unchanged_stays_where_it_was(manager, story):
    closure = ClosureFactory(clinic=story.clinic, location=story.location)
    page = manager.get(url(closure)).context["adminform"].form
    shown = {
        f"{name}_{part}": page[name].subwidgets[0].data["subwidgets"][part]["value"]
        for name in ("start", "end")
        for part in (0, 1)
    }
    manager.post(url(closure), {"location": story.location.pk, **shown})
    again = Closure.objects.get(pk=closure.pk)
    assert (again.start, again.end) == (closure.start, closure.end)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"start_0": "2027-03-28", "start_1": "02:30", "end_0": "2027-03-28"}, "the clocks go forward"),
        ({"end_1": "08:00"}, "The end must be after the beginning."),
        ({"start_0": "soon"}, "Enter a valid date."),
        ({"start_1": ""}, "This field is required."),
    ],
)
def test_a_closure_that_cannot_be_is_refused_with_a_sentence(manager, story, changed, sentence):
    form = {"clinic": story.clinic.pk, "location": story.location.pk, **closing(**changed)}
    page = manager.post(reverse("admin:bookings_closure_add"), form)
    assert sentence in page.content.decode()
    assert not Closure.objects.exists()


def test_a_closure_of_a_clinic_in_two_zones_asks_which_location_is_meant(manager, story):
    LocationFactory(clinic=story.clinic, zone="Indian/Reunion")
    page = manager.post(reverse("admin:bookings_closure_add"), {"clinic": story.clinic.pk, **closing()})
    assert "say which location is meant" in page.content.decode()


def test_a_closure_whose_zone_became_unclear_shows_no_time_that_would_move_it(manager, story):
    closure = ClosureFactory(clinic=story.clinic)
    assert manager.get(url(closure)).context["adminform"].form.initial["start"] is not None
    LocationFactory(clinic=story.clinic, zone="Europe/Lisbon", country="PT")
    initial = manager.get(url(closure)).context["adminform"].form.initial
    assert (initial["start"], initial["end"]) == (None, None)


def test_reception_reads_closures_on_the_wall_clock_and_changes_none(story):
    closure = ClosureFactory(clinic=story.clinic)
    client = enter(story.carla)
    assert "Mon, 30 Nov 2026, 08:00" in client.get(url(closure)).content.decode()
    assert client.post(url(closure), closing()).status_code == 403


def test_a_schedule_is_named_after_whom_it_belongs_to(manager, story):
    RoomFactory(location=story.location, name="Salle 1")
    DeviceFactory(location=story.location, name="Echo 7")
    page = manager.get(reverse("admin:bookings_closure_add")).content.decode()
    assert "Dr Demir" in page
    assert "Salle 1" in page
    assert "Echo 7" in page


@pytest.mark.parametrize("kind", ["closure", "practitioner", "room", "device", "healthcareservice", "location"])
def test_a_list_takes_as_many_queries_for_three_rows_as_for_one(manager, story, kind):
    make = {
        "closure": lambda: ClosureFactory(
            schedule=PractitionerFactory(clinic=story.clinic).schedule, clinic=story.clinic
        ),
        "practitioner": lambda: PractitionerFactory(clinic=story.clinic),
        "room": lambda: RoomFactory(location=story.location),
        "device": lambda: DeviceFactory(location=story.location),
        "healthcareservice": lambda: ServiceFactory(clinic=story.clinic),
        "location": lambda: LocationFactory(clinic=story.clinic),
    }[kind]
    address = reverse(f"admin:bookings_{kind}_changelist")
    make()
    one = settled_count(manager, address)
    make(), make()
    assert settled_count(manager, address) == one


def test_a_practitioners_page_takes_as_many_queries_for_five_lines_of_hours_as_for_one(manager, story):
    other = PractitionerFactory(clinic=story.clinic)
    open_week(of=other, at=story.location, weekdays=[0])
    assert settled_count(manager, url(story.demir)) == settled_count(manager, url(other))


def test_a_short_name_twice_in_a_clinic_is_refused_with_a_sentence(manager, story):
    other = LocationFactory(clinic=story.clinic, name="Terreaux", slug="terreaux")
    form = {"name": "Terreaux", "slug": "bellecour", "address": "1", "zone": "Europe/Paris", "country": "FR"}
    page = manager.post(url(other), form)
    assert page.status_code == 200
    assert "location_slug_once_per_clinic" in page.content.decode() or "already exists" in page.content.decode()
    assert Location.objects.get(pk=other.pk).slug == "terreaux"


def test_a_privacy_notice_is_added_with_the_next_number_and_never_changed(manager, story):
    old = NoticeFactory(clinic=story.clinic, version=3)
    add = reverse("admin:bookings_privacynotice_add")
    assert manager.get(add).context["adminform"].form.initial["version"] == 4
    manager.post(add, {"clinic": story.clinic.pk, "version": 4, "language": "en", "body": "New"})
    assert PrivacyNotice.objects.filter(clinic=story.clinic).count() == 2
    assert manager.post(url(old), {"body": "Other"}).status_code == 403


def test_a_notice_is_settled_by_an_action_once(story):
    notice = Notice.objects.create(clinic=story.clinic, kind=Notice.Kind.CALENDAR_FAILING, practitioner=story.demir)
    client = enter(story.carla)
    address = reverse("admin:bookings_notice_changelist")
    assert list(client.get(address).context["cl"].result_list) == [notice]
    form = {"action": "resolve", "_selected_action": [notice.pk], "index": 0}
    assert said(client.post(address, form, follow=True)) == ["1 notice is settled."]
    assert Notice.objects.get(pk=notice.pk).resolved_at is not None
    assert list(client.get(address).context["cl"].result_list) == []
    assert list(client.get(address, {"state": "resolved"}).context["cl"].result_list) == [notice]


def test_somebody_who_only_looks_settles_no_notice(story):
    notice = Notice.objects.create(clinic=story.clinic, kind=Notice.Kind.MESSAGE_FAILED)
    form = {"action": "resolve", "_selected_action": [notice.pk], "index": 0}
    enter(someone(clinic=story.clinic, role=Role.DPO)).post(reverse("admin:bookings_notice_changelist"), form)
    assert Notice.objects.get(pk=notice.pk).resolved_at is None


def test_a_code_that_was_sent_is_listed_without_the_code_and_with_a_hint_of_the_address(story):
    challenge = ContactChallenge.objects.create(
        clinic=story.clinic,
        purpose="find",
        key_id=story.ada.key_id,
        visitor_digest="",
        contact="ada@example.org",
        code="123456",
        language="en",
        created=MONDAY,
        expires_at=MONDAY,
    )
    client = enter(story.carla)
    for page in (reverse("admin:bookings_contactchallenge_changelist"), url(challenge)):
        text = client.get(page).content.decode()
        assert "a…@e…" in text
        assert "example.org" not in text
        assert "ada@example.org" not in text
        assert "123456" not in text


def test_schedules_have_no_page_of_their_own(manager):
    assert manager.get("/admin/bookings/schedule/").status_code == 404


# --- the clinic's own texts in further languages, its logo, its sites


def clinic_form(story: Cast, *, texts: int = 0, **typed: object) -> dict[str, object]:
    """The clinic's page as it would be posted."""
    names = ("name", "neutral_name", "language", "phone", "hours_text", "emergency_number", "address", "legal_name")
    kept = {name: getattr(story.clinic, name) for name in names}
    lines = {"texts-TOTAL_FORMS": texts, "texts-INITIAL_FORMS": 0}
    return {**kept, "active": "on", "link_days": 7, **lines, **typed}


def test_a_manager_writes_the_clinics_texts_in_one_more_language(manager, story):
    line = {"texts-0-language": "de", "texts-0-hours_text": "Mo bis Fr", "texts-0-imprint": "Impressum"}
    assert manager.post(url(story.clinic), clinic_form(story, texts=1, **line)).status_code == 302
    text = ClinicText.objects.get()
    assert (text.clinic, text.language, text.hours_text, text.accessibility) == (story.clinic, "de", "Mo bis Fr", "")


def test_a_manager_writes_how_to_get_in_in_one_more_language(manager, story):
    place = {"name": "Bellecour", "slug": "bellecour", "address": "1", "zone": "Europe/Paris", "country": "FR"}
    lines = {"texts-TOTAL_FORMS": 1, "texts-INITIAL_FORMS": 0, "texts-0-language": "de"}
    typed = {**place, "active": "on", **lines, "texts-0-access_notes": "Zweiter Stock"}
    assert manager.post(url(story.location), typed).status_code == 302
    text = LocationText.objects.get()
    assert (text.clinic, text.location, text.access_notes) == (story.clinic, story.location, "Zweiter Stock")
    again = {**typed, "texts-TOTAL_FORMS": 2, "texts-INITIAL_FORMS": 1, "texts-0-id": text.pk}
    again |= {"texts-1-language": "de", "texts-1-access_notes": "Noch einmal"}
    assert manager.post(url(story.location), again).status_code == 200
    assert LocationText.objects.count() == 1


def test_a_logo_is_uploaded_seen_on_the_clinics_pages_and_taken_away(manager, story):
    page = manager.get(url(story.clinic)).content.decode()
    assert "PNG, JPEG or WebP, at most 20 kB; shown 40 pixels high." in page
    upload = SimpleUploadedFile("logo.png", image(), content_type="image/png")
    assert manager.post(url(story.clinic), clinic_form(story, logo=upload)).status_code == 302
    story.clinic.refresh_from_db()
    assert story.clinic.logo
    assert '<a href="/c/parc/logo/">logo</a>' in manager.get(url(story.clinic)).content.decode()
    manager.post(url(story.clinic), clinic_form(story, texts=0, **{"logo-clear": "on"}))
    story.clinic.refresh_from_db()
    assert not story.clinic.logo


def test_what_is_no_picture_or_too_heavy_is_refused_as_a_logo(manager, story):
    heavy = image() + b"\0" * 20_001
    for content in (b"GIF89a", b"no picture", heavy):
        upload = SimpleUploadedFile("logo.png", ContentFile(content).read(), content_type="image/png")
        refused = manager.post(url(story.clinic), clinic_form(story, logo=upload))
        assert "logo" in refused.context["adminform"].form.errors


def test_sites_and_the_confidential_age_are_checked(manager, story):
    good = clinic_form(story, embed_sites="https://www.example.org,https://b.example", confidential_age=14)
    assert manager.post(url(story.clinic), good).status_code == 302
    story.clinic.refresh_from_db()
    assert (story.clinic.embed_sites, story.clinic.confidential_age) == (
        ["https://www.example.org", "https://b.example"],
        14,
    )
    bad = manager.post(url(story.clinic), clinic_form(story, embed_sites="www.example.org/x", confidential_age=5))
    assert set(bad.context["adminform"].form.errors) == {"embed_sites", "confidential_age"}


def test_reception_reads_the_texts_and_writes_none(story):
    ClinicText.objects.create(clinic=story.clinic, language="de", hours_text="Mo bis Fr")
    desk = enter(story.carla)
    assert "Mo bis Fr" in desk.get(url(story.clinic)).content.decode()
    assert desk.post(url(story.clinic), clinic_form(story)).status_code == 403


def test_a_clinics_page_takes_as_many_queries_for_three_languages_as_for_one(manager, story):
    ClinicText.objects.create(clinic=story.clinic, language="de", hours_text="Mo")
    one = settled_count(manager, url(story.clinic))
    for language in ("fr", "nl"):
        ClinicText.objects.create(clinic=story.clinic, language=language, hours_text="Mo")
    assert settled_count(manager, url(story.clinic)) == one
