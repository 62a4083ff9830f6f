"""Time stamps on the heads of the log of logs: asked of a real authority, believed only when they hold, and kept."""

import json
import threading
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import connection, connections, transaction

from audit import authority, tasks
from audit.alone import alone
from audit.anchoring import CannotAnchor, anchor
from audit.heads import MOVED_EVERY, keep
from audit.locks import commitments_locked_until
from audit.models import Anchor, Record, Segment
from audit.sequencer import sequence
from audit.timestamp import read
from audit.worm.names import anchor_key, checkpoint_key
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sealed_house import House, furnished
from tests.tsa import Authority, Tsa, foreign, ours, tsa  # noqa: F401 - fixtures

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.real]
# ruff: noqa: F811 - fixtures imported by name


@pytest.fixture
def house(tmp_path: Path, settings: Any) -> House:
    """Something sealed, and the log of logs over it."""
    made = furnished(tmp_path, settings)
    made.moves()
    return made


def now() -> datetime:
    return datetime.now(UTC)


def anchors(house: House) -> list[str]:
    return [stored.key for stored in house.worm.list("chains/heads/anchors/")]


def test_the_newest_head_is_stamped_and_kept_as_long_as_the_heads(house: House, tsa: Tsa) -> None:
    house.moves()
    kept = anchor(now=now())
    assert kept is not None
    assert (kept.size, anchors(house)) == (2, [anchor_key(2)])
    head = house.worm.get(checkpoint_key(chain="heads", size=2))
    stamp = read(house.worm.get(anchor_key(2)))
    assert (kept.stamped_at, (stamp.nonce or 0) > 0) == (stamp.at, True)
    assert house.worm.look(anchor_key(2)).retain_until == commitments_locked_until(since=now())
    ((kind, query),) = tsa.asked
    assert kind == "application/timestamp-query"
    assert stamp.imprint in query
    assert query.endswith(b"\x01\x01\xff")  # certReq
    assert stamp.imprint == sha256(head).digest()


def test_nothing_is_asked_while_nothing_moved_or_no_authority_is_set(house: House, tsa: Tsa, settings: Any) -> None:
    assert anchor(now=now()) is not None
    assert anchor(now=now()) is None
    house.moves()
    settings.TSA_URL = ""
    assert anchor(now=now()) is None
    assert len(tsa.asked) == 1


def test_an_authority_that_is_down_costs_a_stamp_and_the_next_run_heals(
    house: House, tsa: Tsa, caplog: pytest.LogCaptureFixture
) -> None:
    tsa.stop()
    tasks.anchor()
    assert (anchors(house), Anchor.objects.count()) == ([], 0)
    assert "The signed heads carry no new time stamp: the authority does not answer (ConnectError)" in caplog.text
    house.moves()
    tsa.start()
    tasks.anchor()
    assert anchors(house) == [anchor_key(2)]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((503, b""), "status 503"),
        ((200, b"<html>maintenance</html>"), "could not be believed"),
        ((200, b"\x30\x03\x30\x01\x02"), "could not be believed"),
        ((200, b"x" * (authority.MOST_BYTES + 1)), "more than a time stamp can be"),
    ],
)
def test_nonsense_is_not_kept(house: House, tsa: Tsa, answer: tuple[int, bytes], why: str) -> None:
    whole = tsa.answer
    tsa.answer = lambda query: answer
    with pytest.raises(CannotAnchor, match=why):
        anchor(now=now())
    assert anchors(house) == []
    tsa.answer = whole
    assert anchor(now=now()) is not None


def test_an_authority_that_refuses_is_told(house: House, tsa: Tsa, ours: Authority) -> None:
    tsa.answer = lambda query: (200, ours.stamp_of(b"", "-sha1"))
    with pytest.raises(CannotAnchor, match="refused it"):
        anchor(now=now())
    assert anchors(house) == []


def test_an_answer_that_drips_is_given_up(house: House, tsa: Tsa, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authority, "WHOLE_SECONDS", -1.0)
    with pytest.raises(CannotAnchor, match="took too long"):
        anchor(now=now())


def test_the_answer_to_another_question_is_not_kept(house: House, tsa: Tsa, ours: Authority) -> None:
    """An old answer about the same head, played again: only the nonce tells."""
    head = house.worm.get(checkpoint_key(chain="heads", size=1))
    again = ours.stamp_of(head)
    tsa.answer = lambda query: (200, again)
    with pytest.raises(CannotAnchor, match="nonce"):
        anchor(now=now())
    tsa.answer = lambda query: (200, ours.stamp_of(head, "-no_nonce"))
    with pytest.raises(CannotAnchor, match="nonce"):
        anchor(now=now())
    tsa.answer = lambda query: (200, ours.stamp_of(b"something else"))
    with pytest.raises(CannotAnchor, match="over other bytes"):
        anchor(now=now())
    assert anchors(house) == []


def test_a_stamp_of_a_foreign_root_is_not_kept_though_it_brings_that_root_along(
    house: House, tsa: Tsa, foreign: Authority, ours: Authority
) -> None:
    tsa.answer = lambda query: (200, foreign.stamp(query))
    with pytest.raises(CannotAnchor, match="no certificate of the trusted authority"):
        anchor(now=now())
    assert anchors(house) == []
    tsa.answer = lambda query: (200, ours.stamp(query))
    assert anchor(now=now()) is not None


@pytest.mark.parametrize(("by", "why"), [(-3600, "lies in the future"), (3600, "lies before the records")])
def test_a_time_that_cannot_be_is_not_kept(house: House, tsa: Tsa, by: int, why: str) -> None:
    if by > 0:
        Segment.objects.filter(chain="heads").update(planned_at=now() + timedelta(seconds=by))
        by = 2 * by
    with pytest.raises(CannotAnchor, match=why):
        anchor(now=now() + timedelta(seconds=by))
    assert anchors(house) == []


def test_a_head_that_was_changed_in_the_store_is_not_stamped(house: House, tsa: Tsa) -> None:
    house.overwrite(checkpoint_key(chain="heads", size=1), b"another head\n")
    with pytest.raises(CannotAnchor, match="not the one that was signed"):
        anchor(now=now())
    assert tsa.asked == []


def test_who_died_after_keeping_a_stamp_is_not_made_up_for_by_asking_again(house: House, tsa: Tsa) -> None:
    anchor(now=now())
    Anchor.objects.all().delete()
    kept = anchor(now=now())
    assert (kept is not None, Anchor.objects.count(), len(tsa.asked)) == (True, 1, 1)


def test_a_false_stamp_in_its_place_is_told_and_the_next_head_heals(house: House, tsa: Tsa, foreign: Authority) -> None:
    false = foreign.stamp_of(house.worm.get(checkpoint_key(chain="heads", size=1)))
    until = commitments_locked_until(since=now())
    house.worm.put(anchor_key(1), false, retain_until=until, content_type="text/plain")
    with pytest.raises(CannotAnchor, match="no certificate of the trusted authority"):
        anchor(now=now())
    house.moves()
    assert anchor(now=now()) is not None


def test_no_transaction_is_open_while_it_asks_and_sealing_goes_on(house: House, tsa: Tsa) -> None:
    seen: list[Any] = []
    whole = tsa.answer

    def answer(query: bytes) -> tuple[int, bytes]:
        def work() -> None:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND state LIKE 'idle in transaction%'"
                )
                seen.append(cursor.fetchone())
            seen.append(house.moves())
            connections.close_all()

        other = threading.Thread(target=work)
        other.start()
        other.join(timeout=30)
        return whole(query)

    tsa.answer = answer
    assert anchor(now=now()) is not None
    assert seen == [(0,), 2]
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        anchor(now=now())


def test_two_workers_do_not_both_ask(house: House, tsa: Tsa) -> None:
    done: list[Any] = []

    def other() -> None:
        with alone("audit.anchor") as held:
            done.append(held)
            begun.set()
            go_on.wait(timeout=30)
        connections.close_all()

    begun, go_on = threading.Event(), threading.Event()
    thread = threading.Thread(target=other)
    thread.start()
    begun.wait(timeout=30)
    assert (anchor(now=now()), tsa.asked) == (None, [])
    go_on.set()
    thread.join(timeout=30)
    assert anchor(now=now()) is not None


def test_a_host_outside_the_declared_list_is_not_asked(house: House, tsa: Tsa, settings: Any) -> None:
    settings.TSA_URL = "https://time.example.com/tsa"
    with pytest.raises(CannotAnchor, match="not on the declared list"):
        anchor(now=now())
    assert anchors(house) == []


def test_the_log_of_logs_names_each_stamp_once_and_is_not_moved_by_it(house: House, tsa: Tsa) -> None:
    kept = anchor(now=now())
    assert kept is not None
    assert not keep(now=now() + MOVED_EVERY)
    house.moves()
    house.moves()
    sequence()
    bodies = Record.objects.filter(chain="heads").order_by("seq").values_list("body", flat=True)
    named = [json.loads(body)["event"]["data"].get("anchors") for body in bodies]
    assert named == [None, [{"size": 1, "sha256": kept.sha256}], None]


def test_the_clock_asks_every_ten_minutes_and_not_where_sealing_would_wait() -> None:
    assert configured.CELERY_BEAT_SCHEDULE["audit.anchor"]["schedule"] == 600.0
    assert configured.CELERY_TASK_ROUTES["audit.anchor"] != configured.CELERY_TASK_ROUTES["audit.*"]
