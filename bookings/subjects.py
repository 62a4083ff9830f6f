"""What bookings holds about a patient beyond the rows that name one: drafts and codes under keys of their own."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Model, Q

from audit.subjects import Erased, Held, register
from bookings.models import ContactChallenge, Draft, Patient


class BookingTraces:
    """Source of a patient's data in unfinished business; marks the patient as erased."""

    name = "bookings"

    def keys(self, *, subject: Model) -> Iterable[UUID]:
        """Keys of drafts that became the patient's appointments, and of codes sent about them."""
        if not isinstance(subject, Patient):
            return ()
        drafts = Draft.objects.filter(appointment__patient=subject)
        codes = ContactChallenge.objects.filter(
            Q(appointment__patient=subject) | Q(draft__appointment__patient=subject) | Q(key_id=subject.key_id)
        )
        return {*drafts.values_list("key_id", flat=True), *codes.values_list("key_id", flat=True)}

    def collect(self, *, subject: Model) -> Iterable[Held]:
        """Nothing: what was typed into a draft stands in the patient and the appointment; a code lives minutes."""
        return ()

    def erase(self, *, subject: Model, now: datetime) -> Erased:
        """Set `erased_at`, which closes every link and search."""
        if isinstance(subject, Patient) and subject.erased_at is None:
            subject.erased_at = now
            subject.save(update_fields=["erased_at", "updated"])
        return Erased()


register(BookingTraces())
