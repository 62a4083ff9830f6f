"""The outbox of facts: what the database itself says happened, in the transaction in which it happened."""

from django.db import models
from django.db.models import Func
from django.utils.translation import gettext_lazy as _

from audit.declare import exempt
from audit.models.records import EVIDENCE


class TransactionIdField(models.Field[str, str]):
    """PostgreSQL's `xid8`: the 64-bit transaction id, which is never used twice. Read as text."""

    def db_type(self, connection: object) -> str:
        return "xid8"


@exempt(
    "the raw material of evidence: it becomes a record within a second",
    use=EVIDENCE,
    technical="id xid at source chain tbl op db_user app_name",
    audit="object_pk old new ctx",
)
class Fact(models.Model):
    """One row that changed, one announcement of the signal layer, or one event of the application.

    Written by `audit_row()`, `audit_carry()` and `audit_note()`, taken away by the sequencer. Nothing here is unique
    but the id and nothing is checked: a fact never stops the write it is about. The id follows the order of changes to
    any one row, because it is drawn while that row is locked.
    """

    class Source(models.TextChoices):
        TRIGGER = "t", _("row")
        EXPECTATION = "s", _("announcement")
        APPLICATION = "a", _("event")

    id = models.BigAutoField(primary_key=True)
    xid = TransactionIdField(db_default=Func(function="pg_current_xact_id"))
    at = models.DateTimeField(db_default=Func(function="clock_timestamp"))
    source = models.CharField(max_length=1, choices=Source.choices)
    chain = models.TextField(null=True)
    tbl = models.TextField(null=True)
    op = models.CharField(max_length=1, null=True)
    object_pk = models.TextField(null=True, db_column="pk")
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    ctx = models.TextField(null=True)
    db_user = models.TextField(null=True)
    app_name = models.TextField(null=True)

    class Meta:
        verbose_name = _("fact")
        verbose_name_plural = _("facts")

    def __str__(self) -> str:
        return f"fact {self.id}"
