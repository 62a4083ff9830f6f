"""How far sealing has come: one row for each segment, moved forward a step at a time."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.declare import exempt
from audit.models.records import EVIDENCE


class SegmentState(models.TextChoices):
    """Steps of sealing. Whatever a crash interrupts, the next run takes up at the step the row names."""

    PLANNED = "planned", _("planned")
    """The range is fixed."""
    BUILT = "built", _("built")
    """What will be stored is fixed, by hash."""
    STORED = "stored", _("stored")
    """Payload, leaves and manifest lie in the evidence store. With `checkpoint` filled, the head is signed."""
    SEALED = "sealed", _("sealed")
    """The signed head lies there too."""


@exempt(
    "how far sealing has come: held against the evidence store by every check",
    use=EVIDENCE,
    technical="id chain first last state fence contents root frontier manifest statement checkpoint "
    "planned_at built_at stored_at sealed_at",
)
class Segment(models.Model):
    """A run of records of one chain on its way into the evidence store, or there. See `docs/evidence.md`."""

    chain = models.TextField(_("chain"))
    first = models.BigIntegerField(_("first record"))
    last = models.BigIntegerField(_("last record"))
    state = models.TextField(_("state"), choices=SegmentState.choices, default=SegmentState.PLANNED)
    fence = models.BigIntegerField()
    """The sealer that works on it; one with a lower number has been superseded and changes nothing."""
    contents = models.JSONField(default=dict, blank=True)
    """Hash of each object to be stored, fixed before the first is."""
    root = models.BinaryField(max_length=32, null=True)
    frontier = models.BinaryField(default=b"")
    """The tree after this segment as a compact range: where the next one goes on."""
    manifest = models.TextField(default="", blank=True)
    statement = models.TextField(default="", blank=True)
    checkpoint = models.TextField(_("signed head"), default="", blank=True)
    planned_at = models.DateTimeField()
    built_at = models.DateTimeField(null=True)
    stored_at = models.DateTimeField(null=True)
    sealed_at = models.DateTimeField(_("sealed"), null=True)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        constraints = [
            models.UniqueConstraint(fields=["chain", "first"], name="segment_first_once"),
            models.UniqueConstraint(fields=["chain", "last"], name="segment_last_once"),
            models.UniqueConstraint(fields=["chain"], condition=~Q(state="sealed"), name="segment_one_open"),
            models.CheckConstraint(condition=Q(first__gte=1, last__gte=F("first")), name="segment_is_a_range"),
        ]

    def __str__(self) -> str:
        return f"{self.chain} {self.first}-{self.last}"

    @property
    def size(self) -> int:
        """How many records the chain has after this segment."""
        return self.last
