"""`manage.py audit_seal`: seal everything that was recorded so far into the evidence store."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from audit.commands import AuditedCommand
from audit.keys.backend import KeysUnconfigured
from audit.keys.local import KeystoreBroken
from audit.sealer import seal
from audit.sequencer import sequence


class Command(AuditedCommand):
    """Also makes records of what waits for the sequencer, so that what happened before the command is sealed by it."""

    help = "Seals everything recorded so far into the evidence store, under a signed head for each chain."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        sequence()
        try:
            segments = seal(now=timezone.now())
        except ExceptionGroup as troubles:
            raise CommandError("\n".join(str(trouble) for trouble in troubles.exceptions)) from troubles
        except (KeysUnconfigured, KeystoreBroken) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            rows = [
                {
                    "chain": segment.chain,
                    "first": segment.first,
                    "last": segment.last,
                    "root": bytes(segment.root or b"").hex(),
                }
                for segment in segments
            ]
            self.stdout.write(json.dumps(rows))
            return
        for segment in segments:
            self.stdout.write(f"{segment.chain}: records {segment.first} to {segment.last} sealed")
        if not segments:
            self.stdout.write("Everything was sealed already.")
