"""What bookings holds about a patient beyond the rows that name one: records joined to theirs, their account, drafts
and codes under keys of their own."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db.models import Model, Q, QuerySet

from audit.declare import declaration_of
from audit.keys import keyring
from audit.sealed import KeyDestroyed
from audit.subjects import Erased, Held, held, register
from bookings import reach
from bookings.models import ContactChallenge, Draft, Patient, PatientAccount, PatientIndex, User


class BookingTraces:
    """Source of a patient's data in unfinished business and their account; marks the patient as erased."""

    name = "bookings"

    def keys(self, *, subject: Model) -> Iterable[UUID]:
        """Keys of the records joined to the patient's, of their account, of drafts that became their appointments, and
        of codes sent about them."""
        if not isinstance(subject, Patient):
            return ()
        own = {subject.key_id, *_joined(subject).values_list("key_id", flat=True)}
        drafts = Draft.objects.filter(appointment__patient=subject)
        accounts = set(_accounts(subject).values_list("key_id", flat=True))
        codes = ContactChallenge.objects.filter(
            Q(appointment__patient=subject) | Q(draft__appointment__patient=subject) | Q(key_id__in=own | accounts)
        )
        return {
            *own,
            *accounts,
            *drafts.values_list("key_id", flat=True),
            *codes.values_list("key_id", flat=True),
        }

    def collect(self, *, subject: Model) -> Iterable[Held]:
        """The patient's account, and what stood in records joined to theirs.

        What was typed into a draft stands in the patient and the appointment; a code lives minutes.
        """
        if not isinstance(subject, Patient):
            return
        for row in [*_joined(subject), *_accounts(subject)]:
            declaration = declaration_of(row)
            if declaration is not None:
                yield held(row=row, declaration=declaration)

    def erase(self, *, subject: Model, now: datetime) -> Erased:
        """Set `erased_at`, which closes every link and search, and take away the account with its sessions."""
        if not isinstance(subject, Patient):
            return Erased()
        deleted: Counter[str] = Counter()
        for account in _lost_accounts(subject):
            deleted.update(_signed_out(account.user))
            deleted.update(User.objects.filter(pk=account.user_id).delete()[1])
        for patient in (subject, *_joined(subject)):
            if patient.erased_at is None:
                patient.erased_at = now
                patient.save(update_fields=["erased_at", "updated"])
        return Erased(deleted=dict(deleted))


def _joined(patient: Patient) -> QuerySet[Patient]:
    return Patient.objects.filter(merged_into=patient).order_by("pk")


def _accounts(patient: Patient) -> QuerySet[PatientAccount]:
    """The account of the patient's own address, when that address is nobody else's way to anything."""
    nobody = PatientAccount.objects.none()
    try:
        email = patient.email
    except KeyDestroyed:
        return nobody
    if not email:
        return nobody
    token = reach.email_token(clinic_id=patient.clinic_id, email=email)
    others = PatientIndex.objects.filter(
        clinic_id=patient.clinic_id,
        tokens__contains=[token],
        patient__erased_at=None,
        patient__merged_into=None,
    ).exclude(patient=patient)
    if others.exists():
        return nobody
    return PatientAccount.objects.filter(clinic_id=patient.clinic_id, index__token=token)


def _lost_accounts(patient: Patient) -> list[PatientAccount]:
    """The accounts whose keys went with the patient's: their address cannot be read any more, but its token still
    stands in the patient's index, which goes last."""
    index = PatientIndex.objects.filter(patient=patient).first()
    if index is None:
        return []
    rows = PatientAccount.objects.filter(clinic_id=patient.clinic_id, index__token__in=index.tokens)
    return [row for row in rows.select_related("user") if keyring.is_destroyed(key_id=row.key_id)]


def _signed_out(user: User) -> dict[str, int]:
    """End every session of an account; a session says whose it is inside only."""
    mine = [
        session.pk for session in Session.objects.iterator() if session.get_decoded().get(SESSION_KEY) == str(user.pk)
    ]
    return Session.objects.filter(pk__in=mine).delete()[1]


register(BookingTraces())
