"""From a connection's row to an open calendar."""

from audit.sealed import KeyDestroyed
from calendars.models import CalendarConnection
from calendars.providers import Calendar, LoginRefused
from calendars.providers.caldav import CalDavCalendar


def open_calendar(connection: CalendarConnection) -> Calendar:
    """The adapter for this connection, with its credentials unsealed for the length of a call.

    Raises LoginRefused when the credentials were forgotten.
    """
    try:
        username, password = connection.username, connection.password
    except KeyDestroyed:
        raise LoginRefused from None
    return CalDavCalendar(url=connection.url, username=username, password=password)
