"""What checks of the evidence found, kept with a signature, so that the next one may begin where the last one ended."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.declare import exempt
from audit.models.records import EVIDENCE


class Kind(models.TextChoices):
    """Who asked for a check."""

    HOURLY = "hourly", _("hourly")
    NIGHTLY = "nightly", _("nightly")
    WEEKLY = "weekly", _("weekly")
    BY_HAND = "by hand", _("by hand")


class Outcome(models.TextChoices):
    """What a report says first."""

    HOLDS = "holds", pgettext_lazy("verification", "holds")
    DOES_NOT_HOLD = "does not hold", _("does not hold")
    NOT_ALL_CHECKED = "not all checked", _("not everything could be checked")


class Level(models.TextChoices):
    """How deep a check went; the sentences are those of `audit.verify.words.LEVELS`."""

    HEADS = "heads", _("heads")
    CONSISTENCY = "consistency", _("consistency")
    SEGMENTS = "segments", _("segments")
    RECORDS = "records", _("records")
    TABLES = "tables", _("tables")


@exempt(
    "the report of a check, signed by itself; each check by the clock is an event of its own in the chain",
    use=EVIDENCE,
    technical="id kind level scope outcome started_at ended_at statement",
    audit="body",
)
class Verification(models.Model):
    """One check. `body` is the report, as JSON, and `statement` the signed note over its SHA-256.

    The other columns repeat what the report says, for lists; whoever relies on a report reads it through
    `audit.verify.kept`, which asks the signature first.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    level = models.CharField(_("how deep"), max_length=12, choices=Level.choices)
    scope = models.TextField(_("chain"), blank=True)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome.choices)
    started_at = models.DateTimeField(_("began"))
    ended_at = models.DateTimeField(_("ended"))
    body = models.TextField(_("report"))
    statement = models.TextField(_("signature"), blank=True)

    class Meta:
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")
        indexes = [models.Index(fields=["kind", "-ended_at"], name="verification_latest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.started_at:%Y-%m-%d %H:%M}"
