"""`manage.py residency_check`: the table a reviewer asks for."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from audit.residency import Verdict
from config.residency import public_faults, verdicts

_COLUMNS = ("endpoint", "setting", "host", "place", "TLS", "verdict")


class Command(BaseCommand):
    """Print where every endpoint lies and whether it may; exit 1 when one may not."""

    help = "Show every endpoint in the settings, where it lies, and whether the declared list allows it."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --json."""
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, json: bool = False, **options: Any) -> None:
        """Judge, print, and exit 0 only when everything holds."""
        try:
            judged = verdicts(settings)
        except ValueError as wrong:
            raise CommandError(str(wrong)) from None
        origin = list(public_faults(settings))
        wrong_sentences = [*origin, *(verdict.sentence for verdict in judged if not verdict.holds)]
        if json:
            self.stdout.write(_as_json(judged, origin=origin))
        else:
            self._table(judged)
            for sentence in wrong_sentences:
                self.stdout.write(f"- {sentence}")
        if wrong_sentences:
            raise SystemExit(1)

    def _table(self, judged: list[Verdict]) -> None:
        rows = [_COLUMNS, *(_row(verdict) for verdict in judged)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
        jurisdictions = ", ".join(settings.JURISDICTIONS)
        self.stdout.write(f"Declared: {jurisdictions}; served at {settings.BASE_URL}")
        for row in rows:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(verdict: Verdict) -> tuple[str, ...]:
    endpoint = verdict.endpoint
    return (
        endpoint.what,
        endpoint.setting,
        endpoint.host or "this machine",
        verdict.place or "not declared",
        endpoint.tls,
        "holds" if verdict.holds else "REFUSED",
    )


def _as_json(judged: list[Verdict], *, origin: list[str]) -> str:
    return json.dumps(
        {
            "jurisdictions": settings.JURISDICTIONS,
            "origin": {"url": settings.BASE_URL, "holds": not origin, "sentences": origin},
            "holds": not origin and all(verdict.holds for verdict in judged),
            "endpoints": [
                {
                    "endpoint": verdict.endpoint.what,
                    "setting": verdict.endpoint.setting,
                    "host": verdict.endpoint.host,
                    "place": verdict.place,
                    "tls": verdict.endpoint.tls,
                    "holds": verdict.holds,
                    "sentence": verdict.sentence,
                }
                for verdict in judged
            ],
        },
        indent=2,
    )
