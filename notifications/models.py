"""Messages: what is owed to whom by when, and what became of it. No address and no text is stored."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.declare import Retention, Use, audited
from bookings.models import Appointment, Clinic, ContactChallenge, DataRequest, Participant

MESSAGES = Use(
    activity="Messages about appointments",
    purpose=(
        "Confirm, move, cancel and remind of appointments, invite to them, send the codes that prove a contact, "
        "and say that a request about data was answered"
    ),
    basis="Art. 6(1)(b), 9(2)(h) GDPR",
    recipients=(
        "the patient",
        "the person who booked for the patient",
        "whoever is invited to the appointment",
        "the mail provider (processor)",
    ),
    retention=Retention.TRANSACTIONAL,
    duration="24 months after the appointment",
    source="the appointment",
    subjects=("patients", "persons who book for patients"),
)


class Kind(models.TextChoices):
    """What a message says; each is a folder of templates."""

    CODE = "code", _("code")
    REQUEST = "request", _("request received")
    OFFER = "offer", _("offer of another time")
    CONFIRMATION = "confirmation", _("confirmation")
    MOVED = "moved", _("notice of a move")
    CANCELLATION = "cancellation", _("cancellation")
    REMINDER = "reminder", _("reminder")
    INVITATION = "invitation", _("invitation")
    ANSWER = "answer", _("answer to a request")


class Channel(models.TextChoices):
    """How a message travels."""

    EMAIL = "email", _("e-mail")


class State(models.TextChoices):
    """Where a message stands; the last five are ends, of which `handed_over` may still become delivered or bounced."""

    PLANNED = "planned", _("waiting")
    CLAIMED = "claimed", _("being sent")
    HANDED_OVER = "handed_over", _("sent")
    DELIVERED = "delivered", _("delivered")
    BOUNCED = "bounced", _("came back")
    FAILED = "failed", _("failed")
    SUPERSEDED = "superseded", _("no longer needed")


OWED = (State.PLANNED, State.CLAIMED)


@audited(
    chain="clinic_id",
    subject="appointment__patient",
    appointment="appointment_id",
    use=MESSAGES,
    schedule="planned_for",
    technical=(
        "id clinic appointment challenge participant request kind channel state attempts next_try claimed_at"
        " handed_over_at last_error created"
    ),
)
class Message(models.Model):
    """A message about one appointment to its patient or (`participant`) to somebody invited,, with one code, or with
    word that there is an answer to one request about data.

    Its text is made at sending, from the rows as they are; messages that say the same of several visits travel in one
    mail (`notifications.bundles`).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+", verbose_name=_("clinic"))
    appointment = models.ForeignKey(
        Appointment, models.CASCADE, null=True, related_name="messages", verbose_name=_("appointment")
    )
    challenge = models.ForeignKey(
        ContactChallenge, models.CASCADE, null=True, related_name="messages", verbose_name=_("code sent")
    )
    participant = models.ForeignKey(
        Participant, models.CASCADE, null=True, related_name="messages", verbose_name=_("participant")
    )
    request = models.ForeignKey(
        DataRequest, models.CASCADE, null=True, related_name="messages", verbose_name=_("request about data")
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    channel = models.CharField(_("channel"), max_length=5, choices=Channel.choices, default=Channel.EMAIL)
    planned_for = models.DateTimeField(_("planned for"))
    state = models.CharField(_("state"), max_length=11, choices=State.choices, default=State.PLANNED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_try = models.DateTimeField(_("next try"))
    claimed_at = models.DateTimeField(_("being sent since"), null=True)
    handed_over_at = models.DateTimeField(_("sent"), null=True)
    last_error = models.CharField(
        _("last error"), max_length=60, blank=True, help_text=_("The kind of error only: its text may name a person.")
    )
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        ordering = ("-planned_for", "id")
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [
            models.Index(fields=["next_try"], name="message_owed", condition=Q(state__in=("planned", "claimed"))),
            models.Index(fields=["clinic", "-planned_for"], name="message_by_clinic"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["appointment", "participant", "kind", "channel", "planned_for"],
                condition=Q(appointment__isnull=False),
                nulls_distinct=False,
                name="message_once_per_recipient_and_time",
            ),
            models.UniqueConstraint(
                fields=["challenge", "channel"], condition=Q(challenge__isnull=False), name="message_once_per_code"
            ),
            models.UniqueConstraint(
                fields=["request", "channel", "planned_for"],
                condition=Q(request__isnull=False),
                name="message_once_per_answer",
            ),
            models.CheckConstraint(
                condition=Q(kind="code", challenge__isnull=False, appointment=None, participant=None, request=None)
                | Q(kind="answer", request__isnull=False, appointment=None, participant=None, challenge=None)
                | (~Q(kind__in=("code", "answer")) & Q(appointment__isnull=False, challenge=None, request=None)),
                name="message_about_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(kind="invitation", participant__isnull=False)
                | Q(kind="cancellation")
                | (~Q(kind="invitation") & Q(participant__isnull=True)),
                name="message_invites_a_participant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {str(self.id)[:8]}"
