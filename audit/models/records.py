"""Records: facts with their meaning, numbered and chained; and how far each consumer of the stream has read."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from audit.declare import Retention, Use, exempt

EVIDENCE = Use(
    activity="Evidence of changes",
    purpose="Show who changed what, when and why, so that appointments and accesses can be proved and misuse found",
    basis="Art. 5(2), 6(1)(c), 6(1)(f), 9(2)(f), 32 GDPR",
    recipients=("data protection officer", "auditors", "courts and authorities on request"),
    retention=Retention.REGULATORY,
    duration="by the retention class of each record",
    source="every change of an audited table",
    subjects=("patients", "staff"),
)

GENESIS = bytes(32)
"""What stands for the record before the first."""


class Capture(models.TextChoices):
    """How a record came about."""

    TRIGGER_AND_SIGNAL = "trigger+signal", _("seen by the database and announced by the application")
    BYPASS = "bypass", _("seen by the database only")
    APPLICATION = "application", _("told by the application")
    ALARM = "alarm", _("announced or seen, and not as it should be")


class PatientsShown(Func):
    """The patients a read record names, each as JSON writes it, quotes included; null for other records.

    Taken out of the canonical line as text: unlike a cast to `jsonb` it cannot fail, and so never stops a record.
    """

    template = """string_to_array(substring(%(expressions)s from '"patients":\\[([^]]*)\\]'), ',')"""
    output_field = ArrayField(models.TextField())


FINDINGS = (Capture.BYPASS, Capture.ALARM)
"""What stays a finding until a person acknowledges it."""


@exempt(
    "the evidence itself: protected by its chain, by the write-once store and by privileges",
    use=EVIDENCE,
    technical="id chain seq leaf retention model operation capture at",
    audit="body use_id object_pk",
)
class Record(models.Model):
    """One line of one chain. `body` is the canonical line: hashed, sealed, stored; the columns repeat parts of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chain = models.TextField(_("chain"))
    seq = models.BigIntegerField(_("number"))
    body = models.TextField(_("record"))
    leaf = models.BinaryField(max_length=32)
    retention = models.TextField(_("retention"))
    use_id = models.UUIDField(null=True)
    model = models.TextField(_("model"))
    object_pk = models.TextField(_("object"))
    operation = models.TextField(_("operation"))
    capture = models.TextField(_("capture"), choices=Capture.choices)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("record")
        verbose_name_plural = _("records")
        constraints = [models.UniqueConstraint(fields=["chain", "seq"], name="record_once")]
        indexes = [
            models.Index(fields=["model", "object_pk"], name="record_by_object"),
            models.Index(fields=["chain", "seq"], name="record_findings", condition=Q(capture__in=("bypass", "alarm"))),
            GinIndex(PatientsShown("body"), name="record_read_patients", condition=Q(operation="read")),
        ]

    def __str__(self) -> str:
        return f"{self.chain} {self.seq}"


@exempt("the head of each chain, derived from its records", technical="name seq head sealed_size sealed_root fence")
class Chain(models.Model):
    """Where one chain stands: its last record, and how much of it is sealed."""

    name = models.TextField(_("chain"), primary_key=True)
    seq = models.BigIntegerField(_("records"), default=0)
    head = models.BinaryField(max_length=32, default=GENESIS)
    sealed_size = models.BigIntegerField(_("sealed"), default=0)
    sealed_root = models.BinaryField(max_length=32, default=b"")
    fence = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("chain")
        verbose_name_plural = _("chains")
        constraints = [
            models.CheckConstraint(condition=Q(sealed_size__gte=0, sealed_size__lte=F("seq")), name="chain_sealed_part")
        ]

    def __str__(self) -> str:
        return self.name


@exempt(
    "how far a consumer has read; rebuilt by reading again", technical="id consumer chain seq failures retry_at error"
)
class Cursor(models.Model):
    """The last record of `chain` that `consumer` is done with, and its failures on the one after it."""

    id = models.BigAutoField(primary_key=True)
    consumer = models.TextField()
    chain = models.TextField()
    seq = models.BigIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    error = models.TextField(default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["consumer", "chain"], name="cursor_once")]

    def __str__(self) -> str:
        return f"{self.consumer} {self.chain} {self.seq}"


@exempt("work left undone, until it is done", technical="id consumer chain seq error parked_at")
class ParkedRecord(models.Model):
    """A record a consumer failed on too often and went past. `error` names exception and line, never the message."""

    id = models.BigAutoField(primary_key=True)
    consumer = models.TextField(_("consumer"))
    chain = models.TextField(_("chain"))
    seq = models.BigIntegerField(_("number"))
    error = models.TextField(_("error"))
    parked_at = models.DateTimeField(_("parked"))

    class Meta:
        verbose_name = _("parked record")
        verbose_name_plural = _("parked records")
        constraints = [models.UniqueConstraint(fields=["consumer", "chain", "seq"], name="parked_once")]

    def __str__(self) -> str:
        return f"{self.consumer} {self.chain} {self.seq}"
