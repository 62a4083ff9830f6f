"""What somebody asks for, and what they say of themselves."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from bookings.models import Appointment, HealthcareService, Location, Need, Practitioner, VisitKind


@dataclass(frozen=True, slots=True)
class Asking:
    """What the asker says of themselves and of the visit: words of `Standing`, `Coverage`, `VisitKind` and `Need`.

    Nothing said (the default) asks for a visit at the clinic under the service's own terms.
    """

    standing: str = ""
    coverage: str = ""
    referral: bool = False
    kind: str = VisitKind.ON_SITE
    needs: frozenset[str] = frozenset()

    @classmethod
    def of(cls, appointment: Appointment) -> "Asking":
        """What was said when this appointment was made. Raises KeyDestroyed once its patient is erased."""
        return cls(
            standing=appointment.standing,
            coverage=appointment.coverage,
            referral=appointment.referral,
            kind=appointment.kind,
            needs=frozenset(appointment.needs.split()),
        )

    @property
    def fields(self) -> dict[str, Any]:
        """The same as an appointment keeps it."""
        return {
            "standing": self.standing,
            "coverage": self.coverage,
            "referral": self.referral,
            "kind": self.kind,
            "needs": " ".join(need for need in Need.values if need in self.needs),
        }


NOTHING_SAID: Final = Asking()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A service at a location, at a time, with a practitioner or with anyone.

    With `online` the rules for patients bind. `overbook`, for staff alone (else ValueError), asks for a time that is
    taken, within the service's cap.
    `moved` are appointments that give up their time for this one; `length` (seconds) keeps a moved visit as long as it
    was. `planned` asks for the time of a group session itself, not for a seat in one.
    """

    service: HealthcareService
    location: Location
    practitioner: Practitioner | None
    start: datetime
    online: bool = True
    asking: Asking = NOTHING_SAID
    patient_id: int | None = None
    overbook: bool = False
    moved: Collection[Appointment] = ()
    length: int | None = None
    planned: bool = False

    def __post_init__(self) -> None:
        if self.overbook and self.online:
            raise ValueError("only staff squeeze somebody in")

    @property
    def seated(self) -> bool:
        """Whether it is a seat in a group session that is asked for."""
        return self.service.capacity is not None and not self.planned

    def with_practitioner(self, practitioner: Practitioner | None) -> "Wish":
        """The same, with that person."""
        return replace(self, practitioner=practitioner)
