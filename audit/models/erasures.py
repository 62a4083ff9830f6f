"""Erasures on their way and done: the promise that a started one is finished, whatever dies in between."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from audit.declare import Retention, Use, exempt

ERASURE = Use(
    activity="Answering requests of data subjects",
    purpose="Erase a person's data on request and show that it was done",
    basis="Art. 5(2), 6(1)(c), 17 GDPR",
    recipients=("the data subject", "supervisory authority on request"),
    retention=Retention.REGULATORY,
    duration="until claims about the request lapse, by default 36 months",
    source="the request",
    subjects=("patients", "staff"),
)


@exempt(
    "the state of a running erasure; its end is an event of its own in the chain",
    use=ERASURE,
    technical="id state planned_at done_at",
    audit="reference chain subject_model subject_pk key_ids certificate",
)
class Erasure(models.Model):
    """One erasure of one person: planned in a transaction of its own, then carried out as often as it takes."""

    class State(models.TextChoices):
        PLANNED = "planned"
        DONE = "done"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=64)
    chain = models.CharField(max_length=64)
    subject_model = models.CharField(max_length=100)
    subject_pk = models.CharField(max_length=64)
    key_ids = ArrayField(models.UUIDField(), default=list)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PLANNED)
    certificate = models.JSONField(null=True)
    planned_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reference", "subject_model", "subject_pk"], name="erasure_once_per_request_and_subject"
            )
        ]
        indexes = [models.Index(fields=["state"], name="erasure_by_state")]

    def __str__(self) -> str:
        return f"erasure {self.reference}"
