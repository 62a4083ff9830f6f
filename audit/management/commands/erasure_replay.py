"""`manage.py erasure_replay`: after a restore, or after a crash."""

import json
from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from audit import erasure
from audit.commands import AuditedCommand
from audit.models import Erasure


class Command(AuditedCommand):
    """Finish erasures that were left half-way, and repeat those a restored backup took back."""

    help = "Finish erasures that were left half-way, and repeat those that a restored backup took back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        resumed, replayed = erasure.resume(now=now), erasure.replay(now=now)
        if options["json"]:
            self.stdout.write(json.dumps({"resumed": resumed, "replayed": replayed}))
        elif resumed or replayed:
            self.stdout.write(f"Erasures finished: {resumed}. Erasures repeated after a restore: {replayed}.")
        else:
            self.stdout.write("Nothing to erase again.")
        if not options["json"] and (waiting := Erasure.objects.filter(state=Erasure.State.PLANNED).count()):
            self.stdout.write(f"Erasures that wait until a legal hold is lifted: {waiting}.")
