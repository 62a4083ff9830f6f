"""A notice is raised once per kind and thing, until it is resolved."""

from datetime import UTC, datetime
from typing import Any

import pytest

from audit.context import Actor
from bookings.models import Notice
from bookings.notices import raise_notice, resolve_notice
from tests.factories import Cast, cast

pytestmark = pytest.mark.django_db

ACTOR = Actor.system("tests")
NOW = datetime(2031, 6, 2, 15, 30, tzinfo=UTC)
KIND = Notice.Kind.CALENDAR_FAILING


@pytest.fixture
def people(db: None) -> Cast:
    return cast()


def test_the_same_thing_raises_one_notice_until_it_is_resolved(people: Cast) -> None:
    about: dict[str, Any] = {"clinic_id": people.clinic.pk, "kind": KIND, "practitioner_id": people.demir.pk}
    first = raise_notice(actor=ACTOR, **about)
    assert raise_notice(actor=ACTOR, **about) == first
    assert resolve_notice(actor=ACTOR, now=NOW, **about) == 1
    assert resolve_notice(actor=ACTOR, now=NOW, **about) == 0
    assert raise_notice(actor=ACTOR, **about) != first


def test_resolving_one_thing_leaves_the_others_open(people: Cast) -> None:
    raise_notice(actor=ACTOR, clinic_id=people.clinic.pk, kind=KIND, practitioner_id=people.demir.pk)
    other = raise_notice(actor=ACTOR, clinic_id=people.elsewhere.pk, kind=KIND)
    message = raise_notice(actor=ACTOR, clinic_id=people.clinic.pk, kind=Notice.Kind.MESSAGE_FAILED)
    resolve_notice(actor=ACTOR, now=NOW, clinic_id=people.clinic.pk, kind=KIND, practitioner_id=people.demir.pk)
    assert set(Notice.objects.filter(resolved_at=None)) == {other, message}
