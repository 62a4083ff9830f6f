"""What clinics offer online, where and by whom, in the reader's language: the reads behind the booking pages."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from django.db.models import Prefetch, Q, QuerySet

from bookings.availability.terms import ELSEWHERE
from bookings.models import (
    Clinic,
    ClinicText,
    Device,
    GroupSession,
    HealthcareService,
    Location,
    LocationText,
    OpeningHours,
    Practitioner,
    PrivacyNotice,
    Room,
    ServicePractitioner,
)

ClinicWords = Literal["hours_text", "imprint", "accessibility"]
"""What a clinic says of itself in its own words."""


@dataclass(frozen=True, slots=True)
class Words:
    """A text of the clinic's own, and the language it is written in (which may not be the reader's)."""

    text: str
    language: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Offer:
    """A service as a patient may book it: worded for the reader, with its places and its people."""

    service: HealthcareService
    name: Words
    instructions: Words
    locations: tuple[Location, ...]
    practitioners: tuple[Practitioner, ...]
    weekdays: tuple[int, ...] = tuple(range(7))
    """The days on which its people work (Monday is 0); a group may meet on any."""

    @property
    def languages(self) -> list[str]:
        """The languages its people speak, as codes."""
        return sorted({code for person in self.practitioners for code in person.languages.split()})

    def location(self, slug: str) -> Location | None:
        """The place of that short name, when the service is given there."""
        return next((location for location in self.locations if location.slug == slug), None)

    def practitioner(self, pk: str) -> Practitioner | None:
        """The person of that number, when they give the service."""
        return next((practitioner for practitioner in self.practitioners if str(practitioner.pk) == pk), None)


def name_of(service: HealthcareService, *, clinic: Clinic, language: str) -> Words:
    """The service's name in `language`, else in the clinic's first language. Its texts are read if not prefetched."""
    translated = next((text for text in service.texts.all() if text.language == language and text.name), None)
    return Words(translated.name, language) if translated else Words(service.name, clinic.language)


def instructions_of(service: HealthcareService, *, clinic: Clinic, language: str) -> Words:
    """What to know before the visit in `language`, else in the clinic's first language."""
    translated = next((text for text in service.texts.all() if text.language == language and text.instructions), None)
    return Words(translated.instructions, language) if translated else Words(service.instructions, clinic.language)


def words_of(clinic: Clinic, what: ClinicWords, *, language: str) -> Words:
    """One of the clinic's own texts in `language`, else in its first. No query for readers of its first language, one
    for any other."""
    return words_of_each([clinic], what, language=language)[clinic.pk]


def words_of_each(clinics: Iterable[Clinic], what: ClinicWords, *, language: str) -> dict[int, Words]:
    """The same text of each clinic, by its id: in one query, or none where all speak the reader's language."""
    listed = list(clinics)
    abroad = [clinic.pk for clinic in listed if clinic.language != language and getattr(clinic, what)]
    texts = ClinicText.objects.filter(clinic__in=abroad, language=language).exclude(**{what: ""}) if abroad else ()
    translated = {text.clinic_id: Words(getattr(text, what), language) for text in texts}
    return {clinic.pk: translated.get(clinic.pk, Words(getattr(clinic, what), clinic.language)) for clinic in listed}


def access_to(locations: Iterable[Location], *, clinic: Clinic, language: str) -> dict[int, Words]:
    """How to get into each place, by its id: in one query, or none where nothing is said, or all in `language`."""
    places = list(locations)
    abroad = [place.pk for place in places if place.access_notes and clinic.language != language]
    texts = LocationText.objects.filter(location__in=abroad, language=language) if abroad else ()
    translated = {text.location_id: Words(text.access_notes, language) for text in texts}
    return {place.pk: translated.get(place.pk, Words(place.access_notes, clinic.language)) for place in places}


def open_clinics(*, query: str = "") -> QuerySet[Clinic]:
    """Clinics open for booking whose name, place or service matches every word of `query`, with what they offer."""
    clinics = Clinic.objects.filter(active=True)
    for word in query.split()[:6]:
        clinics = clinics.filter(
            Q(name__icontains=word)
            | Q(
                pk__in=Location.objects.filter(
                    Q(name__icontains=word) | Q(address__icontains=word), active=True
                ).values("clinic")
            )
            | Q(pk__in=_bookable().filter(Q(name__icontains=word) | Q(texts__name__icontains=word)).values("clinic"))
        )
    return clinics.prefetch_related(
        Prefetch("services", _bookable().prefetch_related("texts")),
        Prefetch("locations", Location.objects.filter(active=True)),
    ).order_by("name", "pk")


def clinic_offers(*, clinic: Clinic, language: str, today: date) -> list[Offer]:
    """All a clinic offers online, in the clinic's order. A fixed number of queries."""
    return _offers(_bookable().filter(clinic=clinic), clinic=clinic, language=language, today=today)


def offer(*, clinic: Clinic, slug: str, language: str, today: date) -> Offer | None:
    """One service of a clinic as it is offered online; None when it is not."""
    found = _offers(_bookable().filter(clinic=clinic, slug=slug), clinic=clinic, language=language, today=today)
    return found[0] if found else None


def privacy_notice(*, clinic: Clinic, language: str) -> PrivacyNotice | None:
    """The newest privacy notice in `language`, else in the clinic's first language, else in any."""
    newest = list(PrivacyNotice.objects.filter(clinic=clinic).order_by("-version", "language"))
    for wanted in (language, clinic.language):
        for notice in newest:
            if notice.language == wanted:
                return notice
    return newest[0] if newest else None


def notice_shown(*, clinic: Clinic, pk: str) -> PrivacyNotice | None:
    """The clinic's privacy notice of that number, as a form says it stood beside it."""
    return (
        PrivacyNotice.objects.filter(clinic=clinic, pk=int(pk)).first()
        if pk.isascii() and pk.isdigit() and len(pk) < 19
        else None
    )


def _bookable() -> QuerySet[HealthcareService]:
    return HealthcareService.objects.filter(active=True, bookable_online=True)


def _offers(services: QuerySet[HealthcareService], *, clinic: Clinic, language: str, today: date) -> list[Offer]:
    given = Prefetch(
        "offers",
        ServicePractitioner.objects.filter(practitioner__active=True)
        .select_related("practitioner")
        .order_by("practitioner__name", "practitioner_id"),
    )
    listed = list(services.prefetch_related("texts", "terms", given))
    sites = {
        location.pk: location for location in Location.objects.filter(clinic=clinic, active=True).order_by("name", "pk")
    }
    working = _working(clinic=clinic, today=today)
    equipped = _equipped(listed, clinic=clinic, everywhere=set(sites))
    planned = _planned(listed, today=today)
    offered: list[Offer] = []
    for service in listed:
        people = [link.practitioner for link in service.offers.all()]
        hours = set().union(*(working[person.schedule_id] for person in people))
        places, weekdays = {place for place, _ in hours}, tuple(sorted({weekday for _, weekday in hours}))
        if service.capacity is not None:
            places, weekdays = planned[service.pk], tuple(range(7))
        offered.append(
            Offer(
                service=service,
                name=name_of(service, clinic=clinic, language=language),
                instructions=instructions_of(service, clinic=clinic, language=language),
                locations=tuple(site for pk, site in sites.items() if pk in places & equipped(service)),
                practitioners=tuple(people),
                weekdays=weekdays,
            )
        )
    return offered


def _working(*, clinic: Clinic, today: date) -> Mapping[int, set[tuple[int, int]]]:
    """Location ids and weekdays by the schedule that is open there then, today or later."""
    hours = OpeningHours.objects.filter(Q(valid_until=None) | Q(valid_until__gte=today), clinic=clinic)
    where: dict[int, set[tuple[int, int]]] = defaultdict(set)
    for schedule_id, location_id, weekday in hours.order_by().values_list("schedule", "location", "weekday").distinct():
        where[schedule_id].add((location_id, weekday))
    return where


def _equipped(
    services: Sequence[HealthcareService], *, clinic: Clinic, everywhere: set[int]
) -> Callable[[HealthcareService], set[int]]:
    """Where there is the room and the device a service needs; a visit elsewhere than at the clinic needs none."""
    there: dict[tuple[str, str | int], set[int]] = defaultdict(set)
    for location_id, kind in Room.objects.filter(clinic=clinic, active=True).order_by().values_list("location", "kind"):
        there["room", kind].add(location_id)
    if any(service.device_kind or service.device_id for service in services):
        devices = Device.objects.filter(clinic=clinic, active=True).order_by()
        for pk, location_id, kind in devices.values_list("pk", "location", "kind"):
            there["device", kind].add(location_id)
            there["device", pk].add(location_id)

    def equipped(service: HealthcareService) -> set[int]:
        if service.capacity is not None or not ELSEWHERE.isdisjoint(service.kinds):
            return everywhere
        needed = [("room", service.room_kind), ("device", service.device_kind), ("device", service.device_id)]
        return everywhere.intersection(*(there[what, which] for what, which in needed if which))

    return equipped


def _planned(services: Sequence[HealthcareService], *, today: date) -> Mapping[int, set[int]]:
    """Location ids where a group meets today or later, by service; asked only when there are groups."""
    where: dict[int, set[int]] = defaultdict(set)
    groups = [service.pk for service in services if service.capacity is not None]
    if groups:
        rows = GroupSession.objects.filter(service__in=groups, cancelled_at=None, start__date__gte=today).order_by()
        for service_id, location_id in rows.values_list("service", "location").distinct():
            where[service_id].add(location_id)
    return where
