"""What was read lately, so that looking at a page again within minutes is not written again."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from audit.declare import Retention, Use, exempt

READING = Use(
    activity="Recording who looked",
    purpose="Answer a patient who asks who looked at their data, without a record for every reload of a page",
    basis="Art. 6(1)(c), 15, 32 GDPR",
    recipients=("data protection officer",),
    retention=Retention.EPHEMERAL,
    duration="15 minutes of use; the records made from it follow their own class",
    source="Horae",
    subjects=("staff", "patients"),
)


@exempt(
    "remembers for minutes what the read records already say",
    use=READING,
    technical="id actor chain view began_at",
    audit="patients",
)
class ReadWindow(models.Model):
    """Patients (pseudonymous codes) one actor was shown in one view of one chain since `began_at`."""

    actor = models.CharField(max_length=80)
    chain = models.CharField(max_length=80)
    view = models.CharField(max_length=80)
    began_at = models.DateTimeField()
    patients = ArrayField(models.CharField(max_length=12))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["actor", "chain", "view"], name="read_window_once")]

    def __str__(self) -> str:
        return f"{self.actor} {self.view} since {self.began_at:%Y-%m-%d %H:%M}"
