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
from audit.models import Erasure
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
    """The accounts of the patient's own addresses, those of joined records included, that are nobody else's way to
    anything."""
    tokens = {
        reach.email_token(clinic_id=patient.clinic_id, email=email)
        for one in (patient, *_joined(patient))
        if (email := _address(one))
    }
    others = PatientIndex.objects.filter(
        clinic_id=patient.clinic_id, patient__erased_at=None, patient__merged_into=None
    ).exclude(patient=patient)
    own = [token for token in tokens if not others.filter(tokens__contains=[token]).exists()]
    return PatientAccount.objects.filter(clinic_id=patient.clinic_id, index__token__in=own)


def _address(patient: Patient) -> str:
    """The patient's own address; empty once it cannot be read."""
    try:
        return patient.email
    except KeyDestroyed:
        return ""


def _lost_accounts(patient: Patient) -> QuerySet[PatientAccount]:
    """The accounts whose keys went with the patient's: their address cannot be read any more, but the plan of the
    erasure names their keys."""
    plans = Erasure.objects.filter(subject_model=patient._meta.label, subject_pk=str(patient.pk))
    keys = {key_id for named in plans.values_list("key_ids", flat=True) for key_id in named}
    return PatientAccount.objects.filter(clinic_id=patient.clinic_id, key_id__in=keys).select_related("user")


def _signed_out(user: User) -> dict[str, int]:
    """End every session of an account; a session says whose it is inside only."""
    mine = [
        session.pk for session in Session.objects.iterator() if session.get_decoded().get(SESSION_KEY) == str(user.pk)
    ]
    return Session.objects.filter(pk__in=mine).delete()[1]


register(BookingTraces())
