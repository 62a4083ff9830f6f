"""`manage.py ropa_export`: the records of processing activities (GDPR Art. 30)."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import models
from django.utils import timezone

from audit import checks
from audit.commands import AuditedCommand
from audit.declare import Declaration, declarations
from audit.ropa import transfers
from audit.ropa.document import build
from audit.ropa.files import FORMATS, write


class Command(AuditedCommand):
    """Write the records of processing of one clinic, or of each clinic, and say what is left to complete."""

    help = "Write the records of processing activities (GDPR Art. 30) that this installation implies."
    requires_system_checks = ()  # it makes the one check that matters, and says it in its own words

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=[*FORMATS, "all"], default="all")
        parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
        parser.add_argument("--clinic", default="", metavar="SLUG", help="one clinic; default: each clinic")
        parser.add_argument("--json", action="store_true", help="print what was written as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        faults = [str(message.msg) for message in checks.classified(None)]
        if faults:
            raise CommandError("The records would not be true: " + "; ".join(faults))
        formats = list(FORMATS) if options["format"] == "all" else [options["format"]]
        report: dict[str, Any] = {"files": [], "to_complete": 0}
        for clinic in _clinics(options["clinic"]):
            document = build(
                declared=_installed(),
                endpoints=transfers.endpoints(),
                clinic=clinic,
                now=timezone.now(),
            )
            stem = f"ropa-{getattr(clinic, 'slug', clinic.pk)}" if clinic is not None else "ropa"
            try:
                written = write(document=document, formats=formats, folder=options["out"], stem=stem)
            except OSError as error:
                raise CommandError(f"{options['out']} cannot be written: {error.strerror}.") from error
            report["files"] += [str(path) for path in written]
            report["to_complete"] += document["to_complete_count"]
        self._tell(report, as_json=options["json"])

    def _tell(self, report: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report))
            return
        for path in report["files"]:
            self.stdout.write(path)
        self.stdout.write(f"To complete by people: {report['to_complete']} places, listed in each file.")


def _installed() -> list[Declaration]:
    return list(declarations().values())


def _clinics(slug: str) -> list[models.Model | None]:
    """The controllers: rows of the model whose own id is its chain. Raises CommandError for an unknown slug."""
    models_of = [d for d in declarations().values() if d.chain_column is not None and d.chain_column == d.pk_column]
    rows: list[models.Model | None] = []
    for declaration in models_of:
        found = declaration.model._base_manager.order_by("pk")
        rows += list(found.filter(slug=slug) if slug else found)
    if slug and not rows:
        raise CommandError(f"No clinic has the address {slug!r}.")
    return rows or [None]
