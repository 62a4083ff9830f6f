"""The sweep against an oracle, `check` against the sweep, and `explain` against both, over random clinics."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings.availability import (
    Explanation,
    Narrowed,
    NotOffered,
    PartOfDay,
    Slot,
    Verdict,
    Wish,
    check,
    explain,
    free_slots,
)
from bookings.models import Practitioner
from tests.bookings.availability import oracle
from tests.bookings.availability.worlds import DAYS, FIVES, Built, World, build, undone, worlds

pytestmark = pytest.mark.django_db

_SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


def offered_by_the_sweep(world: World, built: Built, *, narrowed: bool) -> list[Slot]:
    part = PartOfDay(world.part) if world.part else None
    return free_slots(
        service=built.service,
        now=built.now,
        since=world.first,
        until=world.first + timedelta(days=DAYS),
        online=world.online,
        asking=world.asking,
        narrowed=Narrowed(weekdays=world.weekdays, part=part) if narrowed else None,
    )


@settings(max_examples=300, deadline=None, suppress_health_check=_SLOW)
@given(worlds)
def test_the_sweep_offers_what_postgresql_says(world: World) -> None:
    with undone():
        built = build(world)
        found = offered_by_the_sweep(world, built, narrowed=True)
        assert [(slot.start, slot.end, slot.practitioner_id) for slot in found] == oracle.free(
            oracle.Question(
                service=built.service,
                location=built.location,
                now=built.now,
                since=world.first,
                days=DAYS,
                online=world.online,
                asking=world.asking,
                weekdays=world.weekdays,
                part=world.part,
            )
        )


@settings(max_examples=28, deadline=None, suppress_health_check=_SLOW)
@given(worlds, st.lists(st.integers(0, DAYS * FIVES), max_size=8))
def test_check_and_explain_say_the_same_as_the_list(world: World, probes: list[int]) -> None:
    """A time is in the list exactly when `check` has nothing against it and `explain` has no verdict against it; what
    is refused, is refused by a rule `explain` names. Staff may also start between steps."""
    with undone():
        built = build(world)
        slots = offered_by_the_sweep(world, built, narrowed=False)
        offered = {(slot.start, slot.practitioner_id) for slot in slots}
        midnight = datetime.combine(world.first, time(0), tzinfo=ZoneInfo(world.site[0])).astimezone(UTC)
        tried = [start for start, _ in sorted(offered)[::9]]
        tried += [midnight + timedelta(minutes=5 * probe) for probe in probes]
        for start in tried:
            if start.astimezone(built.location.tz).date() >= world.first + timedelta(days=DAYS):
                continue
            answers = set()
            for practitioner in built.people:
                passes = is_offered(world, built, practitioner, start)
                assert passes >= ((start, practitioner.pk) in offered)
                if world.online:
                    assert passes == ((start, practitioner.pk) in offered)
                assert passes == is_explained(world, built, practitioner, start)
                answers.add(passes)
            assert any(answers) == is_offered(world, built, None, start) == is_explained(world, built, None, start)


def wish(world: World, built: Built, practitioner: Practitioner | None, start: datetime) -> Wish:
    return Wish(
        service=built.service,
        location=built.location,
        practitioner=practitioner,
        start=start,
        online=world.online,
        asking=world.asking,
    )


def is_offered(world: World, built: Built, practitioner: Practitioner | None, start: datetime) -> bool:
    try:
        check(
            service=built.service,
            now=built.now,
            location=built.location,
            practitioner=practitioner,
            start=start,
            online=world.online,
            asking=world.asking,
        )
    except NotOffered as refusal:
        rule = refusal.rule
    else:
        return True
    told = explain(wish=wish(world, built, practitioner, start), now=built.now)
    assert rule in {failing for failing, holds in verdicts_of(told) if not holds}
    return False


def is_explained(world: World, built: Built, practitioner: Practitioner | None, start: datetime) -> bool:
    """Whether every verdict about the wish holds, and every one about somebody who could be meant."""
    told = explain(wish=wish(world, built, practitioner, start), now=built.now)
    holds = all_hold(told.wish) and any(all_hold(verdicts) for verdicts in told.candidates.values())
    assert holds == (told.chosen is not None)
    assert holds or not all_hold(verdicts_of(told))
    return holds


def verdicts_of(told: Explanation) -> list[Verdict]:
    return [*told.wish, *(verdict for verdicts in told.candidates.values() for verdict in verdicts)]


def all_hold(verdicts: Iterable[Verdict]) -> bool:
    return all(verdict.holds for verdict in verdicts)
