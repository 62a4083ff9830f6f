"""What patients ask of the controller about their data, with its clock."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.declare import audited
from audit.models.erasures import ERASURE
from audit.sealed import SealedTextField
from bookings.models.patients import Patient, RelatedPerson
from bookings.models.places import Clinic


@audited(
    chain="clinic_id",
    subject="patient",
    use=ERASURE,
    technical="id clinic patient asked_by kind state received_at due_at extended_at answered_at answered_by created",
    identity="text extension answer",
)
class DataRequest(models.Model):
    """A request of a data subject (Art. 12(3) GDPR): due a month after it came, once prolonged by two months more."""

    class Kind(models.TextChoices):
        ACCESS = "access", _("to see the data (Art. 15)")
        RECTIFICATION = "rectify", _("to correct the data (Art. 16)")
        ERASURE = "erase", _("to erase the data (Art. 17)")
        RESTRICTION = "restrict", _("to restrict their use (Art. 18)")
        OBJECTION = "object", _("to object to their use (Art. 21)")

    class State(models.TextChoices):
        OPEN = "open", _("open")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")
        WITHDRAWN = "withdrawn", pgettext_lazy("request", "withdrawn")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="data_requests", verbose_name=_("clinic"))
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="data_requests", verbose_name=_("patient"))
    asked_by = models.ForeignKey(
        RelatedPerson, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("asked by")
    )
    kind = models.CharField(_("what is asked for"), max_length=8, choices=Kind.choices)
    text = SealedTextField(_("in their words"), max_length=2000, blank=True)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.OPEN)
    received_at = models.DateTimeField(_("received"))
    due_at = models.DateTimeField(_("due"))
    extended_at = models.DateTimeField(_("prolonged"), null=True, blank=True)
    extension = SealedTextField(_("why prolonged"), max_length=500, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    answered_by = models.CharField(_("answered by"), max_length=20, blank=True, help_text="Id of the account.")
    answer = SealedTextField(_("answer"), max_length=2000, blank=True)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        ordering = ("due_at", "id")
        verbose_name = _("request about data")
        verbose_name_plural = _("requests about data")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", answered_at__isnull=True) | (~Q(state="open") & Q(answered_at__isnull=False)),
                name="data_request_open_or_answered",
            )
        ]
        indexes = [models.Index(fields=["clinic", "due_at"], name="data_request_open", condition=Q(state="open"))]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.patient}"

    def sealing_key_id(self) -> uuid.UUID:
        """The patient's own data key."""
        return self.patient.key_id

    def former_sealing_key_ids(self) -> frozenset[uuid.UUID]:
        """Keys of records joined to the patient's, under which the row may have been sealed."""
        return self.patient.former_key_ids
