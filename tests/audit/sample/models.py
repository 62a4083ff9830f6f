"""One model of each kind the evidence treats differently.

Managers are written out because mypy's Django plugin reads the house's settings, which do not install this app.
"""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from audit.declare import PLATFORM, Retention, Use, audited, declare_audited, exempt

USE = Use(
    activity="Tests of the evidence",
    purpose="Show that every change leaves a fact",
    basis="none: only in tests",
    retention=Retention.TRANSACTIONAL,
    duration="one test",
    source="tests",
    subjects=("nobody",),
)


@audited(chain=PLATFORM, use=USE, technical="id name")
class Tag(models.Model):
    """A row of the platform's chain."""

    objects: ClassVar[models.Manager["Tag"]] = models.Manager()
    name = models.CharField(max_length=40)

    def __str__(self) -> str:
        return self.name


@audited(
    chain="clinic",
    use=USE,
    credential="secret",
    digest=("secret",),
    technical="id clinic name count price moment extra parent",
)
class Entry(models.Model):
    """A row of a clinic's chain, with a column of every type that has an image of its own."""

    objects: ClassVar[models.Manager["Entry"]] = models.Manager()
    clinic = models.BigIntegerField(null=True, default=7)
    name = models.CharField(max_length=200)
    count = models.IntegerField(default=0)
    price = models.DecimalField(max_digits=12, decimal_places=2, default="1.50")
    moment = models.DateTimeField(db_default=Now())
    extra = models.JSONField(default=dict)
    secret = models.CharField(max_length=200, blank=True)
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="children")
    tags = models.ManyToManyField(Tag, blank=True)

    def __str__(self) -> str:
        return self.name


declare_audited("sample.Entry.tags", chain=PLATFORM, use=USE, technical="id entry tag")


@audited(chain="clinic_id", appointment="id", use=USE, technical="id clinic_id status recurrence_id occurrence_index")
class Visit(models.Model):
    """An appointment of a series, as the record profile sees one."""

    objects: ClassVar[models.Manager["Visit"]] = models.Manager()
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    clinic_id = models.BigIntegerField()
    status = models.CharField(max_length=16, default="booked")
    recurrence_id = models.DateTimeField(null=True)
    occurrence_index = models.PositiveIntegerField(null=True)

    def __str__(self) -> str:
        return str(self.id)


@audited(chain=PLATFORM, use=USE, technical="id entry text")
class Remark(models.Model):
    """A child that goes with its entry."""

    objects: ClassVar[models.Manager["Remark"]] = models.Manager()
    entry = models.ForeignKey(Entry, models.CASCADE, related_name="remarks")
    text = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.text


@exempt("nothing to prove", use=USE, technical="id text")
class Scratch(models.Model):
    """A row that is no evidence."""

    objects: ClassVar[models.Manager["Scratch"]] = models.Manager()
    text = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.text
