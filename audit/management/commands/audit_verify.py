"""`manage.py audit_verify`: recompute everything from the evidence store and hold the database against it."""

import json
import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext

from audit.commands import AuditedCommand
from audit.models import Chain
from audit.models.verifications import Kind, Verification
from audit.verify.report import Report
from audit.verify.routine import made
from audit.verify.run import Extent
from audit.verify.words import DEPTH
from audit.verify.workers import can_fork

QUIET_SECONDS: Final = 2.0
_WORTH_A_PROCESS: Final = 20_000
"""Sealed records below which more processes take longer than they save."""


class Command(AuditedCommand):
    """Exit code 0: holds; 1: does not; 2: could not check everything."""

    help = (
        "Checks that the sealed evidence, the records and the tables agree, and names what does not. "
        "Exit code: 0 holds, 1 does not, 2 could not check everything."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
        parser.add_argument("--chain", default="", help="check one chain only: platform, or clinic/<id>")
        parser.add_argument(
            "--level",
            choices=DEPTH,
            default=DEPTH[-1],
            help="how deep: signed heads; that each continues the one before; every sealed record; the records of the "
            "database; the rows of its tables (each includes those before it; the last unless given)",
        )
        parser.add_argument(
            "--since-last",
            action="store_true",
            help="begin behind the last signed head that a kept report of this installation vouches for",
        )
        parser.add_argument(
            "--jobs", type=int, default=0, help="processes (the number of cores, when there is enough to do)"
        )
        parser.add_argument("--report", type=Path, help="write the report here as JSON, and its signature to FILE.note")

    def handle(self, *args: Any, **options: Any) -> None:
        extent = Extent(
            level=options["level"],
            only=options["chain"],
            since_last=options["since_last"],
            jobs=_jobs(options["jobs"]),
        )
        progress = _Progress(self.stderr.write, terminal=self.stderr.isatty())
        report, row = made(Kind.BY_HAND, extent=extent, clock=timezone.now, tell=progress)
        progress.end()
        if options["report"]:
            _write(options["report"], row)
        self._print(report, as_json=options["json"])
        if report.exit_code:
            sys.exit(report.exit_code)

    def _print(self, report: Report, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report.as_json(), indent=1, ensure_ascii=False))
        else:
            self.stdout.write(report.as_text(gettext), ending="")


def _jobs(given: int) -> int:
    if not can_fork():
        return 1
    if given > 0:
        return given
    sealed = Chain.objects.aggregate(records=Sum("sealed_size"))["records"] or 0
    return len(os.sched_getaffinity(0)) if sealed >= _WORTH_A_PROCESS else 1


def _write(path: Path, row: Verification) -> None:
    """The report and its signature, as they are kept. Raises CommandError when they cannot be written."""
    try:
        path.write_text(row.body, encoding="utf-8")
        if row.statement:
            path.with_name(f"{path.name}.note").write_text(row.statement, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error


class _Progress:
    """Says on the error stream what is being looked at, once the work takes longer than two seconds.

    A terminal keeps one line that is written over; anything else gets a line every two seconds.
    """

    def __init__(self, write: Callable[..., object], *, terminal: bool) -> None:
        self._write = write
        self._terminal = terminal
        self._began = self._told = time.monotonic()
        self._shown = False

    def __call__(self, what: str) -> None:
        now = time.monotonic()
        if now - self._began < QUIET_SECONDS or now - self._told < (0.2 if self._shown and self._terminal else 2.0):
            return
        self._told, self._shown = now, True
        line = f"… {what} ({now - self._began:.0f} s)"
        if self._terminal:
            self._write(f"\r\x1b[K{line}", ending="")
        else:
            self._write(line)

    def end(self) -> None:
        """Leave the terminal's line clean."""
        if self._shown and self._terminal:
            self._write("\r\x1b[K", ending="")
