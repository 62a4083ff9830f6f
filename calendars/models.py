"""Practitioners' own calendars: how to reach one, how it answers lately, and what should stand in it."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audit.declare import OnErasure, Retention, Use, audited, exempt
from audit.sealed import SealedTextField
from bookings.models import Appointment, Clinic, GroupSession, Practitioner
from calendars.addresses import check_address

CONNECTIONS = Use(
    activity="Connections to practitioners' own calendars",
    purpose="Reach the calendar a practitioner asked to have their busy time shown in",
    basis="Art. 6(1)(f) GDPR; Art. 88 GDPR with national employment law",
    recipients=("the calendar provider the clinic chose",),
    retention=Retention.TRANSACTIONAL,
    duration="while the connection is used; its evidence 24 months",
    source="the practitioner",
    subjects=("practitioners",),
)
BUSY_TIME = Use(
    activity="Busy time in practitioners' own calendars",
    purpose="Show a practitioner when they have an appointment, as “Busy” and nothing else",
    basis="Art. 6(1)(f), 9(2)(h) GDPR",
    recipients=("the practitioner", "the calendar provider the clinic chose"),
    retention=Retention.TRANSACTIONAL,
    duration="24 months after the appointment",
    source="the appointment",
    subjects=("patients", "practitioners"),
)


@audited(
    chain="clinic_id",
    subject="practitioner__user",
    use=CONNECTIONS,
    digest=("password",),
    clear={
        "url": "the address is needed to say which calendar fails; staff have no key of their own",
        "practitioner": "a reference to a colleague, as in the diary itself",
    },
    on_erasure=OnErasure.SCRUB,
    identity="practitioner username",
    contact="url",
    credential="password",
    technical="id clinic provider key_id state created updated",
)
class CalendarConnection(models.Model):
    """A practitioner's calendar that we write busy time to. Its credentials are sealed under a key of its own."""

    class Provider(models.TextChoices):
        CALDAV = "caldav", "CalDAV"

    class State(models.TextChoices):
        ACTIVE = "active", _("in use")
        NEEDS_ATTENTION = "needs_attention", _("needs attention")
        PAUSED = "paused", _("paused")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="calendar_connections", verbose_name=_("clinic"))
    practitioner = models.ForeignKey(
        Practitioner, models.PROTECT, related_name="calendar_connections", verbose_name=_("practitioner")
    )
    provider = models.CharField(_("kind"), max_length=8, choices=Provider.choices, default=Provider.CALDAV)
    url = models.CharField(
        _("address of the calendar"),
        max_length=500,
        validators=[check_address],
        help_text=_(
            "A calendar kept for this alone, ending in a slash, such as https://cloud.example/dav/calendars/demir/busy/."
        ),
    )
    key_id = models.UUIDField(unique=True, editable=False)
    username = SealedTextField(_("user name"), max_length=200, blank=True)
    password = SealedTextField(
        _("app password"),
        max_length=400,
        blank=True,
        help_text=_("One made for this use alone, so that it can be taken back."),
    )
    state = models.CharField(_("state"), max_length=16, choices=State.choices, default=State.ACTIVE)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        ordering = ("practitioner__name", "created")
        verbose_name = _("calendar connection")
        verbose_name_plural = _("calendar connections")
        constraints = [
            models.UniqueConstraint(fields=["practitioner", "url"], name="calendar_once_per_practitioner"),
        ]

    def __str__(self) -> str:
        return f"{self.practitioner} · {self.get_provider_display()}"

    def sealing_key_id(self) -> uuid.UUID:
        """A key of this connection alone, destroyed when its credentials are forgotten."""
        return self.key_id


@exempt(
    "how a calendar answered lately, overwritten at each call; the connection and its blocks are the evidence",
    use=CONNECTIONS,
    technical="connection clinic failures last_success last_failure last_error retry_at",
)
class ConnectionHealth(models.Model):
    """How a connection answered lately."""

    connection = models.OneToOneField(CalendarConnection, models.CASCADE, primary_key=True, related_name="health")
    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+")
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    last_success = models.DateTimeField(_("last answer"), null=True)
    last_failure = models.DateTimeField(_("last failure"), null=True)
    last_error = models.CharField(_("last error"), max_length=60, blank=True)
    retry_at = models.DateTimeField(
        _("next try"), null=True, help_text=_("Until then nothing is sent to a calendar that fails.")
    )

    def __str__(self) -> str:
        return f"health of {self.connection_id}"


@audited(
    chain="clinic_id",
    subject="appointment__patient",
    appointment="appointment_id",
    use=BUSY_TIME,
    schedule="desired",
    technical=(
        "id clinic connection appointment session revision etag recreated state attempts next_try claimed_at pushed_at"
        " last_error created"
    ),
)
class Block(models.Model):
    """What should stand in one calendar for one appointment or one group session, and how far we are. Its id names
    the event there."""

    class Desired(models.TextChoices):
        BUSY = "busy", _("busy")
        GONE = "gone", _("gone")

    class State(models.TextChoices):
        PLANNED = "planned", _("waiting")
        CLAIMED = "claimed", _("being written")
        DONE = "done", _("in the calendar as it should be")
        FAILED = "failed", _("failed")
        SUPERSEDED = "superseded", _("no longer needed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+")
    connection = models.ForeignKey(
        CalendarConnection, models.CASCADE, related_name="blocks", verbose_name=_("calendar connection")
    )
    appointment = models.ForeignKey(
        Appointment, models.CASCADE, null=True, related_name="calendar_blocks", verbose_name=_("appointment")
    )
    session = models.ForeignKey(
        GroupSession, models.CASCADE, null=True, related_name="calendar_blocks", verbose_name=_("group session")
    )
    desired = models.CharField(_("should be"), max_length=4, choices=Desired.choices)
    revision = models.PositiveIntegerField(
        _("revision"), default=0, help_text=_("Rises with each change to be written; the event's SEQUENCE.")
    )
    etag = models.CharField(
        max_length=200, blank=True, help_text=_("What the server called the version we wrote last.")
    )
    recreated = models.PositiveSmallIntegerField(
        default=0, help_text=_("How often it was missing there and written again.")
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PLANNED)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_try = models.DateTimeField(_("next try"))
    claimed_at = models.DateTimeField(null=True)
    pushed_at = models.DateTimeField(_("written"), null=True)
    last_error = models.CharField(_("last error"), max_length=60, blank=True)
    created = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        ordering = ("created",)
        verbose_name = _("busy time in a calendar")
        verbose_name_plural = _("busy times in calendars")
        indexes = [
            models.Index(fields=["next_try"], name="block_owed", condition=Q(state__in=("planned", "claimed"))),
        ]
        constraints = [
            models.UniqueConstraint(fields=["connection", "appointment"], name="block_once_per_calendar"),
            models.UniqueConstraint(fields=["connection", "session"], name="block_once_per_session"),
            models.CheckConstraint(
                condition=Q(appointment__isnull=False, session__isnull=True)
                | Q(appointment__isnull=True, session__isnull=False),
                name="block_of_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"block {str(self.id)[:8]}"

    @property
    def visit(self) -> Appointment | GroupSession:
        """What takes the time."""
        found = self.appointment or self.session
        assert found is not None
        return found

    @property
    def uid(self) -> str:
        """The event's UID (RFC 5545)."""
        return str(self.id)

    @property
    def href(self) -> str:
        """The event's place in its collection."""
        return f"{self.id}.ics"
