"""A time that can be booked."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Slot:
    """A free time (FHIR Slot `free`): `[start, end)` in aware UTC, of one practitioner at one location."""

    start: datetime
    end: datetime
    service_id: int
    location_id: int
    practitioner_id: int
