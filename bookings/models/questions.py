"""What a clinic asks before a visit, and what was answered: sealed, and read by people only."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.declare import audited
from audit.sealed import SealedTextField
from bookings.models.activities import APPOINTMENTS, RUNNING
from bookings.models.appointments import Appointment
from bookings.models.places import Clinic
from bookings.models.services import HealthcareService
from bookings.models.words import languages


@audited(
    chain="clinic_id",
    use=RUNNING,
    technical="id clinic service order active created",
    schedule="kind text hint options",
)
class Question(models.Model):
    """A question to whoever books a service, in the clinic's first language (FHIR Questionnaire.item). It may always
    stay unanswered: no answer ranks, routes or refuses."""

    class Kind(models.TextChoices):
        TEXT = "text", _("text")
        CHOICE = "choice", _("one of several")
        NUMBER = "number", _("number")
        DATE = "date", _("date")

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    service = models.ForeignKey(HealthcareService, models.CASCADE, related_name="questions", verbose_name=_("service"))
    order = models.PositiveSmallIntegerField(_("place in the list"), default=100)
    kind = models.CharField(_("kind of answer"), max_length=6, choices=Kind.choices, default=Kind.TEXT)
    text = models.CharField(_("question"), max_length=200)
    hint = models.CharField(_("explanation"), max_length=200, blank=True)
    options = ArrayField(
        models.CharField(max_length=80),
        verbose_name=_("answers to choose from"),
        default=list,
        blank=True,
        db_default=[],
        help_text=_("One a line; only where one of several is chosen."),
    )
    active = models.BooleanField(_("asked"), default=True)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        ordering = ("service_id", "order", "id")
        verbose_name = _("question")
        verbose_name_plural = _("questions")

    def __str__(self) -> str:
        return self.text


@audited(chain="clinic_id", use=RUNNING, technical="id clinic question language", schedule="text hint options")
class QuestionText(models.Model):
    """A question in one more language; its options in the order of the question's own."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    question = models.ForeignKey(Question, models.CASCADE, related_name="texts", verbose_name=_("question"))
    language = models.CharField(_("language"), max_length=5, choices=languages)
    text = models.CharField(_("question"), max_length=200)
    hint = models.CharField(_("explanation"), max_length=200, blank=True)
    options = ArrayField(
        models.CharField(max_length=80),
        verbose_name=_("answers to choose from"),
        default=list,
        blank=True,
        db_default=[],
        help_text=_("One a line, in the same order."),
    )

    class Meta:
        ordering = ("question_id", "language")
        verbose_name = _("translation")
        verbose_name_plural = _("translations")
        constraints = [models.UniqueConstraint(fields=["question", "language"], name="question_text_once_per_language")]

    def __str__(self) -> str:
        return f"{self.text} ({self.language})"


@audited(
    chain="clinic_id",
    subject="appointment__patient",
    use=APPOINTMENTS,
    appointment="appointment_id",
    technical="id clinic appointment question language created",
    health="asked value",
)
class Answer(models.Model):
    """What was answered to a question, and the question as it was asked (FHIR QuestionnaireResponse.item)."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    appointment = models.ForeignKey(Appointment, models.CASCADE, related_name="answers", verbose_name=_("appointment"))
    question = models.ForeignKey(
        Question, models.SET_NULL, null=True, related_name="answers", verbose_name=_("question")
    )
    asked = SealedTextField(_("question"), max_length=200, help_text="As it was shown, in `language`.")
    value = SealedTextField(_("answer"), max_length=1000, help_text="As it was shown; a date as year-month-day.")
    language = models.CharField(_("language"), max_length=5, choices=languages)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        ordering = ("appointment_id", "id")
        verbose_name = _("answer")
        verbose_name_plural = _("answers")

    def __str__(self) -> str:
        return f"answer {self.pk}"

    def sealing_key_id(self) -> uuid.UUID:
        """The patient's own data key."""
        return self.appointment.patient.key_id

    def former_sealing_key_ids(self) -> frozenset[uuid.UUID]:
        """Keys of records joined to the patient's, under which the row may have been sealed."""
        return self.appointment.patient.former_key_ids
