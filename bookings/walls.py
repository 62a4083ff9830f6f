"""The clock on the wall of a clinic: that of its first location, for what happens at no location in particular."""

from zoneinfo import ZoneInfo

from bookings.models import Location


def zone_of(*, clinic_id: int) -> ZoneInfo:
    """The time zone of a clinic's first location; UTC while it has none."""
    place = Location.objects.filter(clinic=clinic_id).order_by("pk").first()
    return place.tz if place is not None else ZoneInfo("UTC")
