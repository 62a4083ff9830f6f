"""Many patients, one slot, over HTTP."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.running import OVERLAPS, Running
from tests.servers import MailSink
from tests.whole.conftest import code_for
from tests.whole.patients import HttpPatient

CLIENTS = 20
WORST_SECONDS = 2.0


def race(new_patient: Callable[[], HttpPatient], *, service: str, starts: int) -> list[HttpPatient]:
    """Twenty patients open the page, then press at once, each one of `starts` neighbouring times."""
    patients = [new_patient() for _ in range(CLIENTS)]
    slots = [neighbours(patient.times(service), starts) for patient in patients]
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda n: patients[n].hold(service, slots[n][n % starts]), range(CLIENTS)))
    return patients


def neighbours(slots: list[str], wanted: int) -> list[str]:
    """The last `wanted` times within half an hour of each other."""

    def start(slot: str) -> datetime:
        return datetime.strptime(slot.split("~", maxsplit=1)[0], "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)

    runs = [slots[at : at + wanted] for at in range(len(slots) - wanted + 1)]
    return next(
        run for run in reversed(runs) if timedelta(0) <= start(run[-1]) - start(run[0]) <= timedelta(minutes=30)
    )


@pytest.mark.fault
def test_one_of_twenty_is_booked_and_nineteen_are_shown_the_nearest_times(
    installation: Running, sink: MailSink, new_patient: Callable[[], HttpPatient]
) -> None:
    patients = race(new_patient, service="blood-test", starts=1)
    winners = [patient for patient in patients if patient.heading == "Your details"]
    losers = [patient for patient in patients if patient.page.status_code == 409]
    assert (len(winners), len(losers)) == (1, 19)
    assert all(
        patient.heading == "This time was just taken" and 'name="slot"' in patient.page.text for patient in losers
    )
    assert max(patient.seconds for patient in patients) < WORST_SECONDS
    winner = winners[0]
    assert winner.details(email="winner@example.org") == 200
    assert winner.code(code_for(sink, "winner@example.org")) == 200
    assert winner.heading == "You are booked"
    assert installation.sql(OVERLAPS) == [(0,)]


@pytest.mark.fault
def test_of_staggered_starts_that_need_practitioner_and_room_one_is_booked(
    installation: Running, new_patient: Callable[[], HttpPatient]
) -> None:
    # Half an hour with ten minutes of buffer, a start every thirty: two neighbours cannot both be had.
    patients = race(new_patient, service="ultrasound", starts=2)
    answers = [patient.page.status_code for patient in patients]
    assert (answers.count(200), answers.count(409)) == (1, 19)
    assert max(patient.seconds for patient in patients) < WORST_SECONDS
    assert installation.sql(OVERLAPS) == [(0,)]
    assert b"deadlock" not in installation.log
