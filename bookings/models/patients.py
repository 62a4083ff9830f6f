"""Patients of a clinic, sealed under each one's own key; their search tokens, identifiers, related persons and
notices shown."""

import uuid
from datetime import date

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from audit.declare import audited, exempt
from audit.sealed import SealedTextField
from bookings.models.activities import APPOINTMENTS, TRANSPARENCY
from bookings.models.places import Clinic, PrivacyNotice
from bookings.models.words import languages


@audited(
    chain="clinic_id",
    subject="self",
    use=APPOINTMENTS,
    technical="id clinic code key_id language merged_into created updated erased_at",
    schedule="known_since remind confidential safe_contact",
    identity="given_name family_name birth_date",
    contact="email phone",
)
class Patient(models.Model):
    """A patient of one clinic (FHIR Patient). Whoever may not read the sealed fields sees the pseudonymous `code`
    only."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="patients", verbose_name=_("clinic"))
    code = models.CharField(_("code"), max_length=12, editable=False)
    key_id = models.UUIDField(_("key"), unique=True, editable=False)
    given_name = SealedTextField(_("given name"), max_length=120, blank=True)
    family_name = SealedTextField(_("family name"), max_length=120)
    birth_date = SealedTextField(
        _("birth date"), max_length=10, blank=True, help_text=_("Year-month-day; may stay empty.")
    )
    email = SealedTextField(_("e-mail"), max_length=254, blank=True)
    phone = SealedTextField(_("phone"), max_length=40, blank=True)
    language = models.CharField(_("language"), max_length=5, choices=languages, default="en")
    known_since = models.DateField(
        _("known here since"),
        null=True,
        blank=True,
        help_text=_("When the clinic first saw this patient, if that was before Horae. Empty for somebody new."),
    )
    remind = models.BooleanField(_("reminders"), default=True, db_default=True)
    confidential = models.BooleanField(
        _("confidential"),
        default=False,
        db_default=False,
        help_text=_("Nobody who acts for this patient is shown or written anything."),
    )
    safe_contact = models.BooleanField(
        _("nothing without a code"),
        default=False,
        db_default=False,
        help_text=_("Messages say that there is news and nothing else; a link alone shows no date."),
    )
    merged_into = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="merged",
        verbose_name=_("joined to"),
        help_text="FHIR Patient.link, replaced-by.",
    )
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True, editable=False)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        ordering = ("-id",)
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        constraints = [models.UniqueConstraint(fields=["clinic", "code"], name="patient_code_once_per_clinic")]

    def __str__(self) -> str:
        return self.code

    def sealing_key_id(self) -> uuid.UUID:
        """The patient's own data key."""
        return self.key_id

    @cached_property
    def former_key_ids(self) -> frozenset[uuid.UUID]:
        """Keys of the records that were joined to this one: what was sealed under them is the patient's too."""
        return frozenset(Patient.objects.filter(merged_into=self.pk).values_list("key_id", flat=True))

    @property
    def is_closed(self) -> bool:
        """Whether nothing more is written about this record: it was erased, or joined to another."""
        return self.erased_at is not None or self.merged_into_id is not None

    @property
    def full_name(self) -> str:
        """Given and family name as one string; raises KeyDestroyed after erasure."""
        return f"{self.given_name} {self.family_name}".strip()


@exempt(
    "search tokens derived from Patient; a record of them would confirm guesses after erasure",
    subject="patient",
    use=APPOINTMENTS,
    technical="clinic patient",
    identity="tokens",
)
class PatientIndex(models.Model):
    """Keyed tokens of a patient's name parts, birth date and contacts (see `audit.blind`); rebuilt from Patient,
    deleted at erasure."""

    patient = models.OneToOneField(Patient, models.CASCADE, primary_key=True, related_name="index")
    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+")
    tokens = ArrayField(models.BigIntegerField())

    class Meta:
        indexes = [GinIndex(fields=["tokens"], name="patient_index_tokens")]

    def __str__(self) -> str:
        return f"index of {self.patient_id}"


@audited(
    chain="clinic_id",
    subject="patient",
    use=APPOINTMENTS,
    technical="id clinic patient system created",
    identity="value",
)
class PatientIdentifier(models.Model):
    """What another system calls a patient (FHIR Identifier); the value is sealed, since it names a person."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="identifiers", verbose_name=_("patient"))
    system = models.CharField(
        _("system"), max_length=200, help_text=_("A URI that names the system which gave the value.")
    )
    value = SealedTextField(_("value"), max_length=200)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("identifier")
        verbose_name_plural = _("identifiers")

    def __str__(self) -> str:
        return self.system

    def sealing_key_id(self) -> uuid.UUID:
        """The patient's own data key."""
        return self.patient.key_id

    def former_sealing_key_ids(self) -> frozenset[uuid.UUID]:
        """Keys of records joined to the patient's, under which the row may have been sealed."""
        return self.patient.former_key_ids


@audited(
    chain="clinic_id",
    subject="patient",
    use=APPOINTMENTS,
    technical="id clinic patient valid_until created updated",
    identity="name relationship authority",
    contact="email phone",
    clear={
        "relationship": "one of six words; says nothing without the sealed name",
        "authority": "one of three words; says nothing without the sealed name",
    },
)
class RelatedPerson(models.Model):
    """Somebody who acts for a patient (FHIR RelatedPerson), until a date when one is known. Sealed under the
    patient's key."""

    class Relationship(models.TextChoices):
        PARENT = "parent", _("parent")
        GUARDIAN = "guardian", _("legal guardian")
        PARTNER = "partner", _("partner")
        CHILD = "child", _("son or daughter")
        CARER = "carer", _("carer")
        OTHER = "other", _("someone else")

    class Authority(models.TextChoices):
        PARENTAL = "parental", _("parental responsibility")
        COURT = "court", _("appointed by a court")
        GIVEN = "given", _("the patient’s own wish")

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="related_persons", verbose_name=_("patient"))
    name = SealedTextField(_("name"), max_length=240)
    relationship = models.CharField(_("relationship"), max_length=12, choices=Relationship.choices)
    email = SealedTextField(_("e-mail"), max_length=254, blank=True)
    phone = SealedTextField(_("phone"), max_length=40, blank=True)
    authority = models.CharField(
        _("by what right"),
        max_length=8,
        choices=Authority.choices,
        blank=True,
        default="",
        db_default="",
        help_text=_("Empty while nobody has checked."),
    )
    valid_until = models.DateField(_("until"), null=True, blank=True)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("related person")
        verbose_name_plural = _("related persons")

    def __str__(self) -> str:
        return f"{self.get_relationship_display()} · {self.patient}"

    def acts_on(self, day: date) -> bool:
        """Whether this person may act for the patient on that day; the last day counts."""
        return self.valid_until is None or day <= self.valid_until

    def sealing_key_id(self) -> uuid.UUID:
        """The patient's key: what is known of a helper ends with the patient's data."""
        return self.patient.key_id

    def former_sealing_key_ids(self) -> frozenset[uuid.UUID]:
        """Keys of records joined to the patient's, under which the row may have been sealed."""
        return self.patient.former_key_ids


@audited(
    chain="clinic_id",
    subject="patient",
    use=TRANSPARENCY,
    appointment="appointment_id",
    technical="id clinic patient appointment notice shown_at",
)
class NoticeShown(models.Model):
    """Evidence that a version of the privacy notice was shown (Art. 13 GDPR). A notice shown is not a consent."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="notices_shown", verbose_name=_("patient"))
    appointment = models.ForeignKey("bookings.Appointment", models.CASCADE, null=True, related_name="notices_shown")
    notice = models.ForeignKey(PrivacyNotice, models.PROTECT, related_name="shown", verbose_name=_("notice"))
    shown_at = models.DateTimeField(_("shown"))

    class Meta:
        verbose_name = _("notice shown")
        verbose_name_plural = _("notices shown")

    def __str__(self) -> str:
        return f"{self.patient} · {self.notice}"
