"""What a caller wants: service, place, person and day in the address, and the free times that answer it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, cast

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from bookings import availability, moments
from bookings.availability import Slot
from bookings.models import Clinic, HealthcareService, Location, Practitioner

SHOWN: Final = timedelta(days=7)


class WishForm(forms.Form):
    """What the caller wants, in the address: nothing here is about a person."""

    clinic = forms.ModelChoiceField(Clinic.objects.none(), label=_("clinic"), empty_label=None)
    service = forms.ModelChoiceField(
        HealthcareService.objects.none(), label=_("service"), required=False, empty_label=_("choose")
    )
    location = forms.ModelChoiceField(
        Location.objects.none(), label=_("location"), required=False, empty_label=_("any")
    )
    practitioner = forms.ModelChoiceField(
        Practitioner.objects.none(), label=_("practitioner"), required=False, empty_label=_("anyone")
    )
    since = forms.DateField(
        label=_("from"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, data: Mapping[str, Any], *, clinics: QuerySet[Clinic], clinic: Clinic, today: date) -> None:
        super().__init__(
            {"clinic": clinic.pk, "since": today.isoformat(), **{key: value for key, value in data.items() if value}}
        )
        within = {
            "clinic": clinics,
            "service": HealthcareService.objects.filter(clinic=clinic, active=True),
            "location": Location.objects.filter(clinic=clinic, active=True),
            "practitioner": Practitioner.objects.filter(clinic=clinic, active=True),
        }
        for name, rows in within.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = rows
        if len(clinics) == 1:
            self.fields["clinic"].widget = forms.HiddenInput()

    def rows(self, name: str) -> QuerySet[Any]:
        """What could be chosen for one of the fields."""
        return cast(QuerySet[Any], cast(Any, self.fields[name]).queryset)


@dataclass(frozen=True, slots=True)
class Free:
    """One start at one place, and who would be free."""

    clock: str
    query: str
    who: str


@dataclass(frozen=True, slots=True)
class FreeDay:
    """One local day with its free times by place."""

    title: str
    places: list[tuple[Location, list[Free]]]


def query(given: QueryDict, **changed: object) -> str:
    """The page's address with some values changed; None takes one away."""
    values = given.copy()
    for name, value in changed.items():
        values.pop(name, None)
        if value is not None:
            values[name] = str(value)
    return f"?{values.urlencode()}"


def free_days(given: QueryDict, *, wish: WishForm, now: datetime) -> list[FreeDay]:
    """The free times of the week asked for, or the next ones after it; nothing before a service is chosen."""
    chosen = wish.cleaned_data
    if chosen.get("service") is None:
        return []
    since: date = chosen.get("since") or now.date()
    narrowed: dict[str, Any] = {name: chosen.get(name) for name in ("service", "location", "practitioner")}
    slots = availability.free_slots(**narrowed, now=now, since=since, until=since + SHOWN, online=False)
    if not slots:
        after = max(now, datetime.combine(since, time(0), tzinfo=UTC))
        slots = availability.next_free(**narrowed, now=now, after=after, count=6, online=False)
    return days_of(slots, given=given, wish=wish)


def days_of(slots: Iterable[Slot], *, given: QueryDict, wish: WishForm) -> list[FreeDay]:
    """Slots by local day and place, each start once, with who would be free when nobody is asked for by name."""
    locations: dict[int, Location] = {row.pk: row for row in wish.rows("location")}
    people: dict[int, Practitioner] = {row.pk: row for row in wish.rows("practitioner")}
    days: dict[date, dict[int, dict[datetime, list[int]]]] = {}
    for slot in slots:
        if slot.location_id in locations:
            local = slot.start.astimezone(locations[slot.location_id].tz).date()
            starts = days.setdefault(local, {}).setdefault(slot.location_id, {})
            starts.setdefault(slot.start, []).append(slot.practitioner_id)
    anyone = wish.cleaned_data.get("practitioner") is None

    def free(start: datetime, at: Location, who: list[int]) -> Free:
        return Free(
            clock=moments.clock(start, zone=at.tz),
            query=query(given, start=start.isoformat(), at=at.pk, q=None),
            who=", ".join(str(people[one]) for one in who if one in people) if anyone else "",
        )

    return [
        FreeDay(
            title=moments.day(day),
            places=[
                (locations[pk], [free(start, locations[pk], who) for start, who in sorted(starts.items())])
                for pk, starts in places.items()
            ],
        )
        for day, places in sorted(days.items())
    ]


def turned(given: QueryDict, *, wish: WishForm, by: timedelta, now: datetime) -> str:
    """The address of the week before or after, never before today; empty when there is none."""
    since = wish.cleaned_data.get("since") or now.date()
    moved = max(since + by, now.date())
    return query(given, since=moved.isoformat()) if moved != since else ""


def chosen_slot(given: QueryDict, *, wish: WishForm) -> tuple[datetime, Location] | None:
    """The start and place chosen, when they can be read and belong to the clinic."""
    if wish.errors or wish.cleaned_data.get("service") is None:
        return None
    try:
        start = datetime.fromisoformat(given.get("start", ""))
    except ValueError:
        return None
    at = given.get("at", "")
    place: Location | None = next((row for row in wish.rows("location") if str(row.pk) == at), None)
    return (start, place) if place is not None and start.tzinfo is not None else None
