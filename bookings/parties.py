"""A draft's form as a booking reads it: what was asked, for how many people, and the visits that come of it."""

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from bookings import patients
from bookings.availability import Asking, NotOffered, Rule, Wish, terms_of
from bookings.booking import Leg, Made
from bookings.holds import together_with
from bookings.models import (
    Appointment,
    AppointmentSeries,
    ConsentPurpose,
    Draft,
    HealthcareService,
    Hold,
    Location,
    Patient,
    Practitioner,
    RelatedPerson,
    Standing,
)
from bookings.recurrence import occurrences

#: How many people one form can name.
MOST_PEOPLE: Final = 5
#: What each person after the first is asked, with their number behind it (`given_name_2`).
PERSON: Final = ("given_name", "family_name", "birth_date")
#: Which patient on record an account chose for a person, by code, and whether that is its holder (`me`, else `other`).
CHOSEN: Final = ("whom", "who")
#: What was answered before a time was chosen; the form on the page does not ask it again.
ASKED: Final = ("standing", "coverage", "referral", "kind", "needs")
FIELDS: Final = (
    "who",
    "whom",
    "given_name",
    "family_name",
    "birth_date",
    "email",
    "phone",
    "language",
    "reason",
    "helper_name",
    "relationship",
    "visit_address",
    *ASKED,
    *(f"consent_{purpose}{part}" for purpose in ConsentPurpose.values for part in ("", "_text")),
    *(f"{name}_{number}" for number in range(2, MOST_PEOPLE + 1) for name in (*PERSON, *CHOSEN)),
)
#: An answer to question 12 by the first person is `q12`, by the third `q12_3`.
ANSWER: Final = re.compile(r"q(\d{1,18})(?:_([2-9]))?")
#: Beside the answers, in which words and which language the question stood there.
_WORDED: Final = re.compile(r"q\d{1,18}_(?:asked|language)")


def read(draft: Draft) -> dict[str, str]:
    """What was typed so far, right or wrong, by field name."""
    typed = json.loads(draft.form) if draft.form else {}
    return {name: str(typed.get(name, "")) for name in _kept(typed)}


def written(form: Mapping[str, str]) -> str:
    """A form as a draft keeps it."""
    kept = {name: str(form.get(name, ""))[:1000].replace("\0", "") for name in _kept(form)}
    return json.dumps(kept, ensure_ascii=False)


def _kept(form: Mapping[str, object]) -> list[str]:
    answers = [name for name in form if ANSWER.fullmatch(name) or _WORDED.fullmatch(name)]
    return [*FIELDS, *answers]


def asking_of(form: Mapping[str, str]) -> Asking:
    """What was answered before a time was chosen."""
    return Asking(
        standing=form["standing"],
        coverage=form["coverage"],
        referral=form["referral"] == "1",
        kind=form["kind"] or Asking().kind,
        needs=frozenset(form["needs"].split()),
    )


def answers(asking: Asking) -> dict[str, str]:
    """The same as a form keeps it: `asking_of` backwards."""
    said = asking.fields
    return {**said, "referral": "1" if asking.referral else ""}


def further_of(holds: Sequence[tuple[Hold, int]]) -> list[dict[str, Any]]:
    """Visits after the first as a draft keeps them, each with the number of the person it is for."""
    return [
        {
            "service": held.service_id,
            "location": held.location_id,
            "practitioner": held.practitioner_id,
            "start": held.start.isoformat(),
            "person": person,
        }
        for held, person in holds
    ]


def people_in(draft: Draft) -> int:
    """How many people the draft's visits are for."""
    numbers: list[int] = [visit["person"] for visit in draft.further]
    return max([1, *numbers])


def services_in(draft: Draft) -> list[tuple[int, int]]:
    """For whom which services are: the number of a person and the id of a service, once each, in order of people."""
    visits = [(1, draft.service_id), *((row["person"], row["service"]) for row in draft.further)]
    return sorted(dict.fromkeys(visits), key=lambda one: one[0])


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of a draft: what is wished, and the number of the person it is for, from 1."""

    wish: Wish
    person: int


def visits_of(draft: Draft) -> list[Visit]:
    """All visits of a draft, the first first. A fixed number of queries however many there are."""
    asking = asking_of(read(draft))
    rows: list[dict[str, Any]] = draft.further
    services = HealthcareService.objects.select_related("clinic").in_bulk({row["service"] for row in rows})
    locations = Location.objects.in_bulk({row["location"] for row in rows})
    people = Practitioner.objects.in_bulk({row["practitioner"] for row in rows})
    first = Wish(
        service=draft.service,
        location=draft.location,
        practitioner=draft.practitioner,
        start=draft.start,
        asking=asking,
    )
    return [
        Visit(first, 1),
        *(
            Visit(
                Wish(
                    service=services[row["service"]],
                    location=locations[row["location"]],
                    practitioner=people[row["practitioner"]],
                    start=datetime.fromisoformat(row["start"]),
                    asking=asking,
                ),
                row["person"],
            )
            for row in rows
        ),
    ]


def form_of(form: Mapping[str, str], *, person: int) -> dict[str, str]:
    """The form as if it were that person's alone. Whoever booked for the first books for all the others too."""
    if person == 1:
        return dict(form)
    name = form["helper_name"] if form["who"] == "other" else f"{form['given_name']} {form['family_name']}".strip()
    return {
        **form,
        **{field: form[f"{field}_{person}"] for field in PERSON},
        "who": form[f"who_{person}"] or "other",
        "helper_name": name,
        "relationship": form["relationship"] if form["who"] == "other" else RelatedPerson.Relationship.PARENT,
    }


def legs_of(
    draft: Draft, *, visits: Sequence[Visit], form: Mapping[str, str], new_key: Callable[[], uuid.UUID], now: datetime
) -> list[Leg]:
    """The visits with their people, each known already or registered: the first under the draft's key.

    Raises NotOffered when somebody said to be known, is not, and new patients get other terms or none.
    """
    who: dict[int, tuple[Patient, RelatedPerson | None]] = {}
    for person in sorted({visit.person for visit in visits}):
        key = new_key if person > 1 else lambda: draft.key_id
        who[person] = patients.people_of(
            clinic=draft.clinic, new_key=key, form=form_of(form, person=person), language=draft.language, now=now
        )
    holds = together_with(draft.hold) if draft.hold is not None else []
    series = _series(draft, visits)
    legs = []
    for visit in visits:
        patient, helper = who[visit.person]
        _check_standing(visit.wish, patient=patient)
        held = next((one for one in holds if _fits(one, visit.wish)), None)
        if held is not None:
            holds.remove(held)
        leg = Leg(wish=visit.wish, patient=patient, hold=held, contact_person=helper)
        if series is not None:
            row, places = series
            leg = replace(leg, series=row, recurrence_id=visit.wish.start, index=places[visit.wish.start])
        legs.append(leg)
    return legs


def came_to(*, visits: Sequence[Visit], legs: Sequence[Leg], made: Made) -> list[tuple[Visit, Appointment]]:
    """Each visit that was booked, with its appointment: `legs` are the visits' own, some may be left out."""
    kept = [
        visit for visit, leg in zip(visits, legs, strict=True) if not any(leg is left_out for left_out in made.left_out)
    ]
    return list(zip(kept, made.appointments, strict=True))


def _series(draft: Draft, visits: Sequence[Visit]) -> tuple[AppointmentSeries, dict[datetime, int]] | None:
    if not draft.rrule or len(visits) < 2:
        return None
    row = AppointmentSeries.objects.create(clinic_id=draft.clinic_id, rrule=draft.rrule)
    found = occurrences(rrule=draft.rrule, start=draft.start, zone=draft.location.tz)
    return row, {one.start: one.index for one in found}


def _fits(held: Hold, wish: Wish) -> bool:
    if wish.practitioner is not None and held.practitioner_id != wish.practitioner.pk:
        return False  # two siblings at one time, each with somebody else
    return (held.service_id, held.start, held.location_id) == (wish.service.pk, wish.start, wish.location.pk)


def _check_standing(wish: Wish, *, patient: Patient) -> None:
    """Who may book what is not for the asker to say: “known” must be true where new patients get other terms."""
    if wish.asking.standing != Standing.KNOWN or patients.is_known(patient):
        return
    as_new = replace(wish.asking, standing=Standing.NEW)
    if terms_of(service=wish.service, asking=as_new) != terms_of(service=wish.service, asking=wish.asking):
        raise NotOffered(Rule.TERMS)
