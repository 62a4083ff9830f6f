"""Who looked: read records found by the patients they name, newest first, without the reader's name."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from audit import reads
from audit.context import Actor, note, use
from audit.looks import Look, looks, showing
from audit.models import Record
from audit.stream import drain

pytestmark = pytest.mark.django_db
CARLA = Actor(kind="staff", id="7", label="carla", roles=("reception",))
NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


def look(*patients: str, minutes: int = 0, view: str = "desk", chain: str = "clinic/1", actor: Actor = CARLA) -> None:
    reads.record(actor=actor, now=NOW + timedelta(minutes=minutes), chain=chain, view=view, patients=patients)


def views(*codes: str, **more: int) -> list[str]:
    return [one.view for one in looks(chain="clinic/1", codes=codes, **more)]


def test_a_look_is_told_to_everybody_it_showed_and_nobody_else() -> None:
    look("AAAA-AAAA", "BBBB-BBBB")
    look("BBBB-BBBB", view="patient.page")
    look("AAAA-AAAA", view="elsewhere", chain="clinic/2")
    drain()
    assert views("AAAA-AAAA") == ["desk"]
    assert views("BBBB-BBBB") == ["patient.page", "desk"]
    assert views("AAAA-AAA") == views("AAAA") == views("%") == views() == []
    assert views("AAAA-AAAA", "BBBB-BBBB") == ["patient.page", "desk"]


def test_it_says_when_what_and_in_which_role_and_not_who() -> None:
    look("AAAA-AAAA")
    drain()
    [one] = looks(chain="clinic/1", codes=["AAAA-AAAA"])
    record = Record.objects.get(operation="read")
    assert one == Look(seq=record.seq, at=record.at, view="desk", kind="staff", roles=("reception",))
    assert "carla" not in repr(one)


def test_pages_follow_one_another() -> None:
    for number in range(5):
        look("AAAA-AAAA", view=f"view.{number}")
    drain()
    first = looks(chain="clinic/1", codes=["AAAA-AAAA"], most=2)
    second = looks(chain="clinic/1", codes=["AAAA-AAAA"], most=2, before=first[-1].seq)
    assert [one.view for one in (*first, *second)] == ["view.4", "view.3", "view.2", "view.1"]


def test_other_events_that_name_patients_are_no_looks() -> None:
    with use("data.export", actor=CARLA):
        note(chain="clinic/1", event="export", data={"patients": ["AAAA-AAAA"]})
    drain()
    assert views("AAAA-AAAA") == []


def test_a_read_that_does_not_say_what_reads_say_is_left_out() -> None:
    with use("read.odd", actor=CARLA):
        note(chain="clinic/1", event="read", data={"patients": ["AAAA-AAAA"]})
        note(chain="clinic/1", event="read", data={"patients": "AAAA-AAAA", "view": "x"})
    drain()
    assert views("AAAA-AAAA") == []


def test_a_label_that_looks_like_a_list_of_patients_deceives_nobody() -> None:
    look("BBBB-BBBB", actor=Actor(kind="staff", id="8", label='","patients":["AAAA-AAAA"],"x":"', roles=()))
    drain()
    assert (views("AAAA-AAAA"), views("BBBB-BBBB")) == ([], ["desk"])


MANY = """
INSERT INTO audit_record (id, chain, seq, body, leaf, retention, model, object_pk, operation, capture, at)
SELECT gen_random_uuid(), 'clinic/' || n %% 3, 1000 + n,
       '{"event":{"data":{"patients":["C' || n %% 997 || '","D' || n %% 991 || '"],"view":"desk"}}}',
       '', 'regulatory_retention', '', '', 'read', 'application', now()
FROM generate_series(1, %s) AS n
"""


def test_looks_among_many_records_are_found_by_the_index_of_patients() -> None:
    count = int(os.environ.get("LOOKS_AMONG", "20000"))  # 100,000 take 8 ms: LOOKS_AMONG=100000 pytest -s
    with connection.cursor() as cursor:
        cursor.execute(MANY, [count])
        cursor.execute("ANALYZE audit_record")
    statement, params = (
        showing(Record.objects.filter(chain="clinic/1"), codes=["C7"]).order_by("-seq").query.sql_with_params()
    )
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ANALYZE {statement} LIMIT 51", params)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    print(plan)
    assert "record_read_patients" in plan
