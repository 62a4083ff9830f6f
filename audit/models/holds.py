"""Legal holds: evidence of a matter that nobody removes, however long ago its time ended, until the hold is lifted."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.declare import exempt
from audit.models.records import EVIDENCE


@exempt(
    "placing and lifting are events of their own in the chain; the rest is how far the store has come",
    use=EVIDENCE,
    technical="id chain first last placed_at lifted_at held_through released_at",
    audit="matter reason placed_by lifted_by",
)
class LegalHold(models.Model):
    """A hold on the records `first` to `last` of one chain; without `last`, on whatever comes too.

    `matter` is a reference in the clinic's own files and `reason` says what it is about: neither names a person.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    matter = models.CharField(_("matter"), max_length=64)
    chain = models.CharField(_("chain"), max_length=64)
    first = models.BigIntegerField(_("first record"), default=1)
    last = models.BigIntegerField(_("last record"), null=True)
    reason = models.CharField(_("reason"), max_length=300)
    placed_at = models.DateTimeField(_("placed"))
    placed_by = models.CharField(_("placed by"), max_length=150)
    """The actor's id. Whoever lifts is another one."""
    lifted_at = models.DateTimeField(_("lifted"), null=True)
    lifted_by = models.CharField(_("lifted by"), max_length=150, default="", blank=True)
    held_through = models.BigIntegerField(default=0)
    """Every object of the sealed segments up to this record was put under hold; goes back to 0 as a lifted one ends."""
    released_at = models.DateTimeField(null=True)
    """When a lifted hold had left the last object."""

    class Meta:
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")
        constraints = [
            models.UniqueConstraint(
                fields=["matter", "chain", "first", "last"],
                condition=Q(lifted_at__isnull=True),
                nulls_distinct=False,
                name="legal_hold_stands_once",
            ),
            models.CheckConstraint(
                condition=Q(first__gte=1) & (Q(last__isnull=True) | Q(last__gte=F("first"))),
                name="legal_hold_is_a_range",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lifted_by="") | Q(lifted_at__isnull=False) & ~Q(lifted_by=""),
                name="legal_hold_lifted_by_somebody",
            ),
            models.CheckConstraint(condition=~Q(lifted_by=F("placed_by")), name="legal_hold_lifted_by_another"),
            models.CheckConstraint(
                condition=Q(released_at__isnull=True) | Q(lifted_at__isnull=False),
                name="legal_hold_released_once_lifted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.matter} {self.chain} {self.first}-{self.last or ''}"

    def covers(self, *, first: int, last: int) -> bool:
        """Whether any of the records `first` to `last` is in the range."""
        return self.first <= last and (self.last is None or first <= self.last)
