"""Which status of an appointment may follow which: HL7 FHIR R4 AppointmentStatus, as one pure table.

FHIR names the statuses and leaves their order open; this order runs forward from request to visit, with side exits.
Being seen is a time stamp beside `checked-in`, not a status. Nothing leaves `entered-in-error`, which stands in for
deletion.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FORWARD: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "waitlist": frozenset({"proposed", "pending", "booked", "cancelled", "entered-in-error"}),
        "proposed": frozenset({"pending", "booked", "cancelled", "entered-in-error"}),
        "pending": frozenset({"proposed", "booked", "cancelled", "entered-in-error"}),
        # Back to a request: where the clinic confirms each time, a patient's move asks anew.
        "booked": frozenset(
            {"pending", "arrived", "checked-in", "fulfilled", "cancelled", "noshow", "entered-in-error"}
        ),
        "arrived": frozenset({"checked-in", "fulfilled", "cancelled", "noshow", "entered-in-error"}),
        "checked-in": frozenset({"fulfilled", "cancelled", "noshow", "entered-in-error"}),
        "fulfilled": frozenset({"entered-in-error"}),
        "cancelled": frozenset({"entered-in-error"}),
        "noshow": frozenset({"arrived", "checked-in", "fulfilled", "entered-in-error"}),
        "entered-in-error": frozenset(),
    }
)

#: What one step back leads to, for a slip of the hand at the desk. A cancellation was told to people and is not undone.
_BACK: Final[Mapping[str, str]] = MappingProxyType({"arrived": "booked", "checked-in": "arrived"})
#: How a visit ended: taken back, it is where it was before.
_OUTCOMES: Final = frozenset({"fulfilled", "noshow"})


def may_follow(*, before: str, after: str) -> bool:
    """Whether `after` may follow `before` going forward. A status does not follow itself."""
    return after in FORWARD[before]


def following(before: str) -> frozenset[str]:
    """The statuses that may follow."""
    return FORWARD[before]


def undone(status: str, *, arrived: bool = False, checked_in: bool = False) -> str | None:
    """The status one step back, or None where there is no way back. The flags say which steps the visit had taken."""
    if status in _OUTCOMES:
        return "checked-in" if checked_in else "arrived" if arrived else "booked"
    return _BACK.get(status)
