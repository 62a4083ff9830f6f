"""Free times as pages of the desk list and carry them: by day and place, each a link; and the one that was chosen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from bookings import moments
from bookings.admin.wishes import FIRST_DAY, LAST_DAY, NarrowForm
from bookings.availability import Asking, Narrowed, Slot, free_slots, next_free
from bookings.availability.combined import Part, combined_slots
from bookings.models import HealthcareService, Location, Practitioner

SHOWN: Final = timedelta(days=7)
#: How much further is looked when the days shown have nothing, for two visits one after the other.
FURTHER: Final = timedelta(days=28)
FEW: Final = 6
#: What a chosen time adds to the address.
CHOSEN: Final = ("start", "at", "by", "next", "next_by", "on", "clock")

Chain = Sequence[Slot]
"""Visits one after the other; usually one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for: a service, and perhaps a second one right after it, for staff."""

    service: HealthcareService
    narrowed: Narrowed
    asking: Asking
    then: HealthcareService | None = None
    length: int | None = None
    """Seconds: a visit that is moved stays as long as it was."""

    def week(self, *, now: datetime, since: date) -> list[Chain]:
        """The free times of the days shown, or when there are none the first after them."""
        if self.then is not None:
            found = self._combined(now=now, since=since, until=since + SHOWN)
            return found or self._combined(now=now, since=since + SHOWN, until=since + SHOWN + FURTHER)[:FEW]
        wanted: dict[str, Any] = {
            "service": self.service,
            "now": now,
            "online": False,
            "asking": self.asking,
            "narrowed": self.narrowed,
            "length": self.length,
        }
        slots = free_slots(since=since, until=since + SHOWN, **wanted)
        if not slots:
            after = max(now, datetime.combine(since, time(0), tzinfo=UTC))
            slots = next_free(after=after, count=FEW, **wanted)
        return [(slot,) for slot in slots]

    def _combined(self, *, now: datetime, since: date, until: date) -> list[Chain]:
        assert self.then is not None
        wanted, where = self.narrowed, {"now": now, "since": since, "until": until}
        asked: dict[str, Any] = {**where, "online": False, "asking": self.asking}
        starts = {(slot.start, slot.location_id) for slot in free_slots(service=self.service, narrowed=wanted, **asked)}
        found: dict[tuple[datetime, int], Chain] = {}
        for person in self._first_ones():
            parts = [Part(service=self.service, practitioner=person), Part(service=self.then)]
            for chain in combined_slots(parts=parts, location=wanted.location, **asked):
                place = chain[0].start, chain[0].location_id
                if place in starts:
                    found.setdefault(place, chain)
        return [chain for _, chain in sorted(found.items())]

    def _first_ones(self) -> list[Practitioner | None]:
        """Who may give the first visit: one, anyone, or each who speaks the language asked for."""
        wanted = self.narrowed
        if wanted.practitioner is not None or not wanted.language:
            return [wanted.practitioner]
        givers = Practitioner.objects.filter(services=self.service, active=True).order_by("pk")
        return [person for person in givers if wanted.language in person.languages.split()]


@dataclass(frozen=True, slots=True)
class Free:
    """One start at one place, and who would be free; in a group, how many places are left."""

    clock: str
    query: str
    who: str
    left: str = ""


@dataclass(frozen=True, slots=True)
class FreeDay:
    """One local day with its free times by place."""

    title: str
    places: list[tuple[Location, list[Free]]]


@dataclass(slots=True)
class _Start:
    chain: Chain
    people: list[int] = field(default_factory=list)
    seats: int | None = None


def query(given: QueryDict, **changed: object) -> str:
    """The page's address with some values changed; None takes one away."""
    values = given.copy()
    for name, value in changed.items():
        values.pop(name, None)
        if value is not None:
            values[name] = str(value)
    return f"?{values.urlencode()}"


def days_of(chains: Iterable[Chain], *, given: QueryDict, wish: NarrowForm) -> list[FreeDay]:
    """Free times by local day and place, each start once, with who would be free when nobody is asked for by name."""
    days: dict[date, dict[int, dict[datetime, _Start]]] = {}
    for chain in chains:
        first = chain[0]
        if first.location_id in wish.locations:
            local = first.start.astimezone(wish.locations[first.location_id].tz).date()
            starts = days.setdefault(local, {}).setdefault(first.location_id, {})
            start = starts.setdefault(first.start, _Start(chain))
            start.people += [slot.practitioner_id for slot in chain if slot.practitioner_id not in start.people]
            start.seats = start.seats if first.seats is None else (start.seats or 0) + first.seats
    return [
        FreeDay(
            title=moments.day(day),
            places=[
                (wish.locations[pk], [_free(start, given=given, wish=wish) for _, start in sorted(starts.items())])
                for pk, starts in places.items()
            ],
        )
        for day, places in sorted(days.items())
    ]


def _free(start: _Start, *, given: QueryDict, wish: NarrowForm) -> Free:
    first, last = start.chain[0], start.chain[-1]
    place = wish.locations[first.location_id]
    told = [moments.clock(slot.start, zone=place.tz) for slot in start.chain]
    chosen: dict[str, object] = dict.fromkeys((*CHOSEN, "q"))
    chosen |= {"start": first.start.isoformat(), "at": place.pk}
    if len(start.chain) > 1:
        chosen |= {"by": first.practitioner_id, "next": last.start.isoformat(), "next_by": last.practitioner_id}
    anyone = wish.cleaned_data.get("practitioner") is None or len(start.chain) > 1
    seats = start.seats
    return Free(
        clock=" → ".join(told),
        query=query(given, **chosen),
        who=", ".join(str(wish.people[one]) for one in start.people if one in wish.people) if anyone else "",
        left=""
        if seats is None
        else ngettext("%(count)d place left", "%(count)d places left", seats) % {"count": seats},
    )


def turned(given: QueryDict, *, wish: NarrowForm, by: timedelta) -> str:
    """The address of the week before or after, never before today; empty when there is none."""
    since = wish.since_day
    moved = max(since + by, wish.today)
    return query(given, since=moved.isoformat()) if moved != since else ""


@dataclass(frozen=True, slots=True)
class Picked:
    """A time chosen: of one visit, or of two with who gives each (`by`, `next_by`)."""

    start: datetime
    place: Location
    by: Practitioner | None = None
    next: datetime | None = None
    next_by: Practitioner | None = None


class AnotherTimeForm(forms.Form):
    """A time that is not in the list: for asking why, and for squeezing somebody in."""

    on = forms.DateField(label=_("day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    clock = forms.TimeField(label=_("time"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    at = forms.ModelChoiceField(Location.objects.none(), label=_("location"), empty_label=None)

    def __init__(self, given: QueryDict, *, wish: NarrowForm) -> None:
        data = given.copy()
        if not data.get("at"):
            data["at"] = str(wish.data.get("location") or next(iter(wish.locations), ""))
        if not data.get("on") and (start := _moment(given.get("start", ""))) is not None:
            place = next((row for row in wish.locations.values() if str(row.pk) == data["at"]), None)
            if place is not None:
                local = start.astimezone(place.tz)
                data["on"], data["clock"] = local.date().isoformat(), f"{local:%H:%M}"
        super().__init__(data, auto_id="other_%s")
        field = self.fields["at"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Location.objects.filter(clinic=wish.whose, active=True)
        if len(wish.locations) == 1:
            field.widget = forms.HiddenInput()

    def picked(self) -> Picked | None:
        """The time that was written; None when it cannot be read."""
        if not self.is_valid():
            return None
        said = self.cleaned_data
        if not FIRST_DAY <= said["on"] <= LAST_DAY:
            return None
        return Picked(datetime.combine(said["on"], said["clock"], tzinfo=said["at"].tz), said["at"])


def picked(given: QueryDict, *, wish: NarrowForm, two: bool = False) -> Picked | None:
    """The time chosen from the list or written by hand, when it can be read and lies at a place of the clinic.

    With `two` visits both must have been chosen.
    """
    if not given.get("start"):
        return AnotherTimeForm(given, wish=wish).picked() if given.get("on") and not two else None
    start, after = _moment(given.get("start", "")), _moment(given.get("next", ""))
    place = wish.locations.get(_number(given.get("at", "")))
    if start is None or place is None or (two and after is None):
        return None
    if not two:
        return Picked(start, place)
    by, next_by = (wish.people.get(_number(given.get(name, ""))) for name in ("by", "next_by"))
    return Picked(start, place, by, after, next_by)


def kept(given: QueryDict, *left_out: str) -> list[tuple[str, str]]:
    """What a form of the page must carry along, for hidden fields."""
    return [(name, str(value)) for name, values in given.lists() if name not in left_out for value in values]


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and FIRST_DAY <= moment.date() <= LAST_DAY else None


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else 0
