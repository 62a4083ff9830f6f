"""What a visitor has typed before being booked, and the one-time codes that prove a contact."""

import uuid

from django.db import models
from django.db.models import Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.declare import audited, exempt
from audit.sealed import SealedTextField
from bookings.models.activities import APPOINTMENTS, PROOF_OF_CONTACT
from bookings.models.appointments import Appointment
from bookings.models.occupancies import Hold
from bookings.models.people import Practitioner
from bookings.models.places import Clinic, Location, PrivacyNotice
from bookings.models.services import HealthcareService
from bookings.models.words import languages


@exempt(
    "an unfinished form, deleted with its key when it lapses; what it becomes is the evidence",
    use=APPOINTMENTS,
    technical="id clinic hold key_id visitor_digest language notice notice_shown_at created expires_at appointment",
    schedule="service location practitioner start further rrule skipping",
    identity="form",
)
class Draft(models.Model):
    """A visitor's form on its way to a booking: sealed under a key that becomes the patient's, or is destroyed when
    the draft lapses."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+")
    hold = models.ForeignKey(Hold, models.SET_NULL, null=True, related_name="drafts")
    service = models.ForeignKey(HealthcareService, models.CASCADE, related_name="+")
    location = models.ForeignKey(Location, models.CASCADE, related_name="+")
    practitioner = models.ForeignKey(Practitioner, models.CASCADE, related_name="+")
    start = models.DateTimeField()
    further = models.JSONField(
        default=list,
        db_default=Value([], models.JSONField()),
        help_text="Visits after the first: {service, location, practitioner, start, person}.",
    )
    rrule = models.CharField(max_length=400, blank=True, default="", db_default="")
    skipping = models.BooleanField(default=False, db_default=False, help_text="A series leaves out what is taken.")
    key_id = models.UUIDField(unique=True)
    visitor_digest = models.CharField(max_length=64)
    form = SealedTextField(max_length=400_000, blank=True, help_text="The form's fields as JSON.")
    language = models.CharField(max_length=5, choices=languages)
    notice = models.ForeignKey(PrivacyNotice, models.PROTECT, null=True, related_name="+")
    notice_shown_at = models.DateTimeField(null=True)
    appointment = models.OneToOneField(Appointment, models.CASCADE, null=True, related_name="draft")
    created = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="draft_by_expiry")]

    def __str__(self) -> str:
        return f"draft {self.id}"

    def sealing_key_id(self) -> uuid.UUID:
        """The draft's own key."""
        return self.key_id


@exempt(
    "a keyed token counted for an hour; a record of it would confirm guesses",
    use=PROOF_OF_CONTACT,
    technical="id clinic sent_at",
    contact="token",
)
class CodeQuota(models.Model):
    """One code sent to one contact, known by its keyed token only: what bounds how many codes a contact can be sent."""

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+")
    token = models.BigIntegerField()
    sent_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["token", "sent_at"], name="code_quota_by_token")]

    def __str__(self) -> str:
        return f"code sent {self.sent_at:%Y-%m-%d %H:%M}"


@audited(
    chain="clinic_id",
    use=PROOF_OF_CONTACT,
    technical=(
        "id clinic purpose key_id visitor_digest language draft appointment deliver tries_left proved_at created"
        " expires_at"
    ),
    contact="contact",
    credential="code",
)
class ContactChallenge(models.Model):
    """A one-time code sent to a contact. Contact and code are sealed; a challenge that is not to be delivered looks
    like one that is."""

    class Purpose(models.TextChoices):
        BOOK = "book", _("to book")
        MANAGE = "manage", _("to see an appointment")
        FIND = "find", _("to find appointments")
        SIGN_IN = "signin", _("to sign in")
        CHANGE = "change", _("to change the address")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=6, choices=Purpose.choices)
    key_id = models.UUIDField()
    visitor_digest = models.CharField(max_length=64)
    contact = SealedTextField(max_length=254)
    code = SealedTextField(max_length=12)
    language = models.CharField(max_length=5, choices=languages)
    draft = models.ForeignKey(Draft, models.SET_NULL, null=True, related_name="challenges")
    appointment = models.ForeignKey(Appointment, models.CASCADE, null=True, related_name="challenges")
    deliver = models.BooleanField(default=True)
    tries_left = models.PositiveSmallIntegerField(default=5)
    proved_at = models.DateTimeField(null=True)
    created = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("code sent")
        verbose_name_plural = _("codes sent")
        indexes = [models.Index(fields=["visitor_digest", "created"], name="challenge_by_visitor")]

    def __str__(self) -> str:
        return f"code {self.id}"

    def sealing_key_id(self) -> uuid.UUID:
        """The key of the draft, or of the patient, whose contact is proved."""
        return self.key_id
