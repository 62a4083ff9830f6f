"""`manage.py audit_verify`: recompute everything from the evidence store and hold the database against it."""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext

from audit.commands import AuditedCommand
from audit.verify.run import verify

QUIET_SECONDS: Final = 2.0


class Command(AuditedCommand):
    """Exit code 0: holds; 1: does not; 2: could not check everything."""

    help = (
        "Checks that the sealed evidence, the records and the tables agree, and names what does not. "
        "Exit code: 0 holds, 1 does not, 2 could not check everything."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
        parser.add_argument("--chain", default="", help="check one chain only: platform, or clinic/<id>")

    def handle(self, *args: Any, **options: Any) -> None:
        report = verify(now=timezone.now(), only=options["chain"], tell=self._progress())
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=1, ensure_ascii=False))
        else:
            self.stdout.write(report.as_text(gettext), ending="")
        if report.exit_code:
            sys.exit(report.exit_code)

    def _progress(self) -> Callable[[str], None]:
        """Says on the error stream what is being looked at, once the work takes longer than two seconds."""
        told = time.monotonic()

        def tell(what: str) -> None:
            nonlocal told
            if time.monotonic() - told >= QUIET_SECONDS:
                told = time.monotonic()
                self.stderr.write(f"… {what}")

        return tell
