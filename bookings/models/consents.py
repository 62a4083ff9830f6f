"""Consents: what a patient was asked, in which words, and what they said. A notice shown is none."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit.declare import audited
from bookings.models.activities import CONSENTS
from bookings.models.patients import Patient, RelatedPerson
from bookings.models.places import Clinic
from bookings.models.words import languages


class ConsentPurpose(models.TextChoices):
    """What a consent is asked for (FHIR Consent.provision.purpose)."""

    REMINDERS = "reminders", _("reminders of appointments")
    RECALL = "recall", _("word when a check-up is due")


@audited(chain="clinic_id", use=CONSENTS, technical="id clinic version language created", schedule="purpose body")
class ConsentText(models.Model):
    """One version of the words a consent is asked in, in one language. Never edited: a new version is added.

    A clinic with a text for a purpose asks, and acts on that purpose only for whoever said yes.
    """

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="consent_texts", verbose_name=_("clinic"))
    purpose = models.CharField(_("for"), max_length=10, choices=ConsentPurpose.choices)
    version = models.PositiveIntegerField(_("version"))
    language = models.CharField(_("language"), max_length=5, choices=languages)
    body = models.CharField(_("text"), max_length=500)
    created = models.DateTimeField(_("created"), db_default=models.functions.Now(), editable=False)

    class Meta:
        ordering = ("clinic_id", "purpose", "-version", "language")
        verbose_name = _("words of a consent")
        verbose_name_plural = _("words of consents")
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "purpose", "version", "language"], name="consent_text_once_per_version_and_language"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} v{self.version} ({self.language})"


@audited(
    chain="clinic_id",
    subject="patient",
    use=CONSENTS,
    technical="id clinic patient text given_by given_at withdrawn_at source",
    schedule="purpose",
)
class Consent(models.Model):
    """A consent as it was given (Art. 7(1) GDPR): the words shown, when, where, by whom; and when it was withdrawn."""

    class Source(models.TextChoices):
        WEB = "web", _("on the booking pages")
        ACCOUNT = "account", _("in the account")
        DESK = "desk", _("at the desk or by phone")

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="consents", verbose_name=_("patient"))
    purpose = models.CharField(_("for"), max_length=10, choices=ConsentPurpose.choices)
    text = models.ForeignKey(ConsentText, models.PROTECT, related_name="given", verbose_name=_("words shown"))
    given_by = models.ForeignKey(
        RelatedPerson,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("given by"),
        help_text=_("Empty when the patient said so."),
    )
    source = models.CharField(_("where"), max_length=8, choices=Source.choices)
    given_at = models.DateTimeField(_("given"))
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)

    class Meta:
        ordering = ("patient_id", "-given_at")
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "purpose"], condition=Q(withdrawn_at__isnull=True), name="consent_standing_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} · {self.patient}"
