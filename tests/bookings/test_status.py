"""The table of statuses is FHIR's, closed, runs forward, agrees with what takes time; all use cases keep to it."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import pytest

from bookings import approval, booking, moving, series, status, visits
from bookings.booking import NotPossible
from bookings.models import TAKES_TIME, Appointment, AppointmentSeries, AppointmentStatus, Occupancy
from tests.bookings.promises import broken
from tests.bookings.story import CARLA, HOUR, TEN
from tests.factories import AppointmentFactory, Cast, cast

#: http://hl7.org/fhir/R4/valueset-appointmentstatus.html
FHIR: Final = (
    "proposed pending booked arrived fulfilled cancelled noshow entered-in-error checked-in waitlist"
).split()


def test_the_statuses_are_fhirs() -> None:
    assert sorted(AppointmentStatus.values) == sorted(FHIR)
    assert set(status.FORWARD) == set(FHIR)
    assert set().union(*status.FORWARD.values()) <= set(FHIR)


@pytest.mark.parametrize("before", FHIR)
def test_no_status_follows_itself(before: str) -> None:
    assert not status.may_follow(before=before, after=before)


@pytest.mark.parametrize("before", [state for state in FHIR if state != "entered-in-error"])
def test_every_mistake_can_be_marked_as_one(before: str) -> None:
    assert status.may_follow(before=before, after="entered-in-error")


def test_nothing_leaves_an_entry_made_in_error() -> None:
    assert status.following("entered-in-error") == frozenset()
    assert status.undone("entered-in-error") is None


def test_a_cancelled_appointment_stays_cancelled() -> None:
    assert status.following("cancelled") == {"entered-in-error"}
    assert status.undone("cancelled") is None


@pytest.mark.parametrize("after", FHIR)
@pytest.mark.parametrize(("arrived", "checked_in"), [(False, False), (True, False), (True, True)])
def test_a_step_back_undoes_a_step_forward(after: str, arrived: bool, checked_in: bool) -> None:
    before = status.undone(after, arrived=arrived, checked_in=checked_in)
    assert before is None or status.may_follow(before=before, after=after)


@pytest.mark.parametrize("outcome", ["fulfilled", "noshow"])
def test_an_outcome_taken_back_leaves_the_visit_where_it_was(outcome: str) -> None:
    assert status.undone(outcome) == "booked"
    assert status.undone(outcome, arrived=True) == "arrived"
    assert status.undone(outcome, arrived=True, checked_in=True) == "checked-in"


def test_what_is_over_or_off_cannot_be_cancelled() -> None:
    cancellable = {before for before in status.FORWARD if status.may_follow(before=before, after="cancelled")}
    assert cancellable == set(TAKES_TIME) - {"fulfilled"} | {"waitlist"}


# --- every use case keeps to it


def _plain(verb: Callable[..., Any]) -> Callable[[Appointment], Any]:
    return lambda visit: verb(actor=CARLA, now=TEN, appointment_id=visit.pk)


VERBS: Final[Mapping[str, Callable[[Appointment], Any]]] = {
    "approve": _plain(approval.approve),
    "accept": _plain(approval.accept),
    "decline": _plain(approval.decline),
    "offer": lambda visit: approval.offer(actor=CARLA, now=TEN, appointment_id=visit.pk, start=TEN + HOUR),
    "lapse": lambda visit: approval.lapse(now=visit.respond_by or TEN),
    "reschedule": lambda visit: moving.reschedule(
        actor=CARLA, now=TEN, appointment_id=visit.pk, start=TEN + HOUR, by="clinic"
    ),
    "reschedule following": lambda visit: series.reschedule_following(
        actor=CARLA, now=TEN, appointment_id=visit.pk, start=TEN + HOUR, by="clinic"
    ),
    "cancel": lambda visit: booking.cancel(actor=CARLA, now=TEN, appointment_id=visit.pk, by="clinic"),
    "cancel following": lambda visit: series.cancel_following(
        actor=CARLA, now=TEN, appointment_id=visit.pk, by="clinic"
    ),
    "arrive": _plain(visits.arrive),
    "check in": _plain(visits.check_in),
    "begin": _plain(visits.begin),
    "fulfil": _plain(visits.fulfil),
    "mark noshow": _plain(visits.mark_noshow),
    "enter in error": _plain(visits.enter_in_error),
    "undo": _plain(visits.undo),
}
_MOVED: Final = {"proposed": "proposed", "pending": "pending", "booked": "booked"}
#: What each verb makes of each status it may be used on; anything else is NotPossible and changes nothing.
ALLOWED: Final[Mapping[str, Mapping[str, str]]] = {
    "approve": {"pending": "booked", "booked": "booked"},
    "accept": {"proposed": "booked", "booked": "booked"},
    "decline": dict.fromkeys(["pending", "proposed"], "cancelled"),
    "offer": dict.fromkeys(["pending", "proposed"], "proposed"),
    "lapse": {state: "cancelled" if state in ("pending", "proposed") else state for state in FHIR},
    "reschedule": _MOVED,
    "reschedule following": _MOVED,
    "cancel": dict.fromkeys(
        ["proposed", "pending", "booked", "arrived", "checked-in", "waitlist", "cancelled"], "cancelled"
    ),
    "cancel following": dict.fromkeys(_MOVED, "cancelled"),
    "arrive": dict.fromkeys(["booked", "noshow", "arrived"], "arrived"),
    "check in": dict.fromkeys(["booked", "arrived", "noshow", "checked-in"], "checked-in"),
    "begin": dict.fromkeys(["booked", "arrived", "noshow", "checked-in"], "checked-in"),
    "fulfil": dict.fromkeys(["booked", "arrived", "checked-in", "noshow", "fulfilled"], "fulfilled"),
    "mark noshow": dict.fromkeys(["booked", "arrived", "checked-in", "noshow"], "noshow"),
    "enter in error": dict.fromkeys(FHIR, "entered-in-error"),
    "undo": {"arrived": "booked", "checked-in": "arrived", "fulfilled": "booked", "noshow": "booked"},
}


def appointment(people: Cast, before: str) -> Appointment:
    visit: Appointment = AppointmentFactory(
        clinic=people.clinic,
        location=people.location,
        service=people.service,
        practitioner=people.demir,
        patient=people.ada,
        start=TEN,
        status=before,
        respond_by=TEN + timedelta(hours=2) if before in ("pending", "proposed") else None,
        cancelled_by="clinic" if before == "cancelled" else "",
        series=AppointmentSeries.objects.create(clinic=people.clinic, rrule="FREQ=WEEKLY;COUNT=1"),
        recurrence_id=TEN,
        occurrence_index=0,
    )
    return visit


@pytest.mark.django_db
@pytest.mark.parametrize("verb", VERBS)
def test_each_use_case_keeps_to_the_table(verb: str) -> None:
    people = cast(needs_approval=True)
    for before in FHIR:
        Occupancy.objects.all().delete()
        Appointment.objects.all().delete()
        visit = appointment(people, before)
        assert broken(now=TEN) == []
        row = Appointment.objects.values().get(pk=visit.pk)
        taken = list(Occupancy.objects.order_by("pk").values())
        after = ALLOWED[verb].get(before)
        if after is None:
            with pytest.raises(NotPossible):
                VERBS[verb](visit)
            assert Appointment.objects.values().get(pk=visit.pk) == row
            assert list(Occupancy.objects.order_by("pk").values()) == taken
            continue
        VERBS[verb](visit)
        visit.refresh_from_db()
        assert (before, visit.status) == (before, after)
        assert visit.sequence >= row["sequence"]
        assert (visit.respond_by is not None) == (after in ("pending", "proposed"))
        assert broken(now=TEN) == []
        assert after in {before, *status.following(before), status.undone(before)}
