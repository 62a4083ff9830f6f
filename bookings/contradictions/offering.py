"""Services nobody can book, and terms that contradict each other."""

from collections.abc import Iterable, Iterator
from itertools import combinations, product

from django.utils.translation import gettext as _

from bookings.availability.diary import Place, Post
from bookings.availability.terms import ELSEWHERE, Terms, terms_of
from bookings.availability.wish import Asking
from bookings.contradictions.kinds import Contradiction, Kind
from bookings.contradictions.setup import Setup
from bookings.intervals import Interval, intersect, starts_inside, union
from bookings.models import Coverage, HealthcareService, ServiceTerms, Standing, VisitKind

ONE_DAY = 24 * 60


def of_services(setup: Setup) -> Iterator[Contradiction]:
    """What contradicts itself about each service that is offered."""
    planned = {visit.service for visit in setup.visits if visit.model == "groupsession"}
    for service in setup.services.values():
        if service.active:
            yield from _by_itself(service)
            yield from _terms(service)
            yield from _giving(setup, service)
            if service.capacity is not None and service.pk not in planned:
                yield _about(
                    service,
                    Kind.UNPLANNED,
                    _("“%(service)s” is given to groups, and no session is planned."),
                )


def _about(
    service: HealthcareService, kind: Kind, sentence: str, *, detail: str = "", **words: object
) -> Contradiction:
    said = sentence % {"service": service.name, **words}
    return Contradiction(kind, about=("healthcareservice", service.pk), detail=detail, sentence=said)


def _by_itself(service: HealthcareService) -> Iterator[Contradiction]:
    if service.bookable_online and service.minimum_notice > service.horizon * ONE_DAY:
        yield _about(
            service,
            Kind.NOTICE,
            _("“%(service)s” can never be booked online: “earliest, from now” is later than “latest, from now”."),
        )
    if service.buffer_before + service.buffer_after > ONE_DAY:
        yield _about(service, Kind.BUFFERS, _("“%(service)s” keeps more than a day free around each visit."))


# --- terms


def _terms(service: HealthcareService) -> Iterator[Contradiction]:
    rows = list(service.terms.all())
    for row in rows:
        if row.kind and row.kind not in service.kinds:
            yield _about(
                service,
                Kind.TERMS_IDLE,
                _("“%(service)s”: the terms for “%(terms)s” never hold, because it is not given in this way."),
                detail=str(row.pk),
                terms=row,
            )
    for one, other in combinations(rows, 2):
        if _name_two_rooms(service, one, other):
            yield _about(
                service,
                Kind.TERMS_ROOMS,
                _("“%(service)s”: the terms for “%(one)s” and for “%(other)s” can both hold and name different rooms."),
                detail=f"{one.pk},{other.pk}",
                one=one,
                other=other,
            )
    if service.bookable_online and rows and _refuses_everybody(service):
        yield _about(service, Kind.TERMS_REFUSE, _("“%(service)s”: its terms refuse everybody who books online."))


def _name_two_rooms(service: HealthcareService, one: ServiceTerms, other: ServiceTerms) -> bool:
    """Whether both can hold for somebody and name different rooms, and neither says more than the other, which would
    then have the last word."""
    if not (one.room_kind and other.room_kind) or one.room_kind == other.room_kind or _said(one) != _said(other):
        return False
    for name in ("standing", "coverage", "kind"):
        if getattr(one, name) and getattr(other, name) and getattr(one, name) != getattr(other, name):
            return False
    met = {one.kind or other.kind} if one.kind or other.kind else set(service.kinds)
    return bool(met & set(service.kinds) - ELSEWHERE)


def _said(row: ServiceTerms) -> int:
    return sum(map(bool, (row.standing, row.coverage, row.kind, row.need)))


def _refuses_everybody(service: HealthcareService) -> bool:
    """Without needs: a need can only add a refusal."""
    return all(terms_of(service=service, asking=asking).refusing is not None for asking in _askings(service))


def _askings(service: HealthcareService, needs: frozenset[str] = frozenset()) -> Iterator[Asking]:
    for standing, coverage, kind in product(Standing.values, Coverage.values, service.kinds):
        yield Asking(standing=standing, coverage=coverage, kind=kind, needs=needs)


# --- who gives it, when, and with what


def _giving(setup: Setup, service: HealthcareService) -> Iterator[Contradiction]:
    givers = [setup.practitioners[offer.practitioner_id] for offer in service.offers.all()]
    givers = [giver for giver in givers if giver.active]
    if not givers:
        yield _about(service, Kind.NOBODY, _("Nobody gives “%(service)s”."))
        return
    if VisitKind.VIDEO in service.kinds:
        for giver in givers:
            if not giver.video_link:
                said = _("“%(service)s” is given by video, and %(who)s has no video room.")
                sentence = said % {"service": service.name, "who": giver}
                about = ("practitioner", giver.pk)  # whose page holds the video room
                yield Contradiction(Kind.NO_VIDEO, about=about, detail=str(service.pk), sentence=sentence)
    who = {giver.pk for giver in givers}
    posts = [post for (giver, _at), post in setup.posts.items() if giver in who and setup.opened(post)]
    if not posts:
        yield _about(service, Kind.NO_HOURS, _("Whoever gives “%(service)s” has no opening hours."))
        return
    cases = {
        (terms.lengths.duration, terms.room_kind, terms.device_kind, terms.device_id): terms
        for terms in _cases(service)
    }
    found = {one for terms in cases.values() if (one := _against(setup, service, posts=posts, terms=terms)) is not None}
    yield from found


def _cases(service: HealthcareService) -> Iterator[Terms]:
    """Under which terms it may be given: with nothing needed, and with everything its terms know."""
    every_need = frozenset(row.need for row in service.terms.all() if row.need)
    for needs in {frozenset[str](), every_need}:
        for asking in _askings(service, needs):
            yield terms_of(service=service, asking=asking)


def _against(setup: Setup, service: HealthcareService, *, posts: list[Post], terms: Terms) -> Contradiction | None:
    """What keeps everybody who gives it from ever starting it under these terms."""
    length, minutes = terms.lengths.duration, terms.lengths.duration // 60
    starts = {post: starts_inside(setup.opened(post), length=length) for post in posts}
    if not any(starts.values()):
        return _about(
            service,
            Kind.TOO_SHORT,
            _("“%(service)s” can take %(minutes)d minutes, and nobody who gives it has so long in one piece."),
            detail=str(minutes),
            minutes=minutes,
        )
    sites = {post.site.id for post in posts}
    if terms.room_kind:
        rooms = [row.schedule_id for row in setup.rooms.values() if row.kind == terms.room_kind]
        places = _places(setup, rooms, sites=sites)
        if not places:
            return _about(
                service,
                Kind.NO_ROOM,
                _("“%(service)s” needs a room of the kind “%(room)s”, and there is none where it is given."),
                detail=terms.room_kind,
                room=terms.room_kind,
            )
        starts = {post: intersect(given, _open(setup, places, post, length)) for post, given in starts.items()}
        if not any(starts.values()):
            return _about(
                service,
                Kind.ROOM_SHUT,
                _("“%(service)s” needs a room of the kind “%(room)s”, and none is open when it could be given."),
                detail=terms.room_kind,
                room=terms.room_kind,
            )
    if terms.device_kind or terms.device_id is not None:
        wanted = [
            row.schedule_id
            for row in setup.devices.values()
            if (row.pk == terms.device_id if terms.device_id is not None else row.kind == terms.device_kind)
        ]
        named = setup.devices[terms.device_id].name if terms.device_id is not None else terms.device_kind
        places = _places(setup, wanted, sites=sites)
        if not places:
            return _about(
                service,
                Kind.NO_DEVICE,
                _("“%(service)s” needs the device “%(device)s”, and there is none where it is given."),
                detail=named,
                device=named,
            )
        starts = {post: intersect(given, _open(setup, places, post, length)) for post, given in starts.items()}
        if not any(starts.values()):
            return _about(
                service,
                Kind.DEVICE_SHUT,
                _("“%(service)s” needs the device “%(device)s”, and it cannot be used when it could be given."),
                detail=named,
                device=named,
            )
    return None


def _places(setup: Setup, schedules: Iterable[int], *, sites: set[int]) -> list[Place]:
    places = [setup.places[schedule] for schedule in schedules if schedule in setup.places]
    return [place for place in places if place.location in sites]


def _open(setup: Setup, places: list[Place], post: Post, length: int) -> list[Interval]:
    """The starts at which one of the places at the post's site is open for so long."""
    return union(
        start
        for place in places
        if place.location == post.site.id
        for start in starts_inside(setup.place_opened(place), length=length)
    )
