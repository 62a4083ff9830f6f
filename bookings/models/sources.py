"""How often one source of requests did something within a minute: what bounds it."""

from django.db import models

from audit.declare import exempt
from bookings.models.activities import ABUSE


@exempt(
    "counts of a minute, deleted within the hour; what was refused is an event of its own",
    use=ABUSE,
    technical="id what minute count refused",
    contact="source",
)
class SourceCount(models.Model):
    """Requests of one kind from one source (a keyed digest of its address, another every day) in one minute."""

    source = models.CharField(max_length=32)
    what = models.CharField(max_length=16)
    minute = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "what", "minute"], name="source_count_once")]
        indexes = [models.Index(fields=["minute"], name="source_count_by_minute")]

    def __str__(self) -> str:
        return f"{self.what} {self.minute:%Y-%m-%d %H:%M}: {self.count}"
