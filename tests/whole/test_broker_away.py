"""The broker goes away in the middle of a booking."""

from collections.abc import Callable
from statistics import median

import pytest

from tests.running import Running, wait_for
from tests.servers import MailSink
from tests.whole.conftest import code_for, mails_to
from tests.whole.patients import HttpPatient

ALLOWED_SECONDS = 0.5
BEFORE = tuple(f"before{number}@example.org" for number in range(3))
DURING = tuple(f"during{number}@example.org" for number in range(3))


def up_to_the_code(patient: HttpPatient, sink: MailSink, *, email: str) -> tuple[HttpPatient, str]:
    """A patient who has the code and only needs to type it."""
    slot = patient.times("blood-test")[-1]
    assert patient.hold("blood-test", slot) == 200
    assert patient.details(email=email) == 200
    return patient, code_for(sink, email)


def pressed(patient: HttpPatient, code: str) -> float:
    """Type the code and be booked; how many seconds the answer took."""
    assert patient.code(code) == 200
    assert patient.heading == "You are booked"
    return patient.seconds


@pytest.mark.fault
def test_without_the_broker_a_booking_is_as_fast_and_what_is_owed_arrives_later(
    installation: Running, sink: MailSink, new_patient: Callable[[], HttpPatient]
) -> None:
    ready = {email: up_to_the_code(new_patient(), sink, email=email) for email in (*BEFORE, *DURING)}
    before = [pressed(*ready[email]) for email in BEFORE]
    installation.stop_redis()
    try:
        during = [pressed(*ready[email]) for email in DURING]
        assert median(during) < median(before) + ALLOWED_SECONDS
        assert [len(mails_to(sink, email)) for email in DURING] == [1, 1, 1]
    finally:
        installation.start_redis()

    def all_confirmed() -> bool:
        return all(len(mails_to(sink, email)) == 2 for email in DURING)

    wait_for(all_confirmed, seconds=60, what="the confirmations owed")

    def sealed() -> bool:
        return installation.sql(
            "SELECT (SELECT count(*) FROM audit_fact), coalesce(sum(seq - sealed_size), 0) FROM audit_chain"
        ) == [(0, 0)]

    wait_for(sealed, seconds=60, what="the records to be sealed")
