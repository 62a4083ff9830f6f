"""Wrapped keys. In production these tables live in a database of their own, whose backups expire first."""

import uuid

from django.db import models
from django.db.models.functions import Now

from audit.declare import Retention, Use, exempt

KEYS = Use(
    activity="Sealing personal data",
    purpose="Keep personal data unreadable to whoever has no key, and end their readability on erasure",
    basis="Art. 5(1)(f), 17, 32 GDPR",
    recipients=(),
    retention=Retention.EPHEMERAL,
    duration="until the person's data are erased; backups of the key database at most 35 days",
    source="Horae",
    subjects=("patients",),
)


@exempt(
    "a recorded key would make erasure void: the record outlives it",
    use=KEYS,
    credential="wrapped",
    technical="id clinic_id root created",
)
class ClinicKey(models.Model):
    """The key of one clinic (0: the platform), wrapped by a root key of the backend behind `KEYS_URL`."""

    clinic_id = models.BigIntegerField(unique=True)
    root = models.CharField(max_length=200)
    wrapped = models.BinaryField()
    created = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"key of clinic {self.clinic_id}"


@exempt(
    "a recorded key would make erasure void: the record outlives it",
    use=KEYS,
    credential="wrapped",
    technical="id clinic_key created destroyed_at",
)
class SubjectKey(models.Model):
    """The data key of one person, wrapped by the clinic's key. Destroyed, the row stays and `wrapped` is null."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic_key = models.ForeignKey(ClinicKey, models.PROTECT, related_name="+")
    wrapped = models.BinaryField(null=True)
    created = models.DateTimeField(db_default=Now())
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="subject_key_live_or_destroyed",
                condition=models.Q(wrapped__isnull=False, destroyed_at__isnull=True)
                | models.Q(wrapped__isnull=True, destroyed_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"key {self.id}"


@exempt(
    "which key seals the sources of a day's requests: it goes when the day is over",
    use=KEYS,
    technical="id day key_id",
)
class SourceKey(models.Model):
    """The key under which address and session of one day's requests (UTC) are sealed; it never seals anything else."""

    day = models.DateField(unique=True)
    key_id = models.UUIDField()

    def __str__(self) -> str:
        return f"sources of {self.day}"
