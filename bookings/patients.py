"""Patients: registering, recognising, indexing for search, and searching."""

import re
import secrets
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime

from django.db.models import Q, QuerySet

from audit import blind
from audit.keys import keyring
from audit.sealed import KeyDestroyed
from bookings import reach
from bookings.contacts import acts_for, normalise_email, same_email
from bookings.duplicates import folded, suspect
from bookings.models import Appointment, AppointmentStatus, Clinic, Patient, PatientIndex, RelatedPerson

MOST_HITS = 200
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
NUMERIC_DATE = re.compile(r"(\d{1,4})[.\-/](\d{1,2})[.\-/](\d{1,4})")


def register(
    *,
    clinic: Clinic,
    key_id: uuid.UUID,
    given_name: str,
    family_name: str,
    birth_date: str = "",
    email: str = "",
    phone: str = "",
    language: str,
) -> Patient:
    """Add a patient sealed under `key_id` and index them. One name is enough: it is the family name.

    Whom the clinic has under the same name and birth date already, the desk is asked about (see `duplicates`).
    """
    patient = Patient(
        clinic=clinic,
        code=new_code(),
        key_id=key_id,
        given_name=given_name,
        family_name=family_name,
        birth_date=birth_date,
        email=normalise_email(email),
        phone=phone,
        language=language,
    )
    patient.full_clean(exclude=["clinic", "key_id"])
    patient.save()
    reindex(patient)
    suspect(patient=patient)
    return patient


def new_code() -> str:
    """A pseudonymous code such as `7KQ3-F9MX`: 40 random bits in letters that are not mistaken for one another."""
    letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def reindex(patient: Patient) -> None:
    """Rebuild a patient's search tokens, those of the people who act for them included."""
    secret = keyring.clinic_secret(clinic_id=patient.clinic_id, purpose="patient-index")
    people: list[Patient | RelatedPerson] = [patient, *patient.related_persons.all()]
    entries = [("name", f"{patient.given_name} {patient.family_name}"), ("birth", patient.birth_date)]
    entries += [("email", person.email) for person in people]
    entries += [("phone", person.phone) for person in people]
    tokens = {
        token for kind, value in entries if value for token in blind.tokens(secret=secret, kind=kind, value=value)
    }
    PatientIndex.objects.update_or_create(
        patient=patient, defaults={"clinic_id": patient.clinic_id, "tokens": sorted(tokens)}
    )


def search(*, clinic_ids: Collection[int], query: str, limit: int = MOST_HITS) -> list[Patient]:
    """Patients of these clinics matching every word of `query` (a prefix of a name part, an e-mail, a phone or a
    birth date).

    At most `limit`, sorted by name in memory: names are sealed, so the database cannot order by them.
    """
    found: list[Patient] = []
    for clinic_id in clinic_ids:
        condition = _condition(clinic_id=clinic_id, query=query)
        if condition is not None:
            rows = Patient.objects.filter(condition, clinic_id=clinic_id, erased_at=None, merged_into=None)
            found += rows[: limit - len(found)]
    named = ((name, patient) for patient in found if (name := _sorted_by(patient)) is not None)
    return [patient for _name, patient in sorted(named, key=lambda one: (*one[0], one[1].pk))]


def by_email(*, clinic_id: int, email: str, now: datetime) -> list[Patient]:
    """Patients whose own contact, or that of somebody who may act for them now, is this address."""
    found = reach.reached(proven=reach.proven(clinic_id=clinic_id, email=email), now=now)
    return list({one.patient.pk: one.patient for one in found}.values())


def ids_with_email(*, clinic_id: int, email: str) -> list[int]:
    """Ids of the patients indexed under this address, theirs or a helper's: nothing is unsealed to find them."""
    return list(_with_token(clinic_id=clinic_id, kind="email", value=email).values_list("pk", flat=True))


def recognise(
    *, clinic: Clinic, given_name: str, family_name: str, birth_date: str, proven_email: str, now: datetime
) -> Patient | None:
    """The existing patient this is, only when the proven address, the name and the birth date equal what is stored.

    Anything less gives None, and a new record: a guest must never be shown another person's data.
    """
    wanted = (folded(given_name), folded(family_name), birth_date)
    for patient in by_email(clinic_id=clinic.pk, email=proven_email, now=now):
        if (folded(patient.given_name), folded(patient.family_name), patient.birth_date) == wanted:
            return patient
    return None


def is_known(patient: Patient) -> bool:
    """Whether the clinic has seen this patient: in Horae, or before it by what the desk wrote down."""
    return (
        patient.known_since is not None
        or Appointment.objects.filter(patient=patient, status=AppointmentStatus.FULFILLED).exists()
    )


def people_of(
    *, clinic: Clinic, new_key: Callable[[], uuid.UUID], form: Mapping[str, str], language: str, now: datetime
) -> tuple[Patient, RelatedPerson | None]:
    """The patient a complete form names, known already or registered under a `new_key`, and whoever books for them."""
    for_other = form["who"] == "other"
    patient = recognise(
        clinic=clinic,
        given_name=form["given_name"],
        family_name=form["family_name"],
        birth_date=form["birth_date"],
        proven_email=form["email"],
        now=now,
    ) or register(
        clinic=clinic,
        key_id=new_key(),
        given_name=form["given_name"],
        family_name=form["family_name"],
        birth_date=form["birth_date"],
        email="" if for_other else form["email"],
        phone="" if for_other else form["phone"],
        language=form["language"] or language,
    )
    if not for_other and same_email(patient.email, form["email"]):
        return patient, None
    # Somebody known by their helper's address only is written to there, whoever they say they are.
    acting = [one for one in patient.related_persons.all() if acts_for(one, patient=patient, day=now.date())]
    known = [person for person in acting if same_email(person.email, form["email"])]
    if known:
        return patient, known[0]
    helper = RelatedPerson(
        clinic=clinic,
        patient=patient,
        name=form["helper_name"],
        relationship=form["relationship"] or RelatedPerson.Relationship.OTHER,
        email=form["email"],
        phone=form["phone"],
    )
    helper.save()
    reindex(patient)
    return patient, helper


def _sorted_by(patient: Patient) -> tuple[str, str] | None:
    """Where a list of names has this patient; None for somebody whose erasure has begun, whom no list shows."""
    try:
        return patient.family_name.casefold(), patient.given_name.casefold()
    except KeyDestroyed:
        return None


def _with_token(*, clinic_id: int, kind: str, value: str) -> QuerySet[Patient]:
    secret = keyring.clinic_secret(clinic_id=clinic_id, purpose="patient-index")
    wanted = blind.query_tokens(secret=secret, kind=kind, value=value)
    return (
        Patient.objects.filter(clinic_id=clinic_id, erased_at=None, merged_into=None, index__tokens__contains=wanted)
        if wanted
        else Patient.objects.none()
    )


def _condition(*, clinic_id: int, query: str) -> Q | None:
    secret = keyring.clinic_secret(clinic_id=clinic_id, purpose="patient-index")
    condition: Q | None = None
    for word in query.split():
        alternatives = Q()
        for kind, value in _readings(word):
            if tokens := blind.query_tokens(secret=secret, kind=kind, value=value):
                alternatives |= Q(index__tokens__contains=tokens)
        if not alternatives:
            continue
        condition = alternatives if condition is None else condition & alternatives
    return condition


def _readings(word: str) -> Iterable[tuple[str, str]]:
    """What a word typed into the search box may be."""
    yield "name", word
    if "@" in word or "." in word:
        yield "email", word
    if sum(character.isdigit() for character in word) >= 4:
        yield "phone", word
    if birth := _birth_date(word):
        yield "birth", birth


def _birth_date(word: str) -> str:
    """ISO form of a date written year first, or day first with dots, slashes or dashes; empty when it is none."""
    match = NUMERIC_DATE.fullmatch(word)
    if match is None:
        return ""
    first, middle, last = (int(part) for part in match.groups())
    year, day = (first, last) if len(match[1]) == 4 else (last, first)
    try:
        return date(year, middle, day).isoformat()
    except ValueError:
        return ""
