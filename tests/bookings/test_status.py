"""The table of statuses is closed, runs forward, and agrees with what takes time."""

import pytest

from bookings import status
from bookings.models import TAKES_TIME, AppointmentStatus


def test_every_fhir_status_has_its_row() -> None:
    assert set(status.FORWARD) == set(AppointmentStatus.values)
    assert set().union(*status.FORWARD.values()) <= set(AppointmentStatus.values)


@pytest.mark.parametrize("before", AppointmentStatus.values)
def test_no_status_follows_itself(before: str) -> None:
    assert not status.may_follow(before=before, after=before)


@pytest.mark.parametrize("before", [state for state in AppointmentStatus.values if state != "entered-in-error"])
def test_every_mistake_can_be_marked_as_one(before: str) -> None:
    assert status.may_follow(before=before, after="entered-in-error")


def test_nothing_leaves_an_entry_made_in_error() -> None:
    assert status.following("entered-in-error") == frozenset()
    assert status.undone("entered-in-error") is None


def test_a_cancelled_appointment_stays_cancelled() -> None:
    assert status.following("cancelled") == {"entered-in-error"}
    assert status.undone("cancelled") is None


@pytest.mark.parametrize("after", AppointmentStatus.values)
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
