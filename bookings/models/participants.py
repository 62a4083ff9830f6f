"""Who else takes part in an appointment, and what they answered."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.declare import audited
from audit.sealed import SealedTextField
from bookings.models.activities import APPOINTMENTS
from bookings.models.appointments import Appointment
from bookings.models.patients import RelatedPerson
from bookings.models.people import Practitioner
from bookings.models.places import Clinic
from bookings.models.words import languages


class ParticipantStatus(models.TextChoices):
    """FHIR R4 ParticipationStatus."""

    NEEDS_ACTION = "needs-action", _("has not answered")
    ACCEPTED = "accepted", _("accepted")
    TENTATIVE = "tentative", _("perhaps")
    DECLINED = "declined", _("declined")


@audited(
    chain="clinic_id",
    subject="appointment__patient",
    appointment="appointment_id",
    use=APPOINTMENTS,
    technical="id clinic appointment practitioner related_person language invited_at answered_at",
    schedule="role status required",
    identity="name",
    contact="email",
    credential="link_digest",
    digest=("link_digest",),
)
class Participant(models.Model):
    """Somebody invited to an appointment beside its patient and its practitioner, whose own part follows from the
    appointment's status (FHIR Appointment.participant). Name and address are sealed under the patient's key."""

    class Role(models.TextChoices):
        PRACTITIONER = "practitioner", _("second practitioner")
        RELATED_PERSON = "related-person", _("related person")
        INTERPRETER = "interpreter", _("interpreter")
        REFERRER = "referrer", _("referring colleague")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    appointment = models.ForeignKey(
        Appointment, models.CASCADE, related_name="participants", verbose_name=_("appointment")
    )
    role = models.CharField(_("part"), max_length=14, choices=Role.choices)
    practitioner = models.ForeignKey(
        Practitioner, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("practitioner")
    )
    related_person = models.ForeignKey(
        RelatedPerson, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("related person")
    )
    name = SealedTextField(_("name"), max_length=240, blank=True)
    email = SealedTextField(_("e-mail"), max_length=254, blank=True)
    language = models.CharField(_("language"), max_length=5, choices=languages, default="en")
    required = models.BooleanField(_("must be there"), default=False)
    status = models.CharField(
        _("answer"), max_length=12, choices=ParticipantStatus.choices, default=ParticipantStatus.NEEDS_ACTION
    )
    link_digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_at = models.DateTimeField(_("invited"), db_default=Now(), editable=False)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True, editable=False)

    class Meta:
        ordering = ("invited_at", "id")
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        constraints = [
            models.CheckConstraint(
                condition=Q(role="practitioner", practitioner__isnull=False)
                | (~Q(role="practitioner") & Q(practitioner__isnull=True)),
                name="participant_practitioner_is_named",
            ),
            models.UniqueConstraint(
                fields=["appointment", "practitioner"],
                condition=Q(practitioner__isnull=False),
                name="participant_practitioner_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} · {str(self.id)[:8]}"

    def sealing_key_id(self) -> uuid.UUID:
        """The patient's key: whoever was invited to their visit is known through them."""
        return self.appointment.patient.key_id

    def former_sealing_key_ids(self) -> frozenset[uuid.UUID]:
        """Keys of records joined to the patient's, under which the row may have been sealed."""
        return self.appointment.patient.former_key_ids
