"""What contradicts itself in a clinic's set-up, and every visit to come that the set-up no longer carries.

Contradictions are values: what a change brings about is the set after it less the set before it.
"""

from datetime import datetime

from bookings.contradictions.kinds import Contradiction, Kind, Told, told
from bookings.contradictions.offering import of_services
from bookings.contradictions.opening import of_hours
from bookings.contradictions.setup import Visit, load
from bookings.contradictions.stranded import of_visits

__all__ = ["Contradiction", "Kind", "Told", "Visit", "contradictions", "told"]


def contradictions(*, clinic_id: int, now: datetime) -> frozenset[Contradiction]:
    """All of them at this moment, in a number of queries that does not depend on how much there is to read."""
    setup = load(clinic_id=clinic_id, now=now)
    return frozenset([*of_services(setup), *of_hours(setup), *of_visits(setup)])
