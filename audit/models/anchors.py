"""The time stamps that an authority put on heads of the log of logs."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from audit.declare import exempt


@exempt(
    "which heads an authority stamped: the stamps lie in the evidence store and are held against the heads there",
    technical="size sha256 stamped_at kept_at told",
)
class Anchor(models.Model):
    """A time stamp in the evidence store, over the head of the chain `heads` after `size` records."""

    size = models.BigIntegerField(primary_key=True)
    sha256 = models.CharField(max_length=64)
    """Of the stored response, hex."""
    stamped_at = models.DateTimeField()
    """By the authority's clock."""
    kept_at = models.DateTimeField()
    """By ours."""
    told = models.BooleanField(default=False)
    """Whether a record of the log of logs names it."""

    class Meta:
        verbose_name = _("time stamp")
        verbose_name_plural = _("time stamps")

    def __str__(self) -> str:
        return f"heads {self.size}"
