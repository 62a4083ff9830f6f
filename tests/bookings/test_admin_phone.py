"""Booking for a caller: service, time, patient, one page."""

import uuid
from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from bookings.models import Appointment, Patient, Role
from bookings.patients import reindex
from tests.bookings.entering import enter, reads, said, settled_count, someone, visit
from tests.bookings.grouping import join
from tests.factories import (
    Cast,
    LocationFactory,
    OfferFactory,
    PractitionerFactory,
    ServiceFactory,
    SessionFactory,
    TermsFactory,
    cast,
    open_week,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 30, 7, 40, tzinfo=UTC)  # Monday 08:40 in Paris: hours begin at 9, two hours' notice online
BOOK = reverse("admin:bookings_appointment_add")
NINE = "2026-11-30T08:00:00+00:00"
NEW = {
    "new-family_name": "Kovalevskaya",
    "new-given_name": "Sofia",
    "new-language": "en",
    "language": "en",
    "reason": "Cough",
}


@pytest.fixture(autouse=True)
def _morning():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def story() -> Cast:
    made = cast()
    reindex(made.ada)
    return made


@pytest.fixture
def desk(story: Cast) -> Client:
    return enter(story.carla)


def wish(story: Cast, **changed: object) -> str:
    given = {"service": story.service.pk, "start": NINE, "at": story.location.pk, **changed}
    return f"{BOOK}?" + "&".join(
        f"{name}={str(value).replace('+', '%2B')}" for name, value in given.items() if value is not None
    )


def clocks(page) -> list[str]:
    return [free.clock for day in page.context["days"] for _place, times in day.places for free in times]


def test_a_caller_gets_the_times_patients_get_and_the_ones_too_soon_for_them(desk, story):
    page = desk.get(BOOK, {"service": story.service.pk})
    assert clocks(page)[:3] == ["09:00", "09:30", "10:00"]
    assert page.context["days"][0].title == "Monday, 30 November 2026"


def test_nothing_is_listed_before_a_service_is_chosen(desk, story):
    page = desk.get(BOOK)
    assert page.context["days"] == []
    assert reads() == []


def test_a_known_patient_is_found_chosen_and_booked(desk, story):
    page = desk.get(f"{wish(story)}&q=lovel")
    assert [patient.pk for patient, _query in page.context["found"]] == [story.ada.pk]
    address = f"{wish(story)}&patient={story.ada.pk}"
    assert "Lovelace" in desk.get(address).content.decode()
    response = desk.post(address, {"patient": story.ada.pk, "key": uuid.uuid4(), "language": "fr", "reason": "Cough"})
    booked = Appointment.objects.get()
    assert response["Location"] == reverse("admin:bookings_appointment_change", args=[booked.pk])
    assert (booked.patient, booked.start.isoformat(), booked.booked_online) == (story.ada, NINE, False)
    assert (booked.language, booked.reason) == ("fr", "Cough")
    assert said(desk.get(response["Location"])) == [
        f"Booked: Monday, 30 November 2026, 09:00 (Paris time) · {story.ada.code}."
    ]


def test_who_is_shown_while_booking_is_recorded_as_read(desk, story):
    desk.get(f"{wish(story)}&q=lovel")
    assert [(read["view"], read["patients"]) for read in reads()] == [("phone-booking", [story.ada.code])]


def test_a_new_patient_is_registered_and_booked_at_once(desk, story):
    desk.post(wish(story), {"key": uuid.uuid4(), **NEW})
    booked = Appointment.objects.select_related("patient").get()
    assert (booked.patient.family_name, booked.patient.given_name, booked.reason) == ("Kovalevskaya", "Sofia", "Cough")


def test_a_second_press_books_nothing_more_and_registers_nobody_more(desk, story):
    form = {"key": uuid.uuid4(), **NEW}
    first, second = desk.post(wish(story), form), desk.post(wish(story), form)
    assert first["Location"] == second["Location"]
    assert (Appointment.objects.count(), Patient.objects.count()) == (1, 2)


def test_a_time_somebody_took_meanwhile_gives_the_nearest_loses_nothing_typed_and_registers_nobody(desk, story):
    visit(story, start=datetime(2026, 11, 30, 8, tzinfo=UTC), end=datetime(2026, 11, 30, 8, 30, tzinfo=UTC))
    page = desk.post(wish(story), {"key": uuid.uuid4(), **NEW})
    assert said(page) == ["This time is no longer free. Please choose another one."]
    text = page.content.decode()
    assert 'value="Kovalevskaya"' in text
    assert "Cough" in text
    assert Patient.objects.count() == 1
    nearest = [free for day in page.context["nearest"] for _place, times in day.places for free in times]
    assert nearest[0].clock == "09:30"
    assert f'formaction="{escape(nearest[0].query)}"' in text
    desk.post(BOOK + nearest[0].query, {"key": uuid.uuid4(), **NEW})
    booked = Appointment.objects.get(patient__language="en", booked_online=False)
    assert booked.start == datetime(2026, 11, 30, 8, 30, tzinfo=UTC)


def test_a_time_outside_hours_is_refused_with_a_sentence(desk, story):
    page = desk.post(wish(story, start="2026-11-30T20:00:00+00:00"), {"key": uuid.uuid4(), **NEW})
    assert said(page) == ["This time is outside opening hours. Please choose another one."]
    assert (Appointment.objects.count(), Patient.objects.count()) == (0, 1)


def test_what_is_missing_is_asked_for_and_nothing_is_booked(desk, story):
    page = desk.post(wish(story), {"key": uuid.uuid4(), **NEW, "new-family_name": ""})
    assert page.context["new"].errors == {"family_name": ["This field is required."]}
    assert not Appointment.objects.exists()


def test_nothing_of_another_clinic_can_be_chosen(story):
    otto = enter(story.otto)
    theirs = LocationFactory(clinic=story.elsewhere)
    assert [str(row) for row in otto.get(wish(story)).context["wish"].fields["service"].queryset] == []
    page = otto.post(wish(story), {"key": uuid.uuid4(), **NEW})
    assert page.status_code == 200
    own = ServiceFactory(clinic=story.elsewhere)
    weber = PractitionerFactory(clinic=story.elsewhere)
    OfferFactory(service=own, practitioner=weber)
    open_week(of=weber, at=theirs)
    address = f"{wish(story, service=own.pk, at=theirs.pk)}&patient={story.ada.pk}"
    page = otto.post(address, {"patient": story.ada.pk, "key": uuid.uuid4(), "language": "en"})
    assert page.context["chosen"] is None
    assert "Lovelace" not in page.content.decode()
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("role", [Role.PRACTITIONER, Role.DPO, Role.AUDITOR])
def test_who_may_not_book_is_told_so(story, role):
    assert enter(someone(clinic=story.clinic, role=role)).get(BOOK).status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "service=x",
        "service=99999",
        "since=2026-02-30",
        "start=nonsense",
        "start=2026-11-30T08:00:00",
        "at=0",
        "patient=" + "9" * 30,
        "q=%00",
        "practitioner=99999",
    ],
)
def test_an_address_that_is_none_gives_a_page(desk, story, query):
    assert desk.get(f"{BOOK}?service={story.service.pk}&{query}").status_code == 200


def test_a_wish_for_somebody_who_does_not_exist_books_nobody_else(desk, story):
    page = desk.post(wish(story, practitioner=99999), {"key": uuid.uuid4(), **NEW})
    assert page.status_code == 200
    assert not Appointment.objects.exists()


def test_weeks_are_turned_and_never_before_today(desk, story):
    page = desk.get(BOOK, {"service": story.service.pk})
    assert page.context["earlier"] == ""
    assert "since=2026-12-07" in page.context["later"]


# --- narrowed, and under other terms


def test_times_are_narrowed_by_language_weekday_and_part_of_day(desk, story):
    klein = PractitionerFactory(clinic=story.clinic, name="Klein", languages="de")
    OfferFactory(service=story.service, practitioner=klein)
    open_week(of=klein, at=story.location, weekdays=[2], opens=time(11), closes=time(13))
    page = desk.get(BOOK, {"service": story.service.pk, "language": "de"})
    assert dict(page.context["wish"].fields["language"].choices)["de"] == "German"
    assert clocks(page) == ["11:00", "11:30", "12:00", "12:30"]
    assert clocks(desk.get(BOOK, {"service": story.service.pk, "language": "de", "part": "morning"})) == [
        "11:00",
        "11:30",
    ]
    page = desk.get(BOOK, {"service": story.service.pk, "weekday": ["1", "3"], "part": "afternoon"})
    assert [day.title for day in page.context["days"]] == ["Tuesday, 1 December 2026", "Thursday, 3 December 2026"]
    assert clocks(page)[0] == "12:00"
    assert "weekday=1&weekday=3" in page.context["later"]


def test_the_usual_case_folds_the_many_wishes_away_and_asks_only_what_matters(desk, story):
    def asked(**given: object) -> tuple[list[str], bool]:
        form = desk.get(BOOK, {"service": story.service.pk, **given}).context["wish"]
        return [field.name for field in (*form.folded, *form.ticked)], form.unfolded

    assert asked() == (["part", "language", "then", "weekday", "needs"], False)
    assert asked(part="evening")[1]
    TermsFactory(service=story.service, standing="new", duration=60)
    TermsFactory(service=story.service, coverage="private", extra=10)
    story.service.kinds = ["on-site", "home"]
    story.service.referral_needed = True
    story.service.save()
    names, unfolded = asked()
    assert names[:4] == ["kind", "standing", "coverage", "referral"]
    assert unfolded


def test_times_follow_the_length_that_the_answers_give(desk, story):
    TermsFactory(service=story.service, need="interpreter", extra=30)
    plain = clocks(desk.get(BOOK, {"service": story.service.pk}))
    longer = clocks(desk.get(BOOK, {"service": story.service.pk, "needs": "interpreter"}))
    assert (plain[15], longer[14]) == ("16:30", "16:00")
    assert "16:30" not in longer


def test_whoever_is_new_gets_the_length_for_new_patients_without_being_asked(desk, story):
    TermsFactory(service=story.service, standing="new", duration=60)
    page = desk.get(f"{wish(story)}&patient={story.ada.pk}")
    assert page.context["wish"]["standing"].value() == "new"
    assert "60 minutes" in page.context["told"]
    desk.post(f"{wish(story)}&patient={story.ada.pk}", {"patient": story.ada.pk, "language": "en"})
    booked = Appointment.objects.get()
    assert (booked.standing, booked.end - booked.start) == ("new", timedelta(hours=1))
    Patient.objects.update(known_since="2020-01-01")
    page = desk.get(f"{wish(story)}&patient={story.ada.pk}")
    assert page.context["wish"]["standing"].value() == "known"
    said_otherwise = desk.get(f"{wish(story)}&patient={story.ada.pk}&standing=new")
    assert "60 minutes" in said_otherwise.context["told"]


def test_a_time_too_short_for_this_patient_is_not_said_to_be_taken(desk, story):
    TermsFactory(service=story.service, standing="new", duration=60)
    visit(story, start=datetime(2026, 11, 30, 8, 30, tzinfo=UTC), end=datetime(2026, 11, 30, 9, 0, tzinfo=UTC))
    assert desk.get(wish(story)).context["refusal"] is None
    page = desk.get(f"{wish(story)}&patient={story.ada.pk}")
    assert "takes 60 minutes" in page.context["refusal"]
    Patient.objects.update(known_since="2020-01-01")
    assert desk.get(f"{wish(story)}&patient={story.ada.pk}").context["refusal"] is None


def test_a_booking_that_nobody_is_written_about_says_so(desk, story):
    story.ada.email = ""
    story.ada.save()

    def warned(start: str) -> bool:
        address = f"{wish(story, start=start)}&patient={story.ada.pk}"
        page = desk.post(address, {"patient": story.ada.pk, "language": "en"}, follow=True)
        return any("no confirmation" in line for line in said(page))

    assert not warned(NINE)  # Ben acts for her
    story.ben.delete()
    assert warned("2026-11-30T10:00:00+00:00")


def test_somebody_new_who_may_be_known_is_pointed_out_once_they_are_booked(desk, story):
    story.ada.birth_date = "1815-12-10"
    story.ada.save()
    reindex(story.ada)
    lines = []
    for name, start in (("Kovalevskaya", NINE), ("Lovelace", "2026-11-30T10:00:00+00:00")):
        written = {**NEW, "new-family_name": name, "new-given_name": "Ada", "new-birth_date": "1815-12-10"}
        lines.append(said(desk.post(wish(story, start=start), {"key": uuid.uuid4(), **written}, follow=True)))
    assert [any("Are they one patient?" in line for line in page) for page in lines] == [False, True]


def test_the_language_of_somebody_new_is_asked_once(desk, story):
    page = desk.get(wish(story))
    assert "language" not in page.context["last"].fields
    desk.post(wish(story), {"key": uuid.uuid4(), **NEW, "new-language": "de"})
    booked = Appointment.objects.get()
    assert (booked.language, booked.patient.language) == ("de", "de")


def test_somebody_written_down_while_booking_is_new(desk, story):
    TermsFactory(service=story.service, standing="new", duration=60)
    desk.post(wish(story), {"key": uuid.uuid4(), **NEW})
    booked = Appointment.objects.get()
    assert (booked.standing, booked.end - booked.start) == ("new", timedelta(hours=1))


def test_a_visit_at_home_asks_where_and_keeps_it(desk, story):
    story.service.kinds = ["on-site", "home"]
    story.service.save()
    address = f"{wish(story)}&patient={story.ada.pk}&kind=home&needs=companion"
    form = {"patient": story.ada.pk, "language": "en"}
    page = desk.post(address, form)
    assert page.context["last"].errors == {"visit_address": ["This field is required."]}
    desk.post(address, {**form, "visit_address": "3 rue de la Paix"})
    booked = Appointment.objects.get()
    assert (booked.kind, booked.visit_address, booked.needs) == ("home", "3 rue de la Paix", "companion")


def test_a_way_that_the_service_no_longer_has_counts_as_not_said(desk, story):
    assert clocks(desk.get(BOOK, {"service": story.service.pk, "kind": "home"}))
    story.service.kinds = ["video", "phone"]
    story.service.save()
    page = desk.get(BOOK, {"service": story.service.pk, "kind": "home"})
    assert clocks(page)
    assert page.context["wish"].asking.kind == "video"


def test_a_group_lists_its_sessions_with_places_left_and_books_one(desk, story):
    yoga = ServiceFactory(clinic=story.clinic, name="Yoga", capacity=3)
    session = SessionFactory(service=yoga, location=story.location, practitioner=story.demir)
    join(session, patient=story.ada)
    page = desk.get(BOOK, {"service": yoga.pk})
    (free,) = [free for day in page.context["days"] for _place, times in day.places for free in times]
    assert (free.clock, free.left, free.who) == ("09:00", "2 places left", "Dr Demir")
    desk.post(f"{BOOK}{free.query}", {"key": uuid.uuid4(), **NEW})
    assert Appointment.objects.exclude(patient=story.ada).get().session == session


# --- a time that is not in the list, and squeezing in


def by_hand(story: Cast, clock: str, **more: object) -> str:
    return wish(story, start=None, on="2026-11-30", clock=clock.replace(":", "%3A"), **more)


def test_a_time_that_is_not_in_the_list_can_be_written(desk, story):
    address = by_hand(story, "09:10", patient=story.ada.pk)
    assert desk.get(address).context["bookable"]
    desk.post(address, {"patient": story.ada.pk, "language": "en"})
    assert Appointment.objects.get().start == datetime(2026, 11, 30, 8, 10, tzinfo=UTC)


def test_a_time_that_cannot_be_had_is_refused_before_anything_is_typed(desk, story):
    page = desk.get(by_hand(story, "20:00"))
    assert str(page.context["refusal"]) == "This time is outside opening hours. Please choose another one."
    assert not page.context["bookable"]
    assert page.context["squeeze"] is None
    assert page.context["nearest"]


@pytest.fixture
def taken(story: Cast) -> Appointment:
    start = datetime(2026, 11, 30, 8, tzinfo=UTC)
    return visit(story, start=start, end=start + timedelta(minutes=30))


def squeeze(story: Cast, **fields: object) -> dict[str, object]:
    return {"patient": story.ada.pk, "language": "en", "squeeze": "1", **fields}


def test_a_taken_time_is_squeezed_in_with_a_reason_by_who_may(desk, story, taken):
    story.service.overbook_cap = 1
    story.service.save()
    address = f"{wish(story)}&patient={story.ada.pk}"
    page = desk.get(address)
    assert list(page.context["squeeze"]) == ["urgent", "practitioner-asked", "patient-waits", "other"]
    assert "Squeeze in" in page.content.decode()
    assert said(desk.post(address, squeeze(story))) == ["Say why, please."]
    assert said(desk.post(address, squeeze(story, overbook_reason="because"))) == ["Say why, please."]
    desk.post(address, squeeze(story, overbook_reason="urgent"))
    booked = Appointment.objects.exclude(pk=taken.pk).get()
    assert (booked.start, booked.overbooked, booked.overbook_reason) == (taken.start, True, "urgent")
    page = desk.get(address)
    assert page.context["squeeze"]
    assert said(desk.post(address, squeeze(story, overbook_reason="urgent"))) == [
        "No more visits may be squeezed in on this day."
    ]


def test_a_reason_alone_squeezes_nothing_in(desk, story, taken):
    story.service.overbook_cap = 1
    story.service.save()
    page = desk.post(f"{wish(story)}&patient={story.ada.pk}", squeeze(story, overbook_reason="urgent", squeeze=""))
    assert said(page) == ["This time is no longer free. Please choose another one."]
    assert Appointment.objects.count() == 1


def test_nothing_is_squeezed_in_where_the_service_or_the_role_does_not_allow_it(desk, story, taken):
    address = f"{wish(story)}&patient={story.ada.pk}"
    assert desk.get(address).context["squeeze"] is None
    assert said(desk.post(address, squeeze(story, overbook_reason="urgent"))) == [
        "No more visits may be squeezed in on this day."
    ]
    story.service.overbook_cap = 1
    story.service.save()
    Permission.objects.get(codename="overbook_appointment").group_set.clear()
    assert desk.get(address).context["squeeze"] is None
    assert said(desk.post(address, squeeze(story, overbook_reason="urgent"))) == [
        "This time is no longer free. Please choose another one."
    ]
    assert Appointment.objects.count() == 1


def test_the_page_takes_as_many_queries_whatever_there_is_to_list(desk, story):
    address = f"{BOOK}?service={story.service.pk}"
    one = settled_count(desk, address)
    for name in ("Klein", "Weber"):
        person = PractitionerFactory(clinic=story.clinic, name=name)
        OfferFactory(service=story.service, practitioner=person)
        open_week(of=person, at=story.location)
        ServiceFactory(clinic=story.clinic)
    assert settled_count(desk, address) == one
