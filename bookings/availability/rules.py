"""Every rule that can stand between a person and a time, in the order in which they are asked."""

import enum
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bookings.refusals import Refusal


class Rule(enum.StrEnum):
    """Why a time is not offered. Later rules are only reached when the earlier ones hold."""

    SERVICE = "service"
    LOCATION = "location"
    PATIENT = "patient"
    PRACTITIONER = "practitioner"
    ONLINE = "online"
    KIND = "kind"
    ANSWERS = "answers"
    TERMS = "terms"
    REFERRAL = "referral"
    TIME = "time"
    PAST = "past"
    NOTICE = "notice"
    HORIZON = "horizon"
    CAP_OPEN = "cap-open"
    CAP_DAY = "cap-day"
    SESSION = "session"
    HOLIDAY = "holiday"
    HOURS = "hours"
    CLOSURE = "closure"
    STEP = "step"
    ROOM = "room"
    DEVICE = "device"
    OVERBOOKING = "overbooking"
    TAKEN = "taken"
    ROOM_TAKEN = "room-taken"
    DEVICE_TAKEN = "device-taken"
    FULL = "full"


MESSAGES: Final = MappingProxyType(
    {
        Rule.SERVICE: _("This service is not offered at the moment."),
        Rule.LOCATION: _("This service is not offered at this location."),
        Rule.PATIENT: _("This patient belongs to another clinic, or their record is closed."),
        Rule.PRACTITIONER: _("This practitioner does not give this service."),
        Rule.ONLINE: _("This service cannot be booked online. Please phone the clinic."),
        Rule.KIND: _("This service is not given in this way. Please choose another way to meet."),
        Rule.ANSWERS: _("Please answer the questions first: who can book, and for how long, depends on them."),
        Rule.TERMS: _("With these answers this service cannot be booked online. Please phone the clinic."),
        Rule.REFERRAL: _("This service needs a referral. Please phone the clinic if you have none."),
        Rule.TIME: _("This is not a valid time. Please choose one from the list."),
        Rule.PAST: _("This time has passed. Please choose a later one."),
        Rule.NOTICE: _("This time is too soon to book online. Please choose a later one, or phone the clinic."),
        Rule.HORIZON: _("This time is too far ahead to book. Please choose an earlier one."),
        Rule.CAP_OPEN: _(
            "This patient already has enough appointments to come for this service. Please phone the clinic."
        ),
        Rule.CAP_DAY: _(
            "This patient already has enough appointments on this day. Choose another day, or phone the clinic."
        ),
        Rule.SESSION: _("No group meets at this time. Please choose one from the list."),
        Rule.HOLIDAY: _("The clinic is closed on this public holiday. Please choose another day."),
        Rule.HOURS: _("This time is outside opening hours. Please choose another one."),
        Rule.CLOSURE: _("The clinic is closed at this time. Please choose another one."),
        Rule.STEP: _("Visits do not start at this time. Please choose one from the list."),
        Rule.ROOM: _("No room for this service is open at this time. Please choose another one."),
        Rule.DEVICE: _("No device for this service can be used at this time. Please choose another one."),
        Rule.OVERBOOKING: _("No more visits may be squeezed in on this day."),
        Rule.TAKEN: _("This time is no longer free. Please choose another one."),
        Rule.ROOM_TAKEN: _("This time is no longer free. Please choose another one."),
        Rule.DEVICE_TAKEN: _("This time is no longer free. Please choose another one."),
        Rule.FULL: _("This group is full. Please choose another one."),
    }
)

#: Rules that only say somebody else was there first.
SOMEBODY_ELSE: Final = frozenset({Rule.TAKEN, Rule.ROOM_TAKEN, Rule.DEVICE_TAKEN, Rule.FULL})
_ORDER: Final = {rule: place for place, rule in enumerate(Rule)}


class NotOffered(Refusal):
    """The time is not one the clinic offers for this service; `rule` names the first rule against it."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule)
        self.rule: Final = rule
        self.message: str | Promise = MESSAGES[rule]


def latest(*rules: Rule) -> Rule:
    """Of the rules against several candidates, the one reached last: it says how near to an offer they came."""
    return max(rules, key=_ORDER.__getitem__)
