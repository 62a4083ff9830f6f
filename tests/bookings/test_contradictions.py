"""Each contradiction of a clinic's set-up is found, and nothing where there is none."""

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.contradictions import Contradiction, Kind, contradictions, told
from bookings.models import OpeningHours, Room, Schedule
from tests.bookings.entering import visit
from tests.bookings.grouping import join
from tests.factories import (
    MONDAY,
    AppointmentFactory,
    Cast,
    ClosureFactory,
    DeviceFactory,
    LocationFactory,
    OfferFactory,
    OpeningHoursFactory,
    PractitionerFactory,
    RoomFactory,
    ServiceFactory,
    SessionFactory,
    TermsFactory,
    cast,
    open_week,
)

pytestmark = pytest.mark.django_db
NOW = MONDAY - timedelta(days=3)
TEN = MONDAY + timedelta(hours=2)
"""Ten o'clock in Paris."""


def found(story: Cast) -> frozenset[Contradiction]:
    return contradictions(clinic_id=story.clinic.pk, now=NOW)


def kinds(story: Cast) -> set[Kind]:
    return {one.kind for one in found(story)}


def change(row: Any, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()


def other_place(story: Cast) -> Any:
    return LocationFactory(clinic=story.clinic, name="Terreaux", slug="terreaux")


def with_room(story: Cast, **fields: Any) -> Room:
    change(story.service, room_kind="scan")
    return RoomFactory(location=story.location, kind="scan", **fields)


def never_open(story: Cast) -> None:
    open_week(of=with_room(story), at=story.location, weekdays=[5])


def nobody_gives(story: Cast) -> None:
    story.service.offers.all().delete()


def giver_left(story: Cast) -> None:
    change(story.demir, active=False)


def no_hours(story: Cast) -> None:
    OpeningHours.objects.all().delete()


def hours_at_a_place_out_of_use(story: Cast) -> None:
    change(story.location, active=False)


def too_long(story: Cast) -> None:
    change(story.service, duration=9 * 60)


def too_long_for_some(story: Cast) -> None:
    TermsFactory(service=story.service, standing="new", duration=7 * 60)
    TermsFactory(service=story.service, need="interpreter", extra=90)


def no_room(story: Cast) -> None:
    change(story.service, room_kind="scan")
    RoomFactory(location=story.location, kind="scan", active=False)
    RoomFactory(location=other_place(story), kind="scan")
    RoomFactory(location=story.location, kind="consultation")


def no_room_for_some(story: Cast) -> None:
    TermsFactory(service=story.service, standing="new", room_kind="scan")


def no_device(story: Cast) -> None:
    change(story.service, device_kind="laser")
    DeviceFactory(location=other_place(story), kind="laser")


def named_device_gone(story: Cast) -> None:
    change(story.service, device=DeviceFactory(location=story.location, active=False))


def device_shut(story: Cast) -> None:
    device = DeviceFactory(location=story.location, kind="laser")
    change(story.service, device_kind="laser")
    open_week(of=device, at=story.location, opens=time(16, 45), closes=time(18))


def device_shut_when_the_room_is_open(story: Cast) -> None:
    open_week(of=with_room(story), at=story.location, opens=time(9), closes=time(12))
    device = DeviceFactory(location=story.location, kind="laser")
    change(story.service, device_kind="laser")
    open_week(of=device, at=story.location, opens=time(12), closes=time(17))


def no_video(story: Cast) -> None:
    change(story.service, kinds=["on-site", "video"])


def two_rooms(story: Cast) -> None:
    for room_kind, fields in (("a", {"standing": "new"}), ("b", {"need": "interpreter"})):
        RoomFactory(location=story.location, kind=room_kind)
        TermsFactory(service=story.service, room_kind=room_kind, **fields)


def refuse_all(story: Cast) -> None:
    TermsFactory(service=story.service, standing="new", offered=False)
    for coverage in ("statutory", "private", "self"):
        TermsFactory(service=story.service, standing="known", coverage=coverage, offered=False)


def idle_terms(story: Cast) -> None:
    TermsFactory(service=story.service, kind="home", extra=20)


def notice_too_long(story: Cast) -> None:
    change(story.service, minimum_notice=3 * 24 * 60, horizon=2)


def buffers_too_long(story: Cast) -> None:
    change(story.service, buffer_before=720, buffer_after=721)


def unplanned(story: Cast) -> None:
    change(story.service, capacity=8)


def never_holds(story: Cast) -> None:
    """Every other Monday from a Tuesday on, until the day before the second Monday after it."""
    OpeningHoursFactory(
        schedule=story.demir.schedule,
        location=story.location,
        weekday=0,
        opens=time(18),
        closes=time(19),
        every=2,
        valid_from=date(2026, 12, 1),
        valid_until=date(2026, 12, 13),
    )


def two_places(story: Cast) -> None:
    open_week(of=story.demir, at=other_place(story), weekdays=[2], opens=time(16), closes=time(18))


def hours_elsewhere(story: Cast) -> None:
    open_week(of=RoomFactory(location=story.location), at=other_place(story), weekdays=[2])


def open_for_nobody(story: Cast) -> None:
    open_week(of=RoomFactory(location=story.location), at=story.location, weekdays=[6])


def off_the_list_and_given_by_nobody(story: Cast) -> None:
    change(story.service, active=False)
    nobody_gives(story)


SET_UP: list[tuple[Callable[[Cast], None], Kind, str]] = [
    (nobody_gives, Kind.NOBODY, "Nobody gives “Consultation”."),
    (giver_left, Kind.NOBODY, "Nobody gives “Consultation”."),
    (no_hours, Kind.NO_HOURS, "Whoever gives “Consultation” has no opening hours."),
    (hours_at_a_place_out_of_use, Kind.NO_HOURS, "has no opening hours"),
    (too_long, Kind.TOO_SHORT, "can take 540 minutes"),
    (too_long_for_some, Kind.TOO_SHORT, "can take 510 minutes"),
    (no_room, Kind.NO_ROOM, "a room of the kind “scan”, and there is none"),
    (no_room_for_some, Kind.NO_ROOM, "a room of the kind “scan”, and there is none"),
    (never_open, Kind.ROOM_SHUT, "“scan”, and none is open when it could be given"),
    (no_device, Kind.NO_DEVICE, "the device “laser”, and there is none"),
    (named_device_gone, Kind.NO_DEVICE, "and there is none where it is given"),
    (device_shut, Kind.DEVICE_SHUT, "the device “laser”, and it cannot be used when"),
    (device_shut_when_the_room_is_open, Kind.DEVICE_SHUT, "the device “laser”, and it cannot be used when"),
    (no_video, Kind.NO_VIDEO, "Dr Demir has no video room"),
    (two_rooms, Kind.TERMS_ROOMS, "“new patient” and for “an interpreter” can both hold"),
    (refuse_all, Kind.TERMS_REFUSE, "its terms refuse everybody"),
    (idle_terms, Kind.TERMS_IDLE, "“at the patient’s home” never hold"),
    (notice_too_long, Kind.NOTICE, "can never be booked online"),
    (buffers_too_long, Kind.BUFFERS, "more than a day free around each visit"),
    (unplanned, Kind.UNPLANNED, "no session is planned"),
    (never_holds, Kind.NEVER_HOLDS, "Dr Demir: the hours “Monday 18:00–19:00” hold on no day."),
    (two_places, Kind.TWO_PLACES, "Dr Demir is open at Bellecour and at Terreaux at once, first on Wednesday, 2 D"),
    (hours_elsewhere, Kind.HOURS_ELSEWHERE, "belong to another location than its own"),
    (open_for_nobody, Kind.OPEN_FOR_NOBODY, "is open only when nobody works at Bellecour"),
]


def test_the_cast_contradicts_nothing():
    story = cast()
    visit(story, start=TEN)
    assert found(story) == frozenset()


@pytest.mark.parametrize(("arrange", "kind", "words"), SET_UP, ids=[arrange.__name__ for arrange, _k, _w in SET_UP])
def test_what_contradicts_itself_in_the_set_up_is_told_and_goes_to_where_it_is_changed(arrange, kind, words):
    story = cast()
    before = found(story)
    arrange(story)
    new = [one for one in found(story) - before if one.kind == kind]
    assert len(new) == 1
    assert words in new[0].sentence
    assert new[0].about is not None
    assert contradictions(clinic_id=story.elsewhere.pk, now=NOW) == frozenset()


@pytest.mark.parametrize(
    "arrange",
    [
        lambda story: with_room(story),
        lambda story: open_week(of=with_room(story), at=story.location, opens=time(16, 30), closes=time(20)),
        lambda story: change(story.service, duration=8 * 60),
        lambda story: TermsFactory(service=story.service, standing="new", offered=False),
        lambda story: change(story.service, minimum_notice=24 * 60, horizon=1),
        off_the_list_and_given_by_nobody,
        lambda story: open_week(of=story.demir, at=other_place(story), weekdays=[2], opens=time(17), closes=time(18)),
        lambda story: open_week(of=RoomFactory(location=story.location), at=story.location, weekdays=[6, 0]),
        lambda story: OpeningHoursFactory(
            schedule=story.demir.schedule,
            location=story.location,
            weekday=0,
            opens=time(18),
            closes=time(19),
            every=2,
            valid_from=date(2026, 12, 1),
            valid_until=date(2026, 12, 14),
        ),
    ],
)
def test_what_only_just_holds_is_no_contradiction(arrange):
    story = cast()
    arrange(story)
    assert found(story) == frozenset()


def test_terms_that_say_more_have_the_last_word_on_the_room():
    story = cast()
    for room_kind in ("a", "b"):
        RoomFactory(location=story.location, kind=room_kind)
    TermsFactory(service=story.service, standing="new", room_kind="a")
    TermsFactory(service=story.service, standing="new", need="interpreter", room_kind="b")
    TermsFactory(service=story.service, standing="known", room_kind="b")
    assert found(story) == frozenset()


def test_a_group_with_a_session_to_come_is_planned():
    story = cast(capacity=4)
    SessionFactory(
        service=story.service, location=story.location, practitioner=story.demir, start=MONDAY - timedelta(7)
    )
    assert kinds(story) == {Kind.UNPLANNED}
    SessionFactory(service=story.service, location=story.location, practitioner=story.demir, start=TEN)
    assert kinds(story) == set()


# --- what is booked


def moved_room(story: Cast, room: Room) -> None:
    change(room, location=other_place(story))


STRANDED: list[tuple[Callable[[Cast, Room], Any], Kind, str]] = [
    (lambda story, room: giver_left(story), Kind.PRACTITIONER, "The practitioner is not active"),
    (lambda story, room: change(story.location, active=False), Kind.LOCATION, "The location is not in use"),
    (lambda story, room: change(room, active=False), Kind.ROOM, "The room is not in use"),
    (lambda story, room: nobody_gives(story), Kind.NOT_GIVEN, "The practitioner does not give this service"),
    (lambda story, room: change(story.service, kinds=["phone"]), Kind.WAY, "The service is not given in this way"),
    (lambda story, room: no_hours(story), Kind.HOURS, "Outside opening hours"),
    (
        lambda story, room: open_week(of=room, at=story.location, opens=time(11)),
        Kind.HOURS,
        "Outside opening hours",
    ),
    (lambda story, room: ClosureFactory(clinic=story.clinic), Kind.CLOSURE, "During a closure"),
    (lambda story, room: ClosureFactory(schedule=room.schedule, clinic=story.clinic), Kind.CLOSURE, "During a closure"),
    (lambda story, room: change(room, kind="other"), Kind.ROOM_KIND, "Without the room that is needed"),
    (moved_room, Kind.ROOM_KIND, "Without the room that is needed"),
    (
        lambda story, room: change(story.service, device=DeviceFactory(location=story.location)),
        Kind.DEVICE_KIND,
        "Without the device that is needed",
    ),
]


@pytest.mark.parametrize(("arrange", "kind", "words"), STRANDED)
def test_a_visit_the_set_up_no_longer_carries_is_told_once(arrange, kind, words):
    story = cast()
    room = with_room(story)
    booked = visit(story, room=room, start=TEN)
    visit(story, start=TEN + timedelta(hours=1), status="cancelled", cancelled_by="patient")
    visit(story, start=NOW - timedelta(hours=1))
    before = found(story)
    assert before == frozenset()
    arrange(story, room)
    stranded = [one for one in found(story) if one.visit]
    assert [(one.kind, one.visit.id) for one in stranded if one.visit] == [(kind, booked.pk)]
    (line,) = told(stranded)
    assert line.sentence == f"{words}: 1 appointment. It stands until you move or cancel it."


def test_a_visit_on_a_day_that_became_a_holiday_is_told():
    story = cast()
    change(story.location, observes_holidays=False)
    christmas = visit(story, start=TEN + timedelta(days=25))
    assert christmas.start.date() == date(2026, 12, 25)
    assert found(story) == frozenset()
    change(story.location, observes_holidays=True)
    assert [(one.kind, one.visit and one.visit.id) for one in found(story)] == [(Kind.HOLIDAY, christmas.pk)]


def test_a_device_out_of_use_strands_its_visits():
    story = cast()
    device = DeviceFactory(location=story.location)
    visit(story, device=device, start=TEN)
    change(device, active=False)
    assert kinds(story) == {Kind.DEVICE}


def test_visits_by_phone_need_no_room():
    story = cast(kinds=["on-site", "phone"])
    with_room(story)
    visit(story, start=TEN, kind="phone")
    assert found(story) == frozenset()


def test_a_room_that_the_terms_name_is_right_for_whom_they_hold():
    story = cast()
    with_room(story)
    small = RoomFactory(location=story.location, kind="small")
    TermsFactory(service=story.service, standing="new", room_kind="small")
    visit(story, room=small, start=TEN, standing="new")
    assert found(story) == frozenset()
    wrong = visit(story, room=small, start=TEN + timedelta(hours=1), standing="known")
    assert [(one.kind, one.visit and one.visit.id) for one in found(story)] == [(Kind.ROOM_KIND, wrong.pk)]


def test_a_closure_over_a_session_concerns_it_and_everybody_who_joined():
    story = cast(capacity=4)
    room = with_room(story)
    session = SessionFactory(
        service=story.service, location=story.location, practitioner=story.demir, room=room, start=TEN
    )
    joined = join(session, patient=story.ada)
    assert found(story) == frozenset()
    closure = ClosureFactory(clinic=story.clinic, schedule=room.schedule)
    assert {(one.kind, one.about, one.visit and one.visit.id) for one in found(story)} == {
        (Kind.CLOSURE, ("closure", closure.pk), session.pk),
        (Kind.CLOSURE, ("closure", closure.pk), joined.pk),
    }
    assert {line.sentence for line in told(found(story))} == {
        "During a closure: 1 group session. It stands until you call it off.",
        "During a closure: 1 appointment. It stands until you move or cancel it.",
    }


def test_a_visit_that_has_begun_when_a_closure_begins_lies_in_it_and_one_that_is_over_does_not():
    story = cast()
    visit(story, start=TEN - timedelta(minutes=45), end=TEN - timedelta(minutes=15))
    begun = visit(story, start=TEN - timedelta(minutes=15), end=TEN + timedelta(minutes=15))
    ClosureFactory(clinic=story.clinic, start=TEN)
    assert [(one.kind, one.visit and one.visit.id) for one in found(story)] == [(Kind.CLOSURE, begun.pk)]


def test_a_longer_closure_brings_only_the_visits_it_adds():
    story = cast()
    visit(story, start=TEN)
    later = visit(story, start=TEN + timedelta(days=1))
    closure = ClosureFactory(clinic=story.clinic)
    before = found(story)
    change(closure, end=closure.end + timedelta(days=1))
    assert [one.visit and one.visit.id for one in found(story) - before] == [later.pk]


def test_another_name_for_a_thing_brings_no_contradiction():
    story = cast()
    nobody_gives(story)
    before = found(story)
    change(story.service, name="Second opinion")
    assert found(story) - before == frozenset()


def test_it_takes_as_many_queries_for_a_full_clinic_as_for_a_small_one():
    story = cast(capacity=2)

    def more(number: int) -> None:
        there = LocationFactory(clinic=story.clinic)
        who = PractitionerFactory(clinic=story.clinic)
        open_week(of=who, at=there)
        service = ServiceFactory(clinic=story.clinic, room_kind="scan")
        OfferFactory(service=service, practitioner=who)
        TermsFactory(service=service, standing="new", duration=45)
        room = RoomFactory(location=there, kind="scan")
        ClosureFactory(clinic=story.clinic, schedule=who.schedule)
        SessionFactory(service=story.service, location=there, practitioner=who, start=TEN + timedelta(hours=number))
        AppointmentFactory(
            clinic=story.clinic, location=there, service=service, practitioner=who, room=room, start=TEN + timedelta(1)
        )

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            found(story)
        return len(queries)

    more(0)
    one = count()
    more(1)
    more(2)
    assert count() == one
    assert one <= 11


def test_rows_of_another_clinic_are_never_read():
    story, other = cast(), ClosureFactory(start=MONDAY)
    nobody_gives(story)
    visit(story, start=TEN)
    assert contradictions(clinic_id=other.clinic_id, now=NOW) == frozenset()
    assert Schedule.objects.exists()
