"""What is written: an entry of thirteen columns, its tags, and a remark that goes with it."""

import os
import uuid
from importlib import import_module
from typing import Any, ClassVar

from django.db import models

RECORDER: Any = import_module(f"tests.bench.recorders.{os.environ.get('RECORDER', 'plain')}")


class Tag(models.Model):
    """A label."""

    objects: ClassVar[models.Manager["Tag"]] = models.Manager()
    name = models.CharField(max_length=40)

    def __str__(self) -> str:
        return self.name


class Entry(models.Model):
    """As wide as an appointment, with a column of every usual type."""

    objects: ClassVar[models.Manager["Entry"]] = models.Manager()
    clinic = models.BigIntegerField(default=7)
    patient = models.UUIDField(default=uuid.uuid4)
    name = models.CharField(max_length=200)
    count = models.IntegerField(default=0)
    price = models.DecimalField(max_digits=12, decimal_places=2, default="1.50")
    starts = models.DateTimeField(default="2030-01-07T08:00:00Z")
    ends = models.DateTimeField(default="2030-01-07T08:30:00Z")
    day = models.DateField(default="2030-01-07")
    status = models.CharField(max_length=16, default="booked")
    urgent = models.BooleanField(default=False)
    extra = models.JSONField(default=dict)
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="children")
    tags = models.ManyToManyField(Tag, blank=True)

    def __str__(self) -> str:
        return self.name


class Remark(models.Model):
    """A child that goes with its entry."""

    objects: ClassVar[models.Manager["Remark"]] = models.Manager()
    entry = models.ForeignKey(Entry, models.CASCADE, related_name="remarks")
    text = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.text


RECORDER.record(Entry, Tag, Remark)
