"""Legal holds: placed by one, lifted by another, on every payload object of the range and on nothing else."""

import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction

from audit import holding, holds
from audit.alone import alone, beside
from audit.context import Actor
from audit.models import Fact, LegalHold, Record
from audit.sequencer import sequence
from audit.tasks import hold as sweep
from audit.worm import LegallyHeld, Stored, WormUnavailable
from audit.worm.folder import FolderWorm
from tests.audit.committed import committed  # noqa: F401 - the database of this module
from tests.audit.sealed_house import ADA, NOW, House, furnished

pytestmark = pytest.mark.usefixtures("db")
CHAIN = "clinic/7"
EVA = Actor(kind="staff", id="42", label="eva")


@pytest.fixture
def house(tmp_path: Path, settings: Any) -> House:
    """Three segments of two records each, of two retention classes; one of another clinic."""
    made = furnished(tmp_path, settings)
    for _ in range(3):
        made.happens(1)
        made.told()
        made.seals()
    made.happens(1, clinic=12)
    made.seals()
    return made


def place(**changes: Any) -> LegalHold:
    asked: dict[str, Any] = {"chain": CHAIN, "matter": "2026/17", "reason": "A claim for damages"}
    return holds.place(actor=ADA, now=NOW, **asked | changes)


def lift(hold: LegalHold, actor: Actor = EVA) -> LegalHold:
    return holds.lift(actor=actor, now=NOW, hold_id=hold.pk, reason="Settled")


def held(house: House) -> set[tuple[str, int]]:
    """Chain and first record of each segment with a held object, which then is each of its payloads and no other."""
    found: dict[tuple[str, int], set[tuple[bool, bool]]] = {}
    for stored in house.worm.list("chains/"):
        if "/seg/" in stored.key:
            chain, _, rest = stored.key.removeprefix("chains/").partition("/seg/")
            found.setdefault((chain, int(rest[:12])), set()).add((".ndjson.gz" in stored.key, stored.held))
        else:
            assert not stored.held
    whole = {place for place, seen in found.items() if (True, True) in seen}
    assert all(found[place] == {(True, place in whole), (False, False)} for place in found)
    return whole


def events() -> list[tuple[str, str, str, str]]:
    sequence()
    told = Record.objects.filter(operation__startswith="hold.").order_by("seq")
    return [(record.chain, record.operation, record.object_pk, record.retention) for record in told]


def test_a_hold_is_put_on_every_payload_of_every_segment_it_touches_and_taken_again(house: House) -> None:
    hold = place(first=2, last=3)
    assert held(house) == {(CHAIN, 1), (CHAIN, 3)}
    assert (hold.held_through, holding.waits(hold)) == (4, False)
    hold = lift(hold)
    assert held(house) == set()
    assert (hold.lifted_by, hold.released_at, holding.waits(hold)) == ("42", NOW, False)
    assert events() == [(CHAIN, name, str(hold.pk), "legal_hold") for name in ("hold.placed", "hold.lifted")]
    told = Record.objects.get(operation="hold.placed").body
    assert '"data":{"first":2,"last":3,"matter":"2026/17","reason":"A claim for damages"}' in told
    assert '"label":"Carla"' in told


def test_nothing_held_is_deleted_however_long_ago_its_lock_ended(house: House) -> None:
    place(first=1, last=2)
    ages = datetime(2200, 1, 1, tzinfo=NOW.tzinfo)
    payloads = [stored for stored in house.worm.list() if ".ndjson.gz" in stored.key]
    refused = []
    for stored in payloads:
        try:
            house.worm.delete(stored.key, now=ages)
        except LegallyHeld:
            refused.append(stored.key)
    assert refused == [stored.key for stored in payloads if "/seg/000000000001-" in stored.key and "/7/" in stored.key]


def test_an_open_hold_takes_what_is_sealed_later_by_the_sweep(house: House) -> None:
    hold = place()
    assert held(house) == {(CHAIN, first) for first in (1, 3, 5)}
    house.happens(2)
    house.seals()
    assert (held(house), holding.waits(hold)) == ({(CHAIN, first) for first in (1, 3, 5)}, True)
    sweep()
    assert held(house) == {(CHAIN, first) for first in (1, 3, 5, 7)}


def test_a_store_that_is_away_stops_neither_placing_nor_lifting(house: House, settings: Any) -> None:
    there = settings.WORM_URL
    settings.WORM_URL = "nowhere://"
    hold = place()
    assert (held(house), holding.waits(hold)) == (set(), True)
    with pytest.raises(WormUnavailable):
        sweep()
    settings.WORM_URL = there
    sweep()
    assert len(held(house)) == 3
    settings.WORM_URL = "nowhere://"
    assert holding.waits(lift(hold))
    settings.WORM_URL = there
    sweep()
    assert (held(house), LegalHold.objects.get().released_at is not None) == (set(), True)


@pytest.mark.parametrize("lifting", [False, True])
def test_a_sweep_that_dies_at_any_object_is_gone_on_with(
    house: House, monkeypatch: pytest.MonkeyPatch, lifting: bool
) -> None:
    class Killed(BaseException):
        pass

    hold = place() if lifting else None
    do, asked = FolderWorm.hold, 0

    def dying(store: FolderWorm, key: str, **given: Any) -> Stored:
        nonlocal asked
        asked += 1
        if asked % 2 == 0:
            raise Killed
        return do(store, key, **given)

    monkeypatch.setattr(FolderWorm, "hold", dying)
    with pytest.raises(Killed):
        lift(hold) if hold else place()
    # Each segment has two payloads; one is done before each death, and counts only with the other.
    assert (len([1 for stored in house.worm.list() if stored.held]), asked) == (5 if lifting else 1, 2)
    monkeypatch.undo()
    sweep()
    assert len(held(house)) == (0 if lifting else 3)


def test_what_another_hold_covers_stays_held(house: House) -> None:
    one, two = place(), place(matter="2026/18", first=3, last=4)
    lift(one)
    assert held(house) == {(CHAIN, 3)}
    lift(two)
    assert held(house) == set()


def test_the_same_hold_again_is_the_one_that_stands_and_puts_what_was_taken_from_outside(house: House) -> None:
    hold = place()
    for stored in list(house.worm.list()):
        house.worm.hold(stored.key, held=False, now=NOW)
    assert holding.settle(now=NOW) == 0
    assert place(reason="Told otherwise").pk == hold.pk
    assert len(held(house)) == 3
    assert len(events()) == 1
    lift(hold)
    assert place().pk != hold.pk


def test_whoever_placed_it_does_not_lift_it(house: House) -> None:
    hold = place()
    with pytest.raises(holds.SamePerson):
        lift(hold, ADA)
    with pytest.raises(holds.SamePerson):
        lift(hold, Actor.UNKNOWN)
    with pytest.raises(IntegrityError), transaction.atomic():
        LegalHold.objects.update(lifted_at=NOW, lifted_by=ADA.id)
    assert len(held(house)) == 3
    lift(hold)
    with pytest.raises(holds.NotStanding):
        lift(hold)
    assert len(events()) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"chain": "clinic/99"},
        {"matter": " "},
        {"matter": "x" * 65},
        {"reason": ""},
        {"reason": "x" * 301},
        {"first": 0},
        {"first": 3, "last": 2},
    ],
)
def test_a_hold_that_says_too_little_is_not_placed(house: House, wrong: dict[str, Any]) -> None:
    with pytest.raises(holds.CannotHold):
        place(**wrong)
    with pytest.raises(holds.CannotHold):
        holds.place(actor=Actor.UNKNOWN, now=NOW, chain=CHAIN, matter="m", reason="r")
    assert (LegalHold.objects.count(), Fact.objects.count()) == (0, 0)


def test_a_payload_that_is_gone_holds_up_no_other(house: House) -> None:
    gone = next(stored.key for stored in house.worm.list() if ".ndjson.gz" in stored.key and "clinic/7" in stored.key)
    (house.worm.root / gone).unlink()
    place()
    assert len([1 for stored in house.worm.list() if stored.held]) == 5


def test_a_chain_another_is_at_is_left_to_it(house: House) -> None:
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with alone(f"audit.holding {CHAIN}"):
            inside.set()
            leave.wait(20)
        connections.close_all()

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(20)
    hold = place()
    assert (held(house), holding.waits(hold)) == (set(), True)
    leave.set()
    thread.join()
    sweep()
    assert len(held(house)) == 3


def test_a_hold_is_not_placed_while_keys_are_being_destroyed(house: House) -> None:
    placed = threading.Event()

    def other() -> None:
        place()
        placed.set()
        connections.close_all()

    thread = threading.Thread(target=other)
    with beside(holds.LOCK):
        thread.start()
        assert not placed.wait(1)
        assert LegalHold.objects.count() == 0
    thread.join()
    assert LegalHold.objects.count() == 1


def test_a_look_back_costs_the_store_nothing_once_all_is_held(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    place()

    def never(*arguments: Any, **given: Any) -> Iterator[Stored]:
        raise AssertionError

    monkeypatch.setattr(FolderWorm, "hold", never)
    assert holding.settle(now=NOW) == 0
