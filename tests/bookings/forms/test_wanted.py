"""The state of a page of times, as its address carries it."""

from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from bookings.forms.wanted import wanted_in
from bookings.models import HealthcareService, Location, Practitioner
from bookings.offers import Offer, Words
from bookings.plans import EVERY, Repeat
from bookings.recurrence import check

SERVICE = HealthcareService(pk=1, name="Consultation", slug="consultation", most_repeats=12, kinds=["on-site"])
SERVICE._prefetched_objects_cache = {"terms": HealthcareService.objects.none()}  # type: ignore[attr-defined]


def offer(**changed: Any) -> Offer:
    place = Location(pk=1, name="Bellecour", slug="bellecour")
    person = Practitioner(pk=7, name="Demir", languages="fr en")
    words = Words("Consultation", "en")
    return Offer(SERVICE, words, words, (place,), (person,), **changed)


STATES = st.fixed_dictionaries(
    {},
    optional={
        "location": st.just("bellecour"),
        "practitioner": st.just("7"),
        "language": st.sampled_from(["fr", "en"]),
        "weekday": st.lists(st.sampled_from("0123456"), unique=True),
        "part": st.sampled_from(["morning", "afternoon", "evening"]),
        "needs": st.lists(st.sampled_from(["wheelchair", "companion", "more-time"]), unique=True),
        "from": st.just("2026-12-07"),
    },
)
MORE: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"people": st.sampled_from("12345")}),
    st.fixed_dictionaries({"every": st.sampled_from(sorted(EVERY)), "times": st.integers(2, 12).map(str)}),
)


def query(fields: dict[str, Any]) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, value in fields.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return data


@given(STATES, MORE)
def test_an_address_read_and_written_says_the_same(state: dict[str, Any], more: dict[str, Any]) -> None:
    wanted = wanted_in(query({**state, **more}), offer=offer())
    again = wanted_in(QueryDict(wanted.query({})[1:]), offer=offer())
    assert again == wanted
    assert again.query({}) == wanted.query({})


@given(STATES, MORE)
def test_a_form_carries_what_makes_the_visits_but_no_filter(state: dict[str, Any], more: dict[str, Any]) -> None:
    wanted = wanted_in(query({**state, **more}), offer=offer())
    held = wanted_in(
        query({name: [v for n, v in wanted.carried if n == name] for name, _ in wanted.carried}), offer=offer()
    )
    assert (held.people, held.repeat, held.answers) == (wanted.people, wanted.repeat, wanted.answers)
    assert not held.is_narrowed


@pytest.mark.parametrize("every", sorted(EVERY))
@given(times=st.integers(2, 60), skipping=st.booleans())
def test_a_repetition_comes_back_from_its_rule(every: str, times: int, skipping: bool) -> None:
    repeat = Repeat(every=every, times=times, skipping=skipping)
    check(repeat.rrule)
    assert Repeat.of(rrule=repeat.rrule, skipping=skipping) == repeat


def test_a_draft_without_a_rule_repeats_nothing() -> None:
    assert Repeat.of(rrule="", skipping=False) is None
