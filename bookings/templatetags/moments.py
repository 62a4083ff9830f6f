"""Filters that write dates and times in templates; see `bookings.moments`."""

from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from django import template

from bookings import moments

register = template.Library()


class Place(Protocol):
    """What has a clock on its wall: a location."""

    @property
    def tz(self) -> ZoneInfo:
        """The zone of that clock."""


@register.filter
def moment(value: datetime, place: Place) -> str:
    """`{{ appointment.start|moment:appointment.location }}`: day, clock and city."""
    return moments.moment(value, zone=place.tz)


@register.filter
def clock(value: datetime, place: Place) -> str:
    """`{{ hold.expires_at|clock:hold.location }}`: the wall clock there."""
    return moments.clock(value, zone=place.tz)


@register.filter
def day(value: date | datetime, place: Place | None = None) -> str:
    """`{{ slot.start|day:location }}`, or `{{ date|day }}`: the date with its weekday."""
    if isinstance(value, datetime) and place is not None:
        return moments.day(value.astimezone(place.tz).date())
    return moments.day(value)


@register.filter
def born(written: str) -> str:
    """`{{ patient.birth_date|born }}`: a birth date, written out."""
    return moments.born(written)


@register.filter
def day_and_month(value: date) -> str:
    """`{{ date|day_and_month }}`: the date with its weekday, without the year."""
    return moments.day_and_month(value)


@register.filter
def until(first: date, last: date) -> str:
    """`{{ since|until:last }}`: both dates as one period."""
    return moments.span(first, last)


@register.filter
def city(place: Place) -> str:
    """`{{ location|city }}`: the city after which its time zone is named."""
    return moments.city(place.tz)
