"""A time that can be booked."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Slot(NamedTuple):
    """A free time (FHIR Slot `free`): `[start, end)` in aware UTC, of one practitioner at one location.

    `session_id` and `seats` are a group session's and how many places are left in it; None for a single visit. A tuple,
    because a month of a clinic has thousands.
    """

    start: datetime
    end: datetime
    service_id: int
    location_id: int
    practitioner_id: int
    session_id: UUID | None = None
    seats: int | None = None
