"""What the button of a free time carries; see `bookings.forms.slots`."""

from datetime import datetime

from django import template

from bookings.forms import slots
from bookings.models import Location, Practitioner

register = template.Library()


@register.simple_tag
def slot(start: datetime, location: Location, practitioner: Practitioner | None) -> str:
    """`{% slot start location practitioner %}`: the button's value; no practitioner means anyone."""
    return slots.value(start=start, location=location.slug, practitioner=practitioner)
