"""Consents: asked in a clinic's own words, given, standing, withdrawn; each with proof of what was shown.

A clinic that has words for a purpose acts on it only for whoever said yes to them. Where it has none, it asks nobody,
and acts on another basis.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit.context import Actor, Shown, resting_on, use_case
from bookings.locks import lock
from bookings.models import (
    Appointment,
    Clinic,
    Consent,
    ConsentPurpose,
    ConsentText,
    Draft,
    Patient,
    RelatedPerson,
)
from bookings.offers import Words
from bookings.refusals import Refusal

Source = Consent.Source


class NotTheirs(Refusal):
    """The words, or whoever gives the consent, belong to another clinic or another patient; or the data were erased."""

    message = _("This consent is not of this patient.")


@dataclass(frozen=True, slots=True)
class Ask:
    """What a clinic asks consent for: the words that stand beside the box, and the numbers of the same words in every
    language."""

    text: ConsentText
    alike: frozenset[str]

    @property
    def words(self) -> Words:
        """The clinic's own."""
        return Words(self.text.body, self.text.language)


def asked(*, clinic: Clinic, language: str, patient: Patient | None = None) -> list[Ask]:
    """The words of each purpose the clinic asks for: the newest in `language`, else in its first, else in any.

    Of a `patient` who is known only what does not stand already. Whoever is not known must not be asked less: that
    would tell that somebody of that name is a patient.
    """
    newest = list(ConsentText.objects.filter(clinic=clinic).order_by("-version", "language"))
    stands = {consent.purpose for consent in standing(patient)} if patient is not None and newest else set()
    wanted = (purpose for purpose in ConsentPurpose.values if purpose not in stands)
    found = (_of_purpose(newest, purpose, languages=(language, clinic.language)) for purpose in wanted)
    return [ask for ask in found if ask is not None]


def text_shown(*, clinic: Clinic, pk: str, purpose: str = "") -> ConsentText | None:
    """The clinic's words of that number (for that `purpose`), as a form says they stood beside its box."""
    if not (pk.isascii() and pk.isdigit() and len(pk) < 19):
        return None
    rows = ConsentText.objects.filter(clinic=clinic, pk=int(pk))
    return (rows.filter(purpose=purpose) if purpose else rows).first()


def standing(patient: Patient) -> list[Consent]:
    """What the patient consents to now, each with its words, by purpose."""
    rows = Consent.objects.filter(patient=patient, withdrawn_at=None).select_related("text")
    return sorted(rows, key=lambda consent: ConsentPurpose.values.index(consent.purpose))


def taken_back(patient: Patient) -> list[Consent]:
    """What the patient consented to before and took back, the newest first."""
    rows = Consent.objects.filter(patient=patient, withdrawn_at__isnull=False).select_related("text")
    return list(rows.order_by("-withdrawn_at", "-pk"))


@transaction.atomic(durable=True)
def give(
    *,
    actor: Actor,
    now: datetime,
    patient: Patient,
    text: ConsentText,
    source: Source,
    given_by: RelatedPerson | None = None,
) -> Consent:
    """Write down that the patient (or `given_by` for them) said yes to these words; one that stands is returned as it
    is. Raises NotTheirs."""
    lock(patients=[patient.pk])
    return _give(actor=actor, now=now, patient=patient, text=text, source=source, given_by=given_by)


@use_case("consent.give", operation="create")
def _give(
    *,
    actor: Actor,
    now: datetime,
    patient: Patient,
    text: ConsentText,
    source: Source,
    given_by: RelatedPerson | None = None,
) -> Consent:
    # Joined or erased while the lock was waited for: nothing is written about a closed record.
    patient.refresh_from_db(fields=["merged_into", "erased_at"])
    return _written(now=now, patient=patient, text=text, source=source, given_by=given_by)


@transaction.atomic(durable=True)
@use_case("consent.withdraw", operation="withdraw")
def withdraw(*, actor: Actor, now: datetime, consent: Consent) -> Consent:
    """Write down that the consent is taken back; again changes nothing. What follows from it stops by itself."""
    lock(patients=[consent.patient_id])
    found = Consent.objects.select_for_update().get(pk=consent.pk)
    if found.withdrawn_at is None:
        found.withdrawn_at = now
        found.save(update_fields=["withdrawn_at"])
    return found


def record(*, texts: Iterable[ConsentText], now: datetime, appointments: Iterable[Appointment]) -> list[Consent]:
    """Write what was `ticked` for each patient booked with it, as part of the booking that calls this."""
    booked = list({appointment.patient_id: appointment for appointment in appointments}.values())
    return [
        _written(now=now, patient=one.patient, text=text, source=Source.WEB, given_by=one.contact_person)
        for text in texts
        for one in booked
    ]


def ticked(*, draft: Draft, form: Mapping[str, str]) -> list[ConsentText]:
    """The words of the boxes ticked in a draft's form, by purpose; words that are not the clinic's own are none."""
    asked = (purpose for purpose in ConsentPurpose.values if form[f"consent_{purpose}"])
    found = (text_shown(clinic=draft.clinic, purpose=one, pk=form[f"consent_{one}_text"]) for one in asked)
    return [text for text in found if text is not None]


def _written(
    *, now: datetime, patient: Patient, text: ConsentText, source: Source, given_by: RelatedPerson | None
) -> Consent:
    """The consent that stands, or a new one. The patient is locked, or was registered in this transaction."""
    of_another = given_by is not None and given_by.patient_id != patient.pk
    if text.clinic_id != patient.clinic_id or of_another or patient.is_closed:
        raise NotTheirs
    stands = Consent.objects.filter(patient=patient, purpose=text.purpose, withdrawn_at=None).first()
    if stands is not None:
        return stands
    with resting_on(Shown("consent", str(text.pk), source)):
        return Consent.objects.create(
            clinic_id=patient.clinic_id,
            patient=patient,
            purpose=text.purpose,
            text=text,
            given_by=given_by,
            source=source,
            given_at=now,
        )


def _of_purpose(newest: Iterable[ConsentText], purpose: str, *, languages: Sequence[str]) -> Ask | None:
    texts = [text for text in newest if text.purpose == purpose]
    if not texts:
        return None
    spoken = (text for wanted in languages for text in texts if text.language == wanted)
    chosen = next(spoken, texts[0])
    return Ask(chosen, frozenset(str(text.pk) for text in texts if text.version == chosen.version))
