"""The kinds of contradiction, and how they are put to whoever set the clinic up."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from bookings.contradictions.setup import Visit


class Kind(enum.StrEnum):
    """What does not go together: first within the set-up, then between the set-up and what is booked."""

    NOBODY = "nobody-gives-it"
    NO_HOURS = "givers-without-hours"
    TOO_SHORT = "hours-too-short"
    NO_ROOM = "no-room"
    ROOM_SHUT = "room-shut"
    NO_DEVICE = "no-device"
    DEVICE_SHUT = "device-shut"
    NO_VIDEO = "no-video-room"
    TERMS_ROOMS = "terms-two-rooms"
    TERMS_REFUSE = "terms-refuse-all"
    TERMS_IDLE = "terms-never-hold"
    NOTICE = "notice-beyond-horizon"
    BUFFERS = "buffers-over-a-day"
    UNPLANNED = "group-unplanned"
    NEVER_HOLDS = "hours-never-hold"
    TWO_PLACES = "two-places-at-once"
    HOURS_ELSEWHERE = "hours-elsewhere"
    OPEN_FOR_NOBODY = "open-for-nobody"

    PRACTITIONER = "practitioner-inactive"
    LOCATION = "location-inactive"
    ROOM = "room-inactive"
    DEVICE = "device-inactive"
    NOT_GIVEN = "not-given"
    WAY = "way-not-given"
    HOLIDAY = "holiday"
    HOURS = "outside-hours"
    CLOSURE = "closure"
    ROOM_KIND = "room-kind"
    DEVICE_KIND = "device-kind"


#: Why what is booked no longer goes together with the set-up.
STRANDED: Final = MappingProxyType(
    {
        Kind.PRACTITIONER: _("The practitioner is not active"),
        Kind.LOCATION: _("The location is not in use"),
        Kind.ROOM: _("The room is not in use"),
        Kind.DEVICE: _("The device is not in use"),
        Kind.NOT_GIVEN: _("The practitioner does not give this service"),
        Kind.WAY: _("The service is not given in this way"),
        Kind.HOLIDAY: _("On a public holiday"),
        Kind.HOURS: _("Outside opening hours"),
        Kind.CLOSURE: _("During a closure"),
        Kind.ROOM_KIND: _("Without the room that is needed"),
        Kind.DEVICE_KIND: _("Without the device that is needed"),
    }
)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One contradiction. Two are the same when their kind, what they are `about` (a model's name and an id), their
    `detail` and the visit concerned are; how it is worded does not count."""

    kind: Kind
    about: tuple[str, int] | None = None
    detail: str = ""
    visit: Visit | None = None
    sentence: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Told:
    """Contradictions of one kind about one thing, as one sentence, with the visits concerned, earliest first."""

    sentence: str
    about: tuple[str, int] | None
    visits: tuple[Visit, ...] = ()


def told(found: Iterable[Contradiction]) -> list[Told]:
    """Contradictions as people are told them: those of the set-up one by one, then the visits by what is in the way."""
    lines: list[tuple[tuple[int, str], Told]] = []
    groups: dict[tuple[Kind, tuple[str, int] | None, str], list[Visit]] = {}
    for one in found:
        if one.visit is None:
            lines.append(((_ORDER[one.kind], one.sentence), Told(one.sentence, one.about)))
        else:
            groups.setdefault((one.kind, one.about, one.visit.model), []).append(one.visit)
    for (kind, about, model), visits in groups.items():
        in_order = tuple(sorted(visits, key=lambda visit: (visit.start, str(visit.id))))
        sentence = _stranded(kind, model=model, count=len(in_order))
        lines.append(((_ORDER[kind], str(in_order[0].start)), Told(sentence, about, in_order)))
    return [line for _key, line in sorted(lines, key=lambda line: line[0])]


def _stranded(kind: Kind, *, model: str, count: int) -> str:
    if model == "groupsession":
        said = ngettext(
            "%(why)s: %(count)d group session. It stands until you call it off.",
            "%(why)s: %(count)d group sessions. They stand until you call them off.",
            count,
        )
    else:
        said = ngettext(
            "%(why)s: %(count)d appointment. It stands until you move or cancel it.",
            "%(why)s: %(count)d appointments. They stand until you move or cancel them.",
            count,
        )
    return said % {"why": STRANDED[kind], "count": count}


_ORDER: Final = {kind: place for place, kind in enumerate(Kind)}
